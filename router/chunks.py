"""Single chunks of an upstream's stream, as bytes and parsed. Pure."""

from collections.abc import Sequence
from typing import Any

import orjson

from router.errors import UpstreamError


def decode(payload: bytes) -> dict[str, Any]:
    """Return the chunk of one event.

    Raises:
        UpstreamError: If it is none, or reports an error.
    """
    try:
        chunk = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise UpstreamError("the upstream sent a chunk that is not JSON") from error
    if not isinstance(chunk, dict):
        raise UpstreamError("the upstream sent a chunk that is not an object")
    if trouble := chunk.get("error"):
        said = trouble.get("message") if isinstance(trouble, dict) else trouble
        raise UpstreamError(f"the upstream failed mid-stream: {str(said)[:300]}")
    return chunk


def begin(choices: Sequence[dict[str, Any]]) -> bool:
    """Give the deltas of a stream's first chunk their role; return whether the upstream had left one out."""
    deltas = [choice["delta"] for choice in choices]
    lacking = [delta for delta in deltas if not delta.get("role")]
    for delta in lacking:
        delta["role"] = "assistant"
    return bool(lacking)


def shape_of(chunk: dict[str, Any], payload: bytes) -> tuple[bytes, bytes] | None:
    """Return what stands before and after the text of a chunk that brings text only, else ``None``."""
    choices = chunk["choices"]
    delta = choices[0]["delta"]
    if len(choices) != 1 or delta.keys() != {"content"} or not delta["content"]:
        return None
    before, found, after = payload.partition(orjson.dumps(delta["content"]))
    if not found or choices[0].get("logprobs"):
        return None
    return before + b'"', b'"' + after


def chunk_of(
    head: dict[str, Any], delta: dict[str, Any], finish_reason: str | None = None
) -> dict[str, Any]:
    """Return a chunk of our own, for a stream with that ``head``."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return {**head, "object": "chat.completion.chunk", "choices": [choice]}
