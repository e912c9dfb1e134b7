import asyncio
from typing import Any

import pytest

from policies.budgets import plan_budget
from policies.types import Budget, Decision, Query, SearchPlan, Tier, Usage
from router.answer import Answer
from router.backends.port import Upstream
from router.call import Trace, World, lease_call
from router.errors import InvalidRequestError, RateLimitedError, UpstreamError
from router.ledger import Ledger
from router.search import Solve
from router.spend import Spending
from router.trust import PROBATION
from router.wire.openai_answer import Assembler
from tests.fakes import (
    ScriptedBackend,
    ScriptedUpstream,
    backend,
    chunk,
    completion,
    deltas,
    query,
    tier,
    usage_chunk,
    world,
)

DONE = b"[DONE]"
BROKEN = UpstreamError("broken")


def thinking(n: int, *after: bytes) -> ScriptedUpstream:
    thoughts = [chunk({"reasoning_content": f"thought {i} "}) for i in range(n)]
    return ScriptedUpstream([thoughts, [*after]])


def saying(text: str, *, finish: str = "stop", with_text: str = "") -> ScriptedUpstream:
    last = chunk({"content": with_text} if with_text else {}, finish)
    return ScriptedUpstream([[chunk({"content": text})], [last, usage_chunk(20), DONE]])


def answer(
    here: World, asked: Tier, *, question: Query | None = None, total: int | None = None
) -> Answer:
    question = question or query()
    budget = plan_budget(asked, question.ceilings)
    return Answer(here, question, asked, budget, Ledger(total), Trace(), collect=Assembler())


async def streamed(answer: Answer) -> list[bytes]:
    await answer.start()
    return [payload async for batch in answer.payloads() for payload in batch]


async def test_a_stream_passes_and_is_settled_and_closed() -> None:
    upstream = saying("42")
    here = answer(world(backend("m", upstream)), tier())
    assert deltas(await streamed(here)) == "42"
    assert (here.stop_reason, here.ledger.usage.completion, upstream.closed) == ("done", 20, 1)
    assert here.ledger.reserved == 0


async def test_thinking_that_eats_the_answer_is_cut_and_the_answer_asked_for() -> None:
    eater, forced = thinking(500), saying("42", with_text="!")
    m = backend("m", eater, forced)
    here = answer(world(m), tier(max_thinking_tokens=100, thinking="on"))
    passed = await streamed(here)
    assert here.stop_reason == "thinking_budget"
    assert (eater.closed, forced.closed) == (1, 1)
    assert deltas(passed) == "42"
    assert deltas(passed, "reasoning_content").count("thought") <= 100 * 1.1 + 32
    assert here.collect is not None
    assert here.collect.completion()["choices"][0]["message"]["content"] == "42!"
    assert "thought 0 thought 1 thought 2" in m.bodies[1]["messages"][-1]["content"]
    assert here.ledger.calls == 2


async def test_a_watched_plain_answer_is_cut_and_forced_alike() -> None:
    m = backend("m", thinking(500), saying("42"))
    here = answer(world(m), tier(max_thinking_tokens=100, thinking="on"))
    whole = await here.complete()
    assert whole["choices"][0]["message"]["content"] == "42"
    assert whole["choices"][0]["finish_reason"] == "stop"
    assert all(body["stream"] for body in m.bodies)


async def test_the_cheapest_tier_answers_when_the_thinker_never_does() -> None:
    eater = backend("m", thinking(500), thinking(500), thinking(500))
    cheap = backend("c", saying("42"))
    here = answer(
        world(eater, cheap, cheapest=tier("cheap", "c")),
        tier(max_thinking_tokens=100, thinking="on"),
    )
    assert deltas(await streamed(here)) == "42"
    assert here.trace.backend is cheap


async def test_a_stream_without_an_end_is_no_answer() -> None:
    upstream = ScriptedUpstream([[chunk({"content": "4"})]])
    with pytest.raises(UpstreamError, match="without a finish_reason"):
        await streamed(answer(world(backend("m", upstream)), tier()))
    assert upstream.closed == 1


