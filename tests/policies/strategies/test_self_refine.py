"""``self_refine`` through the real engine: it mends where a verifier objects, and never makes things worse."""

from dataclasses import replace
from math import log

import numpy as np
import pytest

from policies.types import SearchPlan, VerifierPlan
from tests.lab import exact
from tests.lab.backend import LabBackend
from tests.lab.conduct import Faults
from tests.lab.exact import assert_share
from tests.lab.problem import Problem
from tests.lab.solving import REWARD, Lab, law_of, share_right, trials

RUNS = 200


def refine(accept: float = 0.9, rounds: int = 2) -> SearchPlan:
    return SearchPlan("self_refine", verifier=replace(REWARD, accept=accept), depth=rounds)


def expected(
    a: float, fix: float, spoil: float, mu: float, accept: float, rounds: int, draws: int = 200_000
) -> float:
    """Return P(right), by drawing the rule itself: what is rejected is revised, what scores higher is taken."""
    rng = np.random.default_rng(3)
    least = min(accept, 0.5)
    bar = mu / 2 + log(least / (1 - least))
    right = rng.random(draws) < a
    score = mu * right + rng.standard_normal(draws)
    for _ in range(rounds):
        open_ = score < bar
        chance = rng.random(draws)
        revised = np.where(right, chance >= spoil, chance < fix)
        anew = mu * revised + rng.standard_normal(draws)
        taken = open_ & (anew > score)
        right, score = np.where(taken, revised, right), np.where(taken, anew, score)
    return float(right.mean())


@pytest.mark.parametrize(
    ("a", "fix", "spoil", "mu"), [(0.4, 0.5, 0.2, 2.0), (0.8, 0.1, 0.4, 1.5), (0.3, 0.6, 0.6, 0.0)]
)
def test_it_is_right_as_often_as_its_rule_says(
    a: float, fix: float, spoil: float, mu: float
) -> None:
    problem = law_of(Problem(id=1, fix=fix, spoil=spoil, mu=mu), a)
    solved = trials(problem, refine(), RUNS)
    assert_share(share_right(solved), RUNS, expected(a, fix, spoil, mu, 0.9, 2))


@pytest.mark.parametrize("rounds", [1, 2])
def test_with_a_verifier_that_knows_only_mistakes_are_touched(rounds: int) -> None:
    a, fix = 0.5, 0.3
    problem = law_of(Problem(id=2, fix=fix, spoil=0.9, mu=30.0), a)
    solved = trials(problem, refine(rounds=rounds), RUNS)
    assert_share(share_right(solved), RUNS, 1 - (1 - a) * (1 - fix) ** rounds)
    # Where everything is revised, the same model does harm: a is above fix / (fix + spoil).
    assert exact.refined(a, fix, 0.9, rounds) < a
    alone = trials(problem, SearchPlan(), RUNS)
    for before, after in zip(alone, solved, strict=True):
        assert after.right or not before.right
        assert before.right == (after.tokens == before.tokens)


def test_without_an_opinion_nothing_is_revised() -> None:
    problem = law_of(Problem(id=3, spoil=1.0), 0.5)
    plan = SearchPlan("self_refine", verifier=VerifierPlan("self_certainty"))
    silent = Lab(backends=(LabBackend(faults=Faults(logprobs=False)),))
    solved = trials(problem, plan, 30, silent)
    assert {each.search.stop_reason for each in solved} == {"no_verdict"}
    assert [each.right for each in solved] == [
        each.right for each in trials(problem, SearchPlan(), 30)
    ]


def test_a_failed_revision_leaves_the_answer() -> None:
    backend = LabBackend(faults=Faults(refuses={1, 2}))
    problem = law_of(Problem(id=4, mu=30.0), 0.0)
    (solved,) = trials(problem, refine(), 1, Lab(backends=(backend,)))
    assert not solved.right
    assert solved.search.stop_reason == "exhausted"
    assert backend.counts.calls == 3
