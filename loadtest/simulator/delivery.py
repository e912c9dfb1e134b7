"""Says one answer over HTTP, streamed or whole, at a pace, counting what is generated, with the faults asked for."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.types import Send

from loadtest.simulator.faults import Fault
from loadtest.simulator.reasoner import Channel, Token
from loadtest.simulator.stats import Stats
from loadtest.simulator.tools import ToolCall, add_pieces
from loadtest.simulator.wire import Bill, Head, stop_reason

Logprobs = list[dict[str, Any]]
"""Entries of some tokens, in OpenAI's shape."""

_WHOLE_GROUP_TOKENS = 32
_FOREVER_PAUSE_S = (
    0.0005  # also without delays: a thinker without end must leave the processor to others
)
_DIES_AFTER_CHUNKS = 4
_JSON = (b"content-type", b"application/json")
_SSE = ((b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache"))


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast tokens come.

    Attributes:
        token_s: Seconds per token; 0 for as fast as possible.
        first_token_s: Seconds before the first one.
        chunk_tokens: Tokens per event of a stream, at most.
        slow_first_s: `first_token_s` under the fault `slow-first`.
    """

    token_s: float
    first_token_s: float
    chunk_tokens: int = 4
    slow_first_s: float = 3.0


@dataclass(frozen=True, slots=True)
class Script:
    """What is to be said.

    Attributes:
        model: Base name, the key of the statistics.
        choices: One per sample: its tokens, then its finish reason as the last item.
        bill: Filled as tokens are generated, unless `is_bill_fixed` (replay).
    """

    model: str
    choices: tuple[Iterator[Token | str], ...]
    bill: Bill
    is_bill_fixed: bool
    faults: frozenset[Fault]


class _ClientGoneError(Exception):
    """The client closed the connection before the end."""


class Delivery:
    """The saying of one script to one client."""

    def __init__(
        self, script: Script, head: Head, pace: Pace, stats: Stats, send: Send, gone: asyncio.Event
    ) -> None:
        self._script = script
        self._head = head
        self._pace = pace
        self._stats = stats
        self._send = send
        self._gone = gone
        self._finish = "stop"
        self._stopped_by = ""

    async def run(self, *, stream: bool) -> None:
        """Say it; returns early, with what was generated counted, when the client leaves or the fault is to die."""
        self._stats.open += 1
        try:
            await (self._stream() if stream else self._whole())
            if self._gone.is_set():
                self._stats.cancelled[self._script.model] += 1
        except _ClientGoneError:
            self._stats.cancelled[self._script.model] += 1
        finally:
            self._stats.open -= 1
        if self._script.is_bill_fixed:
            self._stats.tokens[self._script.model] += self._script.bill.completion_tokens
            self._stats.reasoning_tokens[self._script.model] += self._script.bill.reasoning_tokens

    async def _stream(self) -> None:
        faults = self._script.faults
        await self._start(200, _SSE)
        n_chunks = 0
        for index, tokens in enumerate(self._script.choices):
            await self._pause(self._first_token_s())
            content = None if Fault.NULL_CONTENT in faults else ""
            await self._event(
                self._head.chunk({"role": "assistant", "content": content}, index=index)
            )
            async for delta, said in self._deltas(tokens, self._pace.chunk_tokens):
                await self._event(self._head.chunk(delta, index=index, logprobs=said))
                n_chunks += 1
                if Fault.DIE in faults and n_chunks == _DIES_AFTER_CHUNKS:
                    return
                if Fault.BAD_SSE in faults and n_chunks == 2:
                    await self._event(b'data: {"choices": [{"delta": {"content": "brok\n\n')
            if Fault.NO_FINISH not in faults:
                await self._event(
                    self._head.chunk({}, self._finish, index, stopped_by=self._stopped_by)
                )
        if Fault.NO_FINISH not in faults:
            if self._head.include_usage and Fault.NO_USAGE not in faults:
                await self._event(self._head.usage_chunk(self._script.bill))
            await self._event(b"data: [DONE]\n\n")
        await self._send({"type": "http.response.body", "body": b""})

    async def _whole(self) -> None:
        faults = self._script.faults
        choices: list[dict[str, Any]] = []
        await self._pause(self._first_token_s())
        for index, tokens in enumerate(self._script.choices):
            message: dict[str, Any] = {"role": "assistant", "content": None}
            logprobs: Logprobs = []
            async for delta, said in self._deltas(tokens, _WHOLE_GROUP_TOKENS):
                for field, text in delta.items():
                    if field == Channel.TOOL.value:
                        add_pieces(message, text)
                    else:
                        message[field] = (message.get(field) or "") + text
                logprobs += said
            if Fault.NULL_CONTENT not in faults and "tool_calls" not in message:
                message["content"] = message["content"] or ""
            finish = None if Fault.NO_FINISH in faults else self._finish
            choices.append(
                {
                    "index": index,
                    "message": message,
                    "finish_reason": finish,
                    "logprobs": {"content": logprobs} if logprobs else None,
                }
                | stop_reason(self._stopped_by)
            )
        body = self._head.whole(choices, None if Fault.NO_USAGE in faults else self._script.bill)
        if Fault.DIE in faults:
            await self._start(200, (_JSON, (b"content-length", str(len(body)).encode())))
            await self._event(body[: len(body) // 2])
            return
        await self._start(200, (_JSON, (b"content-length", str(len(body)).encode())))
        await self._send({"type": "http.response.body", "body": body})

    async def _deltas(
        self, tokens: Iterator[Token | str], group_tokens: int
    ) -> AsyncIterator[tuple[dict[str, Any], Logprobs]]:
        """Yield the deltas of one choice, reasoning placed where the faults say, and the logprobs of each."""
        faults = self._script.faults
        in_content = bool(faults & {Fault.TAGS, Fault.TAGS_UNOPENED})
        field = "reasoning" if Fault.REASONING_FIELD in faults else "reasoning_content"
        before: Channel | None = None
        call: ToolCall | None = None
        async for channel, group in self._groups(tokens, group_tokens):
            text = "".join(token.text for token in group)
            said = [token.logprobs for token in group if token.logprobs is not None]
            if (called := group[0].call) is not None:
                if called != call:
                    yield {"tool_calls": [called.opening()]}, []
                yield {"tool_calls": [called.piece(text)]}, said
                call = called
            elif channel is Channel.CONTENT:
                if in_content and before is Channel.REASONING:
                    yield {"content": "</th"}, []
                    yield {"content": "ink>\n\n"}, []
                if Fault.NULL_CONTENT not in faults:
                    yield {"content": text}, said
            elif in_content:
                if before is None and Fault.TAGS in faults:
                    yield {"content": "<thi"}, []
                    yield {"content": "nk>\n"}, []
                yield {"content": text}, said
            else:
                yield {field: text}, said
            before = channel

    async def _groups(
        self, tokens: Iterator[Token | str], group_tokens: int
    ) -> AsyncIterator[tuple[Channel, list[Token]]]:
        """Yield runs of up to `group_tokens` tokens of one channel, when their time has come; counts each token."""
        group: list[Token] = []
        channel = Channel.CONTENT
        for token in tokens:
            follows_on = isinstance(token, Token) and token.channel is channel
            follows_on = follows_on and channel is not Channel.TOOL
            if group and (not follows_on or len(group) == group_tokens):
                await self._pause(len(group) * self._pace.token_s)
                self._count(channel, len(group))
                yield channel, group
                group = []
            if isinstance(token, str):
                self._finish, _, self._stopped_by = token.partition(":")
                return
            channel = token.channel
            group.append(token)

    def _count(self, channel: Channel, n_tokens: int) -> None:
        if self._script.is_bill_fixed:
            return
        self._script.bill.completion_tokens += n_tokens
        self._stats.tokens[self._script.model] += n_tokens
        if channel is Channel.REASONING:
            self._script.bill.reasoning_tokens += n_tokens
            self._stats.reasoning_tokens[self._script.model] += n_tokens

    def _first_token_s(self) -> float:
        return (
            self._pace.slow_first_s
            if Fault.SLOW_FIRST in self._script.faults
            else self._pace.first_token_s
        )

    async def _pause(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            _ClientGoneError: If the client has left, unless the fault is to generate on.
        """
        if Fault.FOREVER in self._script.faults:
            seconds = max(seconds, _FOREVER_PAUSE_S)
        if seconds > 0.05 and Fault.KEEP_GENERATING not in self._script.faults:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._gone.wait(), seconds)
        else:
            await asyncio.sleep(seconds)
        if self._gone.is_set() and Fault.KEEP_GENERATING not in self._script.faults:
            raise _ClientGoneError

    async def _start(self, status: int, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        await self._send(
            {"type": "http.response.start", "status": status, "headers": list(headers)}
        )

    async def _event(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
