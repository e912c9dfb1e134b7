"""What would change the tier: found by asking the policy again with one thing different. Pure.

Nothing here knows how any policy decides; so what it says is what the policy does. For dry runs: about a millisecond.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import ceil, floor

from policies.tokens import prompt_tokens
from policies.types import Decision, Query

from .choice import Purse
from .decide import ROUTING_POLICIES, Routing, decide, open_tiers, situate
from .expectation import prospects

STEPS = 12
"""Halvings of an interval: a dial or a probability is found to within 0.0003."""

SCAN = 40
"""Places at which a dial is tried before halving: a policy need not change its mind only once."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One change, and the tier it would lead to."""

    change: str
    tier: str


def what_if(
    routing: Routing,
    query: Query,
    decision: Decision,
    *,
    fallback: str = "highest",
    purse: Purse | None = None,
) -> list[WhatIf]:
    """Return the changes that would send the query to another tier, the client's bounds first.

    Args:
        routing: The server's routing.
        query: What was decided on.
        decision: What was decided.
        fallback: As for ``decide``.
        purse: As for ``decide``.
    """
    if decision.policy not in ROUTING_POLICIES:
        return []  # the request names a model: nothing was routed
    score = decision.difficulty
    here = decision.tier.name

    def again(asked: Query, other: Routing = routing) -> str:
        """Return the tier that another request, or another server, would lead to."""
        return decide(other, score, asked, fallback=fallback, purse=purse).tier.name

    found = list(_without_bounds(routing, query, decision, again))
    if decision.cause in ("classifier", "budget", "explore") and score is not None:
        found += _dials(query, decision, again)
        found += _successes(routing, query, decision, purse)
    return [change for change in found if change.tier != here]


Again = Callable[..., str]


def _without_bounds(
    routing: Routing, query: Query, decision: Decision, again: Again
) -> Iterator[WhatIf]:
    """Yield what each bound of the request, the key or the rules keeps away."""
    wishes, ceilings = query.wishes, query.ceilings
    for name in ("tier", "min_tier", "max_tier"):
        if getattr(wishes, name) is not None:
            freed = replace(query, wishes=replace(wishes, **{name: None}))
            yield WhatIf(f"without {name}={getattr(wishes, name)}", again(freed))
    if ceilings.max_cost_usd is not None:
        freed = replace(query, ceilings=replace(ceilings, max_cost_usd=None))
        yield WhatIf(f"without max_cost_usd={ceilings.max_cost_usd:g}", again(freed))
    if query.tiers is not None:
        yield WhatIf("with a key for every tier", again(replace(query, tiers=None)))
    if decision.cause == "rule":
        yield WhatIf("without any rule", again(query, replace(routing, rules=())))
    if decision.cause == "explore":
        yield WhatIf("without the lot of routing.explore", again(query))


def _dials(query: Query, decision: Decision, again: Again) -> Iterator[WhatIf]:
    """Yield the nearest dial, each way, at which another tier is taken."""

    def at(dial: float) -> str:
        return again(replace(query, wishes=replace(query.wishes, dial=dial)))

    for end, word in ((1.0, "or more"), (0.0, "or less")):
        near, here = decision.dial, decision.tier.name
        for step in range(1, SCAN + 1):
            far = decision.dial + (end - decision.dial) * step / SCAN
            if at(far) != here:
                for _ in range(STEPS):
                    middle = (near + far) / 2
                    if at(middle) == here:
                        near = middle
                    else:
                        far = middle
                # Rounded away from here; past a stretch narrower than that another tier may be taken.
                shown = ceil(far * 1000) / 1000 if end else floor(far * 1000) / 1000
                yield WhatIf(f"a dial of {shown:.3f} {word}", at(shown))
                break
            near = far


def _successes(
    routing: Routing, query: Query, decision: Decision, purse: Purse | None
) -> Iterator[WhatIf]:
    """Yield the success of each other tier at which it would be taken, all else equal."""
    score = decision.difficulty
    assert score is not None
    every = tuple(
        prospects(
            routing.tiers,
            score,
            prompt_tokens(query.body["messages"]),
            wishes=query.wishes,
            choices=query.choices,
        )
    )
    allowed = open_tiers(routing, query)
    law = routing.law(decision.policy)

    def taken(name: str, p_solve: float) -> bool:
        changed = tuple(replace(p, p_solve=p_solve) if p.tier.name == name else p for p in every)
        situation = situate(routing, allowed, changed, score, query, purse)
        return situation.prospects[law(situation).index].tier.name == name

    for prospect in every:
        name, now = prospect.tier.name, prospect.p_solve
        if prospect.tier is decision.tier or prospect.tier not in allowed or taken(name, now):
            continue
        if not taken(name, 1.0):
            continue
        low, high = now, 1.0
        for _ in range(STEPS):
            middle = (low + high) / 2
            low, high = (low, middle) if taken(name, middle) else (middle, high)
        shown = ceil(high * 1000) / 1000
        yield WhatIf(f"{name} solving it with p={shown:.3f}, not {now:.3f}", name)
