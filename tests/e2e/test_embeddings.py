"""Embeddings over real HTTP, through the official client: passed through, and booked."""

from collections.abc import AsyncIterator, Iterator
from math import isclose
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from tests.e2e.hearing import client_of
from tests.e2e.world import UPSTREAM_KEY, Server, ladder, serving, stats

PRICE = {"input": 0.5}


def embedder(upstream: str, name: str, served: str = "sim-embed") -> dict[str, Any]:
    """Return a ``model_list`` entry for the simulator's embeddings."""
    params = {"model": f"openai/{served}", "api_base": f"{upstream}/v1", "api_key": UPSTREAM_KEY}
    return {"model_name": name, "litellm_params": params, "price": PRICE}


@pytest.fixture(scope="module")
def server(upstream: str) -> Iterator[Server]:
    """The usual tiers, and models that embed, one of which refuses; a poor key and a narrow one."""
    config = ladder(
        upstream,
        keys=[
            {"key": "rich", "tenant": "a"},
            {"key": "poor", "tenant": "b", "usd_per_day": 0.000002},
            {"key": "narrow", "tenant": "c", "tiers": ["short"]},
        ],
    )
    config["model_list"] += [
        embedder(upstream, "embedder"),
        embedder(upstream, "refuser", "sim-embed+http-503"),
    ]
    with serving(config) as server:
        yield server


@pytest.fixture
async def rich(server: Server) -> AsyncIterator[AsyncOpenAI]:
    """A client that may do everything."""
    async with client_of(server.url, key="rich") as client:
        yield client


def likeness(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("form", [None, "float", "base64"])
async def test_vectors_come_as_their_model_made_them(rich: AsyncOpenAI, form: Any) -> None:
    texts = ["a red apple", "a green apple", "quantum tunnelling"]
    fields = {} if form is None else {"encoding_format": form}
    answer = await rich.embeddings.create(model="embedder", input=texts, **fields)
    assert [item.index for item in answer.data] == [0, 1, 2]
    assert answer.usage.prompt_tokens == 8
    if form == "base64":
        assert all(isinstance(item.embedding, str) for item in answer.data)
        return
    apple, other, physics = (item.embedding for item in answer.data)
    assert isclose(likeness(apple, apple), 1.0, abs_tol=1e-6)
    assert likeness(apple, other) > likeness(apple, physics)


async def test_the_cost_is_told(rich: AsyncOpenAI) -> None:
    raw = await rich.embeddings.with_raw_response.create(
        model="embedder", input="one two three four", dimensions=8
    )
    assert len(raw.parse().data[0].embedding) == 8
    assert float(raw.headers["x-router-cost-usd"]) == 4 * 0.5 / 1e6
    assert raw.headers["x-router-model"] == "embedder"
    assert raw.headers["x-router-cause"] == "pass_through"


@pytest.mark.parametrize("model", ["auto", "auto:short", "router-utility-0.5"])
async def test_nothing_is_routed(rich: AsyncOpenAI, model: str) -> None:
    with pytest.raises(openai.BadRequestError, match=r"Name a model: .*embedder") as caught:
        await rich.embeddings.create(model=model, input="x")
    assert caught.value.param == "model"


@pytest.mark.parametrize(
    ("fields", "error", "says"),
    [
        ({"model": "nobody"}, openai.NotFoundError, "no model 'nobody' here"),
        ({"input": ""}, openai.BadRequestError, "input must be"),
        ({"input": 7}, openai.BadRequestError, "input must be"),
        ({"extra_body": {"api_base": "http://x"}}, openai.BadRequestError, "api_base is not"),
        ({"extra_body": {"router": {}}}, openai.BadRequestError, "router is not accepted"),
        ({"dimensions": -1}, openai.BadRequestError, "'dimensions' must be"),
        ({"model": "refuser"}, openai.InternalServerError, "simulated 503"),
    ],
    ids=["model", "empty", "number", "address", "router", "upstream's", "refused"],
)
async def test_what_is_wrong_is_said(
    rich: AsyncOpenAI, fields: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        await rich.embeddings.create(**{"model": "embedder", "input": "x"} | fields)


async def test_a_key_pays_for_its_embeddings(upstream: str, server: Server) -> None:
    async with client_of(server.url, key="poor") as poor:
        await poor.embeddings.create(model="embedder", input="one two three four five")
        before = stats(upstream)["requests"]["sim-embed"]
        with pytest.raises(openai.RateLimitError) as caught:
            await poor.embeddings.create(model="embedder", input="one")
    assert caught.value.code == "budget_exceeded"
    assert stats(upstream)["requests"]["sim-embed"] == before


async def test_a_key_needs_the_right(server: Server) -> None:
    async with client_of(server.url, key="narrow") as narrow:
        with pytest.raises(openai.PermissionDeniedError):
            await narrow.embeddings.create(model="embedder", input="x")
    async with client_of(server.url, key="nobody") as nobody:
        with pytest.raises(openai.AuthenticationError):
            await nobody.embeddings.create(model="embedder", input="x")
