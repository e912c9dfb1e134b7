"""Anthropic Messages, streamed: the chunks of a chat stream to named events. Pure.

The order is Anthropic's: ``message_start``, then each content block from start over deltas to stop, then
``message_delta`` with the stop reason and the usage, then ``message_stop``. The ``event:`` names matter: without
them the official client sees nothing.
"""

from collections.abc import Collection, Mapping
from typing import Any

import orjson

from policies.tokens import prompt_tokens
from policies.types import Query
from router.errors import ApiError

from .anthropic_answer import (
    error_body,
    head,
    is_claude,
    noted,
    shows_thinking,
    stop,
    tool_use,
    write_usage,
)

NO_USAGE = {
    "prompt_tokens": 0,
    "completion_tokens": 0,
    "prompt_tokens_details": {"cached_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0},
}


class MessageEvents:
    """Renders one stream.

    Attributes:
        query: What was asked.
    """

    def __init__(self, query: Query) -> None:
        self.query = query
        self._shows = shows_thinking(query)
        self._signs = False
        self._head: dict[str, Any] | None = None
        self._blocks = 0
        self._open: dict[str, int] = {}  # blocks not yet stopped: kind, or a tool call's, to index
        self._calls: dict[int, str] = {}  # arguments so far, by the call's index in the chat stream
        self._choice: dict[str, Any] = {}
        self._refused = False
        self._usage: Mapping[str, Any] = NO_USAGE
        self._router: Mapping[str, Any] = {}

    def feed(self, chunk: dict[str, Any]) -> bytes:
        """Return the events for one chunk."""
        out = self._begin(chunk)
        self._signs |= is_claude(chunk.get("model"))
        self._usage = chunk.get("usage") or self._usage
        self._router = chunk.get("router") or self._router
        for choice in chunk.get("choices") or ():
            out += self._said(choice.get("delta") or {})
            if choice.get("finish_reason"):
                self._choice = choice
        return out

    def end(self) -> bytes:
        """Return the end: what is open is closed, and the message gets its reason and usage."""
        called = bool(self._calls)
        delta = stop(self._choice, self.query, called=called, refused=self._refused)
        last = {
            "type": "message_delta",
            "delta": delta,
            "usage": write_usage(self._usage),
            "router": noted(self._router, self.query),
        }
        return self._begin({}) + self._close() + _event(last) + _event({"type": "message_stop"})

    def comment(self, text: bytes) -> bytes:
        """Return Anthropic's own sign of life."""
        return _event({"type": "ping"})

    def fail(self, error: ApiError) -> bytes:
        """Return the event of an error."""
        return _event(error_body(error))

    def _begin(self, chunk: Mapping[str, Any]) -> bytes:
        """Return the first event, before anything else; its input tokens are our estimate."""
        if self._head is not None:
            return b""
        self._head = head(chunk)
        self._head["model"] = self._head["model"] or self.query.model  # a search that thinks aloud
        usage = write_usage(NO_USAGE) | {"input_tokens": prompt_tokens(self.query.body["messages"])}
        nothing: dict[str, Any] = {"content": [], "stop_reason": None, "stop_sequence": None}
        return _event({"type": "message_start", "message": self._head | nothing | {"usage": usage}})

    def _said(self, delta: Mapping[str, Any]) -> bytes:
        out = self._thought(delta) if self._shows else b""
        for name in ("content", "refusal"):
            if text := delta.get(name):
                self._refused |= name == "refusal"
                out += self._delta("text", {"type": "text_delta", "text": text})
        for call in delta.get("tool_calls") or ():
            out += self._called(call)
        return out

    def _thought(self, delta: Mapping[str, Any]) -> bytes:
        """Return reasoning, and what Claude itself signed it with."""
        out = b""
        if text := delta.get("reasoning_content"):
            out += self._delta("thinking", {"type": "thinking_delta", "thinking": text})
        for block in (delta.get("thinking_blocks") or ()) if self._signs else ():
            if block.get("type") == "redacted_thinking":
                out += self._close() + self._start("redacted", block) + self._close()
            elif signature := block.get("signature"):
                signed = {"type": "signature_delta", "signature": signature}
                out += self._delta("thinking", signed) + self._close()
        return out

    def _called(self, call: Mapping[str, Any]) -> bytes:
        """Return a piece of a tool call.

        Calls come one after another, or in turns: a call is stopped when another begins and its arguments are whole.
        """
        number = call.get("index", 0)
        kind, out = f"call {number}", b""
        if number not in self._calls:
            self._calls[number] = ""
            out += self._close(but={f"call {n}" for n in self._calls if not self._whole(n)})
            out += self._start(kind, tool_use(call, number))
        piece = (call.get("function") or {}).get("arguments")
        if piece and kind in self._open:
            self._calls[number] += piece
            delta = {"type": "input_json_delta", "partial_json": piece}
            out += _event(
                {"type": "content_block_delta", "index": self._open[kind], "delta": delta}
            )
        return out

    def _whole(self, number: int) -> bool:
        try:
            orjson.loads(self._calls[number])
        except orjson.JSONDecodeError:
            return False
        return True

    def _delta(self, kind: str, delta: dict[str, Any]) -> bytes:
        """Return a delta of a text or a thinking block, which is begun where none is open."""
        out = b""
        if kind not in self._open:
            empty = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}}[kind]
            out = self._close() + self._start(kind, {"type": kind, **empty})
        index = self._open[kind]
        return out + _event({"type": "content_block_delta", "index": index, "delta": delta})

    def _start(self, kind: str, block: Mapping[str, Any]) -> bytes:
        self._open[kind] = index = self._blocks
        self._blocks += 1
        return _event({"type": "content_block_start", "index": index, "content_block": block})

    def _close(self, but: Collection[str] = ()) -> bytes:
        """Return the stops of what is open, but for ``but``."""
        closing = [kind for kind in self._open if kind not in but]
        stops = [{"type": "content_block_stop", "index": self._open.pop(kind)} for kind in closing]
        return b"".join(map(_event, stops))


def _event(event: Mapping[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (event["type"].encode(), orjson.dumps(event))
