"""What a request costs, whatever happens to its calls: falls back, is forced, cancelled, broken."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.budgets import SINGLE, plan_budget
from policies.types import Decision, Price, SearchPlan, Tier
from router.backends.port import ModelSpec
from router.call import World
from router.errors import (
    ApiError,
    RateLimitedError,
    UpstreamBrokeOffError,
    UpstreamError,
    UpstreamTimeoutError,
)
from router.spend import Spending
from tests.fakes import (
    ScriptedBackend,
    ScriptedUpstream,
    backend,
    chunk,
    completion,
    difficulty,
    query,
    tier,
    usage_chunk,
    world,
)

DONE = b"[DONE]"
BROKEN = UpstreamError("broken")
BUSY = RateLimitedError("busy", retryable=True)
TIMED_OUT = UpstreamTimeoutError("no answer in time")
PROMPT = 7
SPENDS = 20
DEAR, CHEAP = Price(2.0, 12.0), Price(0.1, 0.6)


@dataclass
class Unhurried(ScriptedUpstream):
    """A stream whose batches let others run, so that it can be cancelled between them."""

    spends: int = 0
    began: bool = False

    async def batches(self) -> Any:
        for batch in self.script:
            await asyncio.sleep(0)
            self.began = True
            yield list(batch)
        if self.ends_with is not None:
            raise self.ends_with


def saying(text: str, spends: int = SPENDS) -> Unhurried:
    last = [chunk({}, "stop"), usage_chunk(spends, prompt=PROMPT), DONE]
    return Unhurried([[chunk({"content": text})], last], spends=spends)


def silent(text: str) -> Unhurried:
    """Return a stream that does not tell what it spent."""
    return Unhurried([[chunk({"content": text})], [chunk({}, "stop"), DONE]])


def torn(text: str) -> Unhurried:
    """Return a stream that breaks off in the middle."""
    return Unhurried([[chunk({"content": text})], []], ends_with=UpstreamBrokeOffError("torn"))


def eaten(spends: int) -> Unhurried:
    """Return a stream whose reasoning leaves nothing for the answer."""
    last = [chunk({}, "length"), usage_chunk(spends, spends, prompt=PROMPT), DONE]
    return Unhurried([[chunk({"reasoning_content": "hm "})], last], spends=spends)


def priced(name: str, price: Price, *script: Any) -> ScriptedBackend:
    return ScriptedBackend(ModelSpec(name, name, "openai", price), list(script))


def usd(price: Price, *completions: int) -> float:
    return sum(PROMPT * price.input + tokens * price.output for tokens in completions) / 1e6


def spending(
    here: World, *ladder: Tier, plan: SearchPlan = SINGLE, **asked: Any
) -> Spending:  # fmt: skip
    first, question = ladder[0], query(**asked)
    budget = plan_budget(first, question.ceilings, plan=plan)
    score = difficulty(thinking=1000)
    decision = Decision(first, plan, budget, "forced", "", "utility", 0.5, score)
    return Spending(here, question, decision, ladder)


ONE = tier("one", "a", thinking="on", max_thinking_tokens=16000, fallback_tier="two")
TWO = tier("two", "b", thinking="on", max_thinking_tokens=8000)


async def test_a_forced_answer_of_the_cheapest_tier_is_billed_at_its_own_price() -> None:
    dear, cheap = priced("a", DEAR, eaten(500), eaten(30)), priced("c", CHEAP, saying("42"))
    spent = spending(world(dear, cheap, cheapest=tier("cheap", "c")), ONE)
    whole = await spent.complete()
    told = spent.router()
    assert whole["choices"][0]["message"]["content"] == "42"
    assert (told["model"], told["calls"], told["upstream_tokens"]) == ("c", 3, 550)
    assert told["cost_usd"] == pytest.approx(usd(DEAR, 500, 30) + usd(CHEAP, 20))


async def test_a_fallback_pays_for_what_the_failed_tier_had_spent_at_that_tiers_price() -> None:
    dear, other = priced("a", DEAR, eaten(500), BROKEN), priced("b", CHEAP, saying("42"))
    spent = spending(world(dear, other), ONE, TWO)
    await spent.complete()
    told = spent.router()
    assert (told["tier"], told["model"], told["cause"]) == ("two", "b", "fallback")
    assert told["upstream_tokens"] == spent.ledger.usage.completion == 520
    assert told["cost_usd"] == pytest.approx(usd(DEAR, 500) + usd(CHEAP, 20))


async def test_a_fallback_is_planned_anew_from_its_own_limits_and_the_score() -> None:
    spent = spending(world(backend("a", BROKEN), backend("b", saying("42"))), ONE, TWO)
    assert spent.router()["thinking_budget"] == 16000
    await spent.complete()
    assert spent.router()["thinking_budget"] == 2 * 2000
    assert spent.decision.budget.output == 8000 + 512


async def test_a_failed_search_is_not_what_the_fallbacks_answer_is_told_by() -> None:
    here = world(backend("a", BROKEN), backend("b", saying("42")))
    spent = spending(here, ONE, TWO, plan=SearchPlan("vote", 3))
    await spent.complete()
    told = spent.router()
    assert (told["strategy"], told["stop_reason"], told["samples"]) == ("single", "done", 1)
    assert told["agreement"] is None


async def test_a_fallback_has_what_the_failed_tier_left_of_the_total() -> None:
    b = backend("b", saying("42"))
    spent = spending(
        world(backend("a", eaten(500), BROKEN), b), ONE, TWO, ceilings={"max_total_tokens": 700}
    )
    await spent.complete()
    assert b.bodies[0]["max_completion_tokens"] <= 200
    assert spent.ledger.spent + spent.ledger.reserved <= 700


async def test_a_fallback_that_nothing_is_left_for_is_not_tried() -> None:
    b = backend("b", saying("42"))
    here = world(backend("a", eaten(500), eaten(500)), b)
    spent = spending(here, ONE, TWO, ceilings={"max_total_tokens": 500})
    with pytest.raises(UpstreamError, match="no answer") as caught:
        await spent.complete()
    assert caught.value.final
    assert (b.bodies, spent.router()["tier"]) == ([], "one")


async def test_a_fallback_gets_the_money_that_is_left() -> None:
    dear, other = priced("a", DEAR, eaten(500), BROKEN), priced("b", DEAR, saying("42"))
    most = usd(DEAR, 500) + 0.012
    spent = spending(world(dear, other), ONE, replace_price(TWO), ceilings={"max_cost_usd": most})
    await spent.complete()
    left = int((most - usd(DEAR, 500)) * 1e6)
    assert spent.decision.budget.total is not None
    assert spent.decision.budget.total <= left / DEAR.output
    assert other.bodies[0]["max_completion_tokens"] <= left / DEAR.output


async def test_a_search_whose_prompts_cost_more_than_estimated_stops_at_the_money_limit() -> None:
    class Costly(Mixed):
        async def open(self, body: Any, timeout_s: float) -> Unhurried:
            upstream = await super().open(body, timeout_s)
            upstream.script = [
                upstream.script[0],
                [chunk({}, "stop"), usage_chunk(20, prompt=10_000)],
            ]
            return upstream

    a = Costly(ModelSpec("a", "a", "openai", DEAR), ["It is 41.", "It is 42.", "It is 43."])
    plan = SearchPlan("vote", 9)
    await (spent := spending(world(a), ONE, plan=plan, ceilings={"max_cost_usd": 0.03})).complete()
    assert len(a.opened) == 3, "the first batch; its prompts cost 0.06"
    assert spent.router()["samples"] == 3


def replace_price(of: Tier) -> Tier:
    return tier(of.name, *of.models, max_thinking_tokens=of.max_thinking_tokens, price=DEAR)


@dataclass
class Mixed(ScriptedBackend):
    """A backend that remembers what it opened, and breaks where its script says so."""

    opened: list[Unhurried] = field(default_factory=list)

    async def open(self, body: Any, timeout_s: float) -> Unhurried:
        await asyncio.sleep(0)
        said = self._next(body)
        if isinstance(said, int):
            upstream = eaten(said)
        else:
            kind, _, text = said.rpartition(":")
            upstream = {"": saying, "silent": silent, "torn": torn}[kind](text)
        self.opened.append(upstream)
        return upstream

    async def complete(self, body: Any, timeout_s: float) -> dict[str, Any]:
        upstream = await self.open(body, timeout_s)
        upstream.began, upstream.closed = True, 1
        if upstream.ends_with is not None:
            raise upstream.ends_with
        thought = upstream.spends not in (0, SPENDS)
        whole = completion("" if thought else "42", "length" if thought else "stop")
        if not upstream.spends:
            del whole["usage"]
            return whole
        usage = {"prompt_tokens": PROMPT, "completion_tokens": upstream.spends}
        return whole | {"usage": usage}


answers = st.sampled_from(["It is 41.", "It is 42.", "no idea"])
silences = st.sampled_from(["silent:It is 42.", "torn:It is"])
failures = st.sampled_from([BROKEN, BUSY, TIMED_OUT])
scripts = st.lists(
    answers | silences | st.integers(1, 900) | failures, min_size=1, max_size=8
)  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(scripts, st.integers(1, 5), st.none() | st.integers(0, 25), st.none() | st.integers(1, 4000))
def test_whatever_happens_nothing_stays_open_and_the_books_agree(
    script: list[Any], n: int, leaves_after: int | None, total: int | None
) -> None:
    opened: list[Unhurried] = []
    two = [Mixed(ModelSpec(name, name, "openai", DEAR), script, opened=opened) for name in "ab"]
    plan = SearchPlan("vote", n) if n > 1 else SearchPlan()
    both = replace(ONE, models=("a", "b"))  # a retry goes to the other one, without waiting
    here = world(*two, retries=2)
    spent = spending(here, both, plan=plan, ceilings={"max_total_tokens": total})

    async def run() -> None:
        task = asyncio.create_task(spent.complete())
        for _ in range(10_000 if leaves_after is None else leaves_after):
            if task.done():
                break
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError, ApiError):
            await task

    asyncio.run(run())
    ledger, told = spent.ledger, spent.router()
    assert ledger.reserved == 0
    assert all(upstream.closed >= 1 for upstream in opened)
    assert ledger.usage.prompt >= PROMPT * sum(upstream.began for upstream in opened)
    assert told["upstream_tokens"] == ledger.usage.completion
    assert told["cost_usd"] == pytest.approx(DEAR.usd(ledger.usage), abs=1e-8)
    assert spent.trace.attempts >= len(opened)
    if total is not None:
        assert ledger.spent <= total
    if not ledger.usage.estimated:
        began = [upstream.spends for upstream in opened if upstream.began]
        assert ledger.usage.completion == sum(began)
