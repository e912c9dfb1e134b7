"""Whatever a client sends: the contract's envelope and status, never a traceback, and the process lives on."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import openai
import pytest

from tests.e2e.hearing import ask, client_of
from tests.e2e.world import Server, ladder, serving, stats

MAX_BODY = 20_000
HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def proxy(upstream: str) -> Iterator[Server]:
    """One that takes small bodies only."""
    with serving(ladder(upstream, limits={"max_body_bytes": MAX_BODY})) as server:
        yield server
        assert "Traceback" not in server.said(), "no test here may reach the last line of defence"


@pytest.fixture
async def http(proxy: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=proxy.url, verify=False) as http:
        yield http


def refused(got: httpx.Response, status: int, code: str, param: str | None = None) -> str:
    """Check an error's envelope; return its message."""
    assert got.status_code == status, got.text
    assert got.headers["content-type"] == "application/json"
    assert set(got.json()) == {"error"}
    error = got.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == code
    assert isinstance(error["type"], str)
    if param is not None:
        assert error["param"] == param
    assert "Traceback" not in error["message"]
    message: str = error["message"]
    return message


MALFORMED = [b"", b"{", b"null", b"[]", b'"auto"', b"\xff\xfe", b"{'model': 'auto'}",
             b'{"model": "auto"} trailing', b'{"model": NaN}', b"[" * 2000]  # fmt: skip


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/route"])
@pytest.mark.parametrize("raw", MALFORMED)
async def test_a_body_that_is_no_json_object_is_400(
    http: httpx.AsyncClient, raw: bytes, path: str
) -> None:
    refused(await http.post(path, content=raw), 400, "invalid_request")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"model": None}, "model"), ({"model": 7}, "model"), ({"model": ""}, "model"),
    ({"messages": None}, "messages"), ({"messages": []}, "messages"),
    ({"messages": "Hello"}, "messages"), ({"messages": ["Hello"]}, "messages[0]"),
    ({"messages": [{"content": "x"}]}, "messages[0]"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    ({"stream": "yes"}, "stream"), ({"stream_options": 1}, "stream_options"),
    ({"temperature": "hot"}, "temperature"), ({"temperature": 3}, "temperature"),
    ({"top_p": -1}, "top_p"), ({"n": 0}, "n"), ({"n": 1.5}, "n"), ({"n": 10**9}, "n"),
    ({"max_tokens": -1}, "max_tokens"), ({"max_tokens": "9"}, "max_tokens"),
    ({"max_completion_tokens": 0}, "max_completion_tokens"),
    ({"reasoning_effort": "huge"}, "reasoning_effort"), ({"reasoning_effort": 3}, "reasoning_effort"),
    ({"response_format": "json"}, "response_format"), ({"seed": [1]}, "seed"), ({"seed": 2**63}, "seed"),
    ({"router": []}, "router"), ({"router": {"colour": 1}}, "router.colour"),
    ({"router": {"tier": 1}}, "router.tier"), ({"router": {"tier": "huge"}}, "router.tier"),
    ({"router": {"min_tier": "huge"}}, "router.min_tier"),
    ({"router": {"max_tier": ""}}, "router.max_tier"),
    ({"router": {"dial": 2}}, "router.dial"), ({"router": {"dial": True}}, "router.dial"),
    ({"router": {"n": 0}}, "router.n"), ({"router": {"n": 1000}}, "router.n"),
    ({"router": {"max_cost_usd": -1}}, "router.max_cost_usd"),
    ({"router": {"max_thinking_tokens": -1}}, "router.max_thinking_tokens"),
    ({"router": {"max_total_tokens": 0}}, "router.max_total_tokens"),
    ({"router": {"strategy": "magic"}}, "router.strategy"),
    ({"router": {"cache": "always"}}, "router.cache"),
    ({"router": {"dry_run": "yes"}}, "router.dry_run"),
    ({"router": {"min_tier": "long", "max_tier": "short"}}, "router"),
    ({"api_base": "http://169.254.169.254"}, "api_base"), ({"base_url": "http://x"}, "base_url"),
    ({"api_key": "sk"}, "api_key"), ({"extra_headers": {}}, "extra_headers"),
    ({"user_config": {}}, "user_config"), ({"mock_response": "x"}, "mock_response"),
    ({"custom_llm_provider": "x"}, "custom_llm_provider"), ({"fallbacks": []}, "fallbacks"),
    ({"num_retries": 99}, "num_retries"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "param"), WRONG, ids=[json.dumps(change)[:60] for change, _ in WRONG]
)
async def test_a_wrong_field_is_400_and_named(
    http: httpx.AsyncClient, upstream: str, change: dict[str, Any], param: str
) -> None:
    before = stats(upstream)["requests_total"]
    body = {"model": "auto", "messages": HELLO} | change
    refused(await http.post("/v1/chat/completions", json=body), 400, "invalid_request", param)
    assert stats(upstream)["requests_total"] == before


