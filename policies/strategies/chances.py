"""What a strategy is expected to bring and to cost before it runs: its calls, and its chance of being right.

A vote that stops early makes fewer calls than ``n``. Two answers compete, the right one and one wrong one: wrong answers that
scatter would end a vote sooner, and be outvoted more often, so both figures are on the careful side.
"""

from functools import cache

from policies.candidates import SearchPlan

from .stopping import BATCH, CONFIDENCE, lead_probability

EARLY = ("vote", "weighted_vote")
"""Strategies that stop by consensus; every other one is reckoned with all of its samples."""

CONCENTRATION = 2.0
"""How much samples of one question resemble each other: pseudo-votes of the prior behind a predicted p.

A prediction of 0.6 is not a question that is right six times in ten, but a mixture of questions that are
nearly always right and nearly always wrong. Beta(2 p, 2 (1 - p)) is that mixture: with it two samples of
a question at p = 0.5 are both right or both wrong two times in three, not one time in two. OUR
ASSUMPTION: between independent samples and one repeated answer.
"""

_STEPS = 50
"""Predictions are rounded to this many steps, so that a table serves every query."""


def expected_calls(plan: SearchPlan, p_solve: float) -> float:
    """Return the calls ``plan`` is expected to make for a question that one sample solves with ``p_solve``."""
    if plan.strategy not in EARLY or plan.n <= BATCH:
        return float(plan.n)
    return _vote(plan.n, plan.stop, round(p_solve * _STEPS))[0]


def expected_success(plan: SearchPlan, p_solve: float) -> float:
    """Return the probability that ``plan`` is right where one sample is with ``p_solve``; one answer's if unknown."""
    if plan.strategy not in EARLY or plan.n <= 1:
        return p_solve
    return _vote(plan.n, plan.stop, round(p_solve * _STEPS))[1]


@cache
def _vote(n: int, stop: str, step: int) -> tuple[float, float]:
    """Return the mean number of samples of an early-stopping vote and its chance of being right, exactly.

    Votes arrive one by one after the first batch, as Polya's urn draws them; a tie is won half of the time.
    """
    p = step / _STEPS

    @cache
    def rest(right: int, wrong: int) -> tuple[float, float]:
        cast = right + wrong
        if cast == n or (cast >= BATCH and _settled(n, stop, right, wrong)):
            return 0.0, 0.5 if right == wrong else float(right > wrong)
        chance = (CONCENTRATION * p + right) / (CONCENTRATION + cast)
        more, wins = rest(right + 1, wrong)
        other_more, other_wins = rest(right, wrong + 1)
        return (
            1.0 + chance * more + (1 - chance) * other_more,
            chance * wins + (1 - chance) * other_wins,
        )

    return rest(0, 0)


def _settled(n: int, stop: str, right: int, wrong: int) -> bool:
    first, second = max(right, wrong), min(right, wrong)
    if first - second > n - right - wrong:
        return True
    if stop == "first":
        return right + wrong >= (n + 1) // 2
    return stop == "beta" and lead_probability(first, second) >= CONFIDENCE
