from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from policies.routing import decide
from policies.routing.cascade import agreement, climb
from policies.routing.pinned import Pinned
from policies.routing.quality import EPSILON, Quality, epsilon_for
from policies.routing.threshold import boundaries_from_shares, choose
from policies.types import SearchPlan
from tests.fakes import difficulty, query

from .ladder import LADDER, LONG, MIDDLE, SHORT, questions

shares = st.floats(0, 1)
scores = st.builds(difficulty, shares, shares, shares, thinking=st.integers(0, 20_000))


@given(st.lists(shares, min_size=1, max_size=200, unique=True), shares, shares)
def test_a_share_of_traffic_is_the_share_that_the_dear_tiers_get(
    difficulties: list[float], a: float, b: float
) -> None:
    assume(a + b <= 1)
    cuts = boundaries_from_shares((a, b), difficulties)
    assert list(cuts) == sorted(cuts)
    taken = [choose(3, each, cuts)[0] for each in difficulties]
    n = len(difficulties)
    # Neighbouring floats have no number between them: then one question may fall on the wrong side.
    assert abs(taken.count(2) - b * n) <= 1.5
    assert abs(taken.count(2) + taken.count(1) - (a + b) * n) <= 1.5


def test_shares_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="sum to 1 at most"):
        boundaries_from_shares((0.7, 0.4), [0.5])
    with pytest.raises(ValueError, match="no scores"):
        boundaries_from_shares((0.1,), [])


@given(scores, shares)
def test_quality_gives_up_no_more_than_it_says_and_takes_the_cheapest(
    score: object, dial: float
) -> None:
    routing = replace(LADDER, policy="quality")
    decision = decide(routing, score, query(wishes={"dial": dial}))  # type: ignore[arg-type]
    best, own = max(decision.p_solve.values()), decision.p_solve[decision.tier.name]
    assert own >= best - epsilon_for(dial)
    cheaper = LADDER.tiers[: LADDER.tiers.index(decision.tier)]
    assert all(decision.p_solve[tier.name] < best - epsilon_for(dial) for tier in cheaper)


def test_a_configured_epsilon_holds_until_a_request_sets_the_dial() -> None:
    routing = replace(LADDER, policy="quality", tuned={"quality": Quality(0.3)})
    score = difficulty(0.7, 0.8, 0.9)
    assert decide(routing, score, query()).tier is SHORT
    assert decide(routing, score, query(wishes={"dial": 0.9})).tier is LONG
    assert epsilon_for(0.5) == EPSILON


def test_pinned_takes_its_tier_or_the_nearest_that_is_allowed() -> None:
    routing = replace(LADDER, policy="pinned", tuned={"pinned": Pinned("distilled")})
    assert decide(routing, difficulty(), query()).tier is MIDDLE
    below = decide(routing, difficulty(), query(wishes={"max_tier": "short"}))
    assert below.tier is SHORT
    assert "the allowed tier nearest to distilled" in below.reason
    assert decide(routing, difficulty(), query(wishes={"dial": 1.0})).tier is LONG


@given(shares)
def test_what_samples_say_is_a_probability_and_adds_up(p_solve: float) -> None:
    signs = agreement(p_solve)
    assert 0 <= signs.right <= signs.agree <= 1
    assert 0 <= signs.right_apart <= 1
    # Two samples are right as often as one: together when they agree, one of two when they do not.
    assert signs.right + (1 - signs.agree) * signs.right_apart <= p_solve + 1e-9


@pytest.mark.parametrize(
    ("score", "ladder"),
    [
        pytest.param(
            difficulty(0.97, 0.98, 0.98, thinking=300), (), id="easy: nothing to climb to"
        ),
        pytest.param(difficulty(0.7, 0.9, 0.9), ("short", "distilled"), id="unsure: ask twice"),
        pytest.param(difficulty(0.1, 0.9, 0.92), (), id="hopeless below: enter above"),
        pytest.param(difficulty(0.05, 0.05, 0.06), (), id="hopeless everywhere: cheapest"),
    ],
)
def test_a_climb_is_planned_where_agreement_is_worth_asking_for(
    score: object, ladder: tuple[str, ...]
) -> None:
    decision = decide(replace(LADDER, policy="cascade"), score, query())  # type: ignore[arg-type]
    assert decision.plan.ladder == ladder
    if ladder:
        assert decision.plan == SearchPlan("cascade", 2, ladder=ladder)
        assert decision.tier.name == ladder[-1]
        assert f"Enters at {ladder[0]}" in decision.reason


@given(scores, shares)
def test_a_climb_begins_within_the_bounds_and_goes_up(score: object, dial: float) -> None:
    asked = query(wishes={"dial": dial, "min_tier": "distilled"})
    decision = decide(replace(LADDER, policy="cascade"), score, asked)  # type: ignore[arg-type]
    assert decision.plan.ladder in ((), ("distilled", "long"))


def test_a_climb_is_not_planned_where_samples_cannot_be_compared() -> None:
    routing, score = replace(LADDER, policy="cascade"), difficulty(0.7, 0.9, 0.9)
    asked = query()
    tools = replace(asked, ask=replace(asked.ask, has_tools=True))
    for each in (tools, query(body={"n": 2}), query(wishes={"strategy": "single"})):
        assert decide(routing, score, each).plan.strategy == "single"


def test_a_cost_ceiling_ends_a_climb_earlier() -> None:
    score = difficulty(0.8, 0.9, 0.93, thinking=1500)
    routing = replace(LADDER, policy="cascade")
    free = decide(routing, score, query())
    assert free.plan.ladder == ("short", "distilled", "long")
    most = free.expected["distilled"].cost_usd
    bound = decide(routing, score, query(ceilings={"max_cost_usd": most}))
    assert (bound.tier.name, bound.cause) == ("distilled", "budget")
    assert bound.plan.ladder == ("short", "distilled")


def test_what_is_spent_below_does_not_change_how_high_it_goes() -> None:
    """A dearer way to the same place changes where to enter, not whether the next step pays."""
    for each in questions(100, seed=3):
        steps = each.situation.prospects
        entry, top = climb(steps[1:], 0.6, LADDER.typical_usd)
        whole_entry, whole_top = climb(steps, 0.6, LADDER.typical_usd)
        if whole_entry == 0 < whole_top:
            assert whole_top == top + 1 if entry == 0 else True
