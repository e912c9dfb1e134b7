"""Which models keep to a thinking budget by themselves, learned from what they do. Knows no request.

A stream costs more to carry than a plain reply, and only a stream can be cut. So a plain request is watched as
a stream until its model has shown that it needs no watching, and again from the first time it breaks that.
"""

from dataclasses import dataclass

PROBATION = 3
"""Watched answers within the budget before a model is believed."""

TOLERANCE = 1.1
TOLERANCE_TOKENS = 32
"""Reasoning past the budget that still counts as keeping it: what is promised to users."""

NATIVE = frozenset(
    {"anthropic_budget", "bedrock", "dashscope", "gemini_budget", "llamacpp", "sglang", "vllm"}
)
"""Dialects that take a budget in tokens. The others are told an effort at most, so a model that thinks
at all is watched for good."""


@dataclass(slots=True)
class Record:
    """What one model has done so far."""

    kept: int = 0
    broken: bool = False
    thinks: bool = False


class Trust:
    """The records of every model."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}

    def needs_watching(self, name: str, dialect: str) -> bool:
        """Return whether a plain request to this model must be carried as a stream."""
        record = self._records.get(name)
        if record is None or record.broken or record.kept < PROBATION:
            return True
        return record.thinks and dialect not in NATIVE

    def observe(
        self, name: str, reasoning_tokens: int, budget: int | None, *, cut: bool = False
    ) -> None:
        """Note one answer: what it spent on reasoning, what it might have, and whether we cut it.

        An answer that was cut says nothing for the model: it stayed within its budget because we closed it.
        """
        record = self._records.setdefault(name, Record())
        record.thinks |= reasoning_tokens > 0
        if budget is not None and reasoning_tokens > budget * TOLERANCE + TOLERANCE_TOKENS:
            record.broken = True
        record.kept = 0 if cut else record.kept + 1
