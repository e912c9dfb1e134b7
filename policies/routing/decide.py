"""The step ``decide``: tiers, score and wishes in, one Decision out, with its cause and a sentence.

forced       the request names a tier
rule         a rule of the configuration holds
error:...    nothing was scored, and the configuration says what then
classifier   the routing policy weighs the tiers that are left
budget       ... and the client's ``max_cost_usd`` lowers what it chose
explore      ... or a lot, drawn for the sake of learning, takes another one
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from classifier.types import Difficulty
from policies.budgets import plan_budget
from policies.tokens import prompt_tokens
from policies.types import Decision, Query, SearchPlan, Tier

from .cascade import Cascade
from .choice import Purse, RoutingPolicy, Situation
from .expectation import (
    TYPICAL_PROMPT,
    TYPICAL_THINKING,
    Prospect,
    expect,
    plan_for,
    prospects,
)
from .explore import explore
from .guaranteed import Guaranteed
from .paced import Paced
from .pinned import Pinned
from .quality import Quality
from .rules import Rule, first_that_holds
from .threshold import Threshold
from .utility import Utility

ROUTING_POLICIES: Mapping[str, RoutingPolicy] = {
    "utility": Utility(),
    "quality": Quality(),
    "threshold": Threshold(),
    "cascade": Cascade(),
    "pinned": Pinned(),
    "guaranteed": Guaranteed(),
    "paced": Paced(),
}
"""Every policy, as it decides where the configuration says nothing more about it."""


@dataclass(frozen=True)
class Routing:
    """The server's own routing: what holds where the client wishes nothing.

    Attributes:
        tiers: Cheap to dear; two or more.
        policy: One of ``ROUTING_POLICIES``.
        dial: 0 cheapest ... 1 best.
        tuned: Policies with parameters of this server, by name, in place of those of ``ROUTING_POLICIES``.
        rules: What comes before any policy, in order.
        explore: Share of decisions drawn by lot among the allowed tiers, in [0, 1].
    """

    tiers: tuple[Tier, ...]
    policy: str = "utility"
    dial: float = 0.5
    tuned: Mapping[str, RoutingPolicy] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    explore: float = 0.0

    @cached_property
    def typical_usd(self) -> float:
        """What one answer of the dearest tier costs on a typical hard question: the utility policy's unit.

        One answer, also where the tier's search takes several: a search must not make money count less.
        """
        single = [replace(tier, search=SearchPlan()) for tier in self.tiers]
        return max(expect(tier, TYPICAL_THINKING, TYPICAL_PROMPT).cost_usd for tier in single)

    def law(self, policy: str) -> RoutingPolicy:
        """Return the policy of that name as this server has it."""
        return self.tuned.get(policy) or ROUTING_POLICIES[policy]


@dataclass(frozen=True, slots=True)
class _Verdict:
    tier: Tier
    cause: str
    reason: str
    plan: SearchPlan | None = None
    propensity: float = 1.0


def decide(
    routing: Routing,
    difficulty: Difficulty | None,
    query: Query,
    *,
    fallback: str = "highest",
    purse: Purse | None = None,
    draw: float | None = None,
) -> Decision:
    """Return where the query goes.

    Args:
        routing: The server's routing.
        difficulty: The score; ``None`` when the classifier failed, and then ``fallback`` decides.
        query: Whose wishes and ceilings hold; the tiers it names must exist.
        fallback: Without a score: ``highest``, ``lowest`` or a tier's name.
        purse: What is left of the server's allowance, if it keeps one.
        draw: A random number in [0, 1) for the exploration; ``None`` draws no lot.

    Raises:
        LookupError: If no tier is left between the client's bounds; the message says which.
    """
    wishes, ceilings = query.wishes, query.ceilings
    tokens = prompt_tokens(query.body["messages"])
    allowed = open_tiers(routing, query)
    every: tuple[Prospect, ...] = ()
    if difficulty is not None:
        every = tuple(
            prospects(routing.tiers, difficulty, tokens, wishes=wishes, choices=query.choices)
        )
    verdict = _forced(routing, query) or _ruled(routing, allowed, query, difficulty)
    if verdict is None and difficulty is None:
        verdict = _unscored(allowed, fallback)
    elif verdict is None and difficulty is not None:
        situation = situate(routing, allowed, every, difficulty, query, purse)
        choice = routing.law(wishes.policy or routing.policy)(situation)
        verdict = _Verdict(allowed[choice.index], "classifier", choice.reason, choice.plan)
    assert verdict is not None
    if every and verdict.cause != "forced" and ceilings.max_cost_usd is not None:
        verdict = _within(verdict, every, allowed, ceilings.max_cost_usd)
    # Inside a tool loop the same ask is decided again: a lot there would change models in mid-thought.
    in_loop = query.body["messages"][-1]["role"] == "tool" if query.body["messages"] else False
    if draw is not None and not in_loop and verdict.cause in ("classifier", "budget"):
        verdict = _explored(verdict, routing.explore, draw, allowed, every, ceilings.max_cost_usd)
    chosen = verdict.tier
    p_solve = {p.tier.name: p.p_solve for p in every}
    plan = verdict.plan or plan_for(chosen, wishes, p_solve.get(chosen.name))
    return Decision(
        tier=chosen,
        plan=plan,
        budget=plan_budget(
            chosen, ceilings, difficulty, plan=plan, prompt_tokens=tokens, choices=query.choices
        ),
        cause=verdict.cause,
        reason=verdict.reason,
        policy=wishes.policy or routing.policy,
        dial=routing.dial if wishes.dial is None else wishes.dial,
        difficulty=difficulty,
        p_solve=p_solve,
        expected={p.tier.name: p.expected for p in every},
        baseline_usd=every[-1].usd if every else None,
        propensity=verdict.propensity,
    )


def open_tiers(routing: Routing, query: Query) -> tuple[Tier, ...]:
    """Return the tiers between the client's bounds that its key may use, cheap to dear.

    Raises:
        LookupError: If there is none; the message says which bounds leave none.
    """
    wishes, allowed = query.wishes, query.tiers
    names = [tier.name for tier in routing.tiers]
    low = names.index(wishes.min_tier) if wishes.min_tier else 0
    high = names.index(wishes.max_tier) if wishes.max_tier else len(names) - 1
    left = tuple(
        tier for tier in routing.tiers[low : high + 1] if allowed is None or tier.name in allowed
    )
    if not left:
        raise LookupError(
            f"no tier is left between min_tier={wishes.min_tier} and max_tier={wishes.max_tier}"
            + ("" if allowed is None else f" among those this key may use ({', '.join(allowed)})")
            + f"; tiers, cheap to dear: {', '.join(names)}"
        )
    return left


def situate(
    routing: Routing,
    allowed: tuple[Tier, ...],
    every: tuple[Prospect, ...],
    difficulty: Difficulty,
    query: Query,
    purse: Purse | None = None,
) -> Situation:
    """Return the query as policies see it."""
    wishes = query.wishes
    dial = routing.dial if wishes.dial is None else wishes.dial
    own_search = wishes.strategy is not None or wishes.n is not None
    return Situation(
        prospects=every
        if len(allowed) == len(every)
        else tuple(p for p in every if p.tier in allowed),
        every=every,
        difficulty=difficulty,
        dial=dial,
        typical_usd=routing.typical_usd,
        dialed=dial != routing.dial,
        searchable=not (query.ask.has_tools or query.choices > 1 or own_search),
        purse=purse,
    )


def _forced(routing: Routing, query: Query) -> _Verdict | None:
    name = query.wishes.tier
    if name is None:
        return None
    tier = next(tier for tier in routing.tiers if tier.name == name)
    return _Verdict(tier, "forced", f"The request names the tier {name}.")


def _ruled(
    routing: Routing, allowed: tuple[Tier, ...], query: Query, difficulty: Difficulty | None
) -> _Verdict | None:
    rule = first_that_holds(routing.rules, query, difficulty)
    if rule is None:
        return None
    names = [tier.name for tier in routing.tiers]
    place = names.index(rule.tier)
    tier = min(allowed, key=lambda tier: abs(names.index(tier.name) - place))
    where = (
        tier.name
        if tier.name == rule.tier
        else f"{rule.tier}; {tier.name} is the nearest one allowed"
    )
    return _Verdict(tier, "rule", f'The rule "{rule.name}" sends this to {where}.')


def _unscored(allowed: tuple[Tier, ...], fallback: str) -> _Verdict:
    end = 0 if fallback == "lowest" else -1
    tier = next((tier for tier in allowed if tier.name == fallback), allowed[end])
    why = f"The classifier failed; routing.on_classifier_error sends this to {tier.name}."
    return _Verdict(tier, "error:classifier", why)


def _within(
    verdict: _Verdict, every: tuple[Prospect, ...], allowed: tuple[Tier, ...], max_cost_usd: float
) -> _Verdict:
    """Return the verdict, or the dearest open tier below it that is expected to cost no more."""
    costs = {p.tier.name: p.expected.cost_usd for p in every}
    chosen = verdict.tier
    if costs[chosen.name] <= max_cost_usd:
        return verdict
    below = allowed[: allowed.index(chosen)]
    affordable = [tier for tier in below if costs[tier.name] <= max_cost_usd]
    cheaper = affordable[-1] if affordable else allowed[0]
    if cheaper is chosen:
        return verdict
    reason = f"{verdict.reason} max_cost_usd={max_cost_usd:g} lowers it to {cheaper.name}."
    return _Verdict(cheaper, "budget", reason, _cut(verdict.plan, cheaper.name))


def _cut(plan: SearchPlan | None, top: str) -> SearchPlan | None:
    """Return a climb that ends at ``top``; ``None`` when that is where it would begin."""
    if plan is None or top not in plan.ladder[1:]:
        return None
    return replace(plan, ladder=plan.ladder[: plan.ladder.index(top) + 1])


def _explored(
    verdict: _Verdict,
    share: float,
    draw: float,
    allowed: tuple[Tier, ...],
    every: tuple[Prospect, ...],
    max_cost_usd: float | None,
) -> _Verdict:
    """Return the verdict with its propensity, or another tier that the lot fell on."""
    costs = {p.tier.name: p.expected.cost_usd for p in every}
    lots = [
        tier
        for tier in allowed
        if tier is verdict.tier or max_cost_usd is None or costs[tier.name] <= max_cost_usd
    ]
    index, propensity = explore(len(lots), lots.index(verdict.tier), share, draw)
    if lots[index] is verdict.tier:
        return replace(verdict, propensity=propensity)
    name = lots[index].name
    reason = f"{verdict.reason} A lot of routing.explore={share:g} sends it to {name} instead."
    return _Verdict(lots[index], "explore", reason, propensity=propensity)
