"""Every strategy of the registry through the real proxy: an answer, one honest bill, nothing left open."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from openai import AsyncOpenAI

from policies.answers import answer_key
from policies.strategies import STRATEGIES
from tests.e2e.hearing import ask
from tests.e2e.world import configured, model, serving, stats

QUESTION = "Start with 7, add 5, multiply by 3, subtract 4."
ANSWER = "number:32"

BY_CHANCE = {"beam_search", "dvts", "mcts", "stepwise"}
"""What these say is right with a chance that other tests measure: they write their steps, and do not think."""


@pytest.fixture(scope="module")
def strategist(upstream: str) -> Iterator[str]:
    verifier = {"kind": "reward", "model": "scores"}
    scores = {
        "model_name": "scores",
        "litellm_params": {"model": "openai/scores", "api_base": f"{upstream}/v1"},
    }
    tiers: list[dict[str, Any]] = [
        {"name": "short", "models": ["sim-short"], "thinking": "off", "search": {"verifier": verifier}},
        {
            "name": "long", "models": ["sim-long"], "thinking": "on", "max_thinking_tokens": 4096,
            "search": {"verifier": verifier}, "max_total_tokens": 60000,
        },
    ]  # fmt: skip
    models = [model(upstream, "sim-short"), model(upstream, "sim-long"), scores]
    with serving(configured(models, tiers, cache={"url": "off"})) as server:
        yield server.url


@pytest.fixture
async def asker(strategist: str) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{strategist}/v1", api_key="k", max_retries=0) as client:
        yield client


@pytest.mark.parametrize("tier", ["short", "long"])
@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
async def test_every_strategy_answers_and_its_bill_is_what_the_upstream_counted(
    asker: AsyncOpenAI, upstream: str, strategy: str, tier: str
) -> None:
    before = stats(upstream)
    heard = await ask(asker, QUESTION, model=f"auto:{tier}", router={"strategy": strategy})
    after = stats(upstream)
    assert heard.text
    assert heard.finish == "stop"
    assert heard.usage is not None
    told = heard.router
    assert told["stop_reason"]
    instead = f"instead of {strategy}" in told["stop_reason"]
    assert (told["strategy"] == strategy) != instead
    spent = after["tokens_generated"] - before["tokens_generated"]
    if not told["estimated"]:
        assert heard.usage["completion_tokens"] == told["upstream_tokens"] == spent
    assert after["open_streams"] == 0
    assert after["corrupted_handovers"] == before["corrupted_handovers"]
    if tier == "long" and strategy not in BY_CHANCE:
        assert answer_key(heard.text) == ANSWER
