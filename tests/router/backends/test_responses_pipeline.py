"""The Responses API through the real pipeline: budgets, cuts, bills, errors."""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Any

import pytest

from policies.budgets import plan_budget
from router import Router
from router.answer import Answer
from router.backends.pool import Pool
from router.backends.unenforced import THINKING_TOKENS
from router.call import Trace, World
from router.errors import ContextLengthExceededError, UpstreamError
from router.ledger import Ledger
from router.ratios import Ratios
from router.trust import Trust
from router.wire.openai_answer import Assembler
from tests.fakes import query, tier
from tests.router.backends.responses_server import (
    BEGIN,
    SPEAKS,
    THINKS,
    Served,
    Streams,
    end,
    event,
    serving,
    streams,
    text,
    thought,
)


def asking(
    served: Served, *, budget: int = 50, retries: int = 0, ratios: Ratios | None = None
) -> Answer:
    """Return an answer of the real pipeline from that backend."""
    asked = tier("long", "big", max_thinking_tokens=budget, thinking="on")
    pool = Pool({"big": served.backend}, retries, monotonic)
    world = World(pool, ratios or Ratios(), Trust(), monotonic, asked, idle_s=5.0)
    planned = plan_budget(asked, query().ceilings)
    return Answer(world, query(), asked, planned, Ledger(10_000), Trace(), collect=Assembler())


async def heard(answer: Answer) -> Mapping[str, Any]:
    """Return the message that a streamed answer assembles to."""
    await answer.start()
    async for _ in answer.payloads():
        pass
    assert answer.collect is not None
    message: dict[str, Any] = answer.collect.completion()["choices"][0]["message"]
    return message


SHORT = (BEGIN, THINKS, thought("Multiply."), SPEAKS, text("42"), end())


async def test_the_true_reasoning_tokens_are_billed_not_those_of_the_summary() -> None:
    async with serving(streams(*SHORT)) as served:
        answer = asking(served)
        assert (await heard(answer))["content"] == "42"
        usage = answer.ledger.usage
        assert (usage.reasoning, usage.completion, usage.cached) == (900, 950, 12)
        assert not usage.estimated
        assert answer.trace.unenforced == {THINKING_TOKENS}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_configured_model_answers_a_client(stream: bool) -> None:
    async with serving(streams(*SHORT)) as served:
        params = {"model": "openai/responses/gpt-5.5", "api_base": served.url, "api_key": "sk-1"}
        tiers = [
            {"name": name, "models": ["big"], "thinking": "on", "max_thinking_tokens": 50}
            for name in ("short", "long")
        ]
        config = {
            "model_list": [{"model_name": "big", "litellm_params": params}],
            "tiers": tiers,
            "cache": {"url": "off"},
        }
        told: dict[str, Any] = {"model": "auto:long", "messages": "What is 6 * 7?"}
        async with Router.from_config(config) as router:
            if stream:
                chunks = [
                    c async for c in await router.chat.completions.create(stream=True, **told)
                ]
                said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
                last = chunks[-1].router or {}
            else:
                answer = await router.chat.completions.create(**told)
                said, last = answer.choices[0].message.content or "", answer.router
    assert said == "42"
    assert (last["thinking_tokens"], last["unenforced"]) == (900, [THINKING_TOKENS])
    assert served.bodies[0]["reasoning"] == {"summary": "auto", "effort": "low"}


async def test_a_summary_that_runs_past_the_budget_is_cut_and_the_answer_asked_for() -> None:
    thinker = Streams((BEGIN, THINKS, *[thought(f"Thought {i}. ") for i in range(400)]), "hang")
    says = streams(BEGIN, SPEAKS, text("42"), end(usage={"input_tokens": 90, "output_tokens": 3}))
    async with serving(thinker, says) as served:
        answer = asking(served)
        message = await heard(answer)
        await asyncio.wait_for(thinker.gone.wait(), 2.0)
    assert message["content"] == "42"
    assert 50 < answer.ledger.usage.reasoning <= 50 * 1.1 + 32
    assert answer.stop_reason == "thinking_budget"
    assert answer.ledger.calls == 2
    forced = served.bodies[1]
    assert "Reasoning so far" in forced["input"][-1]["content"]
    assert forced["reasoning"] == {"effort": "none"}


async def test_a_summary_says_nothing_about_the_length_of_the_answer() -> None:
    usage = {"output_tokens": 1560, "output_tokens_details": {"reasoning_tokens": 1500}}
    brief = (BEGIN, THINKS, thought("hm " * 40), SPEAKS, *[text("word ")] * 60, end(usage=usage))
    lengthy = (BEGIN, SPEAKS, *[text("word ")] * 1700, end())
    ratios = Ratios()
    async with serving(*[streams(*brief)] * 5, streams(*lengthy)) as served:
        for _ in range(5):
            await heard(asking(served, budget=2000, ratios=ratios))
        answer = asking(served, budget=2000, ratios=ratios)
        message = await heard(answer)
    assert answer.stop_reason == "done"
    assert message["content"] == "word " * 1700


async def test_a_limit_that_reasoning_has_eaten_asks_for_the_answer() -> None:
    ate = (BEGIN, THINKS, thought("hm"), end("incomplete", incomplete_details={"reason": "max_output_tokens"}))  # fmt: skip
    async with serving(streams(*ate), streams(BEGIN, SPEAKS, text("42"), end())) as served:
        answer = asking(served)
        assert (await heard(answer))["content"] == "42"
        assert answer.stop_reason == "output_budget"


BUSY = {"type": "too_many_requests", "code": "too_many_requests", "message": "busy"}


@pytest.mark.parametrize(
    "trouble",
    [
        event("error", code="rate_limit_exceeded", message="busy", param=None),
        event("error", error=BUSY),
        end("failed", error={"code": "server_error", "message": "busy"}),
    ],
    ids=["flat", "nested", "failed"],
)
async def test_an_error_event_is_tried_again_at_first_and_ends_the_stream_later(
    trouble: bytes,
) -> None:
    begun = streams(*SHORT[:-1], trouble)
    async with serving(streams(BEGIN, trouble), streams(*SHORT), begun) as served:
        answer = asking(served, retries=1)
        assert (await heard(answer))["content"] == "42"
        assert answer.trace.attempts == 2
        with pytest.raises(UpstreamError, match="mid-stream: busy"):
            await heard(asking(served))


async def test_too_long_a_prompt_is_the_callers_mistake() -> None:
    told = "Your input exceeds the context window of this model."
    trouble = event("error", code="context_length_exceeded", message=told)
    async with serving(streams(BEGIN, trouble)) as served:
        with pytest.raises(ContextLengthExceededError, match="context window"):
            await heard(asking(served))


@pytest.mark.parametrize("then", ["", "drop"], ids=["ends", "breaks"])
async def test_a_stream_without_its_last_event_is_an_error(then: str) -> None:
    async with serving(streams(*SHORT[:-1], then=then)) as served:
        with pytest.raises(UpstreamError, match=r"ended without|broke off"):
            await heard(asking(served))


async def test_a_client_that_leaves_closes_the_upstream() -> None:
    talker = Streams((*SHORT[:-1], *[text("x")] * 2000), pause_s=0.005)
    async with serving(talker) as served:
        answer = asking(served)
        await answer.start()
        passing = answer.payloads()
        await anext(passing)
        await passing.aclose()
        await asyncio.wait_for(talker.gone.wait(), 2.0)
        assert answer.ledger.reserved == 0
