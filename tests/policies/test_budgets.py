from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.budgets import EFFORT_SHARE, plan_budget, smallest
from policies.types import Ceilings, Tier
from tests.fakes import tier

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
)
ceilings_of_clients = st.builds(
    Ceilings,
    max_output_tokens=limits,
    max_thinking_tokens=st.none() | st.integers(0, 100_000),
    max_total_tokens=limits,
    reasoning_effort=st.none() | st.sampled_from(sorted(EFFORT_SHARE)),
)


def at_most(low: int | None, high: int | None) -> bool:
    return high is None or (low is not None and low <= high)


@given(tiers, ceilings_of_clients)
def test_thinking_and_the_reserve_fit_the_output(tier: Tier, ceilings: Ceilings) -> None:
    budget = plan_budget(tier, ceilings)
    assert budget.answer_reserve >= 1
    if budget.output is not None:
        assert budget.thinking is not None
        assert 0 <= budget.thinking <= budget.output - budget.answer_reserve


@given(tiers, ceilings_of_clients)
def test_every_ceiling_holds(tier: Tier, ceilings: Ceilings) -> None:
    budget = plan_budget(tier, ceilings)
    for high in (tier.max_output_tokens, ceilings.max_output_tokens, budget.total):
        assert at_most(budget.output, high)
    for high in (tier.max_total_tokens, ceilings.max_total_tokens):
        assert at_most(budget.total, high)
    for high in (tier.max_thinking_tokens, ceilings.max_thinking_tokens):
        assert tier.thinking == "off" or at_most(budget.thinking, high)
    if tier.thinking == "off" or ceilings.reasoning_effort == "none":
        assert budget.thinking == 0


@given(tiers, ceilings_of_clients)
def test_a_client_only_ever_lowers_what_the_tier_allows(tier: Tier, ceilings: Ceilings) -> None:
    own, asked = plan_budget(tier, Ceilings()), plan_budget(tier, ceilings)
    for name in ("thinking", "output", "total", "answer_reserve"):
        assert at_most(getattr(asked, name), getattr(own, name)), name


@given(tiers, ceilings_of_clients, st.integers(1, 100_000))
def test_a_lower_ceiling_never_raises_the_output(tier: Tier, ceilings: Ceilings, less: int) -> None:
    loose = plan_budget(tier, ceilings)
    cap = smallest(ceilings.max_output_tokens, less)
    tight = plan_budget(
        tier,
        Ceilings(
            cap, ceilings.max_thinking_tokens, ceilings.max_total_tokens, None,
            ceilings.reasoning_effort,
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
