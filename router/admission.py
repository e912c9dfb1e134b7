"""The step ``admit``: model names and wishes become what the tiers can answer, or a clear refusal. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from difflib import get_close_matches

from policies.budgets import plan_budget
from policies.routing import ROUTING_POLICIES, Routing
from policies.strategies import STRATEGIES
from policies.tokens import prompt_tokens
from policies.types import Decision, Price, Query, SearchPlan, Tier, Wishes

from .errors import InvalidRequestError, ModelNotFoundError, TierNotAllowedError

AUTO = "auto"

_DIALED = re.compile(r"router-(?P<policy>[a-z_]+)-(?P<dial>[0-9.]+)")


def admit(query: Query, routing: Routing, models: Mapping[str, Tier]) -> Query:
    """Return the query with its model name read into wishes; everything it names exists.

    Args:
        query: As parsed.
        routing: The tiers.
        models: Models that may be passed through to, by name.

    Raises:
        ApiError: 400, 403 or 404, naming what exists.
    """
    if query.model != AUTO and query.model not in models:
        query = replace(query, wishes=_from_name(query, routing, models))
    wishes = query.wishes
    names = [tier.name for tier in routing.tiers]
    for field in ("tier", "min_tier", "max_tier"):
        name = getattr(wishes, field)
        if name is not None and name not in names:
            raise InvalidRequestError(
                f"unknown tier {name!r}; tiers, cheap to dear: {', '.join(names)}",
                param=f"router.{field}",
            )
    if wishes.strategy not in (None, AUTO, *STRATEGIES):
        known = ", ".join(sorted(STRATEGIES))
        raise InvalidRequestError(
            f"unknown strategy {wishes.strategy!r}; this server knows: {known}",
            param="router.strategy",
        )
    if wishes.tier is not None and query.tiers is not None and wishes.tier not in query.tiers:
        raise TierNotAllowedError(
            f"this key may not use the tier {wishes.tier!r}; it may use: {', '.join(query.tiers)}"
        )
    if query.model in models and query.tiers is not None:
        open_tiers = [tier for tier in routing.tiers if tier.name in query.tiers]
        if not any(query.model in tier.models for tier in open_tiers):
            raise TierNotAllowedError(
                f"no tier of this key has the model {query.model!r}; "
                f"it may use the tiers {', '.join(query.tiers)}"
            )
    return query


def pass_through(tier: Tier, query: Query) -> Decision:
    """Return the decision for a client that named a model itself: no score, no routing."""
    model = tier.models[0]
    return Decision(
        tier=tier,
        plan=SearchPlan(),
        budget=plan_budget(
            tier,
            query.ceilings,
            prompt_tokens=prompt_tokens(query.body["messages"]),
            choices=query.choices,
        ),
        cause="pass_through",
        reason=f"The request names the model {model}.",
        policy="none",
        dial=0.0,
    )


def pass_through_tier(model: str, price: Price, timeout_s: float) -> Tier:
    """Return the tier that stands for a model named by the client: no ceilings of ours."""
    return Tier(name="pass-through", rung="long", models=(model,), price=price, timeout_s=timeout_s)


def _from_name(query: Query, routing: Routing, models: Collection[str]) -> Wishes:
    if query.model.startswith(f"{AUTO}:"):
        return replace(query.wishes, tier=query.model.removeprefix(f"{AUTO}:"))
    dialed = _DIALED.fullmatch(query.model)
    if dialed is not None:
        policy, dial = dialed["policy"], _dial(dialed["dial"])
        if policy in ROUTING_POLICIES and dial is not None:
            return replace(query.wishes, policy=policy, dial=dial)
        raise ModelNotFoundError(
            f"{query.model!r}: write router-<policy>-<dial> with a policy of "
            f"{', '.join(ROUTING_POLICIES)} and a dial from 0 to 1",
            param="model",
        )
    known = [AUTO, *(f"{AUTO}:{tier.name}" for tier in routing.tiers), *models]
    close = get_close_matches(query.model, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    raise ModelNotFoundError(
        f"no model {query.model!r} here{hint} Served: {', '.join(known)}", param="model"
    )


def _dial(text: str) -> float | None:
    try:
        dial = float(text)
    except ValueError:
        return None
    return dial if 0.0 <= dial <= 1.0 else None
