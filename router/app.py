"""The HTTP surface: FastAPI for what is rare, plain ASGI for what is hot. It takes no decision.

The hot routes are ASGI endpoints on the same application, so that dependency machinery, models and response
classes are not in their way; errors are mapped to the contract's envelope in one place.
"""

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import Route

from .bootstrap import Runtime, open_runtime
from .errors import ApiError, BodyTooLargeError, InternalError, InvalidRequestError, OverloadedError
from .models import list_models, one_model
from .reply import Reply, error_event, error_reply
from .settings import Settings, environment
from .wire.openai_request import parse_chat

log = logging.getLogger("thinkthrift")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_OVERRIDE = b"x-router-"


def create_app(settings: Settings) -> FastAPI:
    """Return the application; it opens what it needs when it starts, not before."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        async with open_runtime(settings, environment()) as runtime:
            app.state.runtime = runtime
            chat.runtime = decide.runtime = runtime
            gc.freeze()  # what start-up made lives as long as the process: not worth walking again
            log.info(
                "ready: tiers %s; classifier %s on %s; cache %s",
                ", ".join(tier.name for tier in runtime.pipeline.routing.tiers),
                runtime.scorer.version,
                runtime.scorer.provider,
                type(runtime.store).__name__,
            )
            yield

    chat = Endpoint(settings)
    decide = Endpoint(settings, dry=True)
    app = FastAPI(title="ThinkThrift", lifespan=lifespan)
    app.router.routes += [
        Route("/v1/chat/completions", chat, methods=["POST"]),
        Route("/v1/route", decide, methods=["POST"]),
    ]
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(ApiError, _api_error)

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "live"}

    @app.get("/health/ready")
    async def ready() -> dict[str, Any]:
        """The process can route."""
        runtime: Runtime = app.state.runtime
        return {
            "status": "ready",
            "tiers": [tier.name for tier in runtime.pipeline.routing.tiers],
            "classifier": runtime.scorer.version,
            "execution_provider": runtime.scorer.provider,
            "inflight": chat.inflight,
            "litellm_loaded": "litellm" in sys.modules,
        }

    @app.get("/v1/models")
    async def models(request: Request) -> dict[str, Any]:
        """Every name that ``model`` may have."""
        return list_models(
            app.state.runtime.pipeline, anthropic="anthropic-version" in request.headers
        )

    @app.get("/v1/models/{name:path}")
    async def model(name: str, request: Request) -> dict[str, Any]:
        """One of them."""
        return one_model(
            app.state.runtime.pipeline, name, anthropic="anthropic-version" in request.headers
        )

    return app


class Endpoint:
    """``POST /v1/chat/completions`` as plain ASGI; with ``dry`` it only decides.

    A client that disconnects cancels the request, and with it every upstream call it caused.
    """

    runtime: Runtime

    def __init__(self, settings: Settings, *, dry: bool = False) -> None:
        self.inflight = 0
        self._limits = settings.limits
        self._dry = dry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self.inflight += 1
        try:
            await self._respond(scope, receive, send)
        finally:
            self.inflight -= 1

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler = asyncio.current_task()
        assert handler is not None, "ASGI servers run requests in tasks"
        watchers: list[asyncio.Task[None]] = []
        gone = False

        async def until_disconnect() -> None:
            nonlocal gone
            while (await receive())["type"] != "http.disconnect":
                pass
            gone = True
            handler.cancel()

        try:
            reply = await self._reply(
                scope, receive, lambda: watchers.append(asyncio.create_task(until_disconnect()))
            )
            await _send(send, reply)
        except asyncio.CancelledError:
            if not gone:
                raise
            handler.uncancel()
        finally:
            for watcher in watchers:
                watcher.cancel()

    async def _reply(self, scope: Scope, receive: Receive, watch: Callable[[], None]) -> Reply:
        """Return the reply, an error's too; ``watch`` is called once the body has been read."""
        try:
            raw = await self._read(receive)
            watch()
            self._refuse_crowds()
            return await self._answer(scope, raw)
        except ApiError as error:
            return error_reply(error, error.headers)
        except Exception:  # the edge of the process: one request fails, the server lives
            log.exception("a defect while answering %s", scope["path"])
            return error_reply(InternalError("a defect of ours; the log has it"), [])

    def _refuse_crowds(self) -> None:
        limit = self._limits.max_inflight
        if self.inflight > limit:
            raise OverloadedError(
                f"{self.inflight} requests are in flight; limits.max_inflight is {limit}",
                retry_after_s=1.0,
            )

    async def _answer(self, scope: Scope, raw: bytes) -> Reply:
        authorization = api_key = b""
        overrides: dict[str, str] = {}
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value
            elif name == b"x-api-key":
                api_key = value
            elif name.startswith(_OVERRIDE):
                overrides[name[len(_OVERRIDE) :].decode("latin-1").replace("-", "_")] = (
                    value.decode("latin-1")
                )
        identity = self.runtime.keyring.identify(authorization, api_key)
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise InvalidRequestError(f"the body is not valid JSON: {error}") from error
        if self._dry:
            overrides["dry_run"] = "true"
        query = parse_chat(body, overrides, tenant=identity.tenant, tiers=identity.tiers)
        return await self.runtime.pipeline.answer(query)

    async def _read(self, receive: Receive) -> bytes:
        """Return the body; one over the limit is read to its end and not kept."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise asyncio.CancelledError
            part = message.get("body", b"")
            size += len(part)
            if size <= self._limits.max_body_bytes:
                parts.append(part)
            if not message.get("more_body"):
                break
        if size > self._limits.max_body_bytes:
            limit = self._limits.max_body_bytes
            raise BodyTooLargeError(f"the body has {size} bytes; limits.max_body_bytes is {limit}")
        return b"".join(parts)


async def _send(send: Send, reply: Reply) -> None:
    start = {"type": "http.response.start", "status": reply.status}
    if reply.stream is None:
        length = (b"content-length", b"%d" % len(reply.body))
        await send({**start, "headers": [*reply.headers, length]})
        await send({"type": "http.response.body", "body": reply.body})
        return
    await send({**start, "headers": reply.headers})
    try:
        async with aclosing(reply.stream) as stream:
            async for part in stream:
                await send({"type": "http.response.body", "body": part, "more_body": True})
    except Exception:  # the status is out: an event is all that can still say it
        log.exception("a defect while streaming")
        event = error_event(InternalError("a defect of ours; the log has it"))
        await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _as_response(reply: Reply) -> Response:
    headers = {name.decode(): value.decode() for name, value in reply.headers}
    return Response(reply.body, reply.status, headers)


async def _api_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError), "registered for nothing else"
    return _as_response(error_reply(error, error.headers))


async def _http_exception(request: Request, error: Exception) -> Response:
    """Give the framework's own refusals (no such path, wrong method) the contract's envelope."""
    assert isinstance(error, HTTPException), "registered for nothing else"
    told = InvalidRequestError(f"{request.method} {request.url.path}: {error.detail}")
    told.status = error.status_code
    return _as_response(error_reply(told, []))