@pytest.mark.parametrize(
    "upstream",
    [ScriptedUpstream([]), ScriptedUpstream([], BROKEN)],
    ids=["ended before the first chunk", "failed before the first chunk"],
)
async def test_a_stream_that_never_began_is_closed_and_another_model_tried(
    upstream: ScriptedUpstream,
) -> None:
    if upstream.ends_with:
        upstream.ends_with = UpstreamError("broken", retryable=True)
    a, b = backend("a", upstream, saying("42")), backend("b", saying("42"), saying("42"))
    here = world(a, b, retries=1)
    for _ in range(2):
        assert deltas(await streamed(answer(here, tier("t", "a", "b")))) == "42"
    assert upstream.closed == 1


async def test_a_client_that_leaves_before_the_first_chunk_stops_the_upstream() -> None:
    class Mute(ScriptedUpstream):
        async def batches(self) -> Any:
            await asyncio.sleep(30)
            yield []

    upstream: Upstream = Mute([])
    here = answer(world(backend("m", upstream)), tier(), total=1000)
    task = asyncio.create_task(here.start())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert isinstance(upstream, Mute)
    assert upstream.closed == 1
    assert here.ledger.reserved == 0


async def test_a_client_that_leaves_midway_stops_the_upstream_and_pays_for_what_came() -> None:
    upstream = ScriptedUpstream([[chunk({"content": "word "})]] * 50)
    here = answer(world(backend("m", upstream)), tier(max_output_tokens=900), total=1000)
    await here.start()
    stream = here.payloads()
    await anext(stream)
    await stream.aclose()
    assert upstream.closed == 1
    assert here.ledger.reserved == 0
    assert here.ledger.usage.estimated
    assert here.ledger.usage.completion >= 1


async def test_a_call_says_its_budget_and_nothing_of_the_clients_ceilings() -> None:
    m = backend("m", completion("42"), dialect="vllm", model="r1")
    asked = query(
        body={"max_tokens": 9, "reasoning_effort": "low", "seed": 5},
        ceilings={"max_output_tokens": 900},
    )
    call = lease_call(world(m), asked, tier(thinking="off"), Budget(0, 100, 900), Ledger(), Trace())
    assert call is not None
    await call.complete()
    assert m.bodies[0] == {
        "messages": asked.body["messages"], "seed": 5, "max_tokens": 900,
        "chat_template_kwargs": {"enable_thinking": False, "thinking": False},
    }  # fmt: skip


def test_a_smaller_grant_is_less_thinking_and_never_less_answer() -> None:
    here = world(backend("m", completion()))
    call = lease_call(here, query(), tier(), Budget(4000, 500, 4500), Ledger(700), Trace())
    assert call is not None
    assert call.budget == Budget(200, 500, 700)
    tiny = lease_call(here, query(), tier(), Budget(4000, 500, 4500), Ledger(80), Trace())
    assert tiny is not None
    assert tiny.budget == Budget(0, 80, 80)
    assert lease_call(here, query(), tier(), Budget(), Ledger(0), Trace()) is None


async def test_a_plain_call_without_usage_is_estimated() -> None:
    silent = completion("word " * 40)
    del silent["usage"]
    here = answer(world(backend("m", silent)), tier(thinking="off", max_output_tokens=500))
    for _ in range(PROBATION):
        here.world.trust.observe("m", 0, 0)
    await here.complete()
    assert here.ledger.usage == Usage(prompt=7, completion=49, estimated=True)


def solving(*script: Any, n: int = 3, total: int | None = None, **more: Any) -> Solve:
    asked = tier(thinking="off", max_output_tokens=500, answer_reserve_tokens=100)
    here = world(backend("m", *script, **more))
    for _ in range(PROBATION):
        here.trust.observe("m", 0, 0)
    budget = Budget(0, 100, 500, total)
    plan = SearchPlan("vote", n)
    ledger = Ledger(total, held=100 if total else 0)
    until = here.now() + budget.deadline_s
    return Solve(here, query(), asked, plan, [(asked, budget)], ledger, Trace(), until)


