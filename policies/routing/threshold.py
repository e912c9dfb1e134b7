"""``threshold``: boundaries on the difficulty score cut [0, 1] into one interval per tier.

The boundaries are the user's own, or follow from the share of traffic that each dear tier shall get: then
they are quantiles of the scores of the user's own questions, as RouteLLM calibrates its threshold
(arXiv 2406.18665), here for any number of tiers and on any traffic.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from .choice import Choice, Situation
from .pinned import nearest


@dataclass(frozen=True, slots=True)
class Threshold:
    """Decides by the difficulty alone.

    Attributes:
        boundaries: One fewer than tiers, ascending; ``None`` derives them from the dial. A dial of the
            request overrides them: they are one dial's boundaries.
    """

    boundaries: tuple[float, ...] | None = None

    def __call__(self, situation: Situation) -> Choice:
        """Return the tier whose interval holds the difficulty, or the nearest one that is allowed."""
        n = len(situation.every)
        fixed = None if situation.dialed else self.boundaries
        cuts = fixed or boundaries_for(n, situation.dial)
        place, reason = choose(n, situation.difficulty.difficulty, cuts)
        return Choice(nearest(situation, place), reason)


def boundaries_for(n_tiers: int, dial: float) -> tuple[float, ...]:
    """Return ``n_tiers - 1`` ascending boundaries in (0, 1).

    Evenly spaced at dial 0.5; raised to the power ``(1 - dial) / dial`` inverse otherwise, so that
    dial 0 sends everything to the cheapest tier and dial 1 everything to the dearest.
    """
    even = [(i + 1) / n_tiers for i in range(n_tiers - 1)]
    if dial <= 0.0:
        return tuple(1.0 for _ in even)
    if dial >= 1.0:
        return tuple(0.0 for _ in even)
    exponent = dial / (1.0 - dial)
    return tuple(b**exponent for b in even)


def boundaries_from_shares(
    shares: Sequence[float], difficulties: Sequence[float]
) -> tuple[float, ...]:
    """Return the boundaries at which each tier gets its share of questions like the given ones.

    Args:
        shares: Of every tier but the cheapest, cheap to dear; what is missing to 1 is the cheapest's.
        difficulties: Scores of a sample of the traffic, in [0, 1].

    Raises:
        ValueError: If a share is negative, they sum to more than 1, or there is no score.
    """
    if any(share < 0 for share in shares) or sum(shares) > 1 + 1e-9:
        raise ValueError(
            "shares must be 0 or more, and sum to 1 at most: the rest is the cheapest's"
        )
    if not difficulties:
        raise ValueError("no scores to take quantiles of: give at least one question")
    ranked = sorted(difficulties)
    # From the top: what is above the boundary of a tier is its own share and that of all dearer ones.
    above = list(accumulate(reversed(shares)))
    return tuple(_cut(ranked, round(share * len(ranked))) for share in reversed(above))


def choose(n_tiers: int, difficulty: float, boundaries: Sequence[float]) -> tuple[int, str]:
    """Return the index of the tier to use and the reason, in one sentence.

    Args:
        n_tiers: Tiers, cheap to dear; one more than boundaries.
        difficulty: In [0, 1].
        boundaries: Ascending; a difficulty on a boundary goes to the dearer tier, except that a
            boundary of 1 is never reached.
    """
    assert len(boundaries) == n_tiers - 1
    assert all(a <= b for a, b in pairwise(boundaries))
    index = sum(difficulty >= b for b in boundaries if b < 1.0)
    shown = ", ".join(f"{b:.2f}" for b in boundaries)
    return index, f"Difficulty {difficulty:.2f} against the boundaries [{shown}]."


def _cut(ranked: Sequence[float], above: int) -> float:
    """Return the boundary that leaves ``above`` of the scores on it or above; halfway to the next one."""
    if above <= 0:
        return 1.0
    if above >= len(ranked):
        return 0.0
    return (ranked[-above] + ranked[-above - 1]) / 2
