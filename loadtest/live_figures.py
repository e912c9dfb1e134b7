"""Figures of ways to route the same questions: means, bootstrap intervals, and chance at equal cost.

A way to route is three numbers per question: right or wrong, tokens, dollars. All ways are resampled together, question by
question, so that what is compared is compared on the same draws.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loadtest.asking import Reply
from loadtest.records import TIERS

Floats = NDArray[np.float64]

DRAWS = 1000
SEED = 20260101
"""The same draws every time."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to route.

    Attributes:
        name: For tables.
        policy: Its line in a plot; empty for a single point.
        dial: Where on that line.
        shares: Fraction of the questions that each tier answered.
        right: 1 or 0 of each question, shape (n,).
        tokens: Completion tokens of each question, shape (n,).
        usd: Dollars of each question, shape (n,).
    """

    name: str
    policy: str
    dial: float
    shares: Mapping[str, float]
    right: Floats
    tokens: Floats
    usd: Floats


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, and the bounds between which 95 % of the bootstrap draws lie."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What a way to route comes to, per question.

    Attributes:
        random: Accuracy of the best random mix of the fixed tiers that costs as much.
        gain: Accuracy beyond that.
        undominated: No other way of ours is as good and cheaper, or as cheap and better.
    """

    name: str
    policy: str
    dial: float
    shares: Mapping[str, float]
    accuracy: Interval
    tokens: Interval
    usd: Interval
    random: float
    gain: Interval
    undominated: bool


def figures(ways: Sequence[Way], fixed: Sequence[Way], *, draws: int = DRAWS) -> list[Figures]:
    """Return the figures of each way.

    Args:
        ways: What is measured.
        fixed: Always the same tier, one way per tier: what chance mixes.
        draws: Of the bootstrap.
    """
    n = len(fixed[0].right)
    picks = np.random.default_rng(SEED).integers(0, n, size=(draws, n))
    # The first row is the sample itself, so that one pass gives the mean and the draws.
    rows = np.vstack([np.arange(n), picks])
    fixed_usd = np.column_stack([way.usd[rows].mean(axis=1) for way in fixed])
    fixed_right = np.column_stack([way.right[rows].mean(axis=1) for way in fixed])
    found = []
    for way in ways:
        right, usd = (values[rows].mean(axis=1) for values in (way.right, way.usd))
        chance = random_at(usd, fixed_usd, fixed_right)
        found.append(
            Figures(
                way.name,
                way.policy,
                way.dial,
                way.shares,
                _interval(right),
                _interval(way.tokens[rows].mean(axis=1)),
                _interval(usd),
                float(chance[0]),
                _interval(right - chance),
                _undominated(way, ways),
            )
        )
    return found


def random_at(usd: Floats, fixed_usd: Floats, fixed_right: Floats) -> Floats:
    """Return the accuracy of the best random mix of fixed tiers that costs ``usd`` at most.

    The best mix needs two tiers: it is the upper concave hull of the fixed points. Where not even the cheapest tier is
    affordable, that one's accuracy is returned: chance cannot be cheaper.

    Args:
        usd: Mean cost, shape (m,).
        fixed_usd: Mean cost of each tier, shape (m, tiers).
        fixed_right: Accuracy of each tier, shape (m, tiers).

    Returns:
        Shape (m,).
    """
    at = np.arange(len(usd))
    best: Floats = fixed_right[at, fixed_usd.argmin(axis=1)]
    tiers = range(fixed_usd.shape[1])
    for low in tiers:
        affordable = fixed_usd[:, low] <= usd
        best = np.where(affordable, np.maximum(best, fixed_right[:, low]), best)
        for high in tiers:
            span = fixed_usd[:, high] - fixed_usd[:, low]
            share = np.divide(usd - fixed_usd[:, low], span, out=np.zeros_like(usd), where=span > 0)
            mixed = fixed_right[:, low] + share * (fixed_right[:, high] - fixed_right[:, low])
            best = np.where((span > 0) & (share >= 0) & (share <= 1), np.maximum(best, mixed), best)
    return best


def way_of(
    name: str,
    answers: Sequence[Reply],
    *,
    policy: str = "",
    dial: float = 0.0,
) -> Way:
    """Return a way from what it came to, one answer per question; failed requests have no tier."""
    n = len(answers)
    shares = {tier: sum(answer.tier == tier for answer in answers) / n for tier in TIERS}
    right, tokens, usd = (
        np.array(values, dtype=np.float64)
        for values in zip(*((a.correct, a.tokens, a.cost_usd) for a in answers), strict=True)
    )
    return Way(name, policy, dial, shares, right, tokens, usd)


def _interval(values: Floats) -> Interval:
    low, high = np.quantile(values[1:], (0.025, 0.975))
    return Interval(float(values[0]), float(low), float(high))


def _undominated(way: Way, ways: Sequence[Way]) -> bool:
    right, usd = way.right.mean(), way.usd.mean()
    return not any(
        other.right.mean() >= right
        and other.usd.mean() <= usd
        and (other.right.mean() > right or other.usd.mean() < usd)
        for other in ways
    )
