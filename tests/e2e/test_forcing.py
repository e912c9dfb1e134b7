"""A reasoner that was cut goes on to its answer, in every dialect that can, within one deadline; one that has settled is cut."""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from tests.e2e.hearing import ask, client_of
from tests.e2e.world import Server, configured, model, serving, stats, until

SUM = "What is 12 + 7?"
THINKING = 600
CONTINUING = ["vllm", "sglang", "llamacpp", "deepseek", "mistral", "kimi", "dashscope"]
ASKING = ["openai", "groq"]


@pytest.fixture(scope="module")
def proxy(upstream: str) -> Iterator[Server]:
    def named(name: str, simulated: str, **options: Any) -> dict[str, Any]:
        return model(upstream, simulated) | {"model_name": name} | options

    thinks = {"thinking": "on", "max_thinking_tokens": THINKING, "answer_reserve_tokens": 80}
    patient = {"thinking": "on", "max_thinking_tokens": 8000, "timeout_s": 20}
    models = [
        model(upstream, "sim-short"),
        *(named(name, "sim-long+forever", dialect=name) for name in CONTINUING + ASKING),
        named("unable", "sim-long+forever", capabilities={"prefill": False}),
        named("late", "sim-long+forever+slow-first"),
        named("settled", "sim-long+forever"),
        named("uncancelled", "sim-long+forever", capabilities={"cancel_frees": False}),
        named("hasty", "sim-distilled"),
        named("hasty and stubborn", "sim-distilled", dialect="openai"),
    ]
    tiers: list[dict[str, Any]] = [
        {"name": "short", "models": ["sim-short"], "thinking": "off"},
        *(
            {"name": name, "models": [name], **thinks}
            for name in [*CONTINUING, *ASKING, "unable"]
        ),
        {"name": "late", "models": ["late"], **thinks, "timeout_s": 0.9},
        {"name": "settled", "models": ["settled"], **patient, "stop_when_converged": True},
        {"name": "unsettled", "models": ["settled"], **patient, "max_thinking_tokens": 2000},
        {
            "name": "uncancelled", "models": ["uncancelled"], **patient,
            "max_thinking_tokens": 2000, "stop_when_converged": True,
        },
        *(
            {"name": name, "models": [name], **thinks, "min_thinking_tokens": 500, "wait": 1}
            for name in ("hasty", "hasty and stubborn")
        ),
    ]  # fmt: skip
    with serving(configured(models, tiers)) as server:
        yield server
        assert "Traceback" not in server.said()


@pytest.fixture
async def client(proxy: Server) -> AsyncIterator[AsyncOpenAI]:
    async with client_of(proxy.url) as client:
        yield client


@pytest.mark.parametrize("tier", [*CONTINUING, *ASKING, "unable"])
async def test_a_cut_reasoner_answers_from_what_it_has_thought(
    client: AsyncOpenAI, upstream: str, tier: str, stream: bool
) -> None:
    before = stats(upstream)["corrupted_handovers"]
    heard = await ask(client, SUM, model=f"auto:{tier}", stream=stream)
    assert re.search(r"-?\d+", heard.text)
    assert "<think>" not in heard.text
    assert heard.router["stop_reason"] == "thinking_budget"
    assert heard.router["calls"] == 2, "the first rung was enough"
    assert heard.router["model"] == tier
    assert heard.reasoning_tokens <= THINKING * 1.1 + 32
    assert stats(upstream)["corrupted_handovers"] == before
    assert stats(upstream)["open_streams"] == 0


async def test_the_forced_call_has_what_is_left_of_the_time(
    client: AsyncOpenAI, upstream: str, stream: bool
) -> None:
    """Each call waits half a second for its first token, and there are 0.9 s for all of them.

    With 0.9 s for each call there would be an answer.
    """
    with pytest.raises(openai.APIError) as late:
        await ask(client, SUM, model="auto:late", stream=stream)
    assert late.value.code == "upstream_timeout"
    until(lambda: stats(upstream)["open_streams"] == 0)


async def test_reasoning_that_has_settled_is_cut_early_where_the_tier_allows_it(
    client: AsyncOpenAI, stream: bool
) -> None:
    # Seeded: now and then the simulated reasoner muses past its budget before it has said it three times.
    heard = await ask(client, SUM, model="auto:settled", stream=stream, seed=4)
    assert heard.router["stop_reason"] == "converged"
    assert heard.reasoning_tokens < 2000
    assert re.findall(r"-?\d+", heard.text)[-1] in heard.thought
    assert heard.finish == "stop"


@pytest.mark.parametrize("tier", ["unsettled", "uncancelled"])
async def test_it_is_left_alone_where_it_does_not_or_where_cutting_saves_nothing(
    client: AsyncOpenAI, tier: str
) -> None:
    heard = await ask(client, SUM, model=f"auto:{tier}")
    assert heard.router["stop_reason"] == "thinking_budget"
    assert heard.reasoning_tokens > 900


@pytest.mark.parametrize(
    ("tier", "unenforced"),
    [("vllm", []), ("dashscope", []), ("kimi", ["thinking_tokens"]), ("deepseek", ["thinking_tokens"])],
)  # fmt: skip
async def test_the_client_is_told_what_the_model_could_not_be(
    client: AsyncOpenAI, tier: str, unenforced: list[str], stream: bool
) -> None:
    heard = await ask(client, SUM, model=f"auto:{tier}", stream=stream)
    assert heard.router["unenforced"] == unenforced


async def test_reasoning_that_ends_too_early_goes_on_and_is_one_answer(
    client: AsyncOpenAI, stream: bool
) -> None:
    heard = await ask(client, SUM, model="auto:hasty", stream=stream)
    assert "Wait," in heard.thought
    assert "answer is" in heard.text
    assert (heard.router["calls"], heard.router["stop_reason"]) == (2, "done")
    assert heard.router["unenforced"] == []
    assert heard.finish == "stop"
    assert heard.reasoning_tokens <= THINKING * 1.1 + 32


async def test_where_it_cannot_go_on_the_client_is_told(client: AsyncOpenAI, stream: bool) -> None:
    heard = await ask(client, SUM, model="auto:hasty and stubborn", stream=stream)
    assert "min_thinking_tokens" in heard.router["unenforced"]
    assert heard.router["calls"] == 1
