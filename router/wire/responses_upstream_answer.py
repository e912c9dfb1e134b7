"""OpenAI Responses, heard from an upstream: a response to a chat completion, its events to chunks. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from router.chunks import chunk_of

from .responses_items import CUT_SHORT
from .sse import DONE

_FINISH = {reason: finish for finish, reason in CUT_SHORT.items()}

_STATUS = {
    "bio_policy": 400, "context_length_exceeded": 400, "cyber_policy": 400, "data_residency_mismatch": 400,
    "empty_image_file": 400, "failed_to_download_image": 400, "insufficient_quota": 429,
    "rate_limit_exceeded": 429, "too_many_requests": 429, "unsupported_image_media_type": 400,
}  # fmt: skip
"""The HTTP status that an error would have had, had it come before the answer began."""

_CALLERS_MISTAKE = ("invalid_", "image_")
"""Beginnings of further codes that blame the request."""

PARAGRAPH = "\n\n"
"""Between two parts of a reasoning, which come without an end of their own."""


def trouble_in(told: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the error of a response or of an event, with the status it is worth, if it tells of one.

    An event's may stand in it, in ``error``, or in ``response.error``: the API has sent all three.
    """
    if told.get("type") == "error" and not told.get("error"):
        error: Any = told
    else:
        error = told.get("error") or (told.get("response") or {}).get("error")
    failed = "failed" in (told.get("status"), (told.get("response") or {}).get("status"))
    if not error and not failed:
        return None
    error = error if isinstance(error, Mapping) else {"message": error}
    code = str(error.get("code") or error.get("type") or "server_error")
    if code.isdecimal():
        status = int(code)
    else:
        status = _STATUS.get(code) or (400 if code.startswith(_CALLERS_MISTAKE) else 500)
    return {"message": error.get("message") or code, "code": code, "status": status}


def as_completion(response: Mapping[str, Any]) -> dict[str, Any]:
    """Return the chat completion that a whole response is; without ``usage`` where it tells none."""
    thoughts: list[str] = []
    parts: list[Mapping[str, Any]] = []
    calls: list[dict[str, Any]] = []
    for item in response.get("output") or ():
        kind = item.get("type")
        if kind == "reasoning":
            said = [*(item.get("summary") or ()), *(item.get("content") or ())]
            thoughts += [part.get("text") or "" for part in said]
        elif kind == "message":
            parts += item.get("content") or ()
        elif kind == "function_call":
            calls.append(_call(item, item.get("arguments") or ""))
    text, refusal = _joined(parts, "text"), _joined(parts, "refusal")
    message: dict[str, Any] = {
        "role": "assistant",
        "content": text if text or not (calls or refusal) else None,
        "refusal": refusal or None,
    }
    if thought := PARAGRAPH.join(filter(None, thoughts)):
        message["reasoning_content"] = thought
    if calls:
        message["tool_calls"] = calls
    logprobs = [each for part in parts for each in part.get("logprobs") or ()]
    choice = {
        "index": 0,
        "message": message,
        "logprobs": {"content": logprobs} if logprobs else None,
        "finish_reason": _finish(response, calls=bool(calls)),
    }
    usage = {"usage": _usage(response["usage"])} if response.get("usage") else {}
    return {**_head(response), "object": "chat.completion", "choices": [choice], **usage}


def _joined(parts: Iterable[Mapping[str, Any]], name: str) -> str:
    return "".join(part.get(name) or "" for part in parts)


def _head(response: Mapping[str, Any]) -> dict[str, Any]:
    created = int(response.get("created_at") or 0)
    return {
        "id": response.get("id") or "",
        "created": created,
        "model": response.get("model") or "",
    }


def _call(item: Mapping[str, Any], arguments: str) -> dict[str, Any]:
    function = {"name": item.get("name") or "", "arguments": arguments}
    return {"id": item.get("call_id") or "", "type": "function", "function": function}


def _finish(response: Mapping[str, Any], *, calls: bool) -> str:
    if response.get("status") == "incomplete":
        reason = (response.get("incomplete_details") or {}).get("reason")
        return _FINISH.get(reason or "", "length")
    return "tool_calls" if calls else "stop"


