"""What goes into the SDK and what comes out of it, as far as it needs no ``openai`` package."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import orjson

from policies.types import Query

from .bootstrap import Runtime
from .journey import Journey
from .reply import Reply
from .wire.openai_request import parse_chat
from .wire.sse import DONE, Splitter

if TYPE_CHECKING:
    from .sdk_types import Chunk

Messages = str | Iterable[Any]
"""One question, or messages: mappings, or objects of the official client (an earlier answer's ``message``)."""


@dataclass(frozen=True, slots=True)
class RouteDecision:
    """Where a query would go, and why; the fields are those of ``POST /v1/route``."""

    decision_id: str
    tier: str
    model: str
    strategy: str
    n: int
    cause: str
    reason: str
    policy: str
    dial: float
    difficulty: float | None
    p_solve: dict[str, float]
    expected: dict[str, dict[str, float]]
    thinking_budget: int | None
    max_total_tokens: int | None
    score: dict[str, Any] | None
    explanation: list[dict[str, Any]]
    what_if: list[dict[str, str]]
    strategies: list[str]


class Stream:
    """The chunks of an answer, as they come. Left unread, it stops the upstream calls when it is closed or forgotten.

    Attributes:
        decision_id: What `Router.feedback` refers to.
    """

    def __init__(
        self, decision_id: str, first: "Chunk", rest: AsyncGenerator["Chunk", None]
    ) -> None:
        self.decision_id = decision_id
        self._first: Chunk | None = first
        self._rest = rest

    def __aiter__(self) -> AsyncIterator["Chunk"]:
        return self

    async def __anext__(self) -> "Chunk":
        if (first := self._first) is not None:
            self._first = None
            return first
        return await anext(self._rest)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop; what was not sent yet is not asked for. Safe to call twice."""
        self._first = None
        await self._rest.aclose()


def query_of(body: dict[str, Any]) -> Query:
    """Return a request as the pipeline takes it; raises InvalidRequestError."""
    messages = body["messages"]
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    elif isinstance(messages, Iterable):
        messages = [_as_mapping(message) for message in messages]
    return parse_chat({**body, "messages": messages}, {})


def _as_mapping(message: Any) -> Any:
    """Return a message as JSON has it; those that an answer holds are objects of the official client."""
    dump = getattr(message, "model_dump", None)
    return message if dump is None else dump(exclude_none=True)


async def chunks_of(
    runtime: Runtime, journey: Journey, reply: Reply
) -> AsyncGenerator["Chunk", None]:
    """Yield the chunks of a reply: of its stream, or of a stored answer that is whole."""
    from .sdk_types import chunk_of  # noqa: PLC0415 - loaded when the router was opened

    splitter = Splitter()
    try:
        async with aclosing(reply.stream or _whole(reply.body)) as parts:
            async for part in parts:
                for payload in splitter.feed(part):
                    if payload != DONE:
                        yield chunk_of(orjson.loads(payload), journey.decision_id)
    finally:
        await journey.settle(runtime.pipeline.pacing, runtime.pipeline.sessions)


async def _whole(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body
