"""Who may ask what, how much at once, what happens when a client leaves, and what the log never says."""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

import httpx
import openai
import pytest

from tests.e2e.hearing import Heard, ask, client_of
from tests.e2e.world import UPSTREAM_KEY, Server, ladder, model, serving, stats, until

FULL, NARROW, POOR = "key-full-5512", "key-narrow-9931", "key-poor-7720"
PROMPT = "xyzzy-secret-prompt"


@pytest.fixture(scope="module")
def proxy(upstream: str) -> Iterator[Server]:
    """Three keys, two requests at once, and models that never end."""
    config = ladder(
        upstream,
        limits={"max_inflight": 2},
        keys=[
            {"key": FULL, "tenant": "full"},
            {"key": NARROW, "tenant": "narrow", "tiers": ["short", "distilled"]},
            {"key": POOR, "tenant": "poor", "requests_per_minute": 2},
        ],
    )
    faults = ("sim-long+forever", "sim-long+timeout", "sim-long+http-400", "sim-long+die")
    config["model_list"] += [model(upstream, name) for name in faults]
    stuck = {
        "name": "stuck",
        "models": ["sim-long+timeout"],
        "search": {"strategy": "vote", "n": 3},
    }
    config["tiers"].append(stuck)
    with serving(config) as server:
        yield server


async def test_the_list_of_models_needs_a_key_too(proxy: Server) -> None:
    async with httpx.AsyncClient(verify=False) as http:
        refused = await http.get(f"{proxy.url}/v1/models/auto")
        told = await http.get(f"{proxy.url}/v1/models", headers={"x-api-key": FULL})
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "unauthenticated"
    assert told.json()["data"][0]["id"] == "auto"


