"""OpenAI chat completions, the answer side: usage in, chunks to one completion and back."""

from collections.abc import Mapping
from typing import Any

from policies.types import Usage

from .think_tags import CLOSE, split_whole


def read_usage(raw: Mapping[str, Any]) -> Usage:
    """Return the usage an upstream reported; counts that are missing or null are 0.

    Some providers report reasoning beside the completion instead of inside it; their total gives them away.
    """
    prompt_details = raw.get("prompt_tokens_details") or {}
    completion_details = raw.get("completion_tokens_details") or {}
    completion = raw.get("completion_tokens") or 0
    reasoning = completion_details.get("reasoning_tokens") or raw.get("reasoning_tokens") or 0
    prompt = raw.get("prompt_tokens") or 0
    if reasoning > completion or raw.get("total_tokens") == prompt + completion + reasoning:
        completion += reasoning
    return Usage(
        prompt=prompt,
        cached=prompt_details.get("cached_tokens") or 0,
        completion=completion,
        reasoning=reasoning,
    )


def write_usage(usage: Usage) -> dict[str, Any]:
    """Return the ``usage`` object clients get; the reasoning count is always there."""
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


STOPPED_BY = ("stop_reason", "matched_stop")
"""How vLLM and SGLang tell in a choice which text or token has stopped it."""


_CHUNK = frozenset({"id", "object", "created", "model", "choices", "usage", "router"})
_DELTA = frozenset({"role", "content", "reasoning_content", "refusal", "tool_calls"})
"""What is assembled by name. Of a chunk's other fields the last value stays; a delta's others grow by their type."""


def grown(value: Any, piece: Any) -> Any:
    """Return a field with one more piece of a stream: texts and lists get longer, objects get their fields."""
    if isinstance(value, str) and isinstance(piece, str):
        return value + piece
    if isinstance(value, list) and isinstance(piece, list):
        return [*value, *piece]
    if isinstance(value, dict) and isinstance(piece, dict):
        fixed = {name: piece[name] for name in ("id", "type") if name in piece}
        return value | {name: grown(value.get(name), piece[name]) for name in piece} | fixed
    return value if piece is None else piece


class Assembler:
    """Collects the chunks of a stream into the completion that a plain request would have returned."""

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}

    def add(self, chunk: Mapping[str, Any]) -> None:
        """Take one chunk, already in our normal form (``reasoning_content``)."""
        if not self._head:
            self._head = {k: chunk[k] for k in ("id", "created", "model") if k in chunk}
        if own := chunk.keys() - _CHUNK:
            self._head |= {name: chunk[name] for name in own if chunk[name] is not None}
        for part in chunk.get("choices") or ():
            choice = self._choices.setdefault(
                part.get("index", 0),
                {"text": [], "thought": [], "tools": {}, "logprobs": [], "more": {}},
            )
            _add_delta(choice, part.get("delta") or {})
            if logprobs := part.get("logprobs"):
                choice["logprobs"] += logprobs.get("content") or ()
            if part.get("finish_reason"):
                choice["finish_reason"] = part["finish_reason"]
                choice |= told_stop(part)

    def add_text(self, text: str) -> None:
        """Take text of the first choice, whose earlier chunks have been added."""
        self._choices[0]["text"].append(text)

    def completion(self) -> dict[str, Any]:
        """Return the completion so far, without ``usage``."""
        return {
            "id": "",
            "object": "chat.completion",
            "created": 0,
            "model": "",
            **self._head,
            "choices": [_choice(i, parts) for i, parts in sorted(self._choices.items())],
        }


def _add_delta(choice: dict[str, Any], delta: Mapping[str, Any]) -> None:
    if text := delta.get("content"):
        choice["text"].append(text)
    if thought := delta.get("reasoning_content"):
        choice["thought"].append(thought)
    if refusal := delta.get("refusal"):
        choice["refusal"] = choice.get("refusal", "") + refusal
    for call in delta.get("tool_calls") or ():
        _add_tool_call(choice["tools"], call)
    for name in delta.keys() - _DELTA:
        choice["more"][name] = grown(choice["more"].get(name), delta[name])


def _add_tool_call(calls: dict[int, dict[str, Any]], delta: Mapping[str, Any]) -> None:
    call = calls.setdefault(
        delta.get("index", 0),
        {"id": "", "type": "function", "function": {"name": "", "arguments": ""}},
    )
    call["id"] = delta.get("id") or call["id"]
    function = delta.get("function") or {}
    call["function"]["name"] = function.get("name") or call["function"]["name"]
    call["function"]["arguments"] += function.get("arguments") or ""


def _choice(index: int, parts: Mapping[str, Any]) -> dict[str, Any]:
    text = "".join(parts["text"])
    message: dict[str, Any] = {
        "role": "assistant",
        "content": text if text or not (parts["tools"] or parts.get("refusal")) else None,
        "refusal": parts.get("refusal"),
    }
    message |= {name: value for name, value in parts["more"].items() if value is not None}
    if parts["thought"]:
        message["reasoning_content"] = "".join(parts["thought"])
    if parts["tools"]:
        message["tool_calls"] = [call for _, call in sorted(parts["tools"].items())]
    return {
        "index": index,
        "message": message,
        "logprobs": {"content": parts["logprobs"]} if parts["logprobs"] else None,
        "finish_reason": parts.get("finish_reason"),
        **told_stop(parts),
    }


def told_stop(choice: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a choice tells of the stop string that ended it; nothing where none did."""
    return {name: choice[name] for name in STOPPED_BY if choice.get(name) is not None}


def normalise(completion: dict[str, Any]) -> None:
    """Bring a plain completion into our normal form, in place: reasoning as ``reasoning_content``."""
    for choice in completion.get("choices") or ():
        message = choice.get("message") or {}
        unify(message)
        if CLOSE in (text := message.get("content") or ""):
            thought, message["content"] = split_whole(text)
            message["reasoning_content"] = (message.get("reasoning_content") or "") + thought


def unify(said: dict[str, Any]) -> bool:
    """Bring the fields of a message or a delta into our normal form; return whether that changed it.

    Reasoning is ``reasoning_content``, whatever the upstream calls it, and ``content`` is one text:
    Mistral sends parts, of which some are thoughts.
    """
    if isinstance(parts := said.get("content"), list):
        said["content"] = _text_of(parts)
        if thought := "".join(_text_of(p.get("thinking")) for p in parts if isinstance(p, dict)):
            said["reasoning_content"] = thought
        return True
    if not said.get("reasoning_content") and isinstance(said.get("reasoning"), str):
        said["reasoning_content"] = said.pop("reasoning")
        return True
    return False


def _text_of(parts: Any) -> str:
    """Return a text, or what the text parts of a list hold."""
    if isinstance(parts, list):
        return "".join(_text_of(p.get("text")) for p in parts if isinstance(p, dict))
    return parts if isinstance(parts, str) else ""
