"""A candidate policy in the shadow of the live one: it decides on every request, and acts on none.

What it would have taken goes into the decision log and the metrics, so that a policy can be watched on real traffic before
it is let loose. It costs one more decision, tens of microseconds, and can fail no request.
"""

import logging
from dataclasses import dataclass, replace
from typing import Any

from policies.routing import Routing, decide
from policies.types import Decision, Query

from .pacing import Pacing
from .records import Records
from .settings_routing import ShadowSettings

log = logging.getLogger("thinkthrift")

POLICY_CAUSES = frozenset({"classifier", "budget", "explore"})
"""Causes of decisions that another policy might have taken differently."""

FAILED = "failed"
"""Label in place of a tier where the shadow could not decide."""


@dataclass(frozen=True, slots=True)
class Shadow:
    """Decides beside the live policy.

    Attributes:
        routing: The server's tiers and rules, with the candidate's policy and dial.
        records: Counts whom both took.
        pacing: What a candidate that follows an allowance sees of it.
    """

    routing: Routing
    records: Records
    pacing: Pacing | None = None

    def beside(self, query: Query, live: Decision) -> Decision | None:
        """Return what the candidate would have decided.

        ``None`` where it has no say: the request names a tier, a model or a policy, a rule held, or nothing was scored;
        and where it failed, which is counted.
        """
        if live.cause not in POLICY_CAUSES or query.wishes.policy is not None:
            return None
        try:
            purse = None if self.pacing is None else self.pacing.purse()
            shadow = decide(self.routing, live.difficulty, query, purse=purse)
        except Exception:  # whatever it is, it must not become the client's
            log.warning("the policy in routing.shadow failed", exc_info=True)
            self.records.shadow.add(1, live.tier.name, FAILED)
            return None
        if live.cause != "explore":  # a lot is no policy's choice: nothing to agree with
            self.records.shadowed(live, shadow)
        return shadow


def open_shadow(
    settings: ShadowSettings | None, routing: Routing, records: Records, pacing: Pacing | None
) -> Shadow | None:
    """Return what decides beside the server's policy, if something shall."""
    if settings is None:
        return None
    candidate = replace(routing, policy=settings.policy, dial=settings.dial, explore=0.0)
    return Shadow(candidate, records, pacing)


def as_line(shadow: Decision | None) -> dict[str, Any] | None:
    """Return the candidate's decision as the log has it."""
    if shadow is None:
        return None
    spend = shadow.expected[shadow.tier.name]
    return {
        "policy": shadow.policy,
        "dial": shadow.dial,
        "tier": shadow.tier.name,
        "strategy": shadow.plan.strategy,
        "expected": {"tokens": spend.tokens, "cost_usd": spend.cost_usd},
    }
