import asyncio
import importlib

import pytest

from router.backends.pool import COOL_AFTER, Pool, Reached
from router.backends.port import Backend
from router.errors import (
    ApiError,
    InvalidRequestError,
    OverloadedError,
    RateLimitedError,
    UpstreamError,
    UpstreamTimeoutError,
)
from tests.fakes import Clock, ScriptedBackend, backend

BROKEN = UpstreamError("broken", retryable=True)


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record how long the pool waits, and wait no time."""
    waited: list[float] = []
    sleep = asyncio.sleep

    async def short(seconds: float) -> None:
        waited.append(seconds)
        await sleep(0)

    monkeypatch.setattr(importlib.import_module("router.backends.pool").asyncio, "sleep", short)
    return waited


async def call(pool: Pool, *names: str) -> Reached[dict[str, object]]:
    async def use(backend: Backend) -> dict[str, object]:
        return await backend.complete({}, 1.0)

    return await pool.call(names, use)


def pool_of(*backends: ScriptedBackend, retries: int = 2, now: Clock | None = None) -> Pool:
    return Pool({b.spec.name: b for b in backends}, retries, now or Clock())


async def test_models_of_a_tier_take_turns() -> None:
    a, b, c = (backend(name, {}) for name in "abc")
    pool = pool_of(a, b, c)
    for _ in range(9):
        await call(pool, "a", "b", "c")
    assert [len(x.bodies) for x in (a, b, c)] == [3, 3, 3]


async def test_a_failing_model_is_retried_on_another_at_once(waits: list[float]) -> None:
    a, b = backend("a", BROKEN), backend("b", {"ok": 1})
    pool = pool_of(a, b)
    for _ in range(2):
        reached = await call(pool, "a", "b")
        assert reached.value == {"ok": 1}
        assert reached.backend is b
    assert len(a.bodies) >= 1
    assert set(waits) == {0.0}


@pytest.mark.parametrize("retries", [0, 1, 2, 3])
async def test_attempts_end_after_the_retries_and_are_counted(retries: int) -> None:
    a = backend("a", BROKEN)
    with pytest.raises(UpstreamError) as caught:
        await call(pool_of(a, retries=retries), "a")
    assert caught.value.attempts == len(a.bodies) == retries + 1


async def test_a_call_that_succeeds_at_last_counts_its_attempts(waits: list[float]) -> None:
    a = backend("a", BROKEN, UpstreamError("again", retryable=True), {"ok": 1})
    assert (await call(pool_of(a), "a")).attempts == 3
    assert 0.2 <= waits[0] <= 0.25
    assert 0.4 <= waits[1] <= 0.5


@pytest.mark.parametrize(
    "error",
    [InvalidRequestError("bad"), UpstreamError("401"), UpstreamTimeoutError("slow")],
    ids=["the caller's mistake", "a refused key", "a timeout"],
)
async def test_what_will_not_get_better_is_not_tried_again(error: ApiError) -> None:
    a, b = backend("a", error), backend("b", error)
    with pytest.raises(type(error)) as caught:
        await call(pool_of(a, b), "a", "b")
    assert len(a.bodies) + len(b.bodies) == caught.value.attempts == 1


async def test_a_short_retry_after_is_waited_for(waits: list[float]) -> None:
    busy = RateLimitedError("busy", retryable=True, retry_after_s=4.0)
    assert (await call(pool_of(backend("a", busy, {"ok": 1})), "a")).attempts == 2
    assert waits == [4.0]


async def test_a_long_retry_after_is_the_clients_to_decide(waits: list[float]) -> None:
    a = backend("a", RateLimitedError("busy", retryable=True, retry_after_s=5.1))
    with pytest.raises(RateLimitedError) as caught:
        await call(pool_of(a), "a")
    assert (caught.value.retry_after_s, caught.value.attempts, waits) == (5.1, 1, [])


async def test_a_model_that_keeps_failing_rests_and_then_comes_back() -> None:
    clock = Clock()
    a = backend("a", BROKEN)
    pool = pool_of(a, retries=0, now=clock)
    for _ in range(COOL_AFTER):
        with pytest.raises(UpstreamError):
            await call(pool, "a")
    with pytest.raises(OverloadedError, match=r"cooling down \(a\)") as caught:
        await call(pool, "a")
    assert caught.value.retry_after_s == 3.0
    assert len(a.bodies) == COOL_AFTER
    clock.now += 3.1
    a.script = [{"ok": 1}]
    assert (await call(pool, "a")).value == {"ok": 1}


async def test_attempts_before_a_rest_are_counted_too() -> None:
    a = backend("a", BROKEN)
    with pytest.raises(OverloadedError) as caught:
        await call(pool_of(a, retries=COOL_AFTER + 3), "a")
    assert caught.value.attempts == len(a.bodies) == COOL_AFTER


async def test_a_resting_model_is_passed_over(waits: list[float]) -> None:
    a, b = backend("a", BROKEN), backend("b", {"ok": 1})
    pool = pool_of(a, b)
    for _ in range(2 * COOL_AFTER + 2):
        await call(pool, "a", "b")
    asked = len(a.bodies)
    for _ in range(6):
        await call(pool, "a", "b")
    assert len(a.bodies) == asked == COOL_AFTER
    b.script = [RateLimitedError("busy", retryable=True, retry_after_s=2.0), {"ok": 1}]
    waits.clear()
    await call(pool, "a", "b")
    assert waits == [2.0]


async def test_a_rest_lasts_as_long_as_the_model_says_but_not_for_ever() -> None:
    busy = RateLimitedError("busy", retryable=True, retry_after_s=9999.0)
    pool = pool_of(backend("a", busy), retries=0)
    for _ in range(COOL_AFTER):
        with pytest.raises(RateLimitedError):
            await call(pool, "a")
    with pytest.raises(OverloadedError) as caught:
        await call(pool, "a")
    assert caught.value.retry_after_s == 60.0


async def test_a_success_forgets_earlier_failures() -> None:
    script = [*[BROKEN] * (COOL_AFTER - 1), {"ok": 1}] * 3
    pool = pool_of(backend("a", *script), retries=COOL_AFTER)
    for _ in range(3):
        assert (await call(pool, "a")).attempts == COOL_AFTER


async def test_deployments_of_one_name_take_turns_and_stand_in_for_one_another() -> None:
    first, twin = backend("m", {"from": 1}), backend("m", {"from": 2})
    pool = Pool({"m": first}, 2, Clock(), {"m": [twin]})
    for _ in range(6):
        await call(pool, "m")
    assert [len(first.bodies), len(twin.bodies)] == [3, 3]
    broken = backend("m", BROKEN)
    pool = Pool({"m": broken}, 2, Clock(), {"m": [twin]})
    for _ in range(4):
        assert (await call(pool, "m")).value == {"from": 2}


async def test_a_resting_deployment_leaves_its_twin_at_work() -> None:
    broken, twin, now = backend("m", BROKEN), backend("m", {"ok": 1}), Clock()
    pool = Pool({"m": broken}, 2, now, {"m": [twin]})
    for _ in range(4 * COOL_AFTER):
        await call(pool, "m")
    assert len(broken.bodies) == COOL_AFTER
