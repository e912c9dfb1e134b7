from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.types import Difficulty
from policies.budgets import EFFORT_SHARE, FEWEST_THINKING, NO_LIMIT, plan_budget, smallest
from policies.types import Ceilings, Price, SearchPlan, Tier, Usage
from tests.fakes import difficulty, tier

limits = st.none() | st.integers(1, 100_000)
tiers = st.builds(
    Tier,
    name=st.just("t"),
    rung=st.just("long"),
    models=st.just(("m",)),
    thinking=st.sampled_from(["on", "off", "provider_default"]),
    max_thinking_tokens=st.none() | st.integers(0, 100_000),
    answer_reserve_tokens=st.integers(1, 5000),
    max_output_tokens=limits,
    max_total_tokens=limits,
    price=st.builds(
        Price,
        input=st.floats(0, 100),
        output=st.floats(0, 100),
        reasoning=st.none() | st.floats(0, 100),
    ),
)
scores = st.none() | st.builds(difficulty, thinking=st.integers(0, 60_000))
plans = st.integers(2, 9).map(lambda n: SearchPlan("vote", n)) | st.just(SearchPlan())
ceilings_of_clients = st.builds(
    Ceilings,
    max_output_tokens=limits,
    max_thinking_tokens=st.none() | st.integers(0, 100_000),
    max_total_tokens=limits,
    max_cost_usd=st.none() | st.floats(0, 1),
    reasoning_effort=st.none() | st.sampled_from(sorted(EFFORT_SHARE)),
)


def at_most(low: int | None, high: int | None) -> bool:
    return high is None or (low is not None and low <= high)


@given(tiers, ceilings_of_clients, scores, plans)
def test_thinking_and_the_reserve_fit_the_output(
    tier: Tier, ceilings: Ceilings, score: Difficulty | None, plan: SearchPlan
) -> None:
    budget = plan_budget(tier, ceilings, score, plan=plan)
    assert budget.answer_reserve >= 1
    assert budget.calls == plan.n
    if budget.output is not None:
        assert budget.thinking is not None
        assert 0 <= budget.thinking <= budget.output - budget.answer_reserve


@given(tiers, ceilings_of_clients, scores, plans)
def test_every_ceiling_holds(
    tier: Tier, ceilings: Ceilings, score: Difficulty | None, plan: SearchPlan
) -> None:
    budget = plan_budget(tier, ceilings, score, plan=plan)
    for high in (tier.max_output_tokens, ceilings.max_output_tokens, budget.total):
        assert at_most(budget.output, high)
    for high in (tier.max_total_tokens, ceilings.max_total_tokens):
        assert at_most(budget.total, high)
    for high in (tier.max_thinking_tokens, ceilings.max_thinking_tokens):
        assert tier.thinking == "off" or at_most(budget.thinking, high)
    if tier.thinking == "off" or ceilings.reasoning_effort == "none":
        assert budget.thinking == 0


@given(tiers, ceilings_of_clients, scores)
def test_a_client_only_ever_lowers_what_the_tier_allows(
    tier: Tier, ceilings: Ceilings, score: Difficulty | None
) -> None:
    own, asked = plan_budget(tier, Ceilings(), score), plan_budget(tier, ceilings, score)
    for name in ("thinking", "output", "total", "answer_reserve"):
        assert at_most(getattr(asked, name), getattr(own, name)), name


@given(tiers, ceilings_of_clients, scores, st.integers(0, 60_000))
def test_a_prediction_only_ever_lowers_thinking_and_a_harder_query_never_gets_less(
    tier: Tier, ceilings: Ceilings, score: Difficulty | None, more: int
) -> None:
    free, told = plan_budget(tier, ceilings), plan_budget(tier, ceilings, score)
    assert at_most(told.thinking, free.thinking)
    assert replace(told, thinking=None) == replace(free, thinking=None)
    if tier.max_thinking_tokens is None or score is None:
        assert told == free
        return
    harder = replace(score, thinking_p90=score.thinking_p90 + more)
    assert at_most(told.thinking, plan_budget(tier, ceilings, harder).thinking)
    assert free.thinking is not None
    assert at_most(min(free.thinking, FEWEST_THINKING), told.thinking)


@pytest.mark.parametrize(
    ("ceiling", "p90", "budget"),
    [(16384, 3000, 6000), (16384, 100, 1024), (16384, 50_000, 16384), (300, 3000, 300), (0, 9, 0)],
    ids=["twice the p90", "not below the floor", "not above the ceiling", "a low ceiling", "none"],
)
def test_thinking_is_twice_what_is_predicted_within_floor_and_ceiling(
    ceiling: int, p90: int, budget: int
) -> None:
    score = replace(difficulty(), thinking_p90=p90)
    assert plan_budget(tier(max_thinking_tokens=ceiling), Ceilings(), score).thinking == budget


