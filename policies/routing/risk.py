"""Risk control: which setting of a router keeps the promised loss, on outcomes that were recorded. Pure.

Learn then test (arXiv 2110.01052): settings are tested in a fixed order, from the safest to the boldest, each at the
full level, until one fails; the last one that passed keeps the promise with the wanted confidence, whatever the classifier
is worth. A test is a bet against the hypothesis "the mean loss is above the limit" (arXiv 2010.09686): the wealth of a
bettor who cannot win under it exceeds ``1 / (1 - confidence)`` with probability ``1 - confidence`` at most. Bets are mixed
over a fixed grid, so the order of the outcomes does not matter.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from math import exp, log1p

SETTINGS = (-1.0, *(i / 100 for i in range(-5, 101)))
"""Limits on the predicted loss that are tried, safest first: at -1 only the dearest tier is ever asked.

Fixed beforehand, not read off the data.
"""

BETS = (0.95, 0.6, 0.3, 0.1)
"""Shares of the largest bet that is allowed; few, because each one more costs wealth."""


class NotSupportedError(ValueError):
    """The outcomes do not support any promise; the message says what would."""


def e_value(losses: Counter[float], limit: float) -> float:
    """Return the evidence against "the mean loss is above ``limit``"; at least 0, mean at most 1 under it.

    Args:
        losses: How often each loss in [-1, 1] occurred.
        limit: In (0, 1).
    """
    largest = 1.0 / (1.0 - limit)  # a larger bet could lose more than everything
    wealth = [
        sum(times * log1p(share * largest * (limit - loss)) for loss, times in losses.items())
        for share in BETS
    ]
    return sum(exp(min(each, 700.0)) for each in wealth) / len(wealth)


def fewest(limit: float, confidence: float) -> int:
    """Return how many outcomes without any loss it takes to show a loss of ``limit`` at most."""
    enough = 1.0 / (1.0 - confidence)
    return next(n for n in count(1) if e_value(Counter({0.0: n}), limit) >= enough)


def control(
    losses_at: Callable[[float], Sequence[float]], limit: float, confidence: float
) -> float:
    """Return the boldest setting of ``SETTINGS`` that keeps the mean loss at ``limit`` or below.

    Args:
        losses_at: From a setting to the loss of every recorded question, in [-1, 1]: 1 where the dearest tier is
            right and the routed one wrong, -1 the other way round, shares between.
        limit: Mean loss that is accepted, in (0, 1).
        confidence: In (0, 1).

    Raises:
        NotSupportedError: If not even the safest setting can be shown to keep it.
    """
    kept: float | None = None
    for setting in SETTINGS:
        losses = Counter(losses_at(setting))
        if e_value(losses, limit) < 1.0 / (1.0 - confidence):
            break
        kept = setting
    if kept is None:
        n = sum(Counter(losses_at(SETTINGS[0])).values())
        raise NotSupportedError(
            f"{n} outcomes do not show a loss of at most {100 * limit:g} % at {100 * confidence:g} % confidence: "
            f"it takes {fewest(limit, confidence)} without any loss, and more with some; collect more "
            "outcomes, or accept a larger loss"
        )
    return kept
