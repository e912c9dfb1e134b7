"""One real litellm against one real simulator; importing litellm takes seconds, so all of it is here."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
import pytest

from router.backends import litellm_backend
from router.backends.litellm_backend import ACCEPTED, LiteLLMBackend, LiteLLMUpstream
from router.backends.port import ModelSpec
from router.errors import (
    ApiError,
    InvalidRequestError,
    RateLimitedError,
    UpstreamError,
    UpstreamTimeoutError,
)
from router.wire.openai_answer import Assembler
from tests.fakes import deltas
from tests.loadtest.simulated import Client, client_of, simulator

BODY = {"messages": [{"role": "user", "content": "What is 6 * 7?"}], "max_tokens": 2000}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with simulator("--no-delay") as url:
        yield url


@pytest.fixture
async def client(url: str) -> AsyncIterator[Client]:
    async with client_of(url) as client:
        await client.reset()
        yield client


def model(url: str, name: str) -> LiteLLMBackend:
    return LiteLLMBackend(
        ModelSpec("big", f"openai/{name}"), {"api_base": f"{url}/v1", "api_key": "sk-1"}
    )


async def test_a_plain_answer_comes_in_openais_shape(url: str) -> None:
    answer = await model(url, "sim-long").complete(BODY, 30.0)
    message = answer["choices"][0]["message"]
    assert "42" in message["content"]
    assert message["reasoning_content"]
    assert answer["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0
    assert orjson.dumps(answer)


@pytest.mark.filterwarnings("ignore")
async def test_tools_are_called_plain_and_streamed(url: str) -> None:
    properties = {"city": {"type": "string"}}
    function = {"name": "get_weather", "parameters": {"type": "object", "properties": properties}}
    messages = [{"role": "user", "content": "What is the weather in Paris and Rome?"}]
    body = {"messages": messages, "tools": [{"type": "function", "function": function}]}
    answer = await model(url, "sim-short").complete(body, 30.0)
    stream = await model(url, "sim-short").open(body | {"stream": True}, 30.0)
    assembler = Assembler()
    async for batch in stream.batches():
        for payload in batch:
            if payload != b"[DONE]":
                assembler.add(orjson.loads(payload))
    await stream.close()
    for completion in (answer, assembler.completion()):
        (choice,) = completion["choices"]
        calls = choice["message"]["tool_calls"]
        assert choice["finish_reason"] == "tool_calls"
        cities = [orjson.loads(call["function"]["arguments"])["city"] for call in calls]
        assert cities == ["Paris", "Rome"]


@pytest.mark.filterwarnings("ignore")  # litellm warns of its own types while it streams
async def test_a_stream_comes_as_payloads_with_its_usage_and_done(url: str) -> None:
    body = BODY | {"stream": True, "stream_options": {"include_usage": True}}
    stream = await model(url, "sim-long").open(body, 30.0)
    *chunks, done = [payload async for batch in stream.batches() for payload in batch]
    await stream.close()
    assert done == b"[DONE]"
    assert "42" in deltas(chunks)
    assert deltas(chunks, "reasoning_content")
    read = [orjson.loads(payload) for payload in chunks]
    assert any(c["choices"] and c["choices"][0].get("finish_reason") == "stop" for c in read)
    usage = next(chunk["usage"] for chunk in read if chunk.get("usage"))
    assert usage["completion_tokens_details"]["reasoning_tokens"] > 0


@pytest.mark.parametrize(
    ("fault", "kind", "retryable"),
    [
        ("http-400", InvalidRequestError, False),
        ("http-429", RateLimitedError, True),
        ("http-500", UpstreamError, True),
        ("http-503", UpstreamError, True),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_refusal_keeps_its_meaning_and_is_asked_for_once(
    url: str, client: Client, fault: str, kind: type[ApiError], retryable: bool, stream: bool
) -> None:
    backend = model(url, f"sim-short+{fault}")
    with pytest.raises(kind, match="big: the upstream answered") as caught:
        await (
            backend.open(BODY | {"stream": True}, 30.0) if stream else backend.complete(BODY, 30.0)
        )
    assert type(caught.value) is kind
    assert caught.value.retryable is retryable
    assert sum((await client.stats())["refused"].values()) == 1
    if kind is RateLimitedError:
        assert caught.value.retry_after_s == 1.0


async def test_an_answer_that_never_comes_times_out(url: str) -> None:
    with pytest.raises(UpstreamTimeoutError, match=r"0\.3 s"):
        await model(url, "sim-short+timeout").complete(BODY, 0.3)


async def test_a_stream_whose_client_never_ends_closing_it_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stuck:
        async def aclose(self) -> None:
            await asyncio.sleep(60)

    monkeypatch.setattr(litellm_backend, "CLOSE_S", 0.05)
    await asyncio.wait_for(LiteLLMUpstream("big", Stuck(), 60).close(), 3)


async def test_an_unreachable_provider_is_an_upstream_error() -> None:
    with pytest.raises(UpstreamError):
        await model("http://127.0.0.1:9", "x").complete(BODY, 5.0)


@pytest.mark.parametrize(
    "field",
    ["timeout", "max_retries", "drop_params", "base_model", "headers", "aws_bedrock_runtime_endpoint",
     "vertex_credentials", "model_list", "ssl_verify", "mock_tool_calls", "client", "deployment_id"],
)  # fmt: skip
async def test_a_client_steers_nothing_of_litellms(url: str, field: str) -> None:
    body: dict[str, Any] = BODY | {field: "http://127.0.0.1:9"}
    assert field not in ACCEPTED
    answer = await model(url, "sim-short").complete(body, 30.0)
    assert answer["choices"][0]["message"]["content"]


def test_serving_does_not_import_litellm_until_a_provider_needs_it() -> None:
    code = "import sys, router.app, router.bootstrap; print('litellm' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


async def test_embeddings_come_in_openais_shape(url: str) -> None:
    asked = {"model": "auto", "input": ["one two", "three"], "router": {}, "api_base": "http://x"}
    answer = await model(url, "sim-embed").embed(asked, 30.0)
    assert [len(item["embedding"]) for item in answer["data"]] == [64, 64]
    assert answer["usage"]["prompt_tokens"] == 3


async def test_refused_embeddings_become_errors_of_ours(url: str) -> None:
    with pytest.raises(InvalidRequestError):
        await model(url, "sim-embed+http-400").embed({"input": "x"}, 30.0)
