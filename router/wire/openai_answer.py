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


class Assembler:
    """Collects the chunks of a stream into the completion that a plain request would have returned."""

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}

    def add(self, chunk: Mapping[str, Any]) -> None:
        """Take one chunk, already in our normal form (``reasoning_content``)."""
        if not self._head:
            self._head = {k: chunk[k] for k in ("id", "created", "model") if k in chunk}
        for part in chunk.get("choices") or ():
            choice = self._choices.setdefault(
                part.get("index", 0), {"text": [], "thought": [], "tools": {}, "logprobs": []}
            )
            delta = part.get("delta") or {}
            if text := delta.get("content"):
                choice["text"].append(text)
            if thought := delta.get("reasoning_content"):
                choice["thought"].append(thought)
            if refusal := delta.get("refusal"):
                choice["refusal"] = choice.get("refusal", "") + refusal
            for call in delta.get("tool_calls") or ():
                _add_tool_call(choice["tools"], call)
            if logprobs := part.get("logprobs"):
                choice["logprobs"] += logprobs.get("content") or ()
            if part.get("finish_reason"):
                choice["finish_reason"] = part["finish_reason"]

    def add_text(self, text: str) -> None:
        """Take text of the first choice, whose earlier chunks have been added."""
        self._choices[0]["text"].append(text)

    def completion(self) -> dict[str, Any]:
        """Return the completion so far, without ``usage``."""
        return {
            "id": self._head.get("id", ""),
            "object": "chat.completion",
            "created": self._head.get("created", 0),
            "model": self._head.get("model", ""),
            "choices": [_choice(i, parts) for i, parts in sorted(self._choices.items())],
        }


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
    if parts["thought"]:
        message["reasoning_content"] = "".join(parts["thought"])
    if parts["tools"]:
        message["tool_calls"] = [call for _, call in sorted(parts["tools"].items())]
    return {
        "index": index,
        "message": message,
        "logprobs": {"content": parts["logprobs"]} if parts["logprobs"] else None,
        "finish_reason": parts.get("finish_reason"),
    }


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
