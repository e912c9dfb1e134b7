"""A search as a stream: signs of life while it lasts, then its winner."""

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from .journey import Journey
from .records import OK
from .spend import Spending
from .wire.openai_answer import write_usage
from .wire.openai_stream import replayed, thinking_aloud
from .wire.sse import comment

if TYPE_CHECKING:
    from .pipeline import Pipeline

KEEP_ALIVE_S = 10.0
"""A search that takes longer sends comments, so that no proxy on the way gives up on it."""


async def stream_search(
    pipeline: "Pipeline", journey: Journey, spending: Spending
) -> AsyncGenerator[bytes, None]:
    """Return the stream of a search, once it has an answer or takes long; raises ApiError until then."""
    search = asyncio.ensure_future(spending.complete())
    try:
        await asyncio.wait((search,), timeout=KEEP_ALIVE_S)
        if search.done():
            search.result()  # an error now still has a status of its own
    except BaseException:
        search.cancel()
        raise
    return _relay(pipeline, journey, spending, search)


async def _relay(
    pipeline: "Pipeline",
    journey: Journey,
    spending: Spending,
    search: "asyncio.Future[dict[str, Any]]",
) -> AsyncGenerator[bytes, None]:
    """Yield signs of life until the search ends, then its winner as a stream."""
    with pipeline.recorded(journey):
        try:
            while not search.done():
                yield _progress(journey, spending)
                await asyncio.wait((search,), timeout=KEEP_ALIVE_S)
            completion = search.result()
            if journey.query.progress:
                completion["id"] = journey.decision_id
        finally:
            search.cancel()
        router = journey.told = spending.router()
        await pipeline.recall.keep(journey.key, completion, router)
    pipeline.end(journey, OK)
    usage = write_usage(spending.ledger.usage)
    for part in replayed(completion, router, usage if journey.query.include_usage else None):
        yield part


def _progress(journey: Journey, spending: Spending) -> bytes:
    """Return a sign of life of a search: a comment, or reasoning for a client that wants to see it."""
    solve = spending.solve
    text = "search" if solve is None else solve.progress
    if not journey.query.progress:
        return comment(text)
    return thinking_aloud(journey.decision_id, 0, text + "\n")
