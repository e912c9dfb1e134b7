"""The shapes on the wire: chunks, whole answers, usage and errors of OpenAI's chat completions. Pure."""

from dataclasses import dataclass
from typing import Any

import orjson

CREATED = 1_767_225_600
"""2026-01-01: a fixed time of creation keeps answers byte for byte the same."""


@dataclass(slots=True)
class Bill:
    """What one answer used; grows as it is generated.

    Attributes:
        simulated: The reasoning tokens are a declared mean, not a count (replay of hidden reasoning).
        details: Whether this server tells reasoning tokens apart.
    """

    prompt_tokens: int
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    simulated: bool = False
    details: bool = True

    def as_json(self) -> dict[str, Any]:
        """Return the `usage` object."""
        usage: dict[str, Any] = {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
        }
        if self.details:
            usage["completion_tokens_details"] = {"reasoning_tokens": self.reasoning_tokens}
        if self.simulated:
            usage["simulated"] = True
        return usage


@dataclass(frozen=True, slots=True)
class Head:
    """What every chunk of an answer repeats."""

    answer_id: str
    model: str
    include_usage: bool = False

    def chunk(
        self,
        delta: dict[str, Any],
        finish: str | None = None,
        index: int = 0,
        logprobs: list[dict[str, Any]] | None = None,
        stopped_by: str = "",
    ) -> bytes:
        """Return one server-sent event."""
        choice = stop_reason(stopped_by) | {
            "index": index,
            "delta": delta,
            "finish_reason": finish,
            "logprobs": {"content": logprobs} if logprobs else None,
        }
        return self._event([choice], {"usage": None} if self.include_usage else {})

    def usage_chunk(self, bill: Bill) -> bytes:
        """Return the last event before [DONE]: no choices, the usage."""
        return self._event([], {"usage": bill.as_json()})

    def whole(self, choices: list[dict[str, Any]], bill: Bill | None) -> bytes:
        """Return the body of an answer that is not streamed."""
        body = self._body("chat.completion", choices) | ({"usage": bill.as_json()} if bill else {})
        return orjson.dumps(body)

    def _event(self, choices: list[dict[str, Any]], extra: dict[str, Any]) -> bytes:
        return (
            b"data: " + orjson.dumps(self._body("chat.completion.chunk", choices) | extra) + b"\n\n"
        )

    def _body(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self.answer_id,
            "object": kind,
            "created": CREATED,
            "model": self.model,
            "choices": choices,
        }


def stop_reason(stopped_by: str) -> dict[str, Any]:
    """Return vLLM's field for the stop string that ended an answer; nothing where it ended by itself."""
    return {"stop_reason": stopped_by} if stopped_by else {}


def error_body(
    status: int, message: str, *, param: str | None = None, code: str | None = None
) -> bytes:
    """Return OpenAI's error envelope."""
    kinds = {400: "invalid_request_error", 404: "not_found_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "server_error")
    return orjson.dumps(
        {"error": {"message": message, "type": kind, "param": param, "code": code or kind}}
    )
