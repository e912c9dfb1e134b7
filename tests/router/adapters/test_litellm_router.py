"""A real LiteLLM Router on the simulator, with our decision in it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from litellm.exceptions import InternalServerError
from litellm.router import Router as LiteLLMRouter

from router import ConfigError, Router
from router.adapters.litellm_router import ThinkThriftStrategy
from router.errors import InvalidRequestError
from tests.e2e.world import configured, ladder, model
from tests.loadtest.simulated import simulator

pytestmark = pytest.mark.filterwarnings("ignore:Item 'summary' on TypedDict:UserWarning")
"""LiteLLM's own types, read by pydantic."""

EASY: list[Any] = [{"role": "user", "content": "Hello!"}]
HARD: list[Any] = [
    {"role": "user", "content": "Find all functions f: R -> R with f(x + f(y)) = f(x) + y."}
]


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with simulator("--no-delay") as url:
        yield url


def deployments(upstream: str, *names: str, **options: Any) -> LiteLLMRouter:
    listed = [
        {"model_name": name, "litellm_params": model(upstream, name)["litellm_params"]}
        for name in names
    ]
    return LiteLLMRouter(model_list=listed, num_retries=0, **options)


@pytest.fixture
async def routed(upstream: str) -> AsyncIterator[LiteLLMRouter]:
    config = ladder(upstream, cache={"url": "off"}, routing={"dial": 0.8})
    async with Router.from_config(config) as router:
        served = deployments(upstream, "sim-short", "sim-distilled", "sim-long")
        served.set_custom_routing_strategy(ThinkThriftStrategy(router, served))
        yield served


@pytest.mark.parametrize(
    ("asked", "messages", "answered"),
    [
        ("auto", EASY, "sim-short"), ("auto", HARD, "sim-distilled"), ("auto:long", EASY, "sim-long"),
        ("router-utility-0", HARD, "sim-short"), ("sim-long", EASY, "sim-long"),
    ],
)  # fmt: skip
async def test_litellm_asks_the_model_of_the_decided_tier(
    routed: LiteLLMRouter, asked: str, messages: Any, answered: str
) -> None:
    answer = await routed.acompletion(model=asked, messages=messages)
    assert answer.model == answered
    assert answer.choices[0].message.content
    assert routed.completion(model=asked, messages=messages).model == answered


async def test_a_stream_is_routed_likewise(routed: LiteLLMRouter) -> None:
    stream = await routed.acompletion(model="auto", messages=HARD, stream=True)
    assert {chunk.model async for chunk in stream} == {"sim-distilled"}


async def test_a_model_that_cools_down_is_passed_over_inside_the_tier(upstream: str) -> None:
    names = ("sim-short+http-500", "sim-short")
    tiers = [{"name": "short", "models": names}, {"name": "long", "models": ["sim-long"]}]
    models = [model(upstream, name) for name in (*names, "sim-long")]
    async with Router.from_config(configured(models, tiers, cache={"url": "off"})) as router:
        served = deployments(upstream, *names, "sim-long", allowed_fails=0, cooldown_time=60)
        served.set_custom_routing_strategy(ThinkThriftStrategy(router, served))
        with pytest.raises(InternalServerError):
            await served.acompletion(model="auto:short", messages=EASY)
        answer = await served.acompletion(model="auto:short", messages=EASY)
        assert answer.model == "sim-short"


async def test_what_does_not_fit_is_said_at_once(upstream: str, routed: LiteLLMRouter) -> None:
    with pytest.raises(InvalidRequestError, match="unknown tier 'nowhere'"):
        await routed.acompletion(model="auto:nowhere", messages=EASY)
    async with Router.from_config(ladder(upstream, cache={"url": "off"})) as router:
        with pytest.raises(ConfigError, match="tier long: LiteLLM's Router has no model"):
            ThinkThriftStrategy(router, deployments(upstream, "sim-short", "sim-distilled"))
