"""The step ``gauge``: how hard is what is asked."""

from typing import Protocol

from classifier.types import Ask, Difficulty
from policies.types import Query

from .errors import ClassifierUnavailableError


class Gauge(Protocol):
    """What tells how hard an ask is; ``classifier.scorer.Scorer`` is one."""

    def score(self, ask: Ask) -> Difficulty:
        """Return the difficulty of one ask."""
        ...

    def explain(self, ask: Ask) -> list[tuple[str, float]]:
        """Return what pushed the score, in words, and how far: above 0 is harder."""
        ...


def difficulty(gauge: Gauge, query: Query, on_error: str) -> Difficulty | None:
    """Return the score of a query, ``None`` if the classifier failed.

    Raises:
        ClassifierUnavailableError: If it failed and ``on_error`` is ``reject``.
    """
    try:
        return gauge.score(query.ask)
    except (RuntimeError, ValueError, ArithmeticError) as error:
        if on_error == "reject":
            raise ClassifierUnavailableError(
                "the classifier failed, and routing.on_classifier_error is reject"
            ) from error
        return None