def _usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return a response's usage as a chat counts it; what is not told is 0."""
    prompt, completion = usage.get("input_tokens") or 0, usage.get("output_tokens") or 0
    cached = (usage.get("input_tokens_details") or {}).get("cached_tokens") or 0
    reasoning = (usage.get("output_tokens_details") or {}).get("reasoning_tokens") or 0
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }


class ChatChunks:
    """Turns the events of one response into the chunks of one chat stream.

    The last ones are a finish reason, the usage and ``[DONE]``; a stream that ends without them has broken off. Events of other kinds,
    such as those of tools that the provider runs itself, say nothing in a chat and are passed over.
    """

    def __init__(self) -> None:
        self._head = _head({})
        self._begun = False
        self._ended = False
        self._calls: dict[Any, int] = {}
        self._part: Any = None

    def feed(self, payload: bytes) -> list[bytes]:
        """Return the payloads of the chunks that one event makes; what is no event passes as it is, for the guard to say so."""
        if self._ended or payload == DONE:
            return []
        try:
            event = orjson.loads(payload)
        except orjson.JSONDecodeError:
            return [payload]
        if not isinstance(event, dict):
            return [payload]
        return list(self._heard(event))

    def _heard(self, event: Mapping[str, Any]) -> Iterator[bytes]:
        kind = str(event.get("type") or "").removeprefix("response.")
        if kind in ("error", "failed", ""):
            if trouble := trouble_in(event):
                yield orjson.dumps({"error": trouble})
        elif kind in ("created", "in_progress", "queued"):
            self._head = _head(event.get("response") or {})
        elif kind in ("completed", "incomplete"):
            yield from self._end(event.get("response") or {})
        elif (delta := self._delta(kind, event)) is not None:
            logprobs = event.get("logprobs") if kind == "output_text.delta" else None
            yield from self._say(delta, logprobs)

    def _delta(self, kind: str, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what an event adds to a chat message; an empty one for a sign of life, ``None`` for nothing."""
        said = event.get("delta") or ""
        if kind == "output_text.delta":
            return {"content": said}
        if kind in ("reasoning_summary_text.delta", "reasoning_text.delta"):
            return {"reasoning_content": self._apart(kind, event) + said}
        if kind == "refusal.delta":
            return {"refusal": said}
        if kind == "function_call_arguments.delta":
            index = self._calls.get(event.get("output_index"), 0)
            return {"tool_calls": [{"index": index, "function": {"arguments": said}}]}
        if kind == "output_item.added":
            item = event.get("item") or {}
            if item.get("type") != "function_call":
                return None if self._begun else {}
            index = self._calls[event.get("output_index")] = len(self._calls)
            return {"tool_calls": [{"index": index, **_call(item, item.get("arguments") or "")}]}
        return None

    def _apart(self, kind: str, event: Mapping[str, Any]) -> str:
        """Return what stands between this piece of reasoning and the last one."""
        places = (event.get(name) for name in ("output_index", "summary_index", "content_index"))
        before, self._part = self._part, (kind, *places)
        return PARAGRAPH if before not in (None, self._part) else ""

    def _say(self, delta: dict[str, Any], logprobs: Any = None) -> Iterator[bytes]:
        if not self._begun:
            self._begun = True
            yield orjson.dumps(chunk_of(self._head, {"role": "assistant", "content": ""}))
        if delta:
            chunk = chunk_of(self._head, delta)
            if logprobs:
                chunk["choices"][0]["logprobs"] = {"content": logprobs}
            yield orjson.dumps(chunk)

    def _end(self, response: Mapping[str, Any]) -> Iterator[bytes]:
        self._ended = True
        yield from self._say({})
        finish = _finish(response, calls=bool(self._calls))
        yield orjson.dumps(chunk_of(self._head, {}, finish))
        if usage := response.get("usage"):
            yield orjson.dumps(chunk_of(self._head, {}) | {"choices": [], "usage": _usage(usage)})
        yield DONE
