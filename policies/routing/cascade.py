"""``cascade``: enter where the text says, climb where the samples disagree.

Text alone predicts little on a kind of question nobody has seen; whether two or three cheap samples agree is a far
better signal (adaptive consistency, arXiv 2305.11860; FrugalGPT, arXiv 2305.05176). So the prediction only chooses the
tier to enter at and how far the climb may go; the strategy of the same name carries it out. What a lower tier has
spent is sunk: a step up is judged by what it adds and what it costs from there on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from classifier.calibration import shifted
from policies.strategies.chances import CONCENTRATION
from policies.types import SearchPlan

from .choice import Choice, Situation
from .expectation import Prospect
from .utility import Utility, first_unbeaten, noise_at, worth_and_weight

STRATEGY = "cascade"

SAMPLES = 2
"""Cheap samples whose agreement is looked at before anything dearer is asked."""

SAME_MISTAKE = 0.2
"""Two wrong samples of one question agree this often. Where all recorded chat models are wrong, all agree 0.16 of the
time (replay set; ``python -m router.routing_targets`` prints it); samples of one model are more alike than models are."""

APART_SHIFT = -0.5
"""Where two cheap samples do not agree, dearer models too are right less often, in logits. Recorded answers of
distilled reasoners, same set: -0.2 (reasoning tasks), -0.5 (mathematics), -0.9 (output prediction)."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What two samples of one model are expected to say of each other.

    Attributes:
        agree: Probability that they give the same answer.
        right: Probability that they do, and it is right.
        right_apart: Probability that one of them is right where they do not agree.
    """

    agree: float
    right: float
    right_apart: float


@dataclass(frozen=True, slots=True)
class Cascade:
    """Chooses the entry and the top of a climb by expected utility; the dial is that of ``utility``."""

    def __call__(self, situation: Situation) -> Choice:
        """Return the top of the climb with a plan that names every tier of it.

        Where samples cannot be compared, or nothing is worth climbing to, it decides as ``utility`` does.
        """
        if not situation.searchable or len(situation.prospects) == 1:
            return Utility()(situation)
        steps = situation.prospects
        entry, top = climb(steps, situation.dial, situation.typical_usd)
        if entry == top:
            return replace(Utility()(_only(situation, entry)), index=entry)
        first, last = steps[entry], steps[top]
        signs = agreement(first.p_solve)
        plan = SearchPlan(
            STRATEGY, n=SAMPLES, ladder=tuple(p.tier.name for p in steps[entry : top + 1])
        )
        return Choice(
            top,
            f"Enters at {first.tier.name}, which solves it with p={first.p_solve:.2f}: {SAMPLES} samples "
            f"agree with p={signs.agree:.2f}; where they do not, it climbs up to {last.tier.name}.",
            plan,
        )


def agreement(p_solve: float) -> Agreement:
    """Return what two samples say where one is right with ``p_solve``, questions being of mixed hardness."""
    both_right = p_solve * (CONCENTRATION * p_solve + 1) / (CONCENTRATION + 1)
    wrong = 1 - p_solve
    both_wrong = wrong * (CONCENTRATION * wrong + 1) / (CONCENTRATION + 1)
    agree = both_right + SAME_MISTAKE * both_wrong
    one_right = 1 - both_right - both_wrong  # they differ, and one of the two is right
    apart = 1 - agree
    # Of two different answers either may be shown: half of those with a right one count.
    return Agreement(agree, both_right, 0.5 * one_right / apart if apart > 0 else 0.0)


def climb(steps: Sequence[Prospect], dial: float, typical_usd: float) -> tuple[int, int]:
    """Return the indices of the tier to enter at and of the highest one worth climbing to.

    Works from the top down. What a step is worth counts only what is still to be paid; so a step up is
    taken or not whatever has been spent below it.
    """
    worth, weight = worth_and_weight(dial, typical_usd)
    noise = noise_at(dial)

    # The value of being sent to each tier, and how high the climb from there goes.
    last = len(steps) - 1
    values = [worth * steps[last].p_solve - weight * steps[last].expected.cost_usd]
    tops = [last]
    for index in range(last - 1, -1, -1):
        step, next_up = steps[index], steps[index + 1]
        signs = agreement(step.p_solve)
        stay = worth * signs.right_apart
        harder = next_up.p_solve - shifted(next_up.p_solve, APART_SHIFT)
        above = values[0] - worth * harder
        single = worth * step.p_solve - weight * step.expected.cost_usd
        asked_twice = worth * signs.right - weight * SAMPLES * step.expected.cost_usd / step.calls
        sampled = asked_twice + (1 - signs.agree) * above
        climbs = above > stay + noise and sampled > single + noise
        values.insert(0, sampled if climbs else single)
        tops.insert(0, tops[0] if climbs else index)
    entry = first_unbeaten(values, noise)
    return entry, tops[entry]


def _only(situation: Situation, index: int) -> Situation:
    return replace(situation, prospects=(situation.prospects[index],))
