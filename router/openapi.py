"""The OpenAPI 3.1 document of ``/openapi.json``: one table of routes. Pure.

The hot routes are plain ASGI, so no framework can describe them. Statuses and their codes are read off ``errors``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from .errors import ApiError
from .openapi_replies import REPLIES
from .openapi_schemas import REQUESTS, ROUTER, TEXT, Schema, or_null, ref, shape


@dataclass(frozen=True, slots=True)
class Operation:
    """One route.

    Attributes:
        route: Method and path.
        summary: What it does.
        reply: The schema of a 200; empty is plain text.
        errors: Statuses it may fail with, beside 500.
        body: The schema of the request's body; empty for none.
        routed: Takes and returns ``x-router-*`` headers.
        streams: Answers ``stream: true`` with server-sent events.
    """

    route: str
    summary: str
    reply: str
    errors: tuple[int, ...] = ()
    body: str = ""
    routed: bool = False
    streams: bool = False


_READ = (400, 401, 413)
_ROUTED = (*_READ, 403, 404, 503)
_ANSWERED = (*_ROUTED, 429, 502, 504)
_KEPT = (401, 404, 503)


def _answering(path: str, summary: str, reply: str, body: str) -> Operation:
    return Operation(f"POST {path}", summary, reply, _ANSWERED, body, routed=True, streams=True)


OPERATIONS = (
    _answering("/v1/chat/completions", "Answer a chat (OpenAI)", "ChatCompletion", "ChatRequest"),
    Operation(
        "POST /v1/route", "Tell where a chat would go, and why; no upstream is called",
        "Decision", _ROUTED, "ChatRequest", routed=True,
    ),
    _answering("/v1/messages", "Answer a chat (Anthropic)", "Message", "MessagesRequest"),
    Operation(
        "POST /v1/messages/count_tokens", "Estimate the input tokens of a Messages request",
        "TokenCount", _READ, "CountTokensRequest",
    ),
    _answering("/v1/responses", "Create a response (OpenAI)", "Response", "ResponsesRequest"),
    Operation("GET /v1/responses/{id}", "Return a kept response", "Response", _KEPT),
    Operation("DELETE /v1/responses/{id}", "Keep a response no longer", "Deleted", _KEPT),
    _answering("/v1/completions", "Answer a prompt (legacy)", "Completion", "CompletionRequest"),
    Operation(
        "POST /v1/embeddings", "Return embeddings of the model that the request names",
        "Embeddings", _ANSWERED, "EmbeddingsRequest",
    ),
    Operation(
        "POST /v1/feedback", "Judge an answer by its decision id",
        "Verdict", (*_READ, 404), "FeedbackRequest",
    ),
    Operation("GET /v1/models", "List the names that `model` may have", "ModelList", (401,)),
    Operation("GET /v1/models/{id}", "Return one model", "Model", (401, 404)),
    Operation("GET /health/live", "The process answers", "Live"),
    Operation("GET /health/ready", "The process can route", "Ready"),
    Operation("GET /metrics", "What this worker did, for Prometheus", ""),
)  # fmt: skip

REPORTED = tuple(
    f"x-router-{name}"
    for name in (
        "tier", "model", "difficulty", "cause", "strategy", "decision-id", "cache", "cost-usd",
        "overhead-ms", "attempts",
    )
)  # fmt: skip
"""Headers of a routed reply."""

_REQUEST_ID = "x-request-id"
_RETRY = ("retry-after", "x-should-retry")
_ADVICE = {429: _RETRY, 502: _RETRY[1:], 503: _RETRY, 504: _RETRY[1:]}
"""Headers that tell an SDK when to try again, by status."""

_ID: Schema = {"name": "id", "in": "path", "required": True, "schema": TEXT}
_VERSION: Schema = {
    "name": "anthropic-version",
    "in": "header",
    "description": "Where it is sent, models and errors have Anthropic's shape.",
    "schema": TEXT,
}
_SESSION: Schema = {
    "name": "x-session-id",
    "in": "header",
    "description": "Names the conversation that a request belongs to.",
    "schema": TEXT,
}


def document(version: str) -> dict[str, Any]:
    """Return the whole document, for this version of the product."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        method, path = operation.route.split()
        paths.setdefault(path, {})[method.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "ThinkThrift", "version": version},
        "paths": paths,
        "components": {
            "schemas": {**REQUESTS, **REPLIES, **_envelopes()},
            "parameters": {key: _override(key, schema) for key, schema in ROUTER.items()},
            "headers": {name: {"schema": TEXT} for name in (_REQUEST_ID, *_RETRY, *REPORTED)},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    }


