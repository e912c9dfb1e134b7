"""A process that leads and follows flights, as tests need it."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from router.cache.flight import Flight
from router.cache.flights import Flights
from router.cache.leases import Leases
from router.cache.redis_store import RedisStore
from router.cache.store import NullStore
from router.reply import Reply

RECORD = "tt:{a.b}:flight:..."
WHOLE = {"choices": [{"index": 0, "message": {"content": "42"}, "finish_reason": "stop"}]}
TOLD = {"tier": "long", "strategy": "single"}


class Process:
    """What one process knows of flights."""

    def __init__(self, store: RedisStore | NullStore) -> None:
        self.store = store
        self.leases = Leases(store, ttl_s=60)
        self.flights = Flights(self.leases, patience_s=20)
        self.calls = 0

    async def board(self, lost: Flight | None = None) -> tuple[Flight, bool]:
        return await self.flights.board(RECORD, lost)

    def launch(
        self, flight: Flight, *, parts: int = 3, step_s: float = 0.01, ends: Any = None
    ) -> None:
        """Lead: say some parts, then land or fail."""
        self.calls += 1

        async def say() -> AsyncGenerator[bytes, None]:
            for i in range(parts):
                await asyncio.sleep(step_s)
                yield b"data: %d\n\n" % i
            if ends is not None:
                raise ends
            flight.land(WHOLE, TOLD)
            yield b"data: closing\n\n"

        async def lead() -> Reply:
            return Reply(200, [], stream=say())

        self.flights.launch(flight, lead, lambda: TOLD)


@asynccontextmanager
async def process(url: str) -> AsyncIterator[Process]:
    store = RedisStore(url, secret=b"s" * 32, clock=time.monotonic)
    await store.ready()
    made = Process(store)
    try:
        yield made
    finally:
        await made.flights.close()
        await store.close()


async def heard(flight: Flight) -> bytes:
    return b"".join([part async for part in flight.live(5.0)])


SAID = b"data: 0\n\ndata: 1\n\ndata: 2\n\n"
