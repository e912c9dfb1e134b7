"""How an API speaks: its requests become Queries, and what the pipeline answers becomes its replies.

The pipeline speaks OpenAI chat completions. A surface that speaks something else translates on the way in and out; it
decides nothing. The translations themselves are pure and live in ``router/wire``.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Protocol

import orjson

from policies.types import Query

from .errors import ApiError
from .reply import Reply, error_event
from .wire.completions import CompletionsRenderer, parse_completions, render_completion
from .wire.openai_request import parse_chat
from .wire.sse import DONE, Splitter, comment


class Parse(Protocol):
    """From a request's JSON to a Query; raises InvalidRequestError."""

    def __call__(
        self,
        body: Any,
        overrides: Mapping[str, str],
        *,
        tenant: str,
        tiers: tuple[str, ...] | None,
    ) -> Query:
        """Return the query.

        Args:
            body: The parsed body.
            overrides: ``x-router-*`` headers, without the prefix.
            tenant: Whose cache entries and allowances are used.
            tiers: Tiers the client's key may use; ``None`` is all.
        """


class Renderer(Protocol):
    """Turns the chunks of one stream into events of another."""

    def feed(self, chunk: dict[str, Any]) -> bytes:
        """Return the events for one chat chunk, framed; empty if it says nothing new."""

    def end(self) -> bytes:
        """Return the last events, framed."""

    def comment(self, text: bytes) -> bytes:
        """Return a sign of life in place of a comment; ``text`` is the comment, framed."""

    def fail(self, error: ApiError) -> bytes:
        """Return the event that tells of an error in the middle of the stream."""


@dataclass(frozen=True, slots=True)
class Surface:
    """One API.

    Attributes:
        parse: Reads a request.
        render: From a whole chat completion, with ``usage`` and ``router``, to the reply's JSON; ``None`` leaves it.
        renderer: Makes what translates a stream; ``None`` leaves it as it is.
        error: From an error to the body that tells of it.
        begin: From a request's body and its tenant to how this very request is spoken; ``None`` is as all others.
        keep: Called before each part of a reply goes out: keeps the reply as soon as it is whole.
    """

    parse: Parse = parse_chat
    render: Callable[[dict[str, Any], Query], dict[str, Any]] | None = None
    renderer: Callable[[Query], Renderer] | None = None
    error: Callable[[ApiError], dict[str, Any]] = ApiError.body
    begin: "Callable[[Any, str], Awaitable[Surface]] | None" = None
    keep: Callable[[], Awaitable[None]] | None = None

    def translate(self, reply: Reply, query: Query) -> Reply:
        """Return the pipeline's reply as this API's clients expect it."""
        if query.dry_run or reply.status != 200:  # noqa: PLR2004
            return reply
        if reply.stream is not None and self.renderer is not None:
            return replace(reply, stream=_translated(reply.stream, self.renderer(query)))
        if self.renderer is not None and query.stream:  # a stored answer, replayed in one piece
            return replace(reply, body=_replayed(reply.body, self.renderer(query)))
        if self.render is not None:
            body = orjson.dumps(self.render(orjson.loads(reply.body), query))
            return replace(reply, body=body)
        return reply

    async def kept(self, reply: Reply) -> Reply:
        """Return a translated reply, which is kept before the client knows that it is whole."""
        if self.keep is None:
            return reply
        if reply.stream is not None:
            return replace(reply, stream=_kept(reply.stream, self.keep))
        await self.keep()
        return reply

    def sign_of_life(self, query: Query) -> bytes:
        """Return what keeps the connection of a silent stream alive."""
        said = comment("waiting")
        return said if self.renderer is None else self.renderer(query).comment(said)

    def error_event(self, error: ApiError, query: Query | None) -> bytes:
        """Return an error as an event, for a stream whose status is already out."""
        if self.renderer is None or query is None:
            return error_event(error)
        return self.renderer(query).fail(error)


CHAT = Surface()
"""OpenAI chat completions: what the pipeline speaks anyway."""

COMPLETIONS = Surface(parse_completions, render_completion, CompletionsRenderer)
"""OpenAI's legacy completions."""


async def _translated(
    stream: AsyncGenerator[bytes, None], renderer: Renderer
) -> AsyncGenerator[bytes, None]:
    splitter = Splitter()
    async with aclosing(stream) as parts:
        async for part in parts:
            out = renderer.comment(part) if part[:1] == b":" else _events(splitter, part, renderer)
            if out:
                yield out


async def _kept(
    stream: AsyncGenerator[bytes, None], keep: Callable[[], Awaitable[None]]
) -> AsyncGenerator[bytes, None]:
    async with aclosing(stream) as parts:
        async for part in parts:
            await keep()
            yield part


def _replayed(body: bytes, renderer: Renderer) -> bytes:
    return _events(Splitter(), body, renderer)


def _events(splitter: Splitter, part: bytes, renderer: Renderer) -> bytes:
    out = [
        renderer.end() if payload == DONE else renderer.feed(orjson.loads(payload))
        for payload in splitter.feed(part)
    ]
    return b"".join(out)
