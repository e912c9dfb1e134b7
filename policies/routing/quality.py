"""``quality``: the cheapest tier whose success is within epsilon of the best tier's. Prices only order the tiers."""

from collections.abc import Sequence
from dataclasses import dataclass

from .choice import Choice, Situation
from .expectation import Prospect

EPSILON = 0.05
"""Points of success that are given up at dial 0.5, where nothing else is configured."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Gives up a bounded amount of success, never more, whatever it would save.

    Attributes:
        epsilon: Success that may be given up, in [0, 1]; ``None`` derives it from the dial. A dial of
            the request overrides it.
    """

    epsilon: float | None = None

    def __call__(self, situation: Situation) -> Choice:
        """Return the cheapest tier within epsilon of the best."""
        fixed = None if situation.dialed else self.epsilon
        epsilon = epsilon_for(situation.dial) if fixed is None else fixed
        best = max(prospect.p_solve for prospect in situation.prospects)
        index = cheapest_from(situation.prospects, best - epsilon)
        chosen = situation.prospects[index]
        return Choice(
            index,
            f"{chosen.tier.name} solves it with p={chosen.p_solve:.2f}: the cheapest tier within "
            f"{100 * epsilon:.1f} points of the best, p={best:.2f}.",
        )


def epsilon_for(dial: float) -> float:
    """Return the success given up at a dial: all of it at 0, ``EPSILON`` at 0.5, none at 1."""
    return 1.0 if dial <= 0.0 else min(1.0, EPSILON * (1.0 - dial) / dial)


def cheapest_from(prospects: Sequence[Prospect], least: float) -> int:
    """Return the index of the cheapest tier with ``p_solve`` of ``least``; the last one if none has."""
    last = len(prospects) - 1
    return next((i for i, p in enumerate(prospects) if p.p_solve >= least), last)
