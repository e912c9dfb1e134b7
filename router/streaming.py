"""A search as a stream: signs of life while it lasts, then its winner."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any
from weakref import finalize

from .journey import Journey
from .records import OK
from .spend import Spending
from .wire.openai_answer import write_usage
from .wire.openai_stream import replayed, thinking_aloud
from .wire.sse import comment

if TYPE_CHECKING:
    from .pipeline import Pipeline

LOOK_S = 1.0
"""How often a client that wants to see progress is told, if there is any."""

_wall = time.time  # noqa: TID251 - the edge: clients are told when an answer was made


async def stream_search(
    pipeline: "Pipeline", journey: Journey, spending: Spending
) -> AsyncGenerator[bytes, None]:
    """Return the stream of a search, once it has an answer or takes long; raises ApiError until then."""
    search = asyncio.ensure_future(spending.complete())
    shown = Shown(pipeline, journey, spending)
    try:
        await asyncio.wait((search,), timeout=shown.every_s)
        if search.done():
            search.result()  # an error now still has a status of its own
    except BaseException:
        await _end(search)
        raise
    stream = _relay(shown, search)
    finalize(stream, search.cancel)  # a generator that was never started runs no code at its end
    return stream


class Shown:
    """What a client sees of a search while it lasts: comments, or reasoning if it wants to see progress.

    Attributes:
        pipeline: Whose request it is.
        journey: The request.
        spending: Its search.
        every_s: Seconds between two signs of life.
        created: When the stream began, in seconds since the epoch.
        said: The last progress shown as reasoning; empty if none was.
    """

    def __init__(self, pipeline: "Pipeline", journey: Journey, spending: Spending) -> None:
        self.pipeline = pipeline
        self.journey = journey
        self.spending = spending
        longest_s = pipeline.keep_alive_s
        self.every_s = min(LOOK_S, longest_s) if journey.query.progress else longest_s
        self.created = int(_wall())
        self.said = ""

    def sign(self) -> bytes:
        """Return a sign of life."""
        solve = self.spending.solve
        text = "search" if solve is None else solve.progress
        if not self.journey.query.progress or text == self.said:
            return comment(text)
        begins, self.said = not self.said, text
        return thinking_aloud(self.journey.decision_id, self.created, f"{text}\n", begins=begins)


async def _relay(
    shown: Shown, search: "asyncio.Future[dict[str, Any]]"
) -> AsyncGenerator[bytes, None]:
    """Yield signs of life until the search ends, then its winner as a stream."""
    pipeline, journey, spending = shown.pipeline, shown.journey, shown.spending
    with pipeline.recorded(journey):
        try:
            while not search.done():
                yield shown.sign()
                await asyncio.wait((search,), timeout=shown.every_s)
            completion = search.result()
        finally:
            await _end(search)
        router = journey.told = spending.router()
        await pipeline.recall.keep(journey.key, completion, router)
    pipeline.end(journey, OK)
    if shown.said:  # one stream has one head
        completion |= {"id": journey.decision_id, "created": shown.created}
    usage = write_usage(spending.ledger.usage) if journey.query.include_usage else None
    for part in replayed(completion, router, usage, begun=bool(shown.said)):
        yield part


async def _end(search: "asyncio.Future[dict[str, Any]]") -> None:
    """End a search that nobody waits for, and see all its calls closed and paid."""
    search.cancel()
    await asyncio.wait((search,))
    if not search.cancelled():
        search.exception()  # seen: who wanted to know has been told, or has gone
