"""What the routing policies themselves save on the mixture: decided as a server decides, for every dial."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from classifier.types import RUNGS, Ask
from policies.routing import Routing, decide
from policies.types import Price, Query, Tier

from .routing_mixture import PAIR, USD, Row

LADDER = Routing(
    tuple(
        Tier(rung, rung, (rung,), price=Price(0.0, usd))
        for rung, usd in zip(RUNGS, USD, strict=True)
    )
)

DIALS = tuple(i / 50 for i in range(1, 50))

MORE_SAMPLES = 2
"""Cheap samples that the strategy draws after two that differ, before it climbs: two at least. That three of four may
then agree, which ends the climb, is left out: so many were not recorded."""


def best_dial(rows: Sequence[Row], policy: str, keep: float) -> tuple[float, float]:
    """Return the dial that saves most of always distilled while keeping its accuracy, and what it saves.

    NaN twice if no dial keeps it. The dial is chosen on the rows themselves.

    Args:
        rows: The mixture.
        policy: Name of the routing policy.
        keep: Share of the distilled tier's accuracy to keep.
    """
    target = keep * np.mean([row.right[1] for row in rows])
    always = sum(row.usd[1] for row in rows)
    found = [(np.nan, np.nan)]
    for dial in DIALS:
        routing = replace(LADDER, tiers=LADDER.tiers[:2], policy=policy, dial=dial)
        right, usd = np.transpose([outcome(routing, row) for row in rows])
        if right.mean() >= target:
            found.append((dial, float(1 - usd.sum() / always)))
    return max(found[1:] or found, key=lambda each: each[1])


def outcome(routing: Routing, row: Row) -> tuple[float, float]:
    """Return the share of right answers and the declared USD of one question, routed to short or distilled.

    A climb asks the short tier twice; the recorded samples say how often two agree. Where only one was
    recorded nothing is known of agreement, and a climb counts as going straight up.
    """
    decision = decide(routing, row.score, Query({"messages": []}, "auto", Ask("")))
    (low, high), (low_usd, high_usd) = row.right[:2], row.usd[:2]
    if decision.tier.rung == RUNGS[0]:
        return low, low_usd
    if decision.plan.strategy != "cascade" or row.agreed is None:
        return high, high_usd
    n = row.samples
    agree = row.agreed * max(row.agreed * n - 1, 0.0) / (n - 1)
    climbed = (1 - agree) * (MORE_SAMPLES * low_usd + high_usd)
    return agree * row.led + (1 - agree) * high, PAIR * low_usd + climbed
