"""``auto``: which strategy for which predicted chance of success, and how many tokens it may take.

Two rules. The table says it outright, by the probability that one answer of the tier is right: easy questions need one
short answer, middling ones a few votes, hard ones more of them or a tree (compute-optimal test-time scaling, arXiv 2408.03314,
with absolute thresholds as in arXiv 2502.06703). With ``epsilon`` the cheapest plan is taken whose predicted success is
within epsilon of the best one's (BEST-Route, arXiv 2506.22716). Both are a user's to override, tier by tier.
"""

from dataclasses import replace
from functools import cache

from policies.candidates import Row, SearchPlan

from .chances import expected_calls, expected_success

TABLE = (
    Row(0.92, SearchPlan("single")),
    Row(0.75, SearchPlan("cascade", n=2)),
    Row(0.45, SearchPlan("cascade", n=3)),
    Row(0.15, SearchPlan("vote", n=5, stop="first", max_tokens=16_000)),
    Row(0.0, SearchPlan("dvts", n=16, max_tokens=48_000)),
)
"""The default: a starting point after the literature (``docs/search.md``), not fitted to anybody's models.

Where few samples are expected there is no ceiling but the tier's: it would only ever cut a long answer to an easy question.
"""

ARMS = (SearchPlan("single"), *(SearchPlan("vote", n=n) for n in (3, 5, 8, 16)))
"""What ``epsilon`` chooses from where no table is given: plans whose success can be predicted."""


def choose(plan: SearchPlan, p_solve: float) -> SearchPlan:
    """Return the plan that ``auto`` stands for; any other plan as it is.

    Args:
        plan: With its own table or epsilon, if the user gave one.
        p_solve: Calibrated probability in [0, 1] that one answer of the tier is right.
    """
    if plan.strategy != "auto":
        return plan
    if plan.epsilon is not None:
        chosen = cheapest_within(
            tuple(row.plan for row in plan.table) or ARMS, p_solve, plan.epsilon
        )
    else:
        rows = sorted(plan.table or TABLE, key=lambda row: -row.least_p)
        chosen = next((row.plan for row in rows if p_solve >= row.least_p), rows[-1].plan)
        if plan.verifier is not None and chosen.strategy == "vote":
            chosen = replace(chosen, strategy="weighted_vote", n=max(chosen.n, 8))
    return replace(
        chosen,
        verifier=chosen.verifier or plan.verifier,
        in_order=plan.in_order,
        templates=plan.templates,
    )


def cheapest_within(arms: tuple[SearchPlan, ...], p_solve: float, epsilon: float) -> SearchPlan:
    """Return the plan of the fewest expected calls whose predicted success is within ``epsilon`` of the best."""
    return _cheapest_within(arms, round(p_solve, 2), epsilon)


@cache
def _cheapest_within(arms: tuple[SearchPlan, ...], p_solve: float, epsilon: float) -> SearchPlan:
    success = {arm: expected_success(arm, p_solve) for arm in arms}
    best = max(success.values())
    good = [arm for arm in arms if success[arm] >= best - epsilon]
    return min(good, key=lambda arm: expected_calls(arm, p_solve))