@pytest.mark.parametrize(
    "authorization",
    [
        None, "", "Bearer", f"Bearer {FULL}x", f"Bearer {FULL[:-1]}", "Bearer ' OR 1=1 --",
        f"Basic {FULL}", f"Bearer {FULL} {FULL}", "Bearer " + "a" * 30_000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/route"])
async def test_without_a_configured_key_it_is_401(
    proxy: Server, path: str, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    body = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
    async with httpx.AsyncClient(verify=False) as http:
        got = await http.post(f"{proxy.url}{path}", json=body, headers=headers)
        odd = await http.post(
            f"{proxy.url}{path}?x=/health/live", json=body,
            headers={**headers, "host": "health/live?x=#"},
        )  # fmt: skip
    assert got.status_code == odd.status_code == 401
    assert got.json()["error"]["code"] == "unauthenticated"


@pytest.mark.parametrize("headers", [{"authorization": f"bearer {FULL}"}, {"x-api-key": FULL}])
async def test_a_key_may_come_in_either_header(proxy: Server, headers: dict[str, str]) -> None:
    body = {"model": "auto:short", "messages": [{"role": "user", "content": "Hello"}]}
    async with httpx.AsyncClient(verify=False) as http:
        got = await http.post(f"{proxy.url}/v1/chat/completions", json=body, headers=headers)
    assert got.status_code == 200


async def test_the_official_client_knows_a_refused_key(proxy: Server) -> None:
    async with client_of(proxy.url, "nobody") as client:
        with pytest.raises(openai.AuthenticationError):
            await ask(client, "Hello")


@pytest.mark.parametrize(
    "model", ["auto:long", "sim-long", "sim-long+forever"], ids=["tier", "model", "no tier's model"]
)
async def test_a_key_reaches_no_tier_that_it_may_not_use(proxy: Server, model: str) -> None:
    async with client_of(proxy.url, NARROW) as client:
        with pytest.raises(openai.PermissionDeniedError) as refused:
            await ask(client, "Hello", model=model)
    assert refused.value.code == "tier_not_allowed"
    assert "distilled" in refused.value.message


@pytest.mark.parametrize(
    "wishes", [{"dial": 1}, {"max_tier": "long"}, {"min_tier": "distilled"}], ids=str
)
async def test_routing_stays_within_the_keys_tiers(
    proxy: Server, wishes: dict[str, object]
) -> None:
    async with client_of(proxy.url, NARROW) as client:
        heard = await ask(client, "Prove that sqrt(2) is irrational.", router=wishes)
        assert heard.router["tier"] in ("short", "distilled")
        assert (await ask(client, "Hello", model="sim-short")).router["model"] == "sim-short"


async def test_a_key_over_its_rate_is_429_and_told_when_to_come_back(proxy: Server) -> None:
    async with client_of(proxy.url, POOR) as client:
        asked = [ask(client, "Hello") for _ in range(5)]  # of which a minute's end may part two
        answers = [await refusal_of(answer) for answer in asked]
    refused = [answer for answer in answers if answer is not None]
    assert 1 <= len(refused) <= 3
    assert answers[:2] == [None, None]
    for error in refused:
        assert isinstance(error, openai.RateLimitError)
        assert error.code == "rate_limited"
        assert 1 <= float(error.response.headers["retry-after"]) <= 60


async def refusal_of(answer: Coroutine[Any, Any, Heard]) -> openai.APIError | None:
    """Return the error that a request ends in, if it does."""
    try:
        await answer
    except openai.APIError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("model", "streamed"),
    [("sim-long+forever", True), ("sim-long+forever", False), ("auto:stuck", False),
     ("auto:stuck", True)],
    ids=["stream", "plain", "search", "streamed search"],
)  # fmt: skip
async def test_a_client_that_leaves_frees_the_upstream_within_a_second(
    proxy: Server, upstream: str, model: str, streamed: bool
) -> None:
    async with client_of(proxy.url, FULL) as client:
        asked = asyncio.create_task(ask(client, "1 + 1?", model=model, stream=streamed))
        await asyncio.to_thread(until, lambda: stats(upstream)["open_streams"] or None)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
    await asyncio.to_thread(until, lambda: stats(upstream)["open_streams"] == 0 or None, 1.0)
    await asyncio.to_thread(until, lambda: ready(proxy)["inflight"] == 0 or None)


async def test_too_many_at_once_are_503_and_room_comes_back(proxy: Server) -> None:
    async with client_of(proxy.url, FULL) as client:
        busy = [
            asyncio.create_task(ask(client, "1 + 1?", model="sim-long+timeout")) for _ in range(2)
        ]
        await asyncio.to_thread(until, lambda: ready(proxy)["inflight"] == 2 or None)
        with pytest.raises(openai.InternalServerError) as refused:
            await ask(client, "Hello")
        assert (refused.value.status_code, refused.value.code) == (503, "overloaded")
        assert float(refused.value.response.headers["retry-after"]) >= 1
        async with httpx.AsyncClient(base_url=proxy.url, verify=False) as http:
            other = await http.post("/v1/messages", content=b"{}")
        assert other.status_code == 503, "the room is that of all APIs together"
        assert other.json()["error"]["type"] == "overloaded_error"
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
        await asyncio.to_thread(until, lambda: ready(proxy)["inflight"] == 0 or None)
        assert (await ask(client, "Hello")).text


async def test_the_log_says_no_key_and_no_prompt(proxy: Server) -> None:
    async with client_of(proxy.url, FULL) as client:
        for name in ("auto", "sim-long+http-400", "sim-long+die", "nobody"):
            for stream in (False, True):
                asked = ask(client, PROMPT, model=name, stream=stream, router={"n": 2})
                error = await refusal_of(asked)
                assert (error is None) == (name == "auto")
                assert PROMPT not in str(error)
                assert UPSTREAM_KEY not in str(error)
    async with httpx.AsyncClient(verify=False) as http:
        broken = f'{{"messages": "{PROMPT}"'.encode()
        headers = {"authorization": f"Bearer {FULL}"}
        got = await http.post(f"{proxy.url}/v1/chat/completions", content=broken, headers=headers)
        assert got.status_code == 400
        assert PROMPT not in got.text
    said = proxy.said()
    assert "listening on" in said, "the log is there"
    for secret in (PROMPT, FULL, NARROW, POOR, UPSTREAM_KEY):
        assert secret not in said
    assert "Traceback" not in said


def ready(proxy: Server) -> dict[str, Any]:
    """Return what the server says of itself."""
    said: dict[str, Any] = httpx.get(f"{proxy.url}/health/ready", verify=False).json()
    return said


def test_the_log_says_which_provider_runs_the_classifier(proxy: Server) -> None:
    assert "ExecutionProvider" in proxy.said()
    assert ready(proxy)["litellm_loaded"] is False, "every upstream here is OpenAI-compatible"
