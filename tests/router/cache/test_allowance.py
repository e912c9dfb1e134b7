"""What a key may use, counted on a real Valkey and without one."""

import time
from collections.abc import AsyncIterator

import pytest

from router.allowance import Allowances
from router.cache.redis_store import RedisStore
from router.cache.store import NullStore, Store
from router.errors import BudgetExceededError, RateLimitedError
from router.identity import Identity

NOON = 1_750_000_020.0
MINUTE, DAY = 60.0, 86400.0


class Wall:
    """A calendar that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def store(valkey: str) -> AsyncIterator[RedisStore]:
    opened = RedisStore(valkey, secret=b"s" * 32, clock=time.monotonic)
    assert await opened.ready()
    yield opened
    await opened.close()


@pytest.fixture(params=["shared", "alone"])
async def counted_in(request: pytest.FixtureRequest, store: RedisStore) -> Store:
    return store if request.param == "shared" else NullStore()


def identity(name: str, *, per_minute: int | None = None, usd: float | None = None) -> Identity:
    return Identity("team", None, name, per_minute, usd)


async def test_the_request_after_the_last_of_a_minute_is_refused(counted_in: Store) -> None:
    wall = Wall()
    allowances = Allowances(counted_in, wall)
    team = identity("a", per_minute=2)
    await allowances.admit(team)
    await allowances.admit(team)
    with pytest.raises(RateLimitedError, match="2 requests per minute") as refused:
        await allowances.admit(team)
    assert 0 < (refused.value.retry_after_s or 0) <= MINUTE
    wall.now += MINUTE
    await allowances.admit(team)


async def test_a_key_that_has_spent_its_dollars_is_refused_until_tomorrow(
    counted_in: Store,
) -> None:
    wall = Wall()
    allowances = Allowances(counted_in, wall)
    team = identity("b", usd=0.01)
    await allowances.admit(team)
    await allowances.charge(team, 0.02)
    with pytest.raises(BudgetExceededError, match=r"\$0\.0200 of its \$0\.01"):
        await allowances.admit(team)
    wall.now += DAY
    await allowances.admit(team)


async def test_keys_are_counted_apart(counted_in: Store) -> None:
    allowances = Allowances(counted_in, Wall())
    await allowances.charge(identity("c", usd=0.01), 1.0)
    await allowances.admit(identity("d", usd=0.01))


async def test_a_key_without_limits_is_never_refused(counted_in: Store) -> None:
    allowances = Allowances(counted_in, Wall())
    for _ in range(5):
        await allowances.admit(identity("e"))
        await allowances.charge(identity("e"), 100.0)


async def test_replicas_share_their_counters(store: Store) -> None:
    one, other = Allowances(store, Wall()), Allowances(store, Wall())
    team = identity("f", per_minute=1)
    await one.admit(team)
    with pytest.raises(RateLimitedError):
        await other.admit(team)
