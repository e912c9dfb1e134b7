"""Everything done for one request shares one deadline: retries, second calls, fallback tiers. Over real HTTP."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import httpx
import pytest

from policies.budgets import SINGLE, plan_budget
from policies.types import Decision
from router.backends.direct import Connections, DirectBackend
from router.backends.pool import Pool
from router.backends.port import ModelSpec
from router.call import World
from router.errors import ApiError, OverloadedError, UpstreamError, UpstreamTimeoutError
from router.ratios import Ratios
from router.spend import Spending
from router.trust import Trust
from tests.fakes import Clock, ScriptedUpstream, backend, chunk, difficulty, query, tier, world
from tests.loadtest.simulated import simulator

GRACE_S = 0.4
"""How late an answer may be on a busy machine."""


@pytest.fixture(scope="module")
def simulated() -> Iterator[str]:
    with simulator("--no-delay", "--slow-first-s", "0.4") as url:
        yield url


@asynccontextmanager
async def spending(
    url: str,
    one: str,
    two: str,
    *,
    limit_s: float,
    own_s: float | None = None,
    second_s: float = 30.0,
    retries: int = 0,
) -> AsyncIterator[Spending]:
    """Yield a request whose tier is ``one``, with ``own_s`` for one call, and whose fallback is ``two``."""
    connections = Connections()
    specs = {
        "one": ModelSpec("one", one, "vllm", timeout_s=own_s),
        "two": ModelSpec("two", two, "vllm"),
    }
    backends = {
        name: DirectBackend(spec, connections, base_url=f"{url}/v1") for name, spec in specs.items()
    }
    thinks = {"thinking": "on", "max_thinking_tokens": 100_000}
    first = tier("one", "one", timeout_s=limit_s, fallback_tier="two", **thinks)
    second = tier("two", "two", timeout_s=second_s, thinking="off")
    here = World(Pool(backends, retries, monotonic), Ratios(), Trust(), monotonic, second)
    asked = query("What is 2 + 2?")
    budget = plan_budget(first, asked.ceilings)
    decision = Decision(first, SINGLE, budget, "forced", "", "utility", 0.5, difficulty())
    try:
        yield Spending(here, asked, decision, (first, second))
    finally:
        await connections.close()


async def heard(spent: Spending, *, stream: bool) -> None:
    if not stream:
        await spent.complete()
        return
    answer = await spent.start()
    async for _ in answer.payloads():
        pass


async def open_streams(url: str) -> int:
    async with httpx.AsyncClient(verify=False) as client:
        for _ in range(100):
            left = (await client.get(f"{url}/stats")).json()["open_streams"]
            if not left:
                break
            await asyncio.sleep(0.02)
    return int(left)


@pytest.fixture(params=[False, True], ids=["plain", "streamed"])
def stream(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.mark.parametrize(
    ("one", "two", "limits"),
    [
        ("sim-long+timeout", "sim-short", {"limit_s": 0.3}),
        ("sim-long+forever", "sim-short", {"limit_s": 0.3}),
        ("sim-long+slow-first", "sim-short", {"limit_s": 0.2}),
        ("sim-long+timeout", "sim-short+timeout", {"limit_s": 0.5, "own_s": 0.2}),
        ("sim-long+timeout", "sim-short+slow-first", {"limit_s": 0.5, "own_s": 0.2}),
        ("sim-long+timeout", "sim-short+timeout", {"limit_s": 5, "own_s": 0.2, "second_s": 0.2}),
        ("sim-long+http-429", "sim-short", {"limit_s": 0.3, "retries": 3}),
    ],
    ids=[
        "no answer", "no end", "no first token", "no answer in the fallback either",
        "a fallback too slow for what is left", "a fallback with less of its own",
        "a retry that would come too late",
    ],
)  # fmt: skip
async def test_no_request_outlasts_its_deadline(
    simulated: str, one: str, two: str, limits: Mapping[str, Any], stream: bool
) -> None:
    begun = monotonic()
    async with spending(simulated, one, two, **limits) as spent:
        with pytest.raises(UpstreamTimeoutError):
            await heard(spent, stream=stream)
    most = min(limits["limit_s"], limits.get("own_s", 9) + limits.get("second_s", 9))
    assert monotonic() - begun < most + GRACE_S
    assert spent.ledger.reserved == 0
    assert await open_streams(simulated) == 0


async def test_a_fallback_answers_in_what_the_first_tier_has_left(
    simulated: str, stream: bool
) -> None:
    begun = monotonic()
    async with spending(
        simulated, "sim-long+timeout", "sim-short+slow-first", limit_s=2.0, own_s=0.2
    ) as spent:
        await heard(spent, stream=stream)
    assert spent.router()["cause"] == "fallback"
    assert 0.6 <= monotonic() - begun < 2.0
    assert spent.ledger.usage.estimated, "the prompt that brought nothing is billed"


@pytest.mark.parametrize(
    ("took_s", "own_s", "gets_s"),
    [(7, 600, 3), (7, 2, 2), (0, 600, 10), (10, 600, None), (11, 600, None)],
)
async def test_the_fallback_gets_the_rest_or_its_own_time_whichever_is_less(
    took_s: float, own_s: float, gets_s: float | None
) -> None:
    limits: list[float] = []
    clock = Clock()
    broken = UpstreamError("broken")
    a, b = backend("a", broken), backend("b", ScriptedUpstream([[chunk({"content": "4"})]]))

    async def fails(body: Mapping[str, Any], timeout_s: float) -> ScriptedUpstream:
        clock.now += took_s
        raise broken

    async def notes(body: Mapping[str, Any], timeout_s: float) -> ScriptedUpstream:
        limits.append(timeout_s)
        return ScriptedUpstream([[chunk({"content": "4"})]])

    a.open, b.open = fails, notes  # type: ignore[method-assign]
    first = tier("one", "a", timeout_s=10, fallback_tier="two")
    second = tier("two", "b", timeout_s=own_s)
    budget = plan_budget(first, query().ceilings)
    decision = Decision(first, SINGLE, budget, "forced", "", "utility", 0.5)
    spent = Spending(world(a, b, now=clock), query(), decision, (first, second))
    if gets_s is None:
        with pytest.raises(UpstreamError, match="broken") as caught:
            await spent.start()
        assert caught.value.final
        assert limits == []
        return
    answer = await spent.start()
    assert limits == [gets_s]
    await answer.close()


async def test_errors_that_are_no_timeouts_stay_what_they_are(simulated: str) -> None:
    async with spending(simulated, "sim-long+http-500", "sim-short+http-503", limit_s=5) as spent:
        with pytest.raises((UpstreamError, OverloadedError)) as caught:
            await spent.complete()
    assert isinstance(caught.value, ApiError)
    assert not isinstance(caught.value, UpstreamTimeoutError)
    assert spent.ledger.usage.prompt == 0, "a refusal is not billed"
