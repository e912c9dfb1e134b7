"""The three tree searches through the real engine, over a simulated reasoner in virtual time."""

import pytest

from policies.types import SearchPlan
from router.errors import ApiError
from tests.lab.backend import LabBackend
from tests.lab.conduct import Faults
from tests.lab.exact import assert_share, chain
from tests.lab.exact_steps import beam, subtree
from tests.lab.problem import Problem
from tests.lab.solving import REWARD, Lab, share_right, trials

TREES = ("beam_search", "dvts", "mcts")
HARD = Problem(id=5, steps=5, p=0.8, mu=2.0)


def plan(strategy: str, n: int = 16) -> SearchPlan:
    return SearchPlan(strategy, n, REWARD)


def test_a_beam_under_a_verifier_that_never_errs_is_what_the_markov_chain_says() -> None:
    solved = trials(Problem(id=7, steps=6, p=0.7, mu=14.0), plan("beam_search", 4), 80)
    assert_share(share_right(solved), 80, beam(0.7, 6, 1, 4))


def test_a_subtree_under_a_noisy_verifier_is_what_the_formula_says() -> None:
    solved = trials(Problem(id=8, steps=6, p=0.7, mu=1.5), plan("dvts", 4), 80)
    assert_share(share_right(solved), 80, subtree(0.7, 6, 4, 1.5))


@pytest.mark.parametrize("strategy", TREES)
def test_on_hard_questions_a_tree_is_right_more_than_twice_as_often_as_one_sample(
    strategy: str,
) -> None:
    backend = LabBackend()
    solved = trials(HARD, plan(strategy), 20, Lab((backend,)))
    assert share_right(solved) > 2 * 20 * chain(0.8, 5)
    assert backend.counts.open == 0
    assert backend.counts.corrupted == 0
    assert {each.search.strategy for each in solved} == {strategy}


def test_answers_that_a_stronger_tier_repeats_are_right_more_often() -> None:
    problem = Problem(id=9, steps=5, p=0.75)
    right = []
    for ladder in ((), ("strong",)):
        lab = Lab((LabBackend("strong", skill={"p": 1.0}), LabBackend("weak")))
        checked = SearchPlan("mcts", 16, stop="certain", ladder=ladder)
        right.append(share_right(trials(problem, checked, 30, lab)))
        assert (lab.backends[0].counts.calls > 0) is bool(ladder)
        assert all(backend.counts.open == 0 for backend in lab.backends)
    alone, vouched = right
    assert vouched > 1.4 * alone > 0


@pytest.mark.parametrize("strategy", TREES)
@pytest.mark.parametrize("total", [200, 1200])
def test_a_tree_keeps_to_the_budget_and_answers_all_the_same(strategy: str, total: int) -> None:
    backend = LabBackend()
    lab = Lab((backend,), ceilings={"max_total_tokens": total})
    for each in trials(HARD, plan(strategy), 5, lab):
        assert each.completion["choices"][0]["message"]["content"]
        assert each.tokens <= total
        assert each.search.ledger.overrun == 0
    assert backend.counts.open == 0


@pytest.mark.parametrize("strategy", TREES)
def test_a_deadline_ends_a_tree_with_an_answer(strategy: str) -> None:
    backend = LabBackend()
    (solved,) = trials(HARD, plan(strategy), 1, Lab((backend,), tier={"timeout_s": 3.0}))
    assert solved.completion["choices"][0]["message"]["content"]
    assert backend.counts.open == 0


@pytest.mark.parametrize("strategy", TREES)
@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(Faults(ignores=frozenset({"stop"})), id="stop strings are ignored"),
        pytest.param(Faults(ignores=frozenset({"seed"})), id="seeds are ignored"),
        pytest.param(Faults(breaks=range(0, 200, 7)), id="calls break off"),
        pytest.param(Faults(mute=range(0, 200, 5)), id="contents are null"),
    ],
)
def test_a_tree_survives_what_upstreams_do(strategy: str, faults: Faults) -> None:
    backend = LabBackend(faults=faults)
    (solved,) = trials(HARD, plan(strategy), 1, Lab((backend,)))
    assert "The answer is" in solved.completion["choices"][0]["message"]["content"]
    assert backend.counts.open == 0
    assert backend.counts.corrupted == 0


@pytest.mark.parametrize("strategy", TREES)
def test_a_tree_whose_every_call_fails_is_an_error_and_no_answer(strategy: str) -> None:
    backend = LabBackend(faults=Faults(refuses=range(1000)))
    with pytest.raises(ApiError):
        trials(HARD, plan(strategy), 1, Lab((backend,)))
    assert backend.counts.open == 0


@pytest.mark.parametrize("strategy", TREES)
def test_a_model_that_cannot_go_on_behind_a_beginning_votes(strategy: str) -> None:
    (solved,) = trials(HARD, plan(strategy), 1, Lab((LabBackend.without_prefill(),)))
    assert solved.search.strategy == "vote"
    assert solved.search.stop_reason.endswith(f"; vote instead of {strategy}: no_prefill")
