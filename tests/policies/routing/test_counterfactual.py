import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from classifier.types import RUNGS, Difficulty
from policies.routing import ROUTING_POLICIES, decide
from policies.routing.counterfactual import what_if
from policies.routing.rules import Rule, Span, When
from tests.fakes import difficulty, query

from .ladder import LADDER, NAMES

shares = st.floats(0.001, 0.999)
scores = st.builds(difficulty, shares, shares, shares, thinking=st.integers(0, 20_000))
policies = st.sampled_from(sorted(ROUTING_POLICIES))


@given(scores, shares, policies)
@example(difficulty(0.125, 0.28125, 0.8125, thinking=178), 0.5, "cascade")  # a stretch below 0.001
def test_every_dial_that_is_told_leads_where_it_says(
    score: Difficulty, dial: float, policy: str
) -> None:
    routing, asked = replace(LADDER, policy=policy, dial=dial), query()
    decision = decide(routing, score, asked)
    told = what_if(routing, asked, decision)
    assert all(change.tier != decision.tier.name for change in told)
    for change in told:
        at = re.fullmatch(r"a dial of ([\d.]+) or (more|less)", change.change)
        if at is not None:
            again = decide(routing, score, query(wishes={"dial": float(at[1])}))
            assert again.tier.name == change.tier
            assert (float(at[1]) > dial) == (at[2] == "more")


@given(scores, st.sampled_from(["utility", "quality"]))
def test_every_success_that_is_told_leads_where_it_says(score: Difficulty, policy: str) -> None:
    routing, asked = replace(LADDER, policy=policy), query()
    decision = decide(routing, score, asked)
    for change in what_if(routing, asked, decision):
        at = re.fullmatch(r"(\w+) solving it with p=([\d.]+), not .*", change.change)
        if at is not None:
            better = {rung: score.p_solve[rung] for rung in RUNGS}
            better[RUNGS[NAMES.index(at[1])]] = float(at[2])
            again = decide(routing, replace(score, p_solve=better), asked)
            assert again.tier.name == at[1] == change.tier


@pytest.mark.parametrize(
    ("fields", "change", "tier"),
    [
        ({"wishes": {"max_tier": "short"}}, "without max_tier=short", "long"),
        ({"wishes": {"tier": "short"}}, "without tier=short", "long"),
        ({"tiers": ("short",)}, "with a key for every tier", "long"),
        ({"ceilings": {"max_cost_usd": 0.001}}, "without max_cost_usd=0.001", "long"),
    ],
)
def test_a_bound_that_binds_is_named(fields: dict[str, Any], change: str, tier: str) -> None:
    score, asked = difficulty(0.05, 0.3, 0.98, thinking=500), query(**fields)
    told = what_if(LADDER, asked, decide(LADDER, score, asked))
    assert (change, tier) in {(each.change, each.tier) for each in told}


def test_a_rule_that_binds_is_named() -> None:
    routing = replace(LADDER, rules=(Rule("down", When(length=Span()), "short"),))
    score = difficulty(0.05, 0.3, 0.98, thinking=500)
    told = what_if(routing, query(), decide(routing, score, query()))
    assert [(each.change, each.tier) for each in told] == [("without any rule", "long")]


def test_nothing_is_said_of_what_was_not_routed() -> None:
    decision = replace(decide(LADDER, difficulty(), query()), policy="none", cause="pass_through")
    assert what_if(LADDER, query(), decision) == []
    assert NAMES[0] in {
        t.change.split()[0] for t in what_if(LADDER, query(), decide(LADDER, difficulty(), query()))
    }
