from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.types import Difficulty
from policies.routing import ROUTING_POLICIES, Routing, decide, threshold, utility
from policies.routing.expectation import expect, prospects
from policies.types import Price, SearchPlan
from tests.fakes import difficulty, query

from .ladder import LADDER, LONG, MIDDLE, NAMES, SHORT

shares = st.floats(0, 1)
scores = st.builds(difficulty, shares, shares, shares, thinking=st.integers(0, 20_000))
dialled = st.sampled_from(["utility", "quality", "threshold", "pinned", "paced"])
policies = st.sampled_from(sorted(ROUTING_POLICIES))


def rank(routing: Routing, score: Difficulty, **wishes: Any) -> int:
    return NAMES.index(decide(routing, score, query(wishes=wishes)).tier.name)


@given(scores, dialled)
def test_dial_0_is_the_cheapest_tier(score: Difficulty, policy: str) -> None:
    assert rank(replace(LADDER, policy=policy), score, dial=0.0) == 0


@given(scores)
def test_dial_1_is_the_best_tier_and_among_equals_the_cheapest(score: Difficulty) -> None:
    chosen = decide(LADDER, score, query(wishes={"dial": 1.0}))
    best = max(score.p_solve.values())
    assert chosen.p_solve[chosen.tier.name] == best
    cheaper = LADDER.tiers[: LADDER.tiers.index(chosen.tier)]
    assert all(chosen.p_solve[t.name] < best for t in cheaper)


@given(scores, dialled, shares, shares)
def test_a_higher_dial_never_lowers_the_tier(
    score: Difficulty, policy: str, a: float, b: float
) -> None:
    routing = replace(LADDER, policy=policy)
    low, high = sorted((a, b))
    assert rank(routing, score, dial=low) <= rank(routing, score, dial=high)


def test_the_dial_is_monotone_even_where_gains_are_near_the_noise() -> None:
    score = difficulty(0.50, 0.516, 0.53, thinking=0)
    free = Routing(tuple(replace(t, price=Price(), rung=t.rung) for t in LADDER.tiers))
    ranks = [rank(free, score, dial=i / 200) for i in range(201)]
    assert ranks == sorted(ranks)


@given(scores, shares)
def test_what_is_given_up_against_the_best_tier_is_noise(score: Difficulty, dial: float) -> None:
    every = prospects(LADDER.tiers, score, 20)
    index, _ = utility.choose(every, dial, LADDER.typical_usd)
    weight = utility.COST_WEIGHT * (1 - dial) / LADDER.typical_usd
    values = [dial * p.p_solve - (weight if dial else 1.0) * p.expected.cost_usd for p in every]
    assert values[index] >= max(values) - 2 * utility.NOISE * dial * (1 - dial) - 1e-12


