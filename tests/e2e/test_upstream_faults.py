"""Upstreams that refuse, time out, talk HTML or die: the right error, at the right moment, and no fake stop."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI

from tests.e2e.hearing import EARLY_HEADERS, ask, client_of
from tests.e2e.world import Server, configured, model, serving, stats

REFUSALS = ["http-400", "http-429", "http-500", "http-503", "html", "html-502", "timeout"]
BREAKS = ["die", "no-finish", "bad-sse"]
RESCUED = ["http-500", "timeout", "html"]


@pytest.fixture(scope="module")
def proxy(upstream: str) -> Iterator[Server]:
    """One tier for every fault, and for some of them one more with a fallback."""

    def broken(fault: str, **options: Any) -> dict[str, Any]:
        name = f"{fault}:rescued" if "fallback_tier" in options else fault
        timeout_s = 0.5 if name == "timeout" else 10
        return {"name": name, "models": [name], "timeout_s": timeout_s, **options}

    def misbehaving(fault: str, name: str) -> dict[str, Any]:
        entry = model(upstream, f"sim-long+{fault}") | {"model_name": name}
        if name == "timeout:rescued":  # a limit of its own leaves time for the fallback
            entry["litellm_params"] |= {"timeout": 0.4}
        return entry

    faults = [*REFUSALS, *BREAKS, "flaky", "slow-first"]
    models = [
        model(upstream, "sim-short"),
        *(misbehaving(fault, fault) for fault in faults),
        *(misbehaving(fault, f"{fault}:rescued") for fault in RESCUED),
        misbehaving("http-500", "counted"), misbehaving("http-500", "bad half"), misbehaving("http-400", "strict:rescued"),
        {
            "model_name": "nowhere", "price": {"input": 1, "output": 1},
            "litellm_params": {"model": "openai/x", "api_base": "http://127.0.0.1:9/v1"},
        },
    ]  # fmt: skip
    tiers = [
        {"name": "short", "models": ["sim-short"], "thinking": "off"},
        *(broken(fault) for fault in faults),
        *(broken(fault, fallback_tier="short") for fault in RESCUED),
        {"name": "strict:rescued", "models": ["strict:rescued"], "fallback_tier": "short"},
        {"name": "two halves", "models": ["bad half", "sim-short"]},
        {"name": "nowhere", "models": ["nowhere"]},
        {"name": "counted", "models": ["counted"]},
        {
            "name": "vote", "models": ["http-500"], "fallback_tier": "short",
            "search": {"strategy": "vote", "n": 3},
        },
    ]  # fmt: skip
    with serving(configured(models, tiers)) as server:
        yield server
        assert "Traceback" not in server.said()


@pytest.fixture
async def client(proxy: Server) -> AsyncIterator[AsyncOpenAI]:
    async with client_of(proxy.url) as client:
        yield client


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("http-400", 400, "invalid_request"),
        ("http-429", 429, "rate_limited"),
        ("http-500", 502, "upstream_error"),
        ("http-503", 502, "upstream_error"),
        ("html", 502, "upstream_error"),
        ("html-502", 502, "upstream_error"),
        ("timeout", 504, "upstream_timeout"),
        ("nowhere", 502, "upstream_error"),
    ],
)
async def test_a_refusal_has_the_contracts_status_and_envelope(
    client: AsyncOpenAI, fault: str, status: int, code: str, stream: bool
) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        await ask(client, "What is 2 + 2?", model=f"auto:{fault}", stream=stream)
    error, headers = refused.value, refused.value.response.headers
    assert (error.status_code, error.code) == (status, code)
    assert set(error.response.json()["error"]) == {"message", "type", "param", "code"}
    assert "html>" not in error.message
    told = {name for name in headers if name.startswith("x-router-")}
    assert told >= EARLY_HEADERS - {"x-router-model"}
    assert headers["x-router-tier"] == fault
    if status == 400:
        assert "x-should-retry" not in headers
        assert headers["x-router-attempts"] == "1"
    else:
        assert headers["x-should-retry"] == "false"
    if status == 429:
        assert float(headers["retry-after"]) >= 1


async def test_an_official_client_does_not_repeat_what_we_have_repeated(
    proxy: Server, upstream: str
) -> None:
    before = stats(upstream)["requests_total"]
    async with client_of(proxy.url, max_retries=2) as client:
        with pytest.raises(openai.InternalServerError):
            await ask(client, "What is 2 + 2?", model="auto:counted")
    assert stats(upstream)["requests_total"] - before == 2, (
        "the first attempt and one retry of ours"
    )


@pytest.mark.parametrize("fault", BREAKS)
async def test_a_stream_that_breaks_off_ends_in_an_error_and_never_in_a_stop(
    client: AsyncOpenAI, proxy: Server, fault: str
) -> None:
    with pytest.raises(openai.APIError) as broken:
        await ask(client, "What is 2 + 2?", model=f"auto:{fault}", stream=True)
    if fault != "bad-sse":  # which may come so early that a status can still tell it
        assert not isinstance(broken.value, openai.APIStatusError)
    assert broken.value.code == "upstream_error"
    body = {"model": f"auto:{fault}", "messages": [{"role": "user", "content": "2 + 2?"}]}
    async with httpx.AsyncClient(verify=False) as http:
        got = await http.post(f"{proxy.url}/v1/chat/completions", json={**body, "stream": True})
    events = [event for event in got.text.split("\n\n") if event]
    assert events[-1].removeprefix("data: ").startswith('{"error":')
    assert '"finish_reason":"stop"' not in got.text.replace(": ", ":")
    assert "[DONE]" not in got.text


async def test_half_a_body_is_an_error(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.InternalServerError) as broken:
        await ask(client, "What is 2 + 2?", model="auto:die")
    assert broken.value.code == "upstream_error"


async def test_a_plain_answer_without_a_finish_reason_gets_no_fake_one(client: AsyncOpenAI) -> None:
    heard = await ask(client, "What is 2 + 2?", model="auto:no-finish")
    assert heard.finish is None


async def test_the_first_failure_is_retried_before_the_first_byte(
    client: AsyncOpenAI, stream: bool
) -> None:
    question = f"What is 3 + {4 + stream}?"  # the simulator fails once for each conversation
    heard = await ask(client, question, model="auto:flaky", stream=stream)
    assert heard.headers["x-router-attempts"] == "2"
    assert heard.finish == "stop"
    assert heard.router["calls"] == 1


async def test_another_model_of_the_tier_answers_in_place_of_a_broken_one(
    client: AsyncOpenAI, stream: bool
) -> None:
    for _ in range(4):
        heard = await ask(client, "What is 2 + 2?", model="auto:two halves", stream=stream)
        assert heard.router["model"] == heard.headers["x-router-model"] == "sim-short"
        assert heard.router["tier"] == "two halves"
        assert heard.router["cause"] == "forced"


@pytest.mark.parametrize("fault", [*RESCUED, "vote"])
async def test_the_fallback_tier_answers_and_says_so(
    client: AsyncOpenAI, fault: str, stream: bool
) -> None:
    tier = fault if fault == "vote" else f"{fault}:rescued"
    heard = await ask(client, "What is 2 + 2?", model=f"auto:{tier}", stream=stream)
    assert heard.router["tier"] == heard.headers["x-router-tier"] == "short"
    assert heard.router["cause"] == heard.headers["x-router-cause"] == "fallback"
    assert heard.router["model"] == "sim-short"
    assert heard.router["strategy"] == "single"
    assert "The answer is" in heard.text


async def test_a_callers_mistake_falls_back_nowhere(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        await ask(client, "What is 2 + 2?", model="auto:strict:rescued")


async def test_a_slow_first_token_is_waited_for(client: AsyncOpenAI) -> None:
    heard = await ask(client, "What is 2 + 2?", model="auto:slow-first", stream=True)
    assert heard.finish == "stop"
    assert float(heard.headers["x-router-overhead-ms"]) < 1000, "waiting is not our overhead"


async def test_a_model_that_keeps_failing_rests_and_the_client_is_told_for_how_long(
    client: AsyncOpenAI, upstream: str
) -> None:
    for _ in range(10):
        with pytest.raises(openai.APIStatusError) as refused:
            await ask(client, "What is 2 + 2?", model="auto:http-503")
        if refused.value.status_code == 503:
            break
    assert refused.value.code == "overloaded"
    assert float(refused.value.response.headers["retry-after"]) >= 1
    before = stats(upstream)["requests_total"]
    with pytest.raises(openai.InternalServerError, match="cooling down"):
        await ask(client, "What is 2 + 2?", model="auto:http-503")
    assert stats(upstream)["requests_total"] == before, "nobody is asked meanwhile"


async def test_nothing_stays_open(upstream: str) -> None:
    """Last in this file: after all of the above."""
    assert stats(upstream)["open_streams"] == 0
