"""What really arrives: every dialect over HTTP, from us directly and through litellm."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from aiohttp import web

from router.backends.build import build_backends
from router.backends.dialects import request_fields
from router.backends.direct import Connections, DirectBackend
from router.backends.litellm_backend import LiteLLMBackend
from router.backends.port import Backend, ModelSpec
from router.backends.responses_backend import ResponsesBackend
from router.prices import PriceTable
from router.settings_schema import DIALECTS, Settings
from tests.fakes import completion
from tests.router.backends.wire_golden import ASKED, CHAT, DIRECT, NATIVE, Json, Row

KEY = "sk-wire-1"
ANSWERS: dict[str, Json] = {
    "/v1/messages": {
        "id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "ok"}], "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
    ":generateContent": {
        "candidates": [{"content": {"role": "model", "parts": [{"text": "ok"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
    },
    "/converse": {
        "output": {"message": {"role": "assistant", "content": [{"text": "ok"}]}}, "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}, "metrics": {"latencyMs": 1},
    },
    "/api/chat": {
        "model": "m", "created_at": "2026-11-01T00:00:00Z", "message": {"role": "assistant", "content": "ok"},
        "done": True, "done_reason": "stop", "prompt_eval_count": 1, "eval_count": 1,
    },
    "/responses": {
        "id": "r", "object": "response", "created_at": 1, "status": "completed", "model": "m",
        "output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "ok"}]}],
        "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
    },
    # litellm's Groq fails on an answer without its service tier, which the real one always has.
    "/chat/completions": completion() | {"service_tier": "on_demand"},
}  # fmt: skip
"""The least that each provider's client takes for an answer, by the end of the path."""

ASIDE = (
    "model",
    "messages",
    "input",
    "contents",
    "stream",
    "usage",
    "additionalModelResponseFieldPaths",
)
"""What a request holds beside the wish: conversation, and what litellm asks to be told about usage."""


@dataclass
class Recorder:
    """Every request that a provider was sent."""

    url: str = ""
    seen: list[tuple[str, Json]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    async def answer(self, request: web.Request) -> web.Response:
        """Note the request, and answer as the provider would."""
        end = next((end for end in ANSWERS if request.path.endswith(end)), None)
        if end is None:
            return web.json_response({"capabilities": ["thinking"]})  # about the model, not to it
        self.seen.append((request.path, orjson.loads(await request.read())))
        self.keys.add(request.headers.get("authorization", ""))
        return web.json_response(ANSWERS[end])


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    """A provider in a thread of its own, because litellm asks some of them without awaiting."""
    recorder, ready, ending = Recorder(), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", recorder.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        recorder.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        await ending.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    yield recorder
    loop.call_soon_threadsafe(ending.set)
    thread.join(10)
    loop.close()


async def sent(backend: Backend, recorder: Recorder, asked: str) -> tuple[str, Json]:
    """Return path and body that arrive when a model is asked in one of the five ways."""
    thinking, budget = ASKED[asked]
    spec = backend.spec
    fields, _ = request_fields(spec.dialect, spec.model, thinking, budget, None)
    recorder.seen.clear()
    answer = await backend.complete(
        {"messages": [{"role": "user", "content": "6 * 7?"}], **fields}, 10.0
    )
    assert answer["choices"][0]["message"]["content"] == "ok"
    [request] = recorder.seen
    return request


async def check(row: Row, backend: Backend, recorder: Recorder) -> None:
    """Hold all five ways of asking against the row."""
    for asked, (_, budget) in ASKED.items():
        path, body = await sent(backend, recorder, asked)
        assert path.endswith(row.path)
        wish = {name: value for name, value in body.items() if name not in ASIDE}
        config = wish.get("generationConfig", {})
        config.pop("temperature", None)  # litellm's own for Gemini 3, as Google advises
        *outer, limit = row.limit.split(".")
        holder = wish[outer[0]] if outer else wish
        assert holder.pop(limit) == budget.output, asked
        golden: Json = getattr(row, asked)
        assert {k: v for k, v in wish.items() if v or k not in outer} == golden, asked


def direct(row: Row, url: str, connections: Connections) -> Backend:
    """Return the backend that this row's entry of a configuration builds."""
    params = {"model": row.model, "api_base": f"{url}/v1", "api_key": KEY}
    entry = {"model_name": "m", "litellm_params": params, "dialect": row.dialect}
    tiers = [{"name": "a", "models": ["m"]}, {"name": "b", "models": ["m"]}]
    settings = Settings.model_validate({"model_list": [entry], "tiers": tiers})
    prices = PriceTable("2026-11-01", "test", {})
    return build_backends(settings, prices, connections, {})["m"]


@pytest.mark.parametrize("row", CHAT + DIRECT, ids=str)
async def test_directly_every_server_gets_its_own_words(row: Row, recorder: Recorder) -> None:
    connections = Connections()
    try:
        backend = direct(row, recorder.url, connections)
        speaks = ResponsesBackend if row.path == "/v1/responses" else DirectBackend
        assert isinstance(backend, speaks)
        recorder.keys.clear()
        await check(row, backend, recorder)
        assert recorder.keys == {f"Bearer {KEY}"}
    finally:
        await connections.close()


@pytest.mark.filterwarnings("ignore")  # litellm's own types warn
@pytest.mark.parametrize("row", CHAT + NATIVE, ids=str)
async def test_through_litellm_every_server_gets_the_same(row: Row, recorder: Recorder) -> None:
    provider = row.model.partition("/")[0]
    base = recorder.url + ("/v1" if provider in ("openai", "hosted_vllm", "llamafile") else "")
    key: dict[str, Any] = {"api_key": KEY}
    if provider == "bedrock":
        key = {
            "aws_access_key_id": "a",
            "aws_secret_access_key": "b",
            "aws_region_name": "us-east-1",
        }
    spec = ModelSpec("m", row.model, row.dialect)
    await check(row, LiteLLMBackend(spec, {"api_base": base, **key}), recorder)


@pytest.mark.filterwarnings("ignore")
async def test_an_entrys_own_fields_arrive_beside_ours(recorder: Recorder) -> None:
    own = {"extra_body": {"own": 1}, "repetition_penalty": 1.1}
    spec = ModelSpec("m", "moonshot/kimi-k2.6", "kimi", extra={"own": 1, "repetition_penalty": 1.1})
    backend = LiteLLMBackend(spec, {"api_base": recorder.url, "api_key": KEY, **own})
    _, body = await sent(backend, recorder, "off")
    assert body["own"] == 1
    assert body["repetition_penalty"] == 1.1
    assert body["thinking"] == {"type": "disabled"}
    assert "extra_body" not in body


def test_every_dialect_is_on_both_paths_or_has_none_there() -> None:
    assert {row.dialect for row in CHAT + DIRECT} == set(DIALECTS)
    assert {row.dialect for row in CHAT + NATIVE} == set(DIALECTS) - {"openai_responses"}
