import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiohttp import web

from router.backends.direct import Connections, DirectBackend
from router.backends.port import ModelSpec
from router.errors import (
    ApiError,
    InvalidRequestError,
    RateLimitedError,
    UpstreamBrokeOffError,
    UpstreamError,
    UpstreamTimeoutError,
)
from tests.fakes import chunk, completion, deltas

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SSE = {"content-type": "text/event-stream"}


@asynccontextmanager
async def upstream(handler: Handler, **extra: Any) -> AsyncIterator[DirectBackend]:
    """Yield a backend of a real server that answers with ``handler``."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    connections = Connections()
    spec = ModelSpec("big", "upstream-name", extra=extra)
    url = f"http://{host}:{port}/v1/"
    try:
        yield DirectBackend(spec, connections, base_url=url, api_key="sk-1", headers={"x-a": "b"})
    finally:
        await connections.close()
        await runner.cleanup()


def says(body: Any, status: int = 200, **headers: str) -> Handler:
    """Return a handler that answers with JSON, or with the text as it is."""

    async def handle(_: web.Request) -> web.StreamResponse:
        if isinstance(body, str):
            return web.Response(text=body, status=status, content_type="text/html", headers=headers)
        return web.json_response(body, status=status, headers=headers)

    return handle


def streams(*parts: bytes, then: Callable[[web.Request], Awaitable[None]] | None = None) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=SSE)
        await response.prepare(request)
        for part in parts:
            await response.write(part)
        if then is not None:
            await then(request)
        return response

    return handle


async def drop(request: web.Request) -> None:
    assert request.transport is not None
    request.transport.abort()


async def hang(_: web.Request) -> None:
    await asyncio.sleep(30)


async def read(backend: DirectBackend, timeout_s: float = 5.0) -> list[bytes]:
    stream = await backend.open({"messages": []}, timeout_s)
    try:
        return [payload async for batch in stream.batches() for payload in batch]
    finally:
        await stream.close()
        await stream.close()


async def test_a_request_carries_the_upstreams_name_our_key_and_the_entrys_extras() -> None:
    seen: list[tuple[dict[str, Any], dict[str, str]]] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        seen.append((await request.json(), {k.lower(): v for k, v in request.headers.items()}))
        return web.json_response(completion("42"))

    async with upstream(handle, top_k=5, seed=1) as backend:
        answer = await backend.complete({"messages": [], "model": "auto", "seed": 7}, 5.0)
    body, headers = seen[0]
    assert answer["choices"][0]["message"]["content"] == "42"
    assert body == {"messages": [], "model": "upstream-name", "top_k": 5, "seed": 7}
    assert (headers["authorization"], headers["x-a"]) == ("Bearer sk-1", "b")


@pytest.mark.parametrize(
    ("handler", "kind", "message", "retryable"),
    [
        (says({"error": {"message": "bad"}}, 400), InvalidRequestError, "bad", False),
        (says({"error": {"message": "busy"}}, 429), RateLimitedError, "busy", True),
        (says("<html>", 502), UpstreamError, "answered 502$", True),
        (says({}, 302, location="http://127.0.0.1:9/"), UpstreamError, "answered 302", False),
        (says("<html>"), UpstreamError, "text/html", False),
        (says({"error": {"message": "x"}}), UpstreamError, "no choices", False),
        (says([]), UpstreamError, "no choices", False),
        (streams(then=drop), UpstreamBrokeOffError, "broke off", False),
    ],
    ids=["400", "429", "html 502", "redirect", "html 200", "error 200", "list", "dropped"],
)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_an_upstream_that_does_not_answer_is_a_typed_error(
    handler: Handler, kind: type[ApiError], message: str, retryable: bool, stream: bool
) -> None:
    async with upstream(handler) as backend:
        with pytest.raises(kind, match=message) as caught:
            await (read(backend) if stream else backend.complete({}, 5.0))
    assert type(caught.value) is kind
    assert caught.value.retryable is retryable
    assert "big" in str(caught.value)


async def test_a_provider_names_its_own_pause() -> None:
    async with upstream(says({}, 429, **{"retry-after": "7"})) as backend:
        with pytest.raises(RateLimitedError) as caught:
            await backend.complete({}, 5.0)
    assert caught.value.retry_after_s == 7.0


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_hanging_upstream_times_out(stream: bool) -> None:
    async with upstream(streams(b"data: 1\n\n", then=hang)) as backend:
        with pytest.raises(UpstreamTimeoutError, match=r"0\.2 s"):
            await (read(backend, 0.2) if stream else backend.complete({}, 0.2))


async def test_nobody_listening_may_be_tried_again() -> None:
    connections = Connections()
    backend = DirectBackend(ModelSpec("big", "x"), connections, base_url="http://127.0.0.1:9/v1")
    with pytest.raises(UpstreamError, match="cannot connect") as caught:
        await backend.complete({}, 2.0)
    assert caught.value.retryable
    await connections.close()


async def test_a_stream_comes_as_its_payloads() -> None:
    parts = (b": hi\n\nda", b"ta: 1\r\n\r\n", b"data: 2\n\ndata: [DO", b"NE]")
    async with upstream(streams(*parts)) as backend:
        assert await read(backend) == [b"1", b"2", b"[DONE]"]


async def test_a_stream_that_breaks_off_is_an_error_after_what_came() -> None:
    async with upstream(streams(b"data: 1\n\n", then=drop)) as backend:
        stream = await backend.open({}, 5.0)
        batches = stream.batches()
        assert await anext(batches) == [b"1"]
        with pytest.raises(UpstreamError) as caught:
            await anext(batches)
        assert not isinstance(caught.value, UpstreamTimeoutError)
        await stream.close()


async def test_a_whole_answer_to_a_stream_is_accepted_as_one() -> None:
    whole = completion("a long answer " * 20, reasoning="hm")
    async with upstream(says(whole)) as backend:
        *chunks, usage, done = await read(backend)
    assert done == b"[DONE]"
    assert orjson.loads(usage)["usage"] == whole["usage"]
    assert deltas(chunks) == "a long answer " * 20
    assert deltas(chunks, "reasoning_content") == "hm"
    assert orjson.loads(chunks[-1])["choices"][0]["finish_reason"] == "stop"


async def test_closing_a_stream_tells_the_upstream_to_stop() -> None:
    gone = asyncio.Event()

    async def talk(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=SSE)
        await response.prepare(request)
        try:
            while True:
                await response.write(b"data: " + chunk({"content": "x"}) + b"\n\n")
                await asyncio.sleep(0.01)
        except (ConnectionError, asyncio.CancelledError):
            gone.set()
            raise

    async with upstream(talk) as backend:
        stream = await backend.open({}, 5.0)
        await anext(stream.batches())
        await stream.close()
        await asyncio.wait_for(gone.wait(), 2.0)


async def test_an_answer_read_to_its_end_gives_its_connection_back() -> None:
    ports: set[int] = set()

    async def handle(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername")[1])
        return await streams(b"data: 1\n\n")(request)

    async with upstream(handle) as backend:
        for _ in range(3):
            await read(backend)
    assert len(ports) == 1
