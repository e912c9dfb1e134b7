"""A server that speaks the Responses API as OpenAI documents it, for tests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from router.backends.direct import Connections
from router.backends.port import ModelSpec
from router.backends.responses_backend import ResponsesBackend

Json = dict[str, Any]
Say = Callable[[web.Request], Awaitable[web.StreamResponse]]

USAGE: Json = {
    "input_tokens": 20, "input_tokens_details": {"cached_tokens": 12, "cache_write_tokens": 0},
    "output_tokens": 950, "output_tokens_details": {"reasoning_tokens": 900}, "total_tokens": 970,
}  # fmt: skip
ASKED = {"messages": [{"role": "user", "content": "6 * 7?"}], "reasoning_effort": "low"}


def response(*output: Json, status: str = "completed", **fields: Any) -> Json:
    head = {"id": "resp_1", "object": "response", "created_at": 1_780_000_000, "model": "gpt-5.5-x"}
    usage = USAGE if status in ("completed", "incomplete") else None
    return head | {"status": status, "error": None, "output": list(output), "usage": usage} | fields


def reasoned(*summary: str) -> Json:
    parts = [{"type": "summary_text", "text": text} for text in summary]
    return {"id": "rs_1", "type": "reasoning", "summary": parts}


def said(text: str) -> Json:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}  # fmt: skip


def event(kind: str, **fields: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind} | fields))


BEGIN = event("response.created", response=response(status="in_progress")) + event(
    "response.in_progress", response=response(status="in_progress")
)
THINKS = event("response.output_item.added", output_index=0, item=reasoned())
SPEAKS = event("response.output_item.added", output_index=1, item=said("") | {"content": []})


def thought(text: str, part: int = 0) -> bytes:
    place = {"item_id": "rs_1", "output_index": 0, "summary_index": part}
    return event("response.reasoning_summary_text.delta", **place, delta=text)


def text(delta: str) -> bytes:
    place = {"item_id": "msg_1", "output_index": 1, "content_index": 0}
    return event("response.output_text.delta", **place, delta=delta, logprobs=[])


def end(status: str = "completed", **fields: Any) -> bytes:
    return event(f"response.{status}", response=response(status=status, **fields))


def whole(body: Any, status: int = 200, **headers: str) -> Say:
    async def say(_: web.Request) -> web.StreamResponse:
        if isinstance(body, str):
            return web.Response(text=body, status=status, content_type="text/html")
        return web.json_response(body, status=status, headers=headers)

    return say


@dataclass
class Streams:
    """Streams ``parts``, then hangs or drops the connection if told to; notes when the client has gone."""

    parts: Sequence[bytes]
    then: str = ""
    pause_s: float = 0.0
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        out = web.StreamResponse(headers={"content-type": "text/event-stream; charset=utf-8"})
        await out.prepare(request)
        try:
            for part in self.parts:
                await out.write(part)
                await asyncio.sleep(self.pause_s)
            if self.then == "hang":
                await asyncio.sleep(30)
        except (ConnectionError, asyncio.CancelledError):
            self.gone.set()
            raise
        if self.then == "drop":
            assert request.transport is not None
            request.transport.abort()
        return out


def streams(*parts: bytes, then: str = "") -> Streams:
    return Streams(parts, then)


@dataclass
class Served:
    """A backend of a running server, the address, and what was sent there."""

    backend: ResponsesBackend
    url: str
    bodies: list[Json]

    async def stream(self, timeout_s: float = 5.0) -> list[bytes]:
        opened = await self.backend.open(ASKED | {"stream": True}, timeout_s)
        try:
            return [payload async for batch in opened.batches() for payload in batch]
        finally:
            await opened.close()
            await opened.close()


@asynccontextmanager
async def serving(*script: Say, model: str = "gpt-5.5", **extra: Any) -> AsyncIterator[Served]:
    """Yield a backend whose server answers each request with the next of ``script``; the last is repeated."""
    waiting, bodies = list(script), []

    async def handle(request: web.Request) -> web.StreamResponse:
        assert request.headers["authorization"] == "Bearer sk-1"
        bodies.append(await request.json())
        return await (waiting.pop(0) if len(waiting) > 1 else waiting[0])(request)

    app = web.Application()
    app.router.add_post("/v1/responses", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    connections = Connections()
    spec = ModelSpec("big", model, "openai_responses", extra=extra)
    url = f"http://{host}:{port}/v1/"
    try:
        backend = ResponsesBackend(spec, connections, base_url=url, api_key="sk-1")
        yield Served(backend, url, bodies)
    finally:
        await connections.close()
        await runner.cleanup()
