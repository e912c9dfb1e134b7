"""Requests that no schema describes: hostile values in every field, bodies that are hardly JSON, odd headers."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

Request = tuple[str, bytes, list[tuple[bytes, bytes]]]
"""Path, body and headers."""

TURN = {"role": "user", "content": "Hello"}
CHAT: dict[str, Any] = {"model": "auto", "messages": [TURN]}

VALID: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": CHAT,
    "/v1/route": CHAT,
    "/v1/messages": CHAT | {"max_tokens": 50},
    "/v1/messages/count_tokens": CHAT,
    "/v1/responses": {"model": "auto", "input": "Hello"},
    "/v1/completions": {"model": "auto", "prompt": "Hello"},
    "/v1/embeddings": {"model": "sim-embed", "input": "Hello"},
    "/v1/feedback": {"decision_id": "d_1", "correct": True},
}

FIELDS = (
    "model", "messages", "input", "prompt", "decision_id", "correct", "rating", "router", "stream",
    "stream_options", "temperature", "top_p", "n", "max_tokens", "max_completion_tokens",
    "max_output_tokens", "reasoning_effort", "reasoning", "tools", "tool_choice", "response_format",
    "stop", "stop_sequences", "system", "instructions", "thinking", "metadata", "user", "logprobs",
    "top_logprobs", "seed", "text", "include", "previous_response_id", "store", "output_config",
    "parallel_tool_calls", "modalities", "audio", "verbosity", "functions", "extra_body", "echo",
    "best_of", "dimensions", "encoding_format", "cache_control", "logit_bias", "prediction",
)  # fmt: skip

INSIDE: dict[str, tuple[str, ...]] = {
    "router": ("tier", "min_tier", "max_tier", "dial", "max_cost_usd", "max_thinking_tokens",
               "max_total_tokens", "strategy", "n", "cache", "dry_run", "progress"),
    "reasoning": ("effort", "summary"), "text": ("format", "verbosity"),
    "output_config": ("effort", "format"), "thinking": ("type", "budget_tokens"),
    "stream_options": ("include_usage",), "metadata": ("user_id",),
    "tool_choice": ("type", "name", "function", "tools", "mode"),
    "response_format": ("type", "json_schema"),
}  # fmt: skip
"""Fields within fields."""

LISTED: dict[str, tuple[dict[str, Any], ...]] = {
    "messages": (
        TURN, {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,x"}}]},
        {"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": "eA=="}}]},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "x"}]},
    ),
    "input": (
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "data:,x"}]},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "x"},
        {"type": "reasoning", "summary": []},
    ),
    "tools": (
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}},
        {"type": "function", "name": "f", "parameters": {"type": "object"}},
        {"name": "f", "input_schema": {"type": "object"}},
    ),
}  # fmt: skip
"""Lists of objects, in every shape an API knows; each of their fields takes its turn."""

DEEP: Any = "x"
for _ in range(150):
    DEEP = [DEEP] if isinstance(DEEP, dict) else {"a": DEEP}

VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 1e308, 2**63, 2**64, -(2**63), 10**400, "", " ", "auto", "\0", "\ud800",
    "😀", "9" * 5000, [], [[]], [None], [{}], {}, {"": None}, {"type": []}, {"type": "function"},
    float("nan"), float("inf"), DEEP,
)  # fmt: skip

WAYS: tuple[dict[str, Any], ...] = (
    {}, {"stream": True}, {"model": "auto:long"}, {"model": "auto:long", "stream": True},
)  # fmt: skip
"""How a body is sent that does not say it otherwise: a search reads more of it than a single call does."""

RAW = (
    b"", b" ", b"{", b"null", b"[]", b"0", b'""', b"\xff\xfe", b"\xef\xbb\xbf{}", b"[" * 5000,
    b'{"a":' * 5000, b'{"model": NaN}', b'{"model": "\\ud800"}', b"{'model': 1}", b"a=b&c=d", b"\0" * 64,
    b'{"model":"auto","model":"auto"}', b"<x/>", b'{"model": 1e999}', b"-", b'{"\\ud800": 1}',
)  # fmt: skip

HEADERS: tuple[list[tuple[bytes, bytes]], ...] = (
    [(b"content-type", b"text/plain")],
    [(b"content-type", b"application/xml; charset=utf-16")],
    [(b"content-type", b"")],
    [(b"content-type", b"multipart/form-data")],
    [(b"content-encoding", b"gzip")],
    [(b"accept", b"image/png")],
    [(b"x-request-id", b"\xff\xfe")],
    [(b"x-request-id", b"x" * 4000)],
    [(b"x-session-id", b"\xe9" * 500)],
    [(b"x-router-", b"1"), (b"x-router-unknown", b"1")],
    [(b"x-router-n", "²".encode("latin-1"))],
    [(b"x-router-n", b"9" * 4000)],
    [(b"x-router-n", b"1"), (b"x-router-n", b"two")],
    [(b"x-router-dial", b"1e-400")],
    [(b"x-router-dial", b"0x1p-1")],
    [(b"x-router-max-cost-usd", b"inf")],
    [(b"x-router-max-cost-usd", b"1_0")],
    [(b"x-router-tier", b"\xff")],
    [(b"x-router-cache", b"max-age=99999999999")],
    [(b"x-router-session-id", b"x")],
    [(b"authorization", b"Bearer")],
    [(b"authorization", b"\xff" * 3000)],
    [(b"x-api-key", b"")],
    [(b"anthropic-version", b"\xe9")],
    [(b"x-stainless-read-timeout", b"nan"), (b"x-stainless-retry-count", b"-1")],
    [(b"traceparent", b"00-zz-zz-zz"), (b"idempotency-key", b"\xff")],
)  # fmt: skip


def every() -> Iterator[Request]:
    """Yield all of them."""
    for path, body in VALID.items():
        for raw in RAW:
            yield path, raw, []
        for headers in HEADERS:
            yield path, json.dumps(body).encode(), headers
        for changed in _changed(body):
            for way in WAYS if changed.get("model") == "auto" else ({},):
                yield path, json.dumps(changed | way).encode(), []


def some(count: int, seed: int = 2026) -> list[Request]:
    """Return so many of them, always the same."""
    return Random(seed).sample(list(every()), count)


def _changed(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for value in VALUES:
        for name in FIELDS:
            yield body | {name: value}
        for name, inner in INSIDE.items():
            for each in inner:
                yield body | {name: {"type": "function", each: value}}
                yield body | {name: {each: value}}
        for name, shapes in LISTED.items():
            for shape in shapes:
                for spoiled in _spoiled(shape, value):
                    yield body | {name: [spoiled, TURN] if name != "tools" else [spoiled]}


def _spoiled(shape: Any, value: Any) -> Iterator[Any]:
    """Yield a shape with the value in the place of each of its parts."""
    if isinstance(shape, dict):
        for name, inner in shape.items():
            yield shape | {name: value}
            for spoiled in _spoiled(inner, value):
                yield shape | {name: spoiled}
    elif isinstance(shape, list) and shape:
        yield [value]
        for spoiled in _spoiled(shape[0], value):
            yield [spoiled]
