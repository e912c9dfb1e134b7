"""What calls are billed whose upstream does not tell, held against the simulator's own counts."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from time import monotonic
from typing import Any

import httpx
import pytest

from policies.budgets import plan_budget
from policies.types import Budget, Usage
from router import bills
from router.answer import Answer
from router.backends.capabilities import Capabilities
from router.backends.direct import Connections, DirectBackend
from router.backends.pool import Pool
from router.backends.port import ModelSpec
from router.call import Trace, World, lease_call
from router.errors import (
    ApiError,
    BudgetExceededError,
    InvalidRequestError,
    RateLimitedError,
    UpstreamBrokeOffError,
    UpstreamError,
    UpstreamTimeoutError,
)
from router.ledger import Ledger
from router.ratios import Ratios
from router.trust import Trust
from tests.fakes import ScriptedUpstream, backend, chunk, query, tier, usage_chunk, world
from tests.loadtest.simulated import simulator

CHAIN = "Start with 5, add 7, multiply by 3, subtract 4, multiply by 2, add 11, subtract 6."
CAP = 900


@pytest.fixture(scope="module")
def simulated() -> Iterator[str]:
    with simulator("--speed", "4") as url:
        yield url


@asynccontextmanager
async def worlds(url: str, model: str, *, cancel_frees: bool = True) -> AsyncIterator[World]:
    connections = Connections()
    spec = ModelSpec(
        "m", model, "vllm", capabilities=Capabilities(native_budget=True, cancel_frees=cancel_frees)
    )
    here = DirectBackend(spec, connections, base_url=f"{url}/v1")
    pool = Pool({"m": here}, 0, monotonic)
    try:
        yield World(pool, Ratios(), Trust(), monotonic, tier("cheap", "m"))
    finally:
        await connections.close()


def answer(here: World, thinking: int = 100_000, cap: int | None = CAP) -> Answer:
    asked = tier(thinking="on", max_thinking_tokens=thinking, max_output_tokens=cap)
    return Answer(
        here, query(CHAIN), asked, plan_budget(asked, query().ceilings), Ledger(), Trace()
    )


async def heard(made: Answer, *, leave_after: int | None = None) -> Usage:
    """Return the usage of an answer, whole or left after so many batches."""
    await made.start()
    async with aclosing(made.payloads()) as payloads:
        seen = 0
        async for _ in payloads:
            seen += 1
            if seen == leave_after:
                break
    return made.ledger.usage


async def generated(url: str) -> dict[str, Any]:
    """Return the simulator's counts, once it has stopped generating."""
    async with httpx.AsyncClient(verify=False) as client:
        while True:
            counts: dict[str, Any] = (await client.get(f"{url}/stats")).json()
            if not counts["open_streams"]:
                return counts
            await asyncio.sleep(0.02)


async def since(url: str, before: dict[str, Any]) -> int:
    return int((await generated(url))["tokens_generated"] - before["tokens_generated"])


@pytest.mark.parametrize(
    ("model", "estimated"), [("sim-distilled", False), ("sim-distilled+no-usage", True)]
)
async def test_a_stream_that_ends_by_itself_costs_what_it_told_or_about_what_we_counted(
    simulated: str, model: str, estimated: bool
) -> None:
    before = await generated(simulated)
    async with worlds(simulated, model) as here:
        usage = await heard(answer(here))
    truth = await since(simulated, before)
    assert usage.estimated is estimated
    assert usage.completion == pytest.approx(truth, rel=0.5 if estimated else 0, abs=0)


async def test_what_calls_have_told_makes_the_estimate_for_those_that_do_not_better() -> None:
    """Chunks of many words, which are longer than a token is reckoned: uncorrected, we count too many."""
    with simulator("--speed", "8", "--chunk-tokens", "16") as url:
        async with worlds(url, "sim-long") as here:
            off = []
            for _ in range(2):
                before = await generated(url)
                usage = await heard(answer(here, cap=None), leave_after=20)
                truth = await since(url, before)
                assert usage.estimated
                off.append(abs(usage.completion - truth) / truth)
                for _ in range(9):
                    assert not (await heard(answer(here, cap=None))).estimated
    assert off[1] < 0.1 < off[0]


async def test_a_client_that_leaves_pays_for_what_came_and_not_for_the_rest(simulated: str) -> None:
    async with worlds(simulated, "sim-long") as here:
        before = await generated(simulated)
        usage = await heard(answer(here), leave_after=3)
    truth = await since(simulated, before)
    assert usage.estimated
    assert usage.prompt > 0
    assert truth < 200, "it stopped"
    assert usage.completion < 200


@pytest.mark.parametrize("leave_after", [3, None], ids=["the client left", "we cut"])
async def test_where_closing_stops_nothing_all_that_was_allowed_is_billed(
    simulated: str, leave_after: int | None
) -> None:
    model = "sim-long+ignore-budget+keep-generating"
    async with worlds(simulated, model, cancel_frees=False) as here:
        made = answer(here, thinking=60)
        before = await generated(simulated)
        usage = await heard(made, leave_after=leave_after)
        truth = await since(simulated, before)
    assert made.ledger.calls == (1 if leave_after else 2)
    assert usage.estimated
    assert truth > 300, "it generated on"
    assert truth <= usage.completion <= CAP + 60 + 512
    async with worlds(simulated, model, cancel_frees=True) as here:
        believed = await heard(answer(here, thinking=60), leave_after=leave_after)
    assert believed.completion < truth, "what the setting is for"
    await generated(simulated)


