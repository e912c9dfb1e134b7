"""``utility``: the tier with the largest expected value of a right answer minus its expected cost.

The dial sets what a right answer is worth. In units of what the dearest tier costs on a typical hard
question, it is ``dial / (1 - dial) / COST_WEIGHT``: 0 makes only cost count, 1 only success.
"""

from collections.abc import Sequence

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


def choose(prospects: Sequence[Prospect], dial: float, typical_usd: float) -> tuple[int, str]:
    """Return the index of the tier to use and the reason, in one sentence.

    It is the cheapest tier that no dearer one beats by more than noise. So a higher dial never lowers the
    tier, and what is given up against the best tier is noise at most.

    Args:
        prospects: Allowed tiers, cheap to dear; at least one.
        dial: 0 cheapest ... 1 best.
        typical_usd: What the dearest tier costs on a typical hard question, in USD.
    """
    weight = COST_WEIGHT * (1.0 - dial) / typical_usd

    def utility(index: int) -> float:
        prospect = prospects[index]
        if dial == 0.0:
            return -prospect.expected.cost_usd
        return dial * prospect.p_solve - weight * prospect.expected.cost_usd

    noise = 2 * NOISE * (1.0 - dial) * dial
    values = [utility(index) for index in range(len(prospects))]
    best = next(i for i, value in enumerate(values) if max(values[i:]) <= value + noise)
    return best, _reason(prospects, best)


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
