"""``best_of_n`` and ``weighted_vote`` through the real engine, under a verifier of known quality."""

from dataclasses import replace
from math import log

import numpy as np
import pytest
from scipy import integrate, stats

from policies.types import SearchPlan, VerifierPlan
from tests.lab import exact
from tests.lab.backend import LabBackend
from tests.lab.conduct import Faults
from tests.lab.exact import assert_mean, assert_share
from tests.lab.problem import Problem
from tests.lab.solving import REWARD, Lab, law_of, share_right, trials

NEVER = replace(REWARD, accept=1.0)


def best_of(n: int, verifier: VerifierPlan = NEVER) -> SearchPlan:
    return SearchPlan("best_of_n", n=n, verifier=verifier)


def weighted(n: int, verifier: VerifierPlan = NEVER) -> SearchPlan:
    return SearchPlan("weighted_vote", n=n, verifier=verifier)


@pytest.mark.parametrize(
    ("right", "mu", "n", "golden"),
    [(0.3, 1.0, 4, 0.5187), (0.3, 1.0, 16, 0.7002), (0.1, 2.0, 16, 0.6104), (0.6, 0.5, 8, 0.7573)],
)
def test_the_best_of_n_is_right_as_often_as_the_integral_says(
    right: float, mu: float, n: int, golden: float
) -> None:
    assert exact.best_of_n(right, n, mu) == pytest.approx(golden, abs=5e-5)
    runs = 900 // n
    problem = law_of(Problem(id=n, mu=mu), right)
    assert_share(share_right(trials(problem, best_of(n), runs)), runs, golden)


def test_it_stops_at_the_first_wave_with_an_answer_that_is_good_enough() -> None:
    right, mu, n, wave, accept = 0.3, 2.0, 12, 4, 0.9
    bar = mu / 2 + log(accept / (1 - accept))

    def below(x: float) -> float:
        return float(right * stats.norm.cdf(x - mu) + (1 - right) * stats.norm.cdf(x))

    def wins(size: int, low: float, high: float) -> float:
        """P(the best of so many is right and its score lies between)."""
        best = lambda x: size * right * stats.norm.pdf(x - mu) * below(x) ** (size - 1)  # noqa: E731
        return float(integrate.quad(best, low, high, limit=200)[0])

    rejected = below(bar) ** wave
    waves = n // wave
    expected = sum(rejected**w for w in range(waves)) * wins(wave, bar, mu + 12)
    expected += wins(n, -12, bar)
    solved = trials(
        law_of(Problem(id=3, mu=mu), right), best_of(n, replace(REWARD, accept=accept)), 120
    )
    assert_share(share_right(solved), 120, expected)
    mean = wave * sum(rejected**w for w in range(waves))
    assert_mean([each.search.samples for each in solved], mean)
    accepted = sum(each.search.stop_reason == "verified" for each in solved)
    assert_share(accepted, 120, 1 - rejected**waves)


@pytest.mark.parametrize(("mu", "right", "dom"), [(1.5, 0.3, 0.6), (0.0, 0.45, 0.5)])
def test_votes_are_weighted_with_what_the_verifier_thinks(
    mu: float, right: float, dom: float
) -> None:
    n, runs = 8, 150
    problem = law_of(Problem(id=4, mu=mu, distractors=3, dom=dom), right)
    rng, draws = np.random.default_rng(7), 100_000
    answers = rng.choice(len(problem.law), (draws, n), p=problem.law)
    scores = mu * (answers == 0) + rng.standard_normal((draws, n))
    weights = np.clip(1 / (1 + np.exp(mu / 2 - scores)), 0.02, 0.98)
    sums = np.stack([(weights * (answers == a)).sum(1) for a in range(len(problem.law))])
    share = float((sums.argmax(0) == 0).mean())
    assert_share(share_right(trials(problem, weighted(n), runs)), runs, share)


def test_a_vote_that_cannot_change_any_more_ends() -> None:
    problem = law_of(Problem(id=5, mu=8.0), 0.97)
    early = trials(problem, weighted(16), 20)
    assert {each.search.stop_reason for each in early} == {"certain"}
    assert max(each.search.samples for each in early) < 16
    assert all(each.right for each in early)


@pytest.mark.parametrize("plan", [best_of(8), weighted(8)])
def test_a_verifier_that_says_nothing_leaves_a_vote(plan: SearchPlan) -> None:
    """Agreement is counted over all samples, not wave by wave."""
    problem, runs = law_of(Problem(id=6, distractors=3, dom=0.5), 0.5), 120
    plan = replace(plan, verifier=VerifierPlan("consistency"))
    solved = trials(problem, plan, runs)
    assert_share(share_right(solved), runs, exact.plurality(problem.law, 8))


@pytest.mark.parametrize(("plan", "least"), [(best_of(4), 0.8), (weighted(4), 0.62)])
def test_self_certainty_judges_by_log_probabilities_and_shows_none(
    plan: SearchPlan, least: float
) -> None:
    problem, runs = law_of(Problem(id=7, conf=6.0), 0.4), 80
    assert exact.plurality(problem.law, 4) < 0.53
    plan = replace(plan, verifier=VerifierPlan("self_certainty", accept=1.0))
    sure = trials(problem, plan, runs)
    assert share_right(sure) / runs > least
    assert all(each.completion["choices"][0]["logprobs"] is None for each in sure)
    silent = Lab(backends=(LabBackend(faults=Faults(logprobs=False)),))
    blind = trials(problem, plan, 20, silent)
    assert all(each.search.best is not None for each in blind)


@pytest.mark.parametrize("plan", [best_of(8), weighted(8)])
def test_a_sample_that_hangs_does_not_cost_the_others(plan: SearchPlan) -> None:
    backend = LabBackend(faults=Faults(hangs={1}))
    lab = Lab(backends=(backend,), tier={"timeout_s": 30.0})
    (solved,) = trials(law_of(Problem(id=8), 1.0), plan, 1, lab)
    assert solved.right
    assert backend.counts.calls == 4
    assert solved.search.stop_reason == "deadline"
