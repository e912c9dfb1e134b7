"""The step ``decide``: tiers, score and wishes in, one Decision out, with its cause and a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from classifier.types import Difficulty
from policies.budgets import plan_budget
from policies.tokens import prompt_tokens
from policies.types import Decision, Query, SearchPlan, Tier

from . import threshold, utility
from .expectation import (
    TYPICAL_PROMPT,
    TYPICAL_THINKING,
    Prospect,
    expect,
    plan_for,
    prospects,
)

ROUTING_POLICIES = ("utility", "threshold")
"""Every policy this version can decide with."""


@dataclass(frozen=True)
class Routing:
    """The server's own routing: what holds where the client wishes nothing.

    Attributes:
        tiers: Cheap to dear; two or more.
        policy: One of ``ROUTING_POLICIES``.
        dial: 0 cheapest ... 1 best.
        boundaries: For ``threshold``: one fewer than tiers; ``None`` derives them from the dial.
    """

    tiers: tuple[Tier, ...]
    policy: str = "utility"
    dial: float = 0.5
    boundaries: tuple[float, ...] | None = None

    @cached_property
    def typical_usd(self) -> float:
        """What one answer of the dearest tier costs on a typical hard question: the utility policy's unit.

        One answer, also where the tier's search takes several: a search must not make money count less.
        """
        single = [replace(tier, search=SearchPlan()) for tier in self.tiers]
        return max(expect(tier, TYPICAL_THINKING, TYPICAL_PROMPT).cost_usd for tier in single)


def decide(
    routing: Routing, difficulty: Difficulty | None, query: Query, *, fallback: str = "highest"
) -> Decision:
    """Return where the query goes.

    Args:
        routing: The server's routing.
        difficulty: The score; ``None`` when the classifier failed, and then ``fallback`` decides.
        query: Whose wishes and ceilings hold; the tiers it names must exist.
        fallback: Without a score: ``highest``, ``lowest`` or a tier's name.

    Raises:
        LookupError: If no tier is left between the client's bounds; the message says which.
    """
    wishes, ceilings, allowed = query.wishes, query.ceilings, query.tiers
    tokens = prompt_tokens(query.body["messages"])
    policy = wishes.policy or routing.policy
    dial = routing.dial if wishes.dial is None else wishes.dial
    names = [tier.name for tier in routing.tiers]
    low = names.index(wishes.min_tier) if wishes.min_tier else 0
    high = names.index(wishes.max_tier) if wishes.max_tier else len(names) - 1
    open_tiers = [
        tier
        for i, tier in enumerate(routing.tiers)
        if low <= i <= high and (allowed is None or tier.name in allowed)
    ]
    if not open_tiers:
        raise LookupError(
            f"no tier is left between min_tier={wishes.min_tier} and max_tier={wishes.max_tier}"
            + ("" if allowed is None else f" among those this key may use ({', '.join(allowed)})")
            + f"; tiers, cheap to dear: {', '.join(names)}"
        )
    every = (
        prospects(routing.tiers, difficulty, tokens, wishes=wishes, choices=query.choices)
        if difficulty
        else []
    )
    if wishes.tier is not None:
        tier = routing.tiers[names.index(wishes.tier)]
        chosen, cause, reason = tier, "forced", f"The request names the tier {tier.name}."
    elif difficulty is None:
        lowest_first = {"lowest": 0}.get(fallback, -1)
        chosen = next((t for t in open_tiers if t.name == fallback), open_tiers[lowest_first])
        cause = "error:classifier"
        reason = f"The classifier failed; routing.on_classifier_error sends this to {chosen.name}."
    else:
        chosen, reason = _choose(policy, dial, routing, open_tiers, difficulty, every)
        cause = "classifier"
    if cause == "classifier" and ceilings.max_cost_usd is not None:
        cheaper = _within(every, chosen, open_tiers, ceilings.max_cost_usd)
        if cheaper is not chosen:
            reason += f" max_cost_usd={ceilings.max_cost_usd:g} lowers it to {cheaper.name}."
            chosen, cause = cheaper, "budget"
    plan = plan_for(chosen, wishes)
    return Decision(
        tier=chosen,
        plan=plan,
        budget=plan_budget(
            chosen, ceilings, difficulty, plan=plan, prompt_tokens=tokens, choices=query.choices
        ),
        cause=cause,
        reason=reason,
        policy=policy,
        dial=dial,
        difficulty=difficulty,
        p_solve={p.tier.name: p.p_solve for p in every},
        expected={p.tier.name: p.expected for p in every},
        baseline_usd=every[-1].usd if every else None,
    )


def _choose(
    policy: str,
    dial: float,
    routing: Routing,
    open_tiers: Sequence[Tier],
    difficulty: Difficulty,
    every: Sequence[Prospect],
) -> tuple[Tier, str]:
    if policy == "threshold":
        n = len(routing.tiers)
        # A dial in the request overrides the configured boundaries: they are one dial's boundaries.
        fixed = routing.boundaries if dial == routing.dial else None
        cuts = fixed or threshold.boundaries_for(n, dial)
        index, reason = threshold.choose(n, difficulty.difficulty, cuts)
        order = {tier.name: i for i, tier in enumerate(routing.tiers)}
        nearest = min(open_tiers, key=lambda tier: abs(order[tier.name] - index))
        return nearest, reason
    open_prospects = [p for p in every if p.tier in open_tiers]
    index, reason = utility.choose(open_prospects, dial, routing.typical_usd)
    return open_tiers[index], reason


def _within(
    every: Sequence[Prospect], chosen: Tier, open_tiers: Sequence[Tier], max_cost_usd: float
) -> Tier:
    """Return the chosen tier, or the dearest open one below it that is expected to cost no more."""
    costs = {p.tier.name: p.expected.cost_usd for p in every}
    if costs[chosen.name] <= max_cost_usd:
        return chosen
    below = open_tiers[: open_tiers.index(chosen)]
    affordable = [t for t in below if costs[t.name] <= max_cost_usd]
    return affordable[-1] if affordable else open_tiers[0]
