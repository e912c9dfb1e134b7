"""Ceilings reach the upstream, and where an upstream does not care, the stream is cut and still ends in an answer."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from openai import AsyncOpenAI

from tests.e2e.hearing import ask, client_of
from tests.e2e.world import Server, configured, model, serving, stats

THINKING = 300
RESERVE = 80
CHAIN = "Start with 5, add 7, multiply by 3, subtract 4, multiply by 2, add 11, subtract 6."

UNRULY = ["forever", "ignore-budget", "loop", "null-content", "ignore-budget+no-usage",
          "ignore-budget+reasoning-field", "ignore-budget+tags", "forever+no-usage"]  # fmt: skip

DIALECTS = ["deepseek", "dashscope", "openrouter", "llamacpp", "mistral"]


@pytest.fixture(scope="module")
def proxy(upstream: str) -> Iterator[Server]:
    """One tier for every unruly model, and the tiers whose ceilings are looked at."""
    thinks = {
        "thinking": "on", "max_thinking_tokens": THINKING, "answer_reserve_tokens": RESERVE,
        "timeout_s": 20,
    }  # fmt: skip
    unruly = [f"sim-long+{name}" for name in UNRULY]
    mute = model(upstream, "sim-long") | {"model_name": "mute", "dialect": "openai"}
    models = [model(upstream, name) for name in ("sim-short", "sim-long", *unruly)]
    models += [
        model(upstream, "sim-long") | {"model_name": name, "dialect": name} for name in DIALECTS
    ]
    tiers: list[dict[str, Any]] = [
        {"name": "short", "models": ["sim-short"], "thinking": "off"},
        {"name": "terse", "models": ["sim-short"], "thinking": "off", "max_output_tokens": 9},
        {"name": "off", "models": ["sim-long"], "thinking": "off"},
        {"name": "told", "models": ["sim-long"], **thinks},
        {"name": "untold", "models": ["mute"], **thinks},
        *({"name": name, "models": [f"sim-long+{name}"], **thinks} for name in UNRULY),
        *({"name": name, "models": [name], "thinking": "off"} for name in DIALECTS),
    ]
    with serving(configured([*models, mute], tiers)) as server:
        yield server


@pytest.fixture
async def client(proxy: Server) -> AsyncIterator[AsyncOpenAI]:
    async with client_of(proxy.url) as client:
        yield client


def allowed(budget: int) -> float:
    """Return how much reasoning may be read under a budget: what is promised to users."""
    return budget * 1.1 + 32


async def test_the_output_ceiling_reaches_the_upstream(
    client: AsyncOpenAI, upstream: str, stream: bool
) -> None:
    before = stats(upstream)["tokens_generated"]
    heard = await ask(client, CHAIN, model="auto:terse", stream=stream)
    assert stats(upstream)["tokens_generated"] - before == 9
    assert heard.finish == "length"
    assert heard.text


async def test_thinking_switched_off_is_no_thinking_at_all(
    client: AsyncOpenAI, upstream: str, stream: bool
) -> None:
    heard = await ask(client, CHAIN, model="auto:off", stream=stream)
    assert (heard.thought, heard.reasoning_tokens, heard.finish) == ("", 0, "stop")
    assert heard.router["thinking_budget"] == 0


async def test_a_server_that_takes_a_budget_is_told_it_and_is_not_cut(
    client: AsyncOpenAI, upstream: str, stream: bool
) -> None:
    for _ in range(8):  # until it has shown that it keeps its budget by itself
        await ask(client, CHAIN, model="auto:told")
    before = stats(upstream)
    for _ in range(6):
        heard = await ask(client, CHAIN, model="auto:told", stream=stream)
        assert heard.reasoning_tokens == heard.router["thinking_budget"] == THINKING
        assert (heard.router["stop_reason"], heard.finish) == ("done", "stop")
        assert heard.router["calls"] == 1
    assert stats(upstream)["cancelled_streams"] == before["cancelled_streams"]


async def test_a_server_that_takes_no_budget_is_cut_and_asked_for_the_answer_alone(
    client: AsyncOpenAI, upstream: str, stream: bool
) -> None:
    heard = await ask(client, CHAIN, model="auto:untold", stream=stream)
    assert len(heard.thought.split()) <= allowed(THINKING)
    assert "answer" in heard.text
    assert heard.router["stop_reason"] in ("thinking_budget", "output_budget")
    assert heard.router["calls"] > 1
    assert stats(upstream)["open_streams"] == 0


@pytest.mark.parametrize("fault", UNRULY)
async def test_an_unruly_model_ends_in_an_answer_within_the_budget(
    client: AsyncOpenAI, upstream: str, fault: str, stream: bool
) -> None:
    before = stats(upstream)
    heard = await ask(client, CHAIN, model=f"auto:{fault}", stream=stream)
    thought = sum(stats(upstream)["reasoning_tokens"].values()) - sum(
        before["reasoning_tokens"].values()
    )
    assert heard.text.strip(), "an answer"
    assert "<think>" not in heard.text
    assert heard.finish in ("stop", "length")
    assert heard.thought
    assert len(heard.thought.split()) <= allowed(THINKING)
    assert heard.router["thinking_budget"] == THINKING
    # The second turn is told to think no more, and is cut as well where it does.
    assert heard.reasoning_tokens <= allowed(THINKING) + allowed(0)
    # What the simulator wrote into the socket before it noticed is generated, too.
    assert thought <= 3 * allowed(THINKING)
    if heard.router["stop_reason"] == "thinking_budget":
        assert heard.router["estimated"], "who is cut sends no usage"
    assert stats(upstream)["open_streams"] == 0


@pytest.mark.parametrize("budget", [0, 1, 50, 10_000])
async def test_the_clients_thinking_ceiling_clamps_and_never_raises(
    client: AsyncOpenAI, budget: int, stream: bool
) -> None:
    heard = await ask(
        client, CHAIN, model="auto:told", stream=stream, router={"max_thinking_tokens": budget}
    )
    assert heard.router["thinking_budget"] == min(budget, THINKING)
    assert heard.reasoning_tokens <= allowed(min(budget, THINKING))
    assert heard.text


@pytest.mark.parametrize(
    ("effort", "share"), [("none", 0), ("low", 0.25), ("medium", 0.5), ("high", 1.0)]
)
async def test_the_clients_effort_is_a_ceiling_too(
    client: AsyncOpenAI, effort: str, share: float
) -> None:
    heard = await ask(client, CHAIN, model="auto:told", reasoning_effort=effort)
    assert heard.router["thinking_budget"] == share * THINKING
    assert heard.reasoning_tokens <= share * THINKING


@pytest.mark.parametrize("tokens", [1, 20])
@pytest.mark.parametrize("tier", ["short", "told", "untold", "ignore-budget", "forever"])
async def test_the_clients_output_ceiling_bounds_the_answer(
    client: AsyncOpenAI, tier: str, tokens: int, stream: bool
) -> None:
    name = "max_tokens" if stream else "max_completion_tokens"  # two names for one ceiling
    heard = await ask(client, CHAIN, model=f"auto:{tier}", stream=stream, extra_body={name: tokens})
    assert 0 < len(heard.text.split()) <= allowed(tokens)
    if tier in ("short", "told"):
        assert heard.usage is not None
        assert heard.usage["completion_tokens"] <= tokens
        assert heard.finish == "length"


@pytest.mark.parametrize(
    ("tier", "total"), [("told", 1), ("told", 1000), ("untold", 10), ("untold", 100)]
)
async def test_the_total_bounds_all_calls_together(
    client: AsyncOpenAI, tier: str, total: int, stream: bool
) -> None:
    heard = await ask(
        client, CHAIN, model=f"auto:{tier}", stream=stream, router={"max_total_tokens": total}
    )
    assert heard.text
    assert heard.usage is not None
    assert heard.usage["completion_tokens"] <= allowed(total)


async def test_a_vote_among_unruly_samples_still_ends_in_an_answer(
    client: AsyncOpenAI, upstream: str, stream: bool
) -> None:
    heard = await ask(
        client, CHAIN, model="auto:ignore-budget", stream=stream, router={"n": 3}
    )  # fmt: skip
    assert heard.text
    assert heard.router["strategy"] == "vote"
    assert heard.router["agreement"] is not None
    assert heard.reasoning_tokens <= 3 * (allowed(THINKING) + allowed(0))
    assert stats(upstream)["open_streams"] == 0


async def test_budgets_hold_for_models_that_clients_name_themselves(
    client: AsyncOpenAI, stream: bool
) -> None:
    heard = await ask(
        client, CHAIN, model="sim-long+forever", stream=stream, router={"max_thinking_tokens": 100}
    )
    assert heard.text
    assert len(heard.thought.split()) <= allowed(100)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_thinking_is_switched_off_in_the_servers_own_dialect(
    client: AsyncOpenAI, dialect: str
) -> None:
    heard = await ask(client, CHAIN, model=f"auto:{dialect}")
    assert (heard.thought, heard.reasoning_tokens) == ("", 0)
    assert heard.router["calls"] == 1
