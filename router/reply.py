"""What goes back to the client: headers, the ``router`` object, a body or a stream. Pure."""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any
from urllib.parse import quote

import orjson

from policies.routing.counterfactual import WhatIf
from policies.types import Decision

from .errors import ApiError
from .ledger import Ledger

Headers = list[tuple[bytes, bytes]]

JSON: Headers = [(b"content-type", b"application/json")]
EVENTS: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]

_VISIBLE = "".join(map(chr, range(0x20, 0x7F)))


@dataclass(slots=True)
class Reply:
    """An answer on its way out: a body, or a stream."""

    status: int
    headers: Headers
    body: bytes = b""
    stream: AsyncGenerator[bytes, None] | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What the headers say beside the ``router`` object.

    Attributes:
        decision_id: The request's id; feedback refers to it.
        cache: ``miss``, ``hit``, ``near``, ``joined`` or ``bypass``.
        overhead_ms: Time we took, without waiting for upstreams.
        attempts: Upstream calls begun, retries included.
    """

    decision_id: str
    cache: str
    overhead_ms: float
    attempts: int


def decision_headers(told: Told, router: Mapping[str, Any], *, cost_known: bool) -> Headers:
    """Return the ``x-router-*`` headers; ASCII only, what is unknown left out."""
    headers: Headers = [
        (b"x-router-decision-id", told.decision_id.encode()),
        (b"x-router-cache", told.cache.encode()),
        (b"x-router-overhead-ms", b"%.3f" % told.overhead_ms),
        (b"x-router-attempts", b"%d" % told.attempts),
    ]
    headers += [
        (name, _ascii(str(router[key])))
        for key, name in _FROM_ROUTER
        if router.get(key) not in (None, "")
    ]
    if cost_known:
        headers.append((b"x-router-cost-usd", b"%.8f" % router.get("cost_usd", 0.0)))
    return headers


_FROM_ROUTER = (
    ("tier", b"x-router-tier"),
    ("model", b"x-router-model"),
    ("difficulty", b"x-router-difficulty"),
    ("cause", b"x-router-cause"),
    ("strategy", b"x-router-strategy"),
)


def router_object(
    decision: Decision,
    ledger: Ledger,
    *,
    model: str = "",
    stop_reason: str = "done",
    samples: int = 1,
    agreement: float | None = None,
    unenforced: Collection[str] = (),
) -> dict[str, Any]:
    """Return the body's ``router`` object: the decision, and what it cost so far.

    ``cost_usd`` is every call of the request by the price of the model that answered it, wasted, retried
    and cancelled ones too. ``baseline_cost_usd`` is what the last tier, the dearest, was expected to cost for
    this query, with the strategy it is configured with (or that the client wished), a vote that ends
    early included; it is fixed before the first call. Saved is baseline minus cost, and can be negative.
    Without a score there is no expectation, and the baseline is what was paid: nothing counts as saved.
    """
    usage = ledger.usage
    score = decision.difficulty
    baseline = ledger.cost_usd if decision.baseline_usd is None else decision.baseline_usd
    return {
        "tier": decision.tier.name,
        "model": model,
        "difficulty": None if score is None else round(score.difficulty, 4),
        "p_solve": {name: round(p, 4) for name, p in decision.p_solve.items()},
        "cause": decision.cause,
        "strategy": decision.plan.strategy,
        "stop_reason": stop_reason,
        "thinking_budget": decision.budget.thinking,
        "thinking_tokens": usage.reasoning,
        "upstream_tokens": usage.completion,
        "calls": ledger.calls,
        "samples": samples,
        "agreement": agreement,
        "cost_usd": round(ledger.cost_usd, 8),
        "baseline_cost_usd": round(baseline, 8),
        "estimated": usage.estimated,
        "unenforced": sorted(unenforced),
        **({"propensity": decision.propensity} if decision.propensity < 1.0 else {}),
    }


def served_from_cache(router: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored ``router`` object as a hit tells it: nothing was spent this time."""
    return {
        **router,
        "thinking_tokens": 0,
        "upstream_tokens": 0,
        "calls": 0,
        "cost_usd": 0.0,
        "estimated": False,
    }


def describe(
    decision_id: str,
    decision: Decision,
    explanation: Sequence[tuple[str, float]],
    known: Sequence[str],
    changes: Sequence[WhatIf] = (),
) -> dict[str, Any]:
    """Return the decision as ``/v1/route`` and ``thinkthrift route --json`` show it.

    Args:
        decision_id: The id it was given.
        decision: Where the query would go.
        explanation: Features in words and what each did to the difficulty.
        known: Every strategy this server knows.
        changes: What would lead to another tier.
    """
    score = decision.difficulty
    return {
        "decision_id": decision_id,
        "tier": decision.tier.name,
        "model": decision.tier.models[0],
        "strategy": decision.plan.strategy,
        "n": decision.plan.n,
        "cause": decision.cause,
        "reason": decision.reason,
        "policy": decision.policy,
        "dial": decision.dial,
        "difficulty": None if score is None else score.difficulty,
        "p_solve": dict(decision.p_solve),
        "expected": {
            name: {"tokens": spend.tokens, "cost_usd": spend.cost_usd}
            for name, spend in decision.expected.items()
        },
        "thinking_budget": decision.budget.thinking,
        "max_total_tokens": decision.budget.total,
        "score": None if score is None else score.as_dict(),
        "explanation": [{"feature": name, "effect": effect} for name, effect in explanation],
        "what_if": [{"change": each.change, "tier": each.tier} for each in changes],
        "strategies": list(known),
    }


def error_reply(error: ApiError, headers: Headers, body: Mapping[str, Any] | None = None) -> Reply:
    """Return an error with its status and the headers that tell an SDK what to do.

    Args:
        error: What went wrong.
        headers: The decision headers known by now.
        body: The envelope of another API than OpenAI's.
    """
    extra: Headers = []
    if error.status in (429, 503):
        extra.append((b"retry-after", b"%d" % max(1, ceil(error.retry_after_s or 1.0))))
    if error.final:
        extra.append((b"x-should-retry", b"false"))
    return Reply(error.status, JSON + headers + extra, orjson.dumps(body or error.body()))


def error_event(error: ApiError) -> bytes:
    """Return an error as an event, for a stream whose status is already out."""
    return b"data: " + orjson.dumps(error.body()) + b"\n\n"


def _ascii(text: str) -> bytes:
    """Return ``text`` as a header value: visible ASCII stays, the rest is percent-encoded."""
    if text.isascii() and text.isprintable():
        return text.encode()
    return quote(text, safe=_VISIBLE).encode()
