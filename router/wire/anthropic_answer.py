"""Anthropic Messages, the answer side: a chat completion to a message, an error to Anthropic's envelope. Pure.

Reasoning is shown only to clients that asked for thinking. A signature is Claude's own or it is empty: we never make one.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from policies.types import Query
from router.errors import ApiError, UpstreamError

from .anthropic_request import IGNORED, THINKING

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}

_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
"""``error.type`` by status; for all others by their hundred."""


def render_message(completion: Mapping[str, Any], query: Query) -> dict[str, Any]:
    """Return a whole completion, with ``usage`` and ``router``, as a message.

    Raises:
        UpstreamError: If the arguments of a tool call are not a JSON object.
    """
    choice = completion["choices"][0]
    message, finish = choice["message"], choice.get("finish_reason")
    blocks = [
        *thinking_blocks(message, query, completion.get("model")),
        *text_blocks(message),
        *tool_blocks(message.get("tool_calls") or (), cut=finish == "length"),
    ]
    called = any(block["type"] == "tool_use" for block in blocks)
    return {
        **head(completion),
        "content": blocks,
        **stop(choice, query, called=called, refused=bool(message.get("refusal"))),
        "usage": write_usage(completion["usage"]),
        "router": noted(completion["router"], query),
    }


def head(chat: Mapping[str, Any]) -> dict[str, Any]:
    """Return what begins a message, from a completion or a chunk."""
    identity = f"msg_{str(chat.get('id') or '').removeprefix('chatcmpl-')}"
    return {"id": identity, "type": "message", "role": "assistant", "model": chat.get("model", "")}


def shows_thinking(query: Query) -> bool:
    """Return whether the client asked to see reasoning."""
    thinking = query.original.get("thinking") or {}
    return thinking.get("type") in THINKING and thinking.get("display") != "omitted"


def is_claude(model: Any) -> bool:
    """Return whether signatures that came with an answer are to be believed."""
    return isinstance(model, str) and "claude" in model


def thinking_blocks(
    message: Mapping[str, Any], query: Query, model: Any
) -> Iterable[dict[str, Any]]:
    """Yield the reasoning: Claude's own blocks as they are, anybody else's as one without a signature."""
    if not shows_thinking(query):
        return
    signed = _joined(message.get("thinking_blocks") or ()) if is_claude(model) else []
    yield from signed
    thought = message.get("reasoning_content")
    if thought and not signed:
        yield {"type": "thinking", "thinking": thought, "signature": ""}


def _joined(blocks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return thinking blocks, those put together that a stream brought in pieces: the signature comes last."""
    joined: list[dict[str, Any]] = []
    for block in blocks:
        last = joined[-1] if joined else {}
        if block.get("type") == last.get("type") == "thinking" and not last.get("signature"):
            last["thinking"] += block.get("thinking") or ""
            last["signature"] = block.get("signature") or ""
        else:
            joined.append(dict(block))
    return joined


def text_blocks(message: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Yield what was said, a refusal included."""
    for name in ("content", "refusal"):
        if text := message.get(name):
            yield {"type": "text", "text": text}


def tool_blocks(calls: Iterable[Mapping[str, Any]], *, cut: bool) -> Iterable[dict[str, Any]]:
    """Yield the tool calls; one whose arguments the output limit has cut is left out."""
    for i, call in enumerate(calls):
        function = call["function"]
        try:
            given = orjson.loads(function.get("arguments") or "{}")
        except orjson.JSONDecodeError:
            given = None
        if isinstance(given, dict):
            yield tool_use(call, i) | {"input": given}
        elif not cut:
            raise UpstreamError(
                f"the model called {function.get('name')!r} with arguments that are no JSON object"
            )


def tool_use(call: Mapping[str, Any], i: int) -> dict[str, Any]:
    """Return the block of a tool call, its input still empty."""
    name = (call.get("function") or {}).get("name") or ""
    return {"type": "tool_use", "id": call.get("id") or f"toolu_{i}", "name": name, "input": {}}


def stop(choice: Mapping[str, Any], query: Query, *, called: bool, refused: bool) -> dict[str, Any]:
    """Return ``stop_reason`` and ``stop_sequence``.

    vLLM and SGLang say which text stopped them; where the upstream does not, a stop sequence looks like an end.

    Args:
        choice: The choice, or the last chunk's.
        query: Has the client's stop sequences.
        called: The model called a tool.
        refused: It declined to answer.
    """
    reason = _STOP_REASONS.get(choice.get("finish_reason") or "stop", "end_turn")
    told = choice.get("stop_reason", choice.get("matched_stop"))
    if reason == "end_turn" and refused:
        reason = "refusal"
    elif reason == "end_turn" and called:
        reason = "tool_use"
    elif reason == "end_turn" and isinstance(told, str) and told in query.body.get("stop", ()):
        return {"stop_reason": "stop_sequence", "stop_sequence": told}
    return {"stop_reason": reason, "stop_sequence": None}


def write_usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return chat's usage in Anthropic's words: input without what the provider had cached."""
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    thought = usage["completion_tokens_details"]["reasoning_tokens"]
    return {
        "input_tokens": usage["prompt_tokens"] - cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "output_tokens": usage["completion_tokens"],
        "output_tokens_details": {"thinking_tokens": thought},
    }


def noted(router: Mapping[str, Any], query: Query) -> dict[str, Any]:
    """Return the ``router`` object, with the hints of the request that had no effect."""
    ignored = sorted(IGNORED.intersection(query.original))
    return {**router, **({"ignored": ignored} if ignored else {})}


def error_body(error: ApiError) -> dict[str, Any]:
    """Return Anthropic's error envelope; ``details`` has our code and the field to blame."""
    kind = _ERRORS.get(error.status) or _ERRORS.get(error.status // 100 * 100, "api_error")
    details = {"error_code": error.code, "param": error.param}
    return {"type": "error", "error": {"type": kind, "message": str(error), "details": details}}