def codes() -> dict[int, list[str]]:
    """Return the codes that errors may have, by status."""
    found: dict[int, set[str]] = {}
    for kind in _kinds(ApiError):
        found.setdefault(kind.status, set()).add(kind.code)
    return {status: sorted(names) for status, names in sorted(found.items())}


def _kinds(kind: type[ApiError]) -> Iterator[type[ApiError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)


def _described(operation: Operation) -> dict[str, Any]:
    method, path = operation.route.split()
    described: dict[str, Any] = {
        "operationId": "_".join([method.lower(), *path.strip("/{}").replace("{", "").split("/")]),
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": {"200": _reply(operation)} | _failures(operation),
    }
    if path.startswith("/v1/"):
        described["security"] = [{}, {"bearer": []}, {"key": []}]
    if operation.body:
        content = {"application/json": {"schema": ref(operation.body)}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    given = [_ID] if "{id}" in operation.route else []
    if "/v1/models" in operation.route:
        given.append(_VERSION)
    if operation.routed:
        given += [_SESSION, *({"$ref": f"#/components/parameters/{key}"} for key in ROUTER)]
    return given


def _override(key: str, schema: Schema) -> dict[str, Any]:
    name = f"x-router-{key.replace('_', '-')}"
    return {
        "name": name,
        "in": "header",
        "description": f"As `router.{key}`, which wins.",
        "schema": schema,
    }


def _headers(operation: Operation, status: int = 200) -> dict[str, Any]:
    routed = REPORTED if operation.routed else ()
    names = (_REQUEST_ID, *_ADVICE.get(status, ()), *routed)
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _reply(operation: Operation) -> dict[str, Any]:
    content: dict[str, Any] = {"text/plain": {"schema": TEXT}}
    if operation.streams:
        either = [ref(operation.reply), ref("Decision")]  # the latter with `router.dry_run`
        content = {"application/json": {"schema": {"anyOf": either}}, "text/event-stream": {}}
    elif operation.reply:
        content = {"application/json": {"schema": ref(operation.reply)}}
    return {"description": "OK", "headers": _headers(operation), "content": content}


def _failures(operation: Operation) -> dict[str, Any]:
    """Return the errors of a route, each with its codes."""
    if not operation.errors:
        return {}
    envelope = ref("Error")
    if "/v1/messages" in operation.route:
        envelope = ref("AnthropicError")
    elif "/v1/models" in operation.route:
        envelope = {"anyOf": [envelope, ref("AnthropicError")]}
    content = {"application/json": {"schema": envelope}}
    by_status = codes()
    return {
        str(status): {
            "description": f"{HTTPStatus(status).phrase}: {', '.join(by_status[status])}",
            "headers": _headers(operation, status),
            "content": content,
        }
        for status in sorted({*operation.errors, 500})
    }


def _envelopes() -> dict[str, Schema]:
    known = sorted({code for names in codes().values() for code in names})
    error = shape(
        "message type param code",
        message=TEXT,
        type=TEXT,
        param=or_null(TEXT),
        code={"type": "string", "enum": known},
    )
    details = shape("error_code param", error_code=error["properties"]["code"], param=or_null(TEXT))
    anthropic = shape("type message details", type=TEXT, message=TEXT, details=details)
    return {
        "Error": shape("error", error=error),
        "AnthropicError": shape("type error", type={"const": "error"}, error=anthropic),
    }