@given(scores, shares, policies, st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_the_clients_bounds_hold(
    score: Difficulty, dial: float, policy: str, a: str, b: str
) -> None:
    low, high = sorted((a, b), key=NAMES.index)
    routing = replace(LADDER, policy=policy)
    chosen = rank(routing, score, dial=dial, min_tier=low, max_tier=high)
    assert NAMES.index(low) <= chosen <= NAMES.index(high)


@given(scores, shares, policies, st.sets(st.sampled_from(NAMES), min_size=1))
def test_a_key_gets_only_its_tiers(
    score: Difficulty, dial: float, policy: str, allowed: set[str]
) -> None:
    asked = query(wishes={"dial": dial}, tiers=tuple(allowed))
    assert decide(replace(LADDER, policy=policy), score, asked).tier.name in allowed
    assert decide(LADDER, None, asked).tier.name in allowed


@given(scores, shares, st.floats(0, 0.1))
def test_a_cost_ceiling_lowers_the_tier_or_leaves_it(
    score: Difficulty, dial: float, most: float
) -> None:
    free = rank(LADDER, score, dial=dial)
    bound = decide(LADDER, score, query(wishes={"dial": dial}, ceilings={"max_cost_usd": most}))
    assert NAMES.index(bound.tier.name) <= free
    assert bound.tier is SHORT or bound.expected[bound.tier.name].cost_usd <= most
    assert (bound.cause == "budget") == (NAMES.index(bound.tier.name) < free)


def test_a_cost_ceiling_never_goes_to_a_dearer_tier_that_happens_to_cost_less() -> None:
    trying = replace(MIDDLE, search=SearchPlan("best_of_n", 30))
    routing = Routing((SHORT, trying, LONG))
    score = difficulty(0.1, 0.99, 0.2, thinking=1000)
    own = decide(routing, score, query(wishes={"dial": 1.0}))
    assert own.tier is trying
    assert own.expected["long"].cost_usd < own.expected["distilled"].cost_usd
    most = own.expected["long"].cost_usd
    bound = decide(routing, score, query(wishes={"dial": 1.0}, ceilings={"max_cost_usd": most}))
    assert bound.tier is SHORT


@pytest.mark.parametrize("name", NAMES)
def test_a_forced_tier_is_taken_whatever_the_score(name: str) -> None:
    for score in (difficulty(), None):
        decision = decide(LADDER, score, query(wishes={"tier": name}))
        assert (decision.tier.name, decision.cause) == (name, "forced")


@pytest.mark.parametrize(
    ("fallback", "wishes", "expected"),
    [
        ("highest", {}, "long"),
        ("lowest", {}, "short"),
        ("distilled", {}, "distilled"),
        ("highest", {"max_tier": "distilled"}, "distilled"),
        ("lowest", {"min_tier": "distilled"}, "distilled"),
        ("short", {"min_tier": "distilled"}, "long"),
    ],
)
def test_without_a_score_the_configuration_decides(
    fallback: str, wishes: dict[str, Any], expected: str
) -> None:
    decision = decide(LADDER, None, query(wishes=wishes), fallback=fallback)
    assert (decision.tier.name, decision.cause) == (expected, "error:classifier")
    assert (decision.p_solve, decision.expected) == ({}, {})


def test_bounds_that_leave_no_tier_are_named() -> None:
    with pytest.raises(LookupError, match=r"min_tier=long and max_tier=short; .* short, distilled"):
        decide(LADDER, difficulty(), query(wishes={"min_tier": "long", "max_tier": "short"}))
    with pytest.raises(LookupError, match=r"this key may use \(short\)"):
        decide(LADDER, difficulty(), query(wishes={"min_tier": "long"}, tiers=("short",)))


@given(st.integers(2, 9), shares)
def test_boundaries_ascend_and_lie_in_the_unit_interval(n_tiers: int, dial: float) -> None:
    cuts = threshold.boundaries_for(n_tiers, dial)
    assert len(cuts) == n_tiers - 1
    assert list(cuts) == sorted(cuts)
    assert all(0 <= cut <= 1 for cut in cuts)


@given(st.integers(2, 9), shares, shares, shares)
def test_a_harder_question_never_gets_a_cheaper_tier(
    n_tiers: int, dial: float, a: float, b: float
) -> None:
    cuts = threshold.boundaries_for(n_tiers, dial)
    easy, hard = sorted((a, b))
    assert threshold.choose(n_tiers, easy, cuts)[0] <= threshold.choose(n_tiers, hard, cuts)[0]


@pytest.mark.parametrize(
    ("hardness", "index"), [(0.0, 0), (0.29, 0), (0.3, 1), (0.69, 1), (0.7, 2), (1.0, 2)]
)
def test_a_difficulty_on_a_boundary_goes_to_the_dearer_tier(hardness: float, index: int) -> None:
    assert threshold.choose(3, hardness, (0.3, 0.7))[0] == index


def test_a_dial_of_the_request_overrides_the_configured_boundaries() -> None:
    own = {"threshold": threshold.Threshold((0.01, 0.02))}
    fixed = Routing(LADDER.tiers, policy="threshold", tuned=own)
    score = difficulty(short=0.9)
    assert decide(fixed, score, query()).tier is LONG
    assert decide(fixed, score, query(wishes={"dial": 0.4})).tier is SHORT


def test_an_expectation_counts_thinking_answers_and_every_call() -> None:
    one = expect(LONG, 4000, 100)
    assert one.tokens == 4250
    assert one.cost_usd == pytest.approx((100 * 2 + 4250 * 12) / 1e6)
    five = expect(replace(LONG, search=SearchPlan("vote", 5)), 4000, 100)
    assert five.cost_usd == pytest.approx(5 * one.cost_usd)
    assert expect(replace(LONG, thinking="off"), 4000, 100).tokens == 250
    assert expect(replace(LONG, max_thinking_tokens=1000), 4000, 100).tokens == 1250
    assert expect(replace(LONG, price=Price()), 4000, 100).cost_usd > 0


@pytest.mark.parametrize(
    ("own", "wishes", "plan"),
    [
        pytest.param(SearchPlan(), {}, SearchPlan("single", 1), id="nothing asked"),
        pytest.param(SearchPlan(), {"n": 5}, SearchPlan("vote", 5), id="samples alone vote"),
        pytest.param(SearchPlan(), {"n": 1}, SearchPlan("single", 1), id="one sample is none"),
        pytest.param(SearchPlan(), {"strategy": "vote"}, SearchPlan("vote", 5), id="its own"),
        pytest.param(SearchPlan("vote", 7), {}, SearchPlan("vote", 7), id="the tier's own"),
        pytest.param(SearchPlan("vote", 7), {"n": 3}, SearchPlan("vote", 3), id="fewer"),
        pytest.param(
            SearchPlan("vote", 7), {"strategy": "single"}, SearchPlan("single", 1), id="no search"
        ),
    ],
)
def test_a_plan_is_the_tiers_own_unless_the_client_wishes_otherwise(
    own: SearchPlan, wishes: dict[str, Any], plan: SearchPlan
) -> None:
    routing = Routing((SHORT, replace(LONG, search=own)))
    decision = decide(routing, difficulty(), query(wishes={"tier": "long"} | wishes))
    assert decision.plan == plan
    if plan.strategy == "vote":
        assert decision.budget.output is not None
        assert decision.budget.total == plan.n * decision.budget.output


def test_a_decision_budgets_by_the_score_and_counts_every_answer_asked_for() -> None:
    score = difficulty(thinking=2000)
    one = decide(LADDER, score, query(wishes={"tier": "long"}))
    assert one.budget.thinking == 2 * score.thinking_p90 == 8000
    assert decide(LADDER, None, query(wishes={"tier": "long"})).budget.thinking == 16384
    three = decide(LADDER, score, query(wishes={"n": 3}))
    choices = decide(LADDER, score, query(body={"n": 3}))
    for name in NAMES:
        assert three.expected[name].tokens == choices.expected[name].tokens
        assert three.expected[name].tokens == 3 * one.expected[name].tokens
        prompts_usd = three.expected[name].cost_usd - choices.expected[name].cost_usd
        assert prompts_usd == pytest.approx(
            2 * 7 * LADDER.tiers[NAMES.index(name)].price.input / 1e6
        )


def test_the_baseline_is_the_last_tiers_own_strategy_at_its_real_price() -> None:
    voting = replace(MIDDLE, search=SearchPlan("vote", 30))
    decision = decide(Routing((SHORT, voting, LONG)), difficulty(), query())
    assert decision.expected["distilled"].cost_usd > decision.expected["long"].cost_usd
    assert decision.baseline_usd == decision.expected["long"].cost_usd
    searching = decide(
        Routing((SHORT, replace(LONG, search=SearchPlan("vote", 5)))), difficulty(), query()
    )
    assert decision.baseline_usd is not None
    assert searching.baseline_usd is not None
    assert 3 * decision.baseline_usd < searching.baseline_usd < 5 * decision.baseline_usd
    free = decide(Routing((SHORT, replace(LONG, price=Price()))), difficulty(), query())
    assert free.expected["long"].cost_usd > 0, "routing still knows an order"
    assert free.baseline_usd == 0.0, "but nobody is told of money that nobody would have paid"
    assert decide(LADDER, None, query()).baseline_usd is None
