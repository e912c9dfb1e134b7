"""The server's allowance, kept by several replicas on a real Valkey, and by each alone."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from policies.routing.paced import Allowance
from router.cache.redis_store import RedisStore
from router.cache.store import NullStore
from router.errors import BudgetExceededError
from router.pacing import Pacing

NOON = 1_750_000_000.0 // 3600 * 3600 + 600
HOUR = Allowance(1.0, 3600.0)


class Wall:
    """A calendar that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def store(short_server: dict[str, Any]) -> AsyncIterator[RedisStore]:
    opened = RedisStore(short_server["url"], secret=b"s" * 32, clock=time.monotonic)
    assert await opened.ready()
    yield opened
    await opened.close()


async def serve(pacing: Pacing, booked: float, spent: float) -> bool:
    """Take one request through an allowance; return whether it was let in."""
    try:
        booking = await pacing.reserve(booked)
    except BudgetExceededError:
        return False
    await asyncio.sleep(0)
    await pacing.settle(booking, usd=spent, tokens=0)
    return True


async def test_replicas_share_one_allowance_and_pass_it_by_one_request_each_at_most(
    store: RedisStore,
) -> None:
    wall, rng = Wall(), random.Random(0)
    replicas = [Pacing(store, wall, HOUR, replicas=3) for _ in range(3)]
    total, largest = 0.0, 0.0
    for _ in range(60):
        costs = [rng.uniform(0.005, 0.02) for _ in replicas]
        largest = max(largest, *costs)
        calls = zip(replicas, costs, strict=True)
        let_in = await asyncio.gather(*(serve(each, cost, cost) for each, cost in calls))
        total += sum(cost for cost, held in zip(costs, let_in, strict=True) if held)
        wall.now += 30
    assert 1.0 <= total <= 1.0 + 3 * largest
    assert not any(let_in)


async def test_what_was_booked_too_much_comes_back(store: RedisStore) -> None:
    pacing = Pacing(store, Wall(), HOUR)
    for _ in range(50):
        assert await serve(pacing, 0.5, 0.01)
    assert pacing.purse().left == pytest.approx(0.99 - 0.5)


async def test_a_new_window_starts_with_nothing_spent_and_the_price_so_far(
    store: RedisStore,
) -> None:
    wall = Wall()
    pacing = Pacing(store, wall, HOUR)
    while await serve(pacing, 0.1, 0.1):
        wall.now += 1
    price = pacing.purse().price
    assert price > 0
    with pytest.raises(BudgetExceededError, match=r"spent its \$1 per 1 h \(UTC\)") as refused:
        await pacing.reserve(0.1)
    assert 0 < (refused.value.retry_after_s or 0) <= 3600
    wall.now += 3600
    assert pacing.purse().price == price
    assert await serve(pacing, 0.1, 0.1)


async def test_alone_each_replica_keeps_to_its_part() -> None:
    wall = Wall()
    totals = []
    for _ in range(2):
        pacing, total = Pacing(NullStore(), wall, HOUR, replicas=2), 0.0
        while await serve(pacing, 0.03, 0.03):
            total += 0.03
        totals.append(total)
    assert all(0.5 <= total <= 0.5 + 0.03 for total in totals)


async def test_a_counter_that_is_lost_and_found_forgets_nothing(
    store: RedisStore, short_server: dict[str, Any]
) -> None:
    wall = Wall()
    pacing = Pacing(store, wall, HOUR, replicas=2)
    assert await serve(pacing, 0.2, 0.2)
    short_server["server"].stop()
    total = 0.2
    while await serve(pacing, 0.05, 0.05):
        total += 0.05
    assert total <= 0.2 + 0.4 + 0.05 + 1e-9, "its half of what was left, and one request"


async def test_tokens_are_counted_where_the_allowance_is_in_tokens() -> None:
    pacing = Pacing(NullStore(), Wall(), Allowance(1000, 3600, "tokens"))
    booking = await pacing.reserve(100)
    await pacing.settle(booking, usd=3.0, tokens=400)
    assert (pacing.purse().left, pacing.purse().unit) == (590, "tokens")
