"""What ``auto`` stands for: the table, the user's own table, and the cheapest within epsilon."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.strategies import STRATEGIES
from policies.strategies.chances import CONCENTRATION, expected_calls, expected_success
from policies.strategies.choose import ARMS, TABLE, choose
from policies.types import Row, SearchPlan, VerifierPlan

AUTO = SearchPlan("auto")
CHANCES = st.floats(0, 1, allow_nan=False)


@pytest.mark.parametrize(
    ("p_solve", "strategy", "tokens"),
    [
        (1.0, "single", None), (0.92, "single", None), (0.91, "cascade", None), (0.6, "cascade", None),
        (0.3, "vote", 16000), (0.1, "dvts", 48000), (0.0, "dvts", 48000),
    ],
)  # fmt: skip
def test_the_table_says_what_to_do_at_which_chance(
    p_solve: float, strategy: str, tokens: int | None
) -> None:
    plan = choose(AUTO, p_solve)
    assert (plan.strategy, plan.max_tokens) == (strategy, tokens)


@given(CHANCES, CHANCES)
def test_a_harder_question_never_gets_fewer_tokens(one: float, other: float) -> None:
    easy, hard = choose(AUTO, max(one, other)), choose(AUTO, min(one, other))
    assert hard.n >= easy.n


def test_every_strategy_of_the_table_is_there() -> None:
    assert {row.plan.strategy for row in TABLE} <= set(STRATEGIES)


def test_a_plan_that_is_not_auto_is_left_alone() -> None:
    plan = SearchPlan("vote", 7)
    assert choose(plan, 0.3) is plan


def test_a_table_of_the_users_own_takes_the_place_of_ours_in_any_order() -> None:
    rows = (Row(0.0, SearchPlan("debate")), Row(0.8, SearchPlan("plan")))
    mine = SearchPlan("auto", table=rows)
    assert [choose(mine, p).strategy for p in (0.9, 0.8, 0.79, 0.0)] == [
        "plan", "plan", "debate", "debate",
    ]  # fmt: skip


def test_a_verifier_turns_votes_into_weighted_ones() -> None:
    judge = VerifierPlan("judge")
    plan = choose(SearchPlan("auto", verifier=judge), 0.3)
    assert (plan.strategy, plan.n, plan.verifier) == ("weighted_vote", 8, judge)


@given(CHANCES, st.sampled_from([0.0, 0.01, 0.05, 0.3]))
def test_epsilon_takes_the_cheapest_plan_that_is_good_enough(p_solve: float, eps: float) -> None:
    plan = choose(SearchPlan("auto", epsilon=eps), p_solve)
    success = {arm: expected_success(arm, round(p_solve, 2)) for arm in ARMS}
    best = max(success.values())
    good = [arm for arm in ARMS if success[arm] >= best - eps]
    assert expected_calls(plan, p_solve) == min(expected_calls(arm, p_solve) for arm in good)


def test_votes_help_where_one_answer_is_likely_right_and_harm_where_it_is_not() -> None:
    five = SearchPlan("vote", 5)
    assert expected_success(five, 0.7) > 0.7
    assert expected_success(five, 0.5) == pytest.approx(0.5)
    assert expected_success(five, 0.3) < 0.3


@pytest.mark.parametrize("p_solve", [0.1, 0.5, 0.84])
def test_the_chance_of_a_vote_is_that_of_a_beta_binomial_majority(p_solve: float) -> None:
    # The rule ``certain`` never changes the winner, so the whole of n votes decides.
    a, b, n = CONCENTRATION * p_solve, CONCENTRATION * (1 - p_solve), 5

    def rising(x: float, k: int) -> float:
        product = 1.0
        for i in range(k):
            product *= x + i
        return product

    exact = sum(
        comb(n, k) * rising(a, k) * rising(b, n - k) / rising(a + b, n) for k in range(3, n + 1)
    )
    plan = SearchPlan("vote", n, stop="certain")
    assert expected_success(plan, p_solve) == pytest.approx(exact)
    assert 3 <= expected_calls(plan, p_solve) <= n
