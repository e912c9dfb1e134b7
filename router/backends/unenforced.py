"""What a request could not tell its server: read back from the fields that were sent. Pure.

What stands here is enforced by the guard, which counts every stream anyway.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

THINKING_OFF = "thinking_off"
"""The server cannot be told not to think."""

THINKING_TOKENS = "thinking_tokens"
"""The server cannot be told how many tokens to think at most."""

OPENAI_REASONS = re.compile(r"(?:^|/)(?:o\d|gpt-5|gpt-oss)")

_REASONS: Mapping[str, Callable[[str], bool]] = {
    "bedrock": lambda model: "claude" in model or "gpt-oss" in model,
    "groq": lambda model: "qwen" in model or "gpt-oss" in model,
    "openai": lambda model: bool(OPENAI_REASONS.search(model)),
    "openai_responses": lambda model: bool(OPENAI_REASONS.search(model)),
}
"""Dialects whose other models do not think, so that there is nothing to enforce."""


def unenforced(
    dialect: str, model: str, fields: Mapping[str, Any], *, off: bool, tokens: int | None
) -> frozenset[str]:
    """Return which wishes the fields do not carry.

    Args:
        dialect: How the server takes a thinking budget.
        model: The upstream's name for the model.
        fields: What is sent.
        off: The model is not to think.
        tokens: ... or at most so much; ``None`` is no limit.
    """
    if dialect in _REASONS and not _REASONS[dialect](model):
        return frozenset()
    if off:
        return frozenset() if says_off(fields) else frozenset({THINKING_OFF})
    if tokens is None or says_off(fields):
        return frozenset()
    told = tokens_in(fields)
    return frozenset() if told is not None and told <= tokens else frozenset({THINKING_TOKENS})


def says_off(fields: Mapping[str, Any]) -> bool:
    """Return whether the fields switch thinking off."""
    return (
        fields.get("reasoning_effort") == "none"
        or fields.get("enable_thinking") is False
        or fields.get("chat_template_kwargs", {}).get("enable_thinking") is False
        or fields.get("reasoning", {}).get("enabled") is False
        or fields.get("thinking", {}).get("type") == "disabled"
        or tokens_in(fields) == 0
    )


def tokens_in(fields: Mapping[str, Any]) -> int | None:
    """Return the thinking budget that the fields carry, whatever it is called."""
    told = (
        fields.get("thinking_token_budget"),
        fields.get("thinking_budget"),
        fields.get("reasoning_budget_tokens"),
        fields.get("custom_params", {}).get("thinking_budget"),
        fields.get("reasoning", {}).get("max_tokens"),
        fields.get("thinking", {}).get("budget_tokens"),
        fields.get("thinkingConfig", {}).get("thinkingBudget"),
    )
    return next((tokens for tokens in told if tokens is not None), None)
