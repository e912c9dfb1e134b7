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
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Route

from .bootstrap import Runtime, open_runtime
from .callers import body_of, caller
from .embeddings import embedding_routes
from .endpoint import Endpoint, Load, Message, Receive, Scope, Send
from .errors import ApiError, InternalError, InvalidRequestError, ModelNotFoundError
from .messages import MESSAGES, count_tokens
from .metrics import CONTENT_TYPE
from .models import list_models, one_model
from .openapi import document
from .prices import PriceTable
from .reply import Reply, error_reply
from .request_ids import request_ids
from .responses import open_history, response_routes, responses_surface
from .settings import Settings, environment
from .surface import CHAT, COMPLETIONS
from .wire.body import read_json

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
        await super().__call__(scope, receive, _named(self, scope, send))

    def openapi(self) -> dict[str, Any]:
        """Return the document of all routes; the framework knows only some."""
        return document(version("thinkthrift"))


def create_app(settings: Settings) -> FastAPI:
    """Return the application; it opens what it needs when it starts, not before."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        async with open_runtime(settings, environment()) as runtime:
            app.state.runtime = runtime
            for endpoint in endpoints.values():
                endpoint.runtime = runtime
            history = app.state.history = open_history(runtime)
            endpoints["/v1/responses"].surface = responses_surface(history)
            gc.freeze()  # what start-up made lives as long as the process: not worth walking again
            log.info(
                "ready: tiers %s; classifier %s on %s; cache %s",
                ", ".join(tier.name for tier in runtime.pipeline.routing.tiers),
                runtime.scorer.version,
                runtime.scorer.provider,
                type(runtime.store).__name__,
            )
            yield

    limits, load = settings.limits, Load()
    endpoints = {
        "/v1/chat/completions": Endpoint(limits, load=load),
        "/v1/route": Endpoint(limits, load=load, dry=True),
        "/v1/messages": Endpoint(limits, MESSAGES, load=load),
        "/v1/responses": Endpoint(limits, load=load),
        "/v1/completions": Endpoint(limits, COMPLETIONS, load=load),
    }
    app = App(title="ThinkThrift", lifespan=lifespan)
    app.hot = endpoints
    app.router.routes += [Route(path, at, methods=["POST"]) for path, at in endpoints.items()]
    app.router.routes.append(Route("/v1/feedback", _feedback, methods=["POST"]))
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(Exception, _defect)

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
            "inflight": load.inflight,
            "litellm_loaded": "litellm" in sys.modules,
        }

    @app.get("/metrics")
    async def metrics() -> Response:
        """What this worker did, for Prometheus."""
        runtime: Runtime = app.state.runtime
        text = runtime.pipeline.records.exposition()
        return Response(text, headers={"content-type": CONTENT_TYPE})

    @app.post("/v1/messages/count_tokens")
    async def count(request: Request) -> dict[str, Any]:
        """How long a Messages request is, roughly."""
        caller(request)
        return count_tokens(await body_of(request))

    @app.get("/v1/models")
    async def models(request: Request) -> dict[str, Any]:
        """Every name that ``model`` may have."""
        runtime, _ = caller(request)
        return list_models(runtime.pipeline, anthropic="anthropic-version" in request.headers)

    @app.get("/v1/models/{name:path}")
    async def model(name: str, request: Request) -> dict[str, Any]:
        """One of them."""
        runtime, _ = caller(request)
        return one_model(runtime.pipeline, name, anthropic="anthropic-version" in request.headers)

    app.include_router(response_routes)
    app.include_router(embedding_routes)
    return app


async def _feedback(request: Request) -> Response:
    """Take what a client says of an answer."""
    runtime, identity = caller(request)
    raw = await body_of(request)
    verdict = await runtime.feedback.take(read_json(raw), identity.owner)
    return JSONResponse(verdict)


def _named(app: FastAPI, scope: Scope, send: Send) -> Send:
    """Return ``send`` with the request's id on every response."""

    async def named(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = app.state.runtime.pipeline.new_id
            message["headers"] = [*message["headers"], *request_ids(scope["headers"], own)]
        await send(message)

    return named


def _told(request: Request, error: ApiError) -> Response:
    """Return an error in the words of the API that was called."""
    anthropic = "anthropic-version" in request.headers or request.url.path.startswith(
        "/v1/messages"
    )
    return _as_response(error_reply(error, [], (MESSAGES if anthropic else CHAT).error(error)))


def _as_response(reply: Reply) -> Response:
    headers = {name.decode(): value.decode() for name, value in reply.headers}
    return Response(reply.body, reply.status, headers)


async def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError), "registered for nothing else"
    return _told(request, error)


async def _defect(request: Request, _: Exception) -> Response:
    """Give a defect the contract's envelope; the framework raises it again, so that it is logged."""
    return _told(request, InternalError("a defect of ours; the log has it"))


async def _http_exception(request: Request, error: Exception) -> Response:
    """Give the framework's own refusals (no such path, wrong method) the contract's envelope."""
    assert isinstance(error, HTTPException), "registered for nothing else"
    missing = error.status_code == HTTPStatus.NOT_FOUND
    kind = ModelNotFoundError if missing else InvalidRequestError
    told = kind(f"{request.method} {request.url.path}: {error.detail}")
    told.status = error.status_code
    return _told(request, told)