def said(text: str) -> dict[str, Any]:
    return completion(f"The answer is {text}.")


async def test_a_search_returns_the_winners_completion_and_counts_every_call() -> None:
    solve = solving(said("41"), said("42"), said("42"))
    won = await solve.run()
    assert won["choices"][0]["message"]["content"] == "The answer is 42."
    assert (solve.samples, solve.ledger.calls) == (3, 3)
    assert solve.agreement == pytest.approx(2 / 3)
    assert solve.ledger.usage == Usage(21, 0, 9, 0)


async def test_samples_differ_by_seed_and_temperature_where_the_server_takes_them() -> None:
    solve = solving(said("1"), said("2"), said("3"))
    await solve.run()
    m = solve.world.pool.backends["m"]
    assert isinstance(m, ScriptedBackend)
    assert [body["seed"] for body in m.bodies] == [0, 1, 2]
    assert {body["temperature"] for body in m.bodies} == {0.7}
    thinker = solving(said("1"), said("2"), said("3"), model="o3")
    await thinker.run()
    m = thinker.world.pool.backends["m"]
    assert isinstance(m, ScriptedBackend)
    assert all("temperature" not in body for body in m.bodies)


async def test_a_failing_sample_leaves_the_others_their_vote() -> None:
    solve = solving(BROKEN, said("42"), said("42"))
    won = await solve.run()
    assert won["choices"][0]["message"]["content"] == "The answer is 42."


async def test_a_search_whose_samples_all_fail_says_why() -> None:
    with pytest.raises(UpstreamError, match="broken"):
        await solving(BROKEN).run()


async def test_a_total_too_small_for_samples_still_buys_an_answer() -> None:
    solve = solving(said("42"), total=60)
    solve.ledger = Ledger(60, held=30)
    won = await solve.run()
    assert won["choices"][0]["message"]["content"] == "The answer is 42."
    assert solve.ledger.usage.completion == 3
    assert solve.ledger.reserved == 0


@pytest.mark.parametrize("total", [200, 400, 1000, 5000])
async def test_what_samples_may_use_together_fits_the_total(total: int) -> None:
    solve = solving(*[said(str(i)) for i in range(8)], n=8, total=total)
    await solve.run()
    m = solve.world.pool.backends["m"]
    assert isinstance(m, ScriptedBackend)
    assert max(body["max_completion_tokens"] for body in m.bodies) <= total
    assert solve.ledger.spent <= total


def spending(here: World, *ladder: Tier, **asked: Any) -> Spending:
    first = ladder[0]
    question = query(**asked)
    budget = plan_budget(first, question.ceilings)
    decision = Decision(first, SearchPlan(), budget, "forced", "", "utility", 0.5)
    return Spending(here, question, decision, ladder)


@pytest.mark.parametrize(
    ("error", "falls_back"),
    [(BROKEN, True), (RateLimitedError("busy"), True), (InvalidRequestError("bad"), False)],
    ids=["broken", "busy", "the caller's mistake"],
)
async def test_a_failing_tier_falls_back_where_that_may_help(
    error: Exception, falls_back: bool
) -> None:
    here = world(backend("a", error), backend("b", completion("42")))
    ladder = (tier("one", "a", fallback_tier="two"), tier("two", "b"))
    spent = spending(here, *ladder)
    if not falls_back:
        with pytest.raises(type(error)):
            await spent.complete()
        return
    await spent.complete()
    told = spent.router()
    assert (told["tier"], told["model"], told["cause"]) == ("two", "b", "fallback")
    assert spent.trace.attempts == 2


async def test_a_key_falls_back_only_to_its_own_tiers_and_the_client_need_not_retry() -> None:
    here = world(backend("a", BROKEN), backend("b", completion("42")))
    ladder = (tier("one", "a", fallback_tier="two"), tier("two", "b"))
    with pytest.raises(UpstreamError) as caught:
        await spending(here, *ladder, tiers=("one",)).complete()
    assert caught.value.final
