"""What an upstream's refusal means to our client: status and body in, one of our errors out."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import orjson

from router.errors import (
    ApiError,
    ContextLengthExceededError,
    InvalidRequestError,
    RateLimitedError,
    UpstreamError,
    UpstreamTimeoutError,
)

LONGEST_MESSAGE = 500
"""Characters of an upstream's message that are passed on."""

_CONTEXT_MARKS = (
    "context_length",
    "context length",
    "maximum context",
    "context window",
    "context size",
    "prompt is too long",
    "input token count",
    "too many tokens",
)


def refusal(name: str, status: int, raw: bytes, headers: Mapping[str, str]) -> ApiError:
    """Return the error for a reply of ``status`` >= 400.

    A caller's mistake stays the caller's (400); a refused key, a missing model or a broken server is the
    upstream's trouble (502) and says so. 429, 5xx and 408 may be tried again.
    """
    said = _message(raw)
    told = f"{name}: the upstream answered {status}" + (f": {said}" if said else "")
    if status in (400, 413, 422):
        if any(mark in said.lower() for mark in _CONTEXT_MARKS):
            return ContextLengthExceededError(told)
        return InvalidRequestError(told)
    if status == 429:
        return RateLimitedError(told, retryable=True, retry_after_s=retry_after(headers))
    if status in (401, 403):
        return UpstreamError(f"{told} (check the api_key of model_name {name})")
    if status == 404:
        return UpstreamError(
            f"{told} (check litellm_params.model and api_base of model_name {name})"
        )
    if status in (408, 504):
        return UpstreamTimeoutError(told, retryable=True)
    return UpstreamError(told, retryable=status >= 500)


def refused_in(name: str, payloads: Sequence[bytes]) -> ApiError | None:
    """Return the error that the first events of a stream hold, if one does; its status came with 200.

    A quote inside text is escaped, so ``"error"`` among other bytes is a field.
    """
    for payload in payloads:
        if b'"error"' not in payload:
            continue
        try:
            body: Any = orjson.loads(payload)
        except orjson.JSONDecodeError:
            return None  # the guard says so
        trouble = body.get("error") if isinstance(body, dict) else None
        if trouble:
            return refusal(name, _status_of(trouble), payload, {})
    return None


def _status_of(trouble: Any) -> int:
    """Return the HTTP status that an error object tells, or 500."""
    told = trouble.get("status", trouble.get("code")) if isinstance(trouble, dict) else None
    text = str(told)
    return int(text) if text.isdecimal() and 400 <= int(text) < 600 else 500


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a ``retry-after`` header that is a number of seconds."""
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None  # an HTTP date: the pool's own cooldown does
    return max(0.0, seconds) if isfinite(seconds) else None


def _message(raw: bytes) -> str:
    try:
        body: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return ""  # HTML and the like: nothing for a client to read
    error = body.get("error", body) if isinstance(body, dict) else body
    said = error.get("message") if isinstance(error, dict) else error
    return str(said)[:LONGEST_MESSAGE] if said else ""
