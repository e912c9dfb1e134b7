from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.routing import decide
from policies.routing.explore import explore
from tests.fakes import difficulty, query

from .ladder import LADDER, NAMES

EXPLORING = replace(LADDER, explore=0.3)


@given(st.integers(1, 6), st.floats(0, 1))
def test_propensities_are_the_shares_that_lots_fall_on(n: int, share: float) -> None:
    draws = 2000
    counts: Counter[int] = Counter()
    told: dict[int, float] = {}
    for i in range(draws):
        index, propensity = explore(n, n - 1, share, i / draws)
        counts[index] += 1
        told[index] = propensity
    for index, propensity in told.items():
        assert counts[index] / draws == pytest.approx(propensity, abs=2 / draws)
    assert sum(told.values()) == pytest.approx(1, abs=1e-6 + (share < 0.01))


def test_an_explored_decision_says_so_and_carries_its_propensity() -> None:
    score = difficulty(0.99, 0.99, 0.99)
    plain = decide(EXPLORING, score, query(), draw=0.9)
    assert plain.cause == "classifier"
    assert plain.propensity == pytest.approx(0.8)
    lot = decide(EXPLORING, score, query(), draw=0.29)
    assert (lot.tier.name, lot.cause) == ("long", "explore")
    assert lot.propensity == pytest.approx(0.1)
    assert lot.reason.endswith("A lot of routing.explore=0.3 sends it to long instead.")
    assert decide(EXPLORING, score, query()).propensity == 1.0, "without a draw there is no lot"


@given(st.floats(0, 1, exclude_max=True), st.sampled_from(NAMES))
def test_a_lot_never_leaves_the_bounds(draw: float, most: str) -> None:
    asked = query(wishes={"max_tier": most}, ceilings={"max_cost_usd": 0.01})
    decision = decide(EXPLORING, difficulty(), asked, draw=draw)
    assert NAMES.index(decision.tier.name) <= NAMES.index(most)
    assert decision.expected[decision.tier.name].cost_usd <= 0.01


def test_what_the_request_or_a_failure_decides_is_not_drawn() -> None:
    forced = decide(EXPLORING, difficulty(), query(wishes={"tier": "long"}), draw=0.0)
    assert (forced.tier.name, forced.propensity) == ("long", 1.0)
    assert decide(EXPLORING, None, query(), draw=0.0).cause == "error:classifier"


def test_no_lot_is_drawn_inside_a_tool_loop() -> None:
    result = {"role": "tool", "tool_call_id": "c", "content": "42"}
    asked = query(body={"messages": [{"role": "user", "content": "Look it up"}, result]})
    assert decide(EXPLORING, difficulty(), asked, draw=0.0).propensity == 1.0
