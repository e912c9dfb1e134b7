"""What samples of one question may not differ in, because their upstream refuses the field. Pure.

A search makes its samples differ by ``temperature`` and ``seed``. Where a server takes neither, it draws its
samples anew anyway. Fields that the client itself sent are not looked at here: they go as they are.
"""

import re
from collections.abc import Mapping
from typing import Any

from .capabilities import CAPABILITIES

_OPENAI_REASONS = re.compile(r"(?:^|/)(?:o\d|gpt-5)")


def not_sampled(dialect: str, model: str, fields: Mapping[str, Any]) -> frozenset[str]:
    """Return which of ``temperature`` and ``seed`` must not be sent.

    Args:
        dialect: How the model takes a thinking budget.
        model: The upstream's name for it.
        fields: The dialect's fields of this request: they say whether it will think.
    """
    refused = set() if CAPABILITIES[dialect].seed else {"seed"}
    if _is_hot(dialect, model, fields):
        refused.add("temperature")
    return frozenset(refused)


def _is_hot(dialect: str, model: str, fields: Mapping[str, Any]) -> bool:
    """Return whether the temperature of this request is fixed."""
    if dialect in ("openai", "openai_responses"):
        return bool(_OPENAI_REASONS.search(model)) and fields.get("reasoning_effort") != "none"
    if dialect in ("anthropic_adaptive", "anthropic_budget", "bedrock"):
        return fields.get("thinking", {}).get("type") in ("enabled", "adaptive")
    return dialect == "kimi"
