"""OpenAI Responses, the answer side: a whole chat completion to a response object. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .responses_items import CUT_SHORT, output_of

_ECHOED: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "service_tier": None,
    "store": True,
    "temperature": None,
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": None,
    "user": None,
}
"""What a response repeats of its request, and what stands there for what was not said."""


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """What every stage of one response shares.

    Attributes:
        hexes: Random hexadecimal digits: what makes its ids its own.
        created_at: Seconds since the epoch.
        asked: The request's body.
    """

    hexes: str
    created_at: int
    asked: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Return the response's id."""
        return f"resp_{self.hexes}"

    def response(
        self, status: str, model: str, output: Sequence[Mapping[str, Any]] = (), **more: Any
    ) -> dict[str, Any]:
        """Return the response object at one stage.

        Args:
            status: ``in_progress``, ``completed``, ``incomplete`` or ``failed``.
            model: Who answers.
            output: The items so far.
            more: What is known beside: ``usage``, ``router``, ``error``, ``incomplete_details``.
        """
        asked = self.asked
        echoed = {
            name: fallback if asked.get(name) is None else asked[name]
            for name, fallback in _ECHOED.items()
        }
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.created_at,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": None,
            "model": model,
            "output": list(output),
            **echoed,
            "reasoning": {"effort": None, "summary": None} | (asked.get("reasoning") or {}),
            "text": {"format": {"type": "text"}} | (asked.get("text") or {}),
            "truncation": "disabled",
            "usage": None,
            **more,
        }

    def render(self, completion: Mapping[str, Any]) -> dict[str, Any]:
        """Return the response that a whole chat completion, with ``usage`` and ``router``, makes."""
        output = output_of(completion, self.hexes)
        finish = completion["choices"][0].get("finish_reason")
        model = completion.get("model") or ""
        return self.ended(finish, model, output, completion.get("usage"), completion.get("router"))

    def ended(
        self,
        finish: str | None,
        model: str,
        output: Sequence[Mapping[str, Any]],
        usage: Mapping[str, Any] | None,
        router: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        """Return the response at its end; ``finish`` is the chat's finish reason."""
        why = CUT_SHORT.get(finish or "")
        return self.response(
            "incomplete" if why else "completed",
            model,
            output,
            incomplete_details={"reason": why} if why else None,
            usage=None if usage is None else usage_of(usage),
            router=router,
        )


def usage_of(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return a chat's usage as the Responses API counts it."""
    return {
        "input_tokens": usage["prompt_tokens"],
        "input_tokens_details": {
            "cached_tokens": usage["prompt_tokens_details"]["cached_tokens"],
            "cache_write_tokens": 0,
        },
        "output_tokens": usage["completion_tokens"],
        "output_tokens_details": {
            "reasoning_tokens": usage["completion_tokens_details"]["reasoning_tokens"]
        },
        "total_tokens": usage["total_tokens"],
    }
