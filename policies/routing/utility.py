"""``utility``: the tier with the largest expected value of a right answer minus its expected cost.

The dial sets what a right answer is worth. In units of what the dearest tier costs on a typical hard
question, it is ``dial / (1 - dial) / COST_WEIGHT``: 0 makes only cost count, 1 only success.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .choice import Choice, Situation
from .expectation import Prospect

COST_WEIGHT = 0.2
"""At dial 0.5, what the dearest tier's typical cost weighs against a certain right answer.

0.2 means: pay the dearest tier's typical cost for 20 points of success, not for 10.
"""

NOISE = 0.03
"""Uplift that calibrated probabilities cannot tell from none: each is off by 0.02 or more (model card), and an
uplift is the difference of two.

At dial 0.5 a dearer tier must promise more than this over the cheaper one; less as the dial rises, and at 1
any promise counts.
"""


@dataclass(frozen=True, slots=True)
class Utility:
    """Weighs success against expected cost; it has no parameter but the dial."""

    def __call__(self, situation: Situation) -> Choice:
        """Return the tier of the largest utility."""
        return Choice(*choose(situation.prospects, situation.dial, situation.typical_usd))


def choose(prospects: Sequence[Prospect], dial: float, typical_usd: float) -> tuple[int, str]:
    """Return the index of the tier to use and the reason, in one sentence.

    It is the cheapest tier that no dearer one beats by more than noise. So a higher dial never lowers the
    tier, and what is given up against the best tier is noise at most.

    Args:
        prospects: Allowed tiers, cheap to dear; at least one.
        dial: 0 cheapest ... 1 best.
        typical_usd: What the dearest tier costs on a typical hard question, in USD.
    """
    worth, weight = worth_and_weight(dial, typical_usd)
    best = first_unbeaten(
        [worth * p.p_solve - weight * p.expected.cost_usd for p in prospects], noise_at(dial)
    )
    return best, _reason(prospects, best)


def worth_and_weight(dial: float, typical_usd: float) -> tuple[float, float]:
    """Return what a right answer counts and what a USD counts; at dial 0 only money does."""
    return dial, COST_WEIGHT * (1.0 - dial) / typical_usd


def noise_at(dial: float) -> float:
    """Return the difference of utilities that is none, see ``NOISE``."""
    return 2 * NOISE * (1.0 - dial) * dial


def first_unbeaten(values: Sequence[float], noise: float) -> int:
    """Return the index of the first value that no later one beats by more than ``noise``."""
    best = values[-1]
    chosen = len(values) - 1
    for index in range(len(values) - 2, -1, -1):
        value = values[index]
        best = max(best, value)
        if best <= value + noise:
            chosen = index
    return chosen


def _reason(prospects: Sequence[Prospect], best: int) -> str:
    chosen = prospects[best]
    own = f"{chosen.tier.name} solves it with p={chosen.p_solve:.2f} for about ${chosen.expected.cost_usd:.5f}"
    if len(prospects) == 1:
        return f"{own}; no other tier is allowed."
    dearest = prospects[-1] if best != len(prospects) - 1 else prospects[-2]
    side = "dearer" if best != len(prospects) - 1 else "cheaper"
    gain = 100 * (dearest.p_solve - chosen.p_solve)
    return (
        f"{own}; the {side} {dearest.tier.name} would change that by {gain:+.0f} points "
        f"for about ${dearest.expected.cost_usd:.5f}."
    )
