"""``deepconf`` through the real engine: what it cuts, what that saves, and when it helps."""

from dataclasses import replace
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.strategies.deepconf import WARM, Confidence
from policies.types import SearchPlan
from router.backends.capabilities import CAPABILITIES
from tests.lab import exact
from tests.lab.backend import LabBackend
from tests.lab.conduct import Faults, Pace
from tests.lab.exact import assert_share
from tests.lab.problem import Problem
from tests.lab.solving import Lab, share_right, trials

PLAN = SearchPlan("deepconf", n=16)
HARD = Problem(steps=4, p=0.35**0.25, tokens=6, distractors=2, dom=0.7, conf=3.0)
"""Right in 35 of 100; the popular mistake comes more often. A wrong chain is less sure of itself."""


def backend(**options: Any) -> LabBackend:
    """Return a server that tells few alternatives, which are quickly read."""
    return LabBackend(can=replace(CAPABILITIES["vllm"], logprobs=2), **options)


def lab() -> Lab:
    return Lab(backends=(backend(),))


@given(
    st.lists(st.floats(0.0, 20.0), min_size=1, max_size=60), st.integers(min_value=1, max_value=20)
)
def test_the_worst_window_is_the_least_mean_of_a_window(values: list[float], window: int) -> None:
    confidence = Confidence(window)
    for value in values:
        confidence.add(-value)
    means = [fmean(values[i : i + window]) for i in range(len(values) - window + 1)]
    assert confidence.lowest == pytest.approx(min(means) if means else fmean(values), abs=1e-9)


@pytest.mark.parametrize("think", [0, 1])
def test_where_confidence_tells_right_from_wrong_it_beats_a_vote(think: int) -> None:
    runs = 20
    problem = replace(HARD, id=1, think=think)
    assert exact.plurality(problem.law, 16) < 0.36
    sure = trials(problem, PLAN, runs, lab())
    voted = trials(problem, SearchPlan("vote", n=16), runs)
    assert share_right(sure) >= share_right(voted) + 4
    (alone,) = trials(problem, SearchPlan(), 1)
    assert sum(each.tokens for each in sure) < 16 * runs * alone.tokens


def test_where_confidence_says_nothing_it_is_a_vote_of_fewer() -> None:
    problem = replace(HARD, id=2, p=0.5**0.25, conf=0.0)
    runs = 40
    solved = trials(problem, PLAN, runs, lab())
    fewer, most = exact.plurality(problem.law, 8), exact.plurality(problem.law, 16)
    right = share_right(solved)
    assert_share(right, runs, min(max(right / runs, fewer), most))


def test_a_trace_that_was_cut_has_no_vote_and_is_not_paid_to_its_end() -> None:
    problem = replace(HARD, id=3, tokens=20)
    for trial in range(6):
        server = backend(pace=Pace(chunk_tokens=4))
        (solved,) = trials(problem, PLAN, 1, Lab(backends=(server,)), first=trial)
        found, calls, cut = solved.search, server.counts.calls, server.counts.cancelled
        assert found.samples <= calls - cut  # a trace may fall below the bar with its last word
        assert calls > WARM or cut == 0
        length = 4 * 23 + 4
        assert length * calls - server.counts.generated >= 4 * cut
        assert found.ledger.usage.estimated == (cut > 0)
        votes = {each.key for each in found.arrived}
        assert found.best is not None
        assert found.best.key in votes


def test_the_warm_up_runs_to_its_end() -> None:
    server = backend()
    trials(replace(HARD, id=4, conf=8.0), replace(PLAN, n=WARM), 10, Lab(backends=(server,)))
    assert server.counts.cancelled == 0


def test_without_log_probabilities_it_is_a_vote() -> None:
    """Of a server that claims them and sends none; one that claims none is not asked."""
    problem = replace(HARD, id=5, p=0.6**0.25)
    server = LabBackend(faults=Faults(logprobs=False))
    solved = trials(problem, replace(PLAN, n=7), 60, Lab(backends=(server,)))
    assert server.counts.cancelled == 0
    assert_share(share_right(solved), 60, exact.adaptive(problem.law, 7)[0])
    (other,) = trials(problem, PLAN, 1, Lab(backends=(LabBackend(dialect="openai"),)))
    assert other.search.strategy == "vote"
    assert "no_logprobs" in other.search.stop_reason


def test_reasoning_that_its_budget_ends_is_answered() -> None:
    problem = Problem(id=6, steps=4, p=1.0, tokens=100, guess=1.0, think=1)
    deaf = Lab(
        backends=(backend(faults=Faults(ignores=frozenset({"n", "thinking"}))),),
        tier={"max_thinking_tokens": 200, "answer_reserve_tokens": 256},
    )
    (solved,) = trials(problem, replace(PLAN, n=4), 1, deaf)
    assert solved.right
    assert solved.search.samples >= 3


def test_nothing_is_left_of_log_probabilities_in_the_answer() -> None:
    (solved,) = trials(replace(HARD, id=7), PLAN, 1)
    assert solved.completion["choices"][0]["logprobs"] is None
