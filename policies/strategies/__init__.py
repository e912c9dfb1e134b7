"""Test-time strategies; one strategy, one file. ``STRATEGIES`` is the registry.

To add one: a file with its code and a ``Strategy`` that says what it needs, and its name in ``_ALL``.
"""

from dataclasses import replace

from policies.ports import Search, Strategy
from policies.types import SearchPlan

from .beam_search import BEAM_SEARCH
from .best_of_n import BEST_OF_N
from .cascade import CASCADE
from .debate import DEBATE
from .deepconf import DEEPCONF
from .dvts import DVTS
from .early_exit import EARLY_EXIT
from .mcts import MCTS
from .plan import PLAN
from .self_refine import SELF_REFINE
from .single import SINGLE
from .stepwise import STEPWISE
from .synthesis import SYNTHESIS
from .templates import TEMPLATES
from .vote import VOTE
from .weighted_vote import WEIGHTED_VOTE

_ALL = (
    SINGLE,
    VOTE,
    WEIGHTED_VOTE,
    BEST_OF_N,
    SELF_REFINE,
    EARLY_EXIT,
    DEEPCONF,
    CASCADE,
    SYNTHESIS,
    PLAN,
    DEBATE,
    STEPWISE,
    TEMPLATES,
    BEAM_SEARCH,
    DVTS,
    MCTS,
)

STRATEGIES: dict[str, Strategy] = {strategy.name: strategy for strategy in _ALL}
"""Every strategy this version knows, by the name users write."""


def fitting(search: Search) -> tuple[Strategy, str]:
    """Return the strategy that can run as planned, or what stands in for it, and why.

    Args:
        search: With its plan, task and models.

    Returns:
        The strategy, and ``""`` or a note for ``stop_reason`` such as ``vote instead of beam_search: no_prefill``.
    """
    wanted = STRATEGIES[search.plan.strategy]
    if search.task.unsearchable and wanted is not SINGLE:
        return SINGLE, f"single instead of {wanted.name}: {search.task.unsearchable}"
    strategy, why = wanted, ""
    tried = {wanted.name}
    while (missing := strategy.needs.missing(search)) is not None:
        why = why or missing
        strategy = STRATEGIES.get(strategy.otherwise, SINGLE)
        if strategy.name in tried:
            strategy = SINGLE
            break
        tried.add(strategy.name)
    return strategy, why and f"{strategy.name} instead of {wanted.name}: {why}"


def completed(plan: SearchPlan) -> SearchPlan:
    """Return the plan with the strategy's own number of samples where it names none."""
    strategy = STRATEGIES.get(plan.strategy)
    if strategy is None or plan.n > 1 or strategy is SINGLE:
        return plan
    return replace(plan, n=max(strategy.n, 2))


__all__ = ["SINGLE", "STRATEGIES", "Strategy", "completed", "fitting"]
