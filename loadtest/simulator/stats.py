"""Counts what really happened upstream, so that a test can compare it with what the proxy claims."""

from collections import Counter
from typing import Any


class Stats:
    """Counters of one simulator process since its start or the last reset.

    Attributes:
        requests: Chat completions received, by model without faults.
        tokens: Completion tokens generated, by model; also those of cut, cancelled and failed answers.
        reasoning_tokens: The part of them that was reasoning.
        cancelled: Answers that the client left before their end, by model.
        refused: Requests answered with an error, by status.
        corrupted: Hand-overs whose last step shows a value that no chain of ours can have.
        scored: Candidates that the verifier has scored.
        open: Answers being generated now.
    """

    def __init__(self) -> None:
        self.open = 0
        self.reset()

    def reset(self) -> None:
        """Set every counter to zero; answers in progress stay open."""
        self.requests: Counter[str] = Counter()
        self.tokens: Counter[str] = Counter()
        self.reasoning_tokens: Counter[str] = Counter()
        self.cancelled: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.corrupted = 0
        self.scored = 0

    def as_json(self) -> dict[str, Any]:
        """Return the body of `GET /stats`."""
        return {
            "requests": dict(self.requests),
            "requests_total": self.requests.total(),
            "tokens": dict(self.tokens),
            "tokens_generated": self.tokens.total(),
            "reasoning_tokens": dict(self.reasoning_tokens),
            "cancelled": dict(self.cancelled),
            "cancelled_streams": self.cancelled.total(),
            "open_streams": self.open,
            "refused": dict(self.refused),
            "corrupted_handovers": self.corrupted,
            "scored": self.scored,
        }