@given(tiers, ceilings_of_clients, scores, plans, st.integers(0, 50_000), st.integers(1, 4))
def test_money_buys_the_whole_plan_or_no_more_than_the_answer_reserve(
    tier: Tier,
    ceilings: Ceilings,
    score: Difficulty | None,
    plan: SearchPlan,
    prompt: int,
    choices: int,
) -> None:
    budget = plan_budget(tier, ceilings, score, plan=plan, prompt_tokens=prompt, choices=choices)
    assert budget.usd == ceilings.max_cost_usd
    if budget.usd is None or max(tier.price.output, tier.price.reasoning or 0) == 0:
        assert replace(budget, usd=None) == plan_budget(
            tier, replace(ceilings, max_cost_usd=None), score, plan=plan, choices=choices
        )
        return
    if budget.total is None:
        dearest = max(tier.price.output, tier.price.reasoning or 0)
        assert budget.usd * 1e6 - prompt * plan.n * tier.price.input >= 0.99 * NO_LIMIT * dearest
        return
    for reasoning in (0, budget.total):
        spent = Usage(prompt * plan.n, 0, budget.total, reasoning)
        dearest = tier.price.usd(spent)
        assert dearest <= budget.usd * (1 + 1e-9) + 1e-12 or (
            budget.total <= tier.answer_reserve_tokens
        )


def test_a_money_limit_takes_thinking_first_and_the_answer_last() -> None:
    asked = tier(max_thinking_tokens=4096, price=Price(1.0, 10.0))
    rich = plan_budget(asked, Ceilings(max_cost_usd=1.0), prompt_tokens=1000)
    assert (rich.thinking, rich.answer_reserve, rich.output) == (4096, 512, 4608)
    poor = plan_budget(asked, Ceilings(max_cost_usd=0.021), prompt_tokens=1000)
    assert (poor.total, poor.thinking, poor.answer_reserve) == (2000, 1488, 512)
    broke = plan_budget(asked, Ceilings(max_cost_usd=0.0), prompt_tokens=1000)
    assert (broke.total, broke.thinking, broke.answer_reserve) == (512, 0, 512)
    assert plan_budget(asked, Ceilings(max_cost_usd=1e308)).total is None


@given(tiers, ceilings_of_clients, st.integers(1, 100_000))
def test_a_lower_ceiling_never_raises_the_output(tier: Tier, ceilings: Ceilings, less: int) -> None:
    loose = plan_budget(tier, ceilings)
    cap = smallest(ceilings.max_output_tokens, less)
    tight = plan_budget(
        tier,
        Ceilings(
            cap, ceilings.max_thinking_tokens, ceilings.max_total_tokens,
            ceilings.max_cost_usd, ceilings.reasoning_effort,
        ),
    )  # fmt: skip
    assert at_most(tight.output, loose.output)
    assert at_most(tight.thinking, loose.thinking)


@pytest.mark.parametrize(
    ("effort", "thinking"),
    [("none", 0), ("minimal", 100), ("low", 250), ("medium", 500), ("high", 1000), ("max", 1000)],
)
def test_an_effort_is_a_share_of_the_tiers_thinking(effort: str, thinking: int) -> None:
    budget = plan_budget(tier(max_thinking_tokens=1000), Ceilings(reasoning_effort=effort))
    assert budget.thinking == thinking


@pytest.mark.parametrize(
    ("settings", "ceilings", "expected"),
    [
        pytest.param({}, {}, (None, 512, None), id="no limit anywhere"),
        pytest.param({"max_thinking_tokens": 4096}, {}, (4096, 512, 4608), id="output is implied"),
        pytest.param(
            {"max_thinking_tokens": 4096}, {"reasoning_effort": "none"}, (0, 512, 4608),
            id="and stays so without thinking",
        ),
        pytest.param(
            {"max_thinking_tokens": 4096}, {"max_output_tokens": 1000}, (488, 512, 1000),
            id="thinking goes first",
        ),
        pytest.param({}, {"max_output_tokens": 100}, (0, 100, 100), id="too small for both"),
        pytest.param(
            {"thinking": "off", "max_thinking_tokens": 4096}, {}, (0, 512, None), id="off"
        ),
        pytest.param(
            {"max_output_tokens": 2000}, {"max_total_tokens": 900}, (388, 512, 900),
            id="a total bounds the call",
        ),
    ],
)  # fmt: skip
def test_a_budget_is_what_the_limits_leave(
    settings: dict[str, Any], ceilings: dict[str, Any], expected: tuple[int | None, ...]
) -> None:
    budget = plan_budget(tier(**settings), Ceilings(**ceilings))
    assert (budget.thinking, budget.answer_reserve, budget.output) == expected


def test_the_ceiling_of_a_plan_comes_on_top_of_what_its_samples_may_think() -> None:
    plan = SearchPlan("vote", 5, max_tokens=16_000)
    thinker = tier(thinking="on", max_thinking_tokens=4096, max_output_tokens=8000)
    assert plan_budget(thinker, Ceilings(), plan=plan).total == 16_000 + 5 * 4096
    quiet = tier(thinking="off", max_output_tokens=8000)
    assert plan_budget(quiet, Ceilings(), plan=plan).total == 16_000
    boundless = tier(thinking="on")
    assert plan_budget(boundless, Ceilings(), plan=plan).total is None