async def test_a_plain_call_that_is_given_up_costs_its_prompt_or_all_that_was_allowed(
    simulated: str,
) -> None:
    for cancel_frees, completion in ((True, 0), (False, CAP)):
        async with worlds(simulated, "sim-long+timeout", cancel_frees=cancel_frees) as here:
            ledger = Ledger()
            call = lease_call(
                here, query(CHAIN), tier(), Budget(output=CAP), ledger, Trace()
            )  # fmt: skip
            assert call is not None
            asking = asyncio.create_task(call.complete())
            await asyncio.sleep(0.1)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            assert ledger.usage == Usage(call.prompt, 0, completion, estimated=True)
            assert ledger.reserved == 0


@pytest.mark.parametrize(
    ("error", "is_billed"),
    [
        (UpstreamTimeoutError("no answer in time"), True),
        (UpstreamTimeoutError("504", retryable=True), False),
        (UpstreamBrokeOffError("broke off", retryable=True), True),
        (UpstreamError("500", retryable=True), False),
        (UpstreamError("401"), False),
        (RateLimitedError("429", retryable=True), False),
        (InvalidRequestError("400"), False),
    ],
    ids=str,
)
@pytest.mark.parametrize("plain", [False, True], ids=["streamed", "plain"])
async def test_an_attempt_that_was_accepted_is_billed_and_a_refused_one_is_not(
    error: ApiError, is_billed: bool, plain: bool
) -> None:
    assert bills.accepted(error) is is_billed
    m, ledger = backend("m", error), Ledger()
    call = lease_call(world(m), query(), tier(), Budget(output=50), ledger, Trace())
    assert call is not None
    with pytest.raises(type(error)):
        await (call.complete() if plain else call.open())
    assert ledger.usage == (Usage(call.prompt, estimated=True) if is_billed else Usage())
    assert ledger.cost_usd == pytest.approx(m.spec.price.usd(ledger.usage))
    assert ledger.reserved == 0


async def test_both_attempts_of_a_retry_are_billed_each_at_its_own_models_price() -> None:
    ends_at_once = ScriptedUpstream([])
    says = ScriptedUpstream([[chunk({"content": "42"})], [chunk({}, "stop"), usage_chunk(20)]])
    a, b = backend("a", ends_at_once), backend("b", says)
    here = world(a, b, retries=1)
    here.pool._turn = -1  # so that a comes first
    ledger = Ledger()
    asked = tier("t", "a", "b")
    made = Answer(here, query(), asked, plan_budget(asked, query().ceilings), ledger, Trace())
    usage = await heard(made)
    prompt = 8 if usage.prompt > 14 else 7
    assert usage == Usage(prompt + 7, 0, 20, 0, estimated=True)
    assert ledger.cost_usd == pytest.approx((usage.prompt * 1.0 + 20 * 10.0) / 1e6)
    assert (ledger.calls, made.trace.attempts) == (1, 2)


async def test_a_stream_that_breaks_off_costs_what_had_come() -> None:
    torn = ScriptedUpstream([[chunk({"content": "word "})] * 9], UpstreamBrokeOffError("torn"))
    made = answer(world(backend("m", torn)))
    with pytest.raises(UpstreamError, match="torn"):
        await heard(made)
    assert made.ledger.usage.completion == 9
    assert made.ledger.usage.estimated


async def test_a_stream_that_nobody_listened_to_is_settled_and_closed() -> None:
    upstream = ScriptedUpstream([[chunk({"content": "word "})] * 3, [chunk({"content": "more "})]])
    made = answer(world(backend("m", upstream)))
    await made.close()
    await made.start()
    assert made.ledger.usage == Usage()
    await made.close()
    await made.close()
    assert upstream.closed == 1
    assert made.ledger.usage.completion == 3
    assert made.ledger.usage.estimated


async def test_closing_what_was_listened_to_changes_nothing() -> None:
    says = ScriptedUpstream([[chunk({"content": "42"})], [chunk({}, "stop"), usage_chunk(20)]])
    made = answer(world(backend("m", says)))
    usage = await heard(made)
    await made.close()
    assert (made.ledger.usage, says.closed) == (usage, 1)


@pytest.mark.parametrize(
    ("ledger", "ceilings", "named"),
    [
        (Ledger(0), {}, "max_total_tokens"),
        (Ledger(300, usage=Usage(completion=300)), {"max_total_tokens": 300}, "max_total_tokens"),
        (Ledger(cost_usd=0.02, usd=0.01), {}, "max_cost_usd"),
        (Ledger(0, usd=0.01), {}, "max_cost_usd"),
        (Ledger(200, usage=Usage(completion=200), usd=0.01), {"max_total_tokens": 900}, "max_cost_usd"),
        (Ledger(200, usage=Usage(completion=200), usd=9.0), {"max_total_tokens": 200}, "max_total_tokens"),
    ],
    ids=["none at all", "tokens", "money", "money, as tokens", "money first", "tokens first"],
)  # fmt: skip
async def test_the_limit_that_stops_a_call_is_the_one_that_is_named(
    ledger: Ledger, ceilings: dict[str, Any], named: str
) -> None:
    made = Answer(
        world(backend("m", ScriptedUpstream([]))), query(ceilings=ceilings), tier(), Budget(),
        ledger, Trace(),
    )  # fmt: skip
    with pytest.raises(BudgetExceededError, match=named):
        await made.start()