@pytest.mark.parametrize(
    ("header", "value", "param"),
    [
        ("tier", "huge", "router.tier"), ("dial", "much", "router.dial"),
        ("dial", "nan", "router.dial"), ("n", "-1", "router.n"),
        ("dry-run", "maybe", "router.dry_run"), ("max-cost-usd", "free", "router.max_cost_usd"),
        ("strategy", "magic", "router.strategy"), ("cache", "always", "router.cache"),
    ],
)  # fmt: skip
async def test_a_wrong_header_is_refused_like_the_body_key(
    http: httpx.AsyncClient, header: str, value: str, param: str
) -> None:
    body = {"model": "auto", "messages": HELLO}
    got = await http.post("/v1/chat/completions", json=body, headers={f"x-router-{header}": value})
    refused(got, 400, "invalid_request", param)


async def test_what_is_refused_names_what_exists(http: httpx.AsyncClient) -> None:
    async def message(code: str, status: int, **change: Any) -> str:
        body = {"model": "auto", "messages": HELLO} | change
        return refused(await http.post("/v1/chat/completions", json=body), status, code)

    tiers = await message("invalid_request", 400, router={"tier": "huge"})
    assert all(name in tiers for name in ("short", "distilled", "long"))
    strategies = await message("invalid_request", 400, router={"strategy": "magic"})
    assert all(name in strategies for name in ("single", "vote"))
    assert "tier" in await message("invalid_request", 400, router={"teir": "short"})
    assert "sim-short" in await message("model_not_found", 404, model="sim-shorty")


@pytest.mark.parametrize(
    ("model", "status", "code"),
    [
        ("gpt-4o", 404, "model_not_found"),
        ("router-magic-0.5", 404, "model_not_found"),
        ("router-utility-2", 404, "model_not_found"),
        ("router-utility-", 404, "model_not_found"),
        ("auto:huge", 400, "invalid_request"),
        ("auto:", 400, "invalid_request"),
        ("sim-long+forever", 404, "model_not_found"),
        ("é\r\nx: y", 404, "model_not_found"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/route"])
async def test_a_model_that_is_not_here_is_refused(
    http: httpx.AsyncClient, path: str, model: str, status: int, code: str
) -> None:
    refused(await http.post(path, json={"model": model, "messages": HELLO}), status, code)


async def test_errors_of_the_decision_carry_its_headers(http: httpx.AsyncClient) -> None:
    got = await http.post("/v1/chat/completions", json={"model": "gpt-4o", "messages": HELLO})
    assert got.headers["x-router-decision-id"].startswith("d_")
    assert got.headers["x-router-attempts"] == "0"


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/route"])
async def test_a_body_over_the_limit_is_413(
    http: httpx.AsyncClient, path: str, chunked: bool
) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "x" * MAX_BODY}]}
    raw = json.dumps(body).encode()

    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(raw), 4096):
            yield raw[start : start + 4096]

    got = await http.post(path, content=parts() if chunked else raw)
    assert str(MAX_BODY) in refused(got, 413, "invalid_request")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/chat/completions", 405), ("PUT", "/v1/route", 405), ("POST", "/v1/models", 405),
        ("GET", "/", 404), ("GET", "/v1/nowhere", 404), ("POST", "/v1/images/generations", 404),
        ("GET", "/v1/models/nobody", 404), ("POST", "//v1//chat/completions", 404),
        ("GET", "/v1/%2e%2e/etc/passwd", 404),
    ],
)  # fmt: skip
async def test_an_unknown_path_or_method_gets_the_envelope(
    http: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    got = await http.request(method, path)
    refused(got, status, "model_not_found" if "nobody" in path else got.json()["error"]["code"])


async def test_the_official_client_raises_the_classes_its_users_catch(proxy: Server) -> None:
    async with client_of(proxy.url) as client:
        with pytest.raises(openai.BadRequestError) as bad:
            await ask(client, "Hello", router={"tier": "huge"})
        assert (bad.value.code, bad.value.param) == ("invalid_request", "router.tier")
        with pytest.raises(openai.NotFoundError) as missing:
            await ask(client, "Hello", model="gpt-4o", stream=True)
        assert missing.value.code == "model_not_found"


ODD_TEXTS = ["", " ", "\x00", "\ud83d\ude00" * 50, "a" * 8000, "\u202e\u200b\ufeff", "<|im_end|>"]


@pytest.mark.parametrize("text", ODD_TEXTS, ids=lambda text: ascii(text)[:24])
async def test_odd_texts_are_answered(http: httpx.AsyncClient, text: str, stream: bool) -> None:
    text = text.encode("utf-16", "surrogatepass").decode("utf-16")
    body = {"model": "auto", "messages": [{"role": "user", "content": text}], "stream": stream}
    got = await http.post("/v1/chat/completions", json=body)
    assert got.status_code == 200, got.text


async def test_only_assistant_or_tool_messages_are_answered(http: httpx.AsyncClient) -> None:
    for messages in (
        [{"role": "system", "content": "Hi"}],
        [{"role": "user", "content": None}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///x"}}]}],
        [*HELLO, {"role": "assistant", "content": None, "tool_calls": []}, *HELLO],
    ):
        got = await http.post("/v1/chat/completions", json={"model": "auto", "messages": messages})
        assert got.status_code == 200, got.text


async def test_the_server_lives_on(http: httpx.AsyncClient) -> None:
    """Last in this file: after all of the above."""
    for path in ("/health/live", "/health/ready"):
        assert (await http.get(path)).status_code == 200
    assert (await http.get("/health/ready")).json()["inflight"] == 0
