"""What models have shown of themselves: who keeps a thinking budget, who takes a prefill. Knows no request.

A stream costs more to carry than a plain reply, and only a stream can be cut. So a plain request is watched as
a stream until its model has shown that it needs no watching, and again from the first time it breaks that.
"""

from dataclasses import dataclass

from router.backends.port import ModelSpec

PROBATION = 3
"""Watched answers within the budget before a model is believed."""

TOLERANCE = 1.1
TOLERANCE_TOKENS = 32
"""Reasoning past the budget that still counts as keeping it: what is promised to users."""


@dataclass(slots=True)
class Record:
    """What one model has done so far."""

    kept: int = 0
    broken: bool = False
    thinks: bool = False
    continues: bool = True
    lengthens: bool = True


class Trust:
    """The records of every model."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}

    def needs_watching(self, spec: ModelSpec) -> bool:
        """Return whether a plain request to this model must be carried as a stream.

        A model that thinks and takes no budget in tokens, but an effort at most, is watched for good.
        """
        record = self._records.get(spec.name)
        if record is None or record.broken or record.kept < PROBATION:
            return True
        return record.thinks and not spec.can.native_budget

    def continues(self, spec: ModelSpec) -> bool:
        """Return whether reasoning handed over to this model as a beginning will be answered."""
        record = self._records.get(spec.name)
        return spec.can.prefill is not None and (record is None or record.continues)

    def lengthens(self, name: str) -> bool:
        """Return whether this model may be asked to continue reasoning that is open."""
        record = self._records.get(name)
        return record is None or record.lengthens

    def observe_lengthening(self, name: str) -> None:
        """Note that a model refused to continue reasoning that is open."""
        self._records.setdefault(name, Record()).lengthens = False

    def observe_prefill(self, name: str, *, answered: bool) -> None:
        """Note whether a model went on where its reasoning was handed over; the last time counts."""
        self._records.setdefault(name, Record()).continues = answered

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
