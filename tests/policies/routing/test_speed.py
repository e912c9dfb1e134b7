import time
import timeit
from dataclasses import replace

import pytest

from policies.routing import ROUTING_POLICIES, Purse, decide
from policies.routing.patterns import safe_pattern
from policies.routing.rules import Rule, When
from policies.types import SearchPlan
from tests.fakes import difficulty, query

from .ladder import LADDER

MOST_S = 50e-6
SLOWER = 4
"""A test machine under load is slower than one that serves."""


@pytest.mark.parametrize("policy", sorted(ROUTING_POLICIES))
def test_a_whole_decision_takes_less_than_50_microseconds(policy: str) -> None:
    tiers = [replace(tier, ability=0.1) for tier in LADDER.tiers]
    tiers[2] = replace(tiers[2], search=SearchPlan("vote", 5))
    rules = [
        Rule(str(i), When(domain=("code",), matches=safe_pattern(r"foo\s+bar")), "long")
        for i in range(5)
    ]
    routing = replace(LADDER, tiers=tuple(tiers), policy=policy, rules=tuple(rules), explore=0.1)
    score, asked = difficulty(), query("How many ways are there to tile a 3 by 8 board?")

    def once() -> None:
        decide(routing, score, asked, purse=Purse(0.5, 10.0), draw=0.5)

    taken = timeit.repeat(once, timer=time.process_time, number=200, repeat=5)
    assert min(taken) / 200 < SLOWER * MOST_S
