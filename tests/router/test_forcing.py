from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from policies.budgets import plan_budget
from policies.types import Tier, Usage
from router.answer import Answer
from router.backends.capabilities import capabilities_of
from router.backends.port import Upstream
from router.call import Trace, World
from router.errors import InvalidRequestError, UpstreamError
from router.ledger import Ledger
from router.trust import PROBATION
from router.wire.openai_answer import Assembler
from tests.fakes import (
    Clock,
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

REFUSED = InvalidRequestError("Assistant response prefill is incompatible with enable_thinking.")
BROKEN = UpstreamError("broken")


def thinking(n: int = 500) -> ScriptedUpstream:
    return ScriptedUpstream([[chunk({"reasoning_content": f"thought {i}. "}) for i in range(n)]])


def saying(text: str, spent: int = 5) -> ScriptedUpstream:
    return ScriptedUpstream(
        [[chunk({"content": text})], [chunk({}, "stop"), usage_chunk(spent), b"[DONE]"]]
    )


def answer(here: World, asked: Tier | None = None, *, total: int | None = None) -> Answer:
    asked = asked or tier(max_thinking_tokens=100, thinking="on")
    budget = plan_budget(asked, query().ceilings)
    return Answer(here, query(), asked, budget, Ledger(total), Trace(), collect=Assembler())


async def streamed(answer: Answer) -> list[bytes]:
    await answer.start()
    return [payload async for batch in answer.payloads() for payload in batch]


def kind(body: Mapping[str, Any]) -> str:
    """Return how a call asked: ``first``, ``continued`` or ``turn``."""
    if body.get("continue_final_message"):
        return "continued"
    return "turn" if "Reasoning so far" in body["messages"][-1]["content"] else "first"


async def test_a_model_goes_on_behind_its_own_reasoning_where_its_server_can() -> None:
    m = backend("m", thinking(), saying("42"), dialect="vllm")
    other = backend("o", thinking())
    here = answer(world(m, other), tier("t", "m", "o", max_thinking_tokens=100, thinking="on"))
    here.world.pool._turn = -1  # so that m comes first, and o would be next
    assert deltas(await streamed(here)) == "42"
    assert [kind(body) for body in m.bodies] == ["first", "continued"]
    assert other.bodies == []
    continued = m.bodies[1]
    last = continued["messages"][-1]
    assert last["role"] == "assistant"
    assert last["content"].startswith("<think>\nthought 0. thought 1. ")
    assert last["content"].endswith("\n</think>\n\n")
    assert continued["add_generation_prompt"] is False
    assert continued["chat_template_kwargs"] == {"enable_thinking": False, "thinking": False}
    assert continued["max_tokens"] == 512
    assert "thinking_token_budget" not in continued
    assert here.stop_reason == "thinking_budget"


async def test_every_rung_is_tried_until_one_brings_an_answer() -> None:
    m = backend("m", thinking(), thinking(), thinking(), dialect="vllm")
    cheap = backend("c", saying("42"))
    here = answer(world(m, cheap, cheapest=tier("cheap", "c")))
    assert deltas(await streamed(here)) == "42"
    assert [kind(body) for body in m.bodies] == ["first", "continued", "turn"]
    assert [kind(body) for body in cheap.bodies] == ["turn"]
    assert here.ledger.calls == 4
    assert here.trace.backend is cheap


@pytest.mark.parametrize(
    ("error", "next_time"),
    [(REFUSED, ["first", "turn"]), (BROKEN, ["first", "continued"]), (None, ["first", "turn"])],
    ids=["refused", "broken", "ignored"],
)
async def test_a_rung_that_fails_is_not_the_end_and_a_useless_prefill_is_remembered(
    error: Exception | None, next_time: list[str]
) -> None:
    script = [thinking(), error or thinking(), saying("42"), thinking(), saying("43")]
    m = backend("m", *script, dialect="sglang")
    here = world(m)
    assert deltas(await streamed(answer(here))) == "42"
    assert [kind(body) for body in m.bodies] == ["first", "continued", "turn"]
    assert deltas(await streamed(answer(here))) == "43"
    assert [kind(body) for body in m.bodies[3:]] == next_time


async def test_the_last_rungs_failure_is_the_answers() -> None:
    m = backend("m", thinking(), REFUSED, BROKEN, dialect="vllm")
    here = answer(world(m))
    with pytest.raises(UpstreamError, match="broken"):
        await streamed(here)
    assert here.ledger.reserved == 0


async def test_a_forced_answer_that_breaks_off_midway_is_an_error_and_never_said_twice() -> None:
    torn = ScriptedUpstream([[chunk({"content": "4"})]], UpstreamError("torn"))
    m = backend("m", thinking(), torn, saying("42"), dialect="vllm")
    with pytest.raises(UpstreamError, match="torn"):
        await streamed(answer(world(m)))
    endless = ScriptedUpstream([[chunk({"content": "4"})]])
    with pytest.raises(UpstreamError, match="without a finish_reason"):
        await streamed(answer(world(backend("m", thinking(), endless, dialect="vllm"))))


async def test_without_reasoning_to_hand_over_there_is_nothing_to_continue() -> None:
    silent = ScriptedUpstream(
        [[chunk({"role": "assistant"})], [chunk({}, "length"), usage_chunk(9)]]
    )
    m = backend("m", silent, saying("42"), dialect="vllm")
    assert deltas(await streamed(answer(world(m)))) == "42"
    assert [kind(body) for body in m.bodies] == ["first", "turn"]


@pytest.mark.parametrize("told", [True, False], ids=["usage told", "no usage"])
@pytest.mark.parametrize("plain", [True, False], ids=["plain", "streamed"])
async def test_an_empty_answer_at_its_limit_is_asked_for_again_and_both_are_billed(
    plain: bool, told: bool
) -> None:
    thought = "hm. " * 60
    usage = usage_chunk(60, 60) if told else b"[DONE]"
    empty = completion("", "length", reasoning_content=thought)
    empty["usage"] = {
        "prompt_tokens": 7, "completion_tokens": 60, "completion_tokens_details": {"reasoning_tokens": 60}
    }  # fmt: skip
    if not told:
        del empty["usage"]
    eater = ScriptedUpstream(
        [[chunk({"reasoning_content": "hm. "})] * 60, [chunk({}, "length"), usage]]
    )
    m = backend("m", empty if plain else eater, saying("42", spent=5))
    here = answer(world(m), tier())
    if plain:
        whole = await here.complete()
        message = whole["choices"][0]["message"]
    else:
        await streamed(here)
        assert here.collect is not None
        message = here.collect.completion()["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == ("42", thought)
    assert here.stop_reason == "output_budget"
    assert here.ledger.calls == 2
    assert here.ledger.usage.estimated is not told
    if told:
        assert here.ledger.usage == Usage(14, 0, 65, 60)
    assert here.ledger.usage.completion == pytest.approx(65, abs=2)


async def test_a_forced_answer_gets_what_is_left_of_the_time() -> None:
    limits: list[float] = []
    clock = Clock()
    m = backend("m", thinking(), saying("42"))
    asked = m.open

    async def slow(body: Mapping[str, Any], timeout_s: float) -> Upstream:
        limits.append(timeout_s)
        clock.now += 4
        return await asked(body, timeout_s)

    m.open = slow  # type: ignore[method-assign]
    here = answer(world(m, now=clock), tier(max_thinking_tokens=100, thinking="on", timeout_s=10))
    assert deltas(await streamed(here)) == "42"
    assert limits == [10, 6]


async def test_when_the_time_is_up_nobody_is_asked() -> None:
    clock = Clock()
    m = backend("m", thinking(), saying("42"), dialect="vllm")
    here = answer(world(m, now=clock), tier(max_thinking_tokens=100, thinking="on", timeout_s=10))
    await here.start()
    clock.now += 10
    with pytest.raises(UpstreamError, match="no time is left"):
        [payload async for payload in here.payloads()]
    assert len(m.bodies) == 1
    assert here.ledger.reserved == 0


async def test_what_the_answering_call_could_not_be_told_is_kept_and_not_what_a_forced_one_could() -> (
    None
):
    m = backend("m", thinking(), saying("42"), model="o3")
    here = answer(world(m))
    await streamed(here)
    assert here.trace.unenforced == {"thinking_tokens"}


SETTLES = "So the answer is 42. Let me check once more, word by word and number by number. "


def settling(n: int = 400) -> ScriptedUpstream:
    """Return a stream that stays with its answer and never says it."""
    said = [chunk({"reasoning_content": f"{SETTLES}Thought {i} of many. "}) for i in range(n)]
    return ScriptedUpstream([[thought] for thought in said])


@pytest.mark.parametrize("plain", [True, False], ids=["plain", "streamed"])
@pytest.mark.parametrize(
    ("allowed", "cancel_frees", "why"),
    [(True, True, "converged"), (False, True, "done"), (True, False, "done")],
    ids=["allowed", "not allowed", "cutting saves nothing"],
)
async def test_reasoning_that_has_settled_is_cut_where_the_tier_allows_it(
    plain: bool, allowed: bool, cancel_frees: bool, why: str
) -> None:
    m = backend("m", settling(), saying("42"), dialect="openai")
    can = capabilities_of("openai", {"cancel_frees": cancel_frees})
    m.spec = replace(m.spec, capabilities=can)
    asked = tier(thinking="on", max_thinking_tokens=50_000, stop_when_converged=allowed)
    here = answer(world(m), asked)
    if why == "done":  # neither cut nor ended: the whole of it is read
        with pytest.raises(UpstreamError, match="without a finish_reason"):
            await streamed(here)
        assert here.ledger.usage.completion > 5000
        return
    if plain:
        for _ in range(PROBATION):
            here.world.trust.observe("m", 0, 0)
        assert (await here.complete())["choices"][0]["message"]["content"] == "42"
    else:
        assert deltas(await streamed(here)) == "42"
    assert here.stop_reason == why
    assert here.ledger.usage.completion < 1000
    assert here.ledger.usage.estimated


@pytest.mark.parametrize("told", [True, False])
async def test_usage_is_asked_for_where_the_server_knows_the_field(told: bool) -> None:
    m = backend("m", saying("42"))
    m.spec = replace(m.spec, capabilities=capabilities_of("openai", {"usage_in_stream": told}))
    await streamed(answer(world(m)))
    assert ("stream_options" in m.bodies[0]) is told
