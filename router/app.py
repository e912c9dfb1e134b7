"""The HTTP surface: FastAPI for what is rare, plain ASGI for what is hot. It takes no decision.

The hot routes are ASGI endpoints on the same application, so that dependency machinery, models and response
classes are not in their way; errors are mapped to the contract's envelope in one place.
"""

import gc
import logging
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import Route

from .bootstrap import Runtime, open_runtime
from .endpoint import Endpoint, Receive, Scope, Send, read_headers
from .errors import ApiError, InvalidRequestError, ModelNotFoundError
from .metrics import CONTENT_TYPE
from .models import list_models, one_model
from .prices import PriceTable
from .reply import Reply, error_reply
from .settings import Settings, environment

log = logging.getLogger("thinkthrift")


class App(FastAPI):
    """The application, with a shorter way to its hot routes: past the middleware, which they do not need."""

    hot: Mapping[str, Endpoint] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the lifespan."""
        if scope["type"] == "http" and scope["method"] == "POST":
            endpoint = self.hot.get(scope["path"])
            if endpoint is not None:
                await endpoint(scope, receive, send)
                return
        await super().__call__(scope, receive, send)


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

    chat = Endpoint(settings.limits)
    decide = Endpoint(settings.limits, dry=True)
    app = App(title="ThinkThrift", lifespan=lifespan)
    app.hot = {"/v1/chat/completions": chat, "/v1/route": decide}
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
            "prices": PriceTable.load().version,
            "execution_provider": runtime.scorer.provider,
            "inflight": chat.inflight,
            "litellm_loaded": "litellm" in sys.modules,
        }

    @app.get("/metrics")
    async def metrics() -> Response:
        """What this worker did, for Prometheus."""
        runtime: Runtime = app.state.runtime
        text = runtime.pipeline.records.exposition()
        return Response(text, headers={"content-type": CONTENT_TYPE})

    @app.get("/v1/models")
    async def models(request: Request) -> dict[str, Any]:
        """Every name that ``model`` may have."""
        runtime = _for_clients(request)
        return list_models(runtime.pipeline, anthropic="anthropic-version" in request.headers)

    @app.get("/v1/models/{name:path}")
    async def model(name: str, request: Request) -> dict[str, Any]:
        """One of them."""
        runtime = _for_clients(request)
        return one_model(runtime.pipeline, name, anthropic="anthropic-version" in request.headers)

    return app


def _for_clients(request: Request) -> Runtime:
    """Return the runtime to a client whose key is known, where keys are configured; raises ApiError."""
    runtime: Runtime = request.app.state.runtime
    authorization, api_key, _ = read_headers(request.headers.raw)
    runtime.keyring.identify(authorization, api_key)
    return runtime


def _as_response(reply: Reply) -> Response:
    headers = {name.decode(): value.decode() for name, value in reply.headers}
    return Response(reply.body, reply.status, headers)


async def _api_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError), "registered for nothing else"
    return _as_response(error_reply(error, []))


async def _http_exception(request: Request, error: Exception) -> Response:
    """Give the framework's own refusals (no such path, wrong method) the contract's envelope."""
    assert isinstance(error, HTTPException), "registered for nothing else"
    missing = error.status_code == HTTPStatus.NOT_FOUND
    kind = ModelNotFoundError if missing else InvalidRequestError
    told = kind(f"{request.method} {request.url.path}: {error.detail}")
    told.status = error.status_code
    return _as_response(error_reply(told, []))
