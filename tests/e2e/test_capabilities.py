"""Requests go only where they can be served, and it is told why."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI

from tests.e2e.hearing import client_of
from tests.e2e.world import Server, configured, model, serving

EASY = "What is 6 * 7?"
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
SEEN = [{"role": "user", "content": [{"type": "text", "text": EASY}, IMAGE]}]
FRESH = {"router": {"cache": "no-store", "dial": 0.0}}


@pytest.fixture(scope="module")
def server(upstream: str) -> Iterator[Server]:
    """Two tiers: the cheap one reads text, and little of it; the dear one sees, and calls no tool."""
    short = {"supports_vision": False, "max_input_tokens": 200}
    long = {"supports_vision": True, "supports_function_calling": False}
    models = [
        model(upstream, "sim-short", model_info=short),
        model(upstream, "sim-long", model_info=long, capabilities={"choices": False}),
    ]
    tiers = [
        {"name": "short", "models": ["sim-short"], "thinking": "off"},
        {"name": "long", "models": ["sim-long"]},
    ]
    with serving(configured(models, tiers)) as server:
        yield server


@pytest.fixture
async def able(server: Server) -> AsyncIterator[AsyncOpenAI]:
    """A client of it."""
    async with client_of(server.url) as client:
        yield client


async def routed(client: AsyncOpenAI, **fields: Any) -> tuple[httpx.Headers, dict[str, Any]]:
    """Return headers and router object of an answer."""
    asked = {"model": "auto", "messages": [{"role": "user", "content": EASY}], "extra_body": FRESH}
    raw = await client.chat.completions.with_raw_response.create(**asked | fields)
    answer = raw.parse().model_dump()
    return raw.headers, answer["router"]


async def test_a_plain_question_goes_where_the_policy_says(able: AsyncOpenAI) -> None:
    headers, router = await routed(able)
    assert (router["tier"], headers["x-router-cause"]) == ("short", "classifier")


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": SEEN},
        {"messages": [*SEEN, {"role": "assistant", "content": "42"}, {"role": "user", "content": "Hi"}]},
        {"messages": [{"role": "user", "content": "word " * 400}]},
    ],
    ids=["image", "earlier image", "long prompt"],
)  # fmt: skip
async def test_what_the_cheap_tier_cannot_do_goes_to_the_one_that_can(
    able: AsyncOpenAI, fields: dict[str, Any]
) -> None:
    headers, router = await routed(able, **fields)
    assert (router["tier"], headers["x-router-cause"]) == ("long", "capability")


async def test_tools_stay_where_they_are_called(able: AsyncOpenAI) -> None:
    _, router = await routed(able, tools=[TOOL], extra_body={"router": {"dial": 1.0}})
    assert (router["tier"], router["cause"]) == ("short", "capability")


@pytest.mark.parametrize(
    ("fields", "param", "says"),
    [
        (
            {"messages": SEEN, "tools": [TOOL]},
            "tools",
            r"needs tools and images, and no tier .*\(short, long\)",
        ),
        ({"messages": SEEN, "model": "auto:short"}, "messages", "needs images.*allow long"),
        (
            {"n": 2, "extra_body": {"router": {"min_tier": "long"}}},
            "n",
            "needs n above 1.*allow short",
        ),
    ],
    ids=["nobody", "forced", "bounded"],
)
async def test_what_no_tier_can_do_is_refused_by_name(
    able: AsyncOpenAI, fields: dict[str, Any], param: str, says: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=says) as caught:
        await routed(able, **fields)
    assert caught.value.param == param


async def test_a_prompt_too_long_for_its_tier_has_a_code_of_its_own(able: AsyncOpenAI) -> None:
    long = [{"role": "user", "content": "word " * 400}]
    with pytest.raises(openai.BadRequestError, match="allow long") as caught:
        await routed(able, messages=long, model="auto:short")
    assert caught.value.code == "context_length_exceeded"


async def test_a_model_named_by_the_client_is_its_own_affair(able: AsyncOpenAI) -> None:
    _, router = await routed(able, messages=SEEN, model="sim-short")
    assert router["cause"] == "pass_through"


async def test_a_dry_run_names_what_is_left_out(able: AsyncOpenAI) -> None:
    raw = await able.post(
        "/route", body={"model": "auto", "messages": SEEN}, cast_to=httpx.Response
    )
    told = raw.json()
    assert told["tier"] == "long"
    assert told["reason"].endswith("Left out for want of images: short.")
