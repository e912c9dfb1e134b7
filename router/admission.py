"""The step ``admit``: model names and wishes become what the tiers can answer, or a clear refusal. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

from policies.budgets import plan_budget
from policies.routing import ROUTING_POLICIES, Routing
from policies.routing.decide import open_tiers
from policies.routing.fitness import CONTEXT, WORDS, Abilities, Fitting, fit, needs_of
from policies.strategies import STRATEGIES
from policies.tokens import prompt_tokens
from policies.types import Decision, Price, Query, SearchPlan, Tier, Wishes

from .errors import (
    ContextLengthExceededError,
    InvalidRequestError,
    ModelNotFoundError,
    TierNotAllowedError,
)

AUTO = "auto"

_DIALED = re.compile(r"router-(?P<policy>[a-z_]+)-(?P<dial>[0-9.]+)")


_BLAMED = {
    "tools": "tools",
    "images": "messages",
    "audio": "messages",
    "files": "messages",
    "json_schema": "response_format",
    "logprobs": "logprobs",
    "choices": "n",
}
"""The field that asks for each feature of ``policies.routing.fitness``."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A query that may be decided.

    Attributes:
        query: Its ``tiers`` are those that can serve it.
        routing: The tiers with the models that can serve it.
        left_out: Tiers that the query may use and that cannot serve it.
        lacks: What they lack, in words.
        floor: The tier that its conversation has come to.
    """

    query: Query
    routing: Routing
    left_out: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    floor: str | None = None

    def explained(self, decision: Decision) -> Decision:
        """Return a decision that says which tiers it could not choose."""
        if not self.left_out or decision.cause in ("forced", "pass_through"):
            return decision
        alone = decision.cause == "classifier" and len(self.query.tiers or ()) == 1
        missing = " and ".join(self.lacks)
        left_out = ", ".join(self.left_out)
        reason = f"{decision.reason} Left out for want of {missing}: {left_out}."
        return replace(decision, cause="capability" if alone else decision.cause, reason=reason)


def suit(
    query: Query, routing: Routing, models: Collection[str], abilities: Mapping[str, Abilities]
) -> Admitted:
    """Return an admitted query with the tiers and models that can serve it.

    Raises:
        InvalidRequestError: If none can; the message names what is missing, and where it is not.
    """
    if query.model in models:
        return Admitted(query, routing)
    try:
        may = [tier.name for tier in open_tiers(routing, query)]
    except LookupError:
        return Admitted(query, routing)  # the step decide says which bounds leave none
    needs, forced = needs_of(query), query.wishes.tier
    fitting = fit(routing.tiers, may, abilities, needs, forced=forced)
    if fitting is None:
        return Admitted(query, routing)
    names = fitting.names
    if not names or forced not in (None, *names):
        every = [tier.name for tier in routing.tiers]
        anywhere = fit(routing.tiers, every, abilities, needs)
        assert anywhere is not None, "or there would have been nothing to narrow"
        raise _unfit([forced] if forced else may, anywhere.names, fitting)
    if fitting.tiers != routing.tiers:
        routing = replace(routing, tiers=fitting.tiers)
    left_out = tuple(name for name in may if name not in names)
    if left_out:
        query = replace(query, tiers=names)
    return Admitted(query, routing, left_out, fitting.lacks)


def _unfit(may: Collection[str], able: Collection[str], fitting: Fitting) -> InvalidRequestError:
    where = ", ".join(may)
    others = f"; allow {' or '.join(able)}" if able else ""
    if fitting.lacks == (CONTEXT,):
        return ContextLengthExceededError(
            f"the prompt is too long for every tier it may go to ({where}){others}",
            param="messages",
        )
    missing = " and ".join(fitting.lacks)
    blamed = next(name for name, word in WORDS.items() if word in fitting.lacks)
    return InvalidRequestError(
        f"the request needs {missing}, and no tier it may go to ({where}) can serve that{others}; where a model "
        "can, say so in its model_info or capabilities",
        param=_BLAMED[blamed],
    )


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
    if query.model in models:
        may_pass_through(query.model, query.tiers, routing)
    return query


def may_pass_through(model: str, tiers: Collection[str] | None, routing: Routing) -> None:
    """See that a key may use a model that its client names.

    Args:
        model: Of ``model_list``.
        tiers: Tier names that the key may use; ``None`` is all, and models of no tier.
        routing: The tiers.

    Raises:
        TierNotAllowedError: If none of those tiers has it.
    """
    if tiers is None or any(model in t.models for t in routing.tiers if t.name in tiers):
        return
    raise TierNotAllowedError(
        f"no tier of this key has the model {model!r}; it may use the tiers {', '.join(tiers)}"
    )


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
        tier = query.model.removeprefix(f"{AUTO}:")
        if query.wishes.tier not in (None, tier):
            raise InvalidRequestError(
                f"model names the tier {tier!r} and router.tier {query.wishes.tier!r}; name one",
                param="router.tier",
            )
        return replace(query.wishes, tier=tier)
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
