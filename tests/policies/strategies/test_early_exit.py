"""``early_exit`` through the real engine: when it ends a reasoning, what its probes cost, and what that does."""

import itertools
from dataclasses import replace

import pytest

from policies.strategies.early_exit import AGREEING, CHUNK, PROBE_SHARE, Probes
from policies.types import Candidate, SearchPlan
from tests.lab import exact
from tests.lab.backend import LabBackend
from tests.lab.conduct import Faults
from tests.lab.exact import assert_mean, assert_share
from tests.lab.problem import Problem
from tests.lab.solving import Lab, Solved, law_of, share_right, trials

PLAN = SearchPlan("early_exit")
DONE = Problem(steps=1, tokens=64, rounds=150, think=1)
"""Knows its answer at once, and then checks it for 11,000 tokens."""


def probes_of(solved: Solved) -> int:
    """Return how often it was probed: every call but the reasoning itself and the answer behind it."""
    exits = solved.search.stop_reason == "converged"
    return solved.search.ledger.calls - 1 - exits


def mean_probes(law: tuple[float, ...], most: int = 60) -> float:
    """Return the mean probes until three in a row agree on anything, of so many at most."""
    return sum(1 - exact.premature(law, AGREEING, t) for t in range(1, most)) + 1


def probed_at(thought: int) -> list[int]:
    """Return where probes are due in a reasoning that comes in chunks of 16 tokens."""
    probes = Probes()
    return [tokens for tokens in range(0, thought, 16) if probes.due(tokens)]


@pytest.mark.parametrize("flip", [0.0, 0.2])
def test_it_exits_after_as_many_probes_as_the_formula_says(flip: float) -> None:
    problem = law_of(replace(DONE, id=1, flip=flip), 0.6)
    solved = trials(problem, PLAN, 40)
    exits = [each.search.stop_reason == "converged" for each in solved]
    others = problem.distractors
    law = (1 - flip, *[flip / others] * others)
    assert mean_probes(law) == pytest.approx(exact.until_stable(AGREEING, flip), rel=0.02)
    most = len(probed_at(150 * 74))
    assert_mean([probes_of(each) for each in solved], mean_probes(law, most))
    assert_share(sum(exits), 40, exact.premature(law, AGREEING, most))
    assert_share(share_right(solved), 40, 0.6)
    whole = trials(problem, SearchPlan(), 3)
    assert max(each.tokens for each in solved if each.search.stop_reason == "converged") < min(
        each.tokens for each in whole
    )
    assert sum(each.tokens for each in solved) < 0.35 * 40 * whole[0].tokens


def test_what_it_exits_with_too_early_is_what_the_dynamic_programme_says() -> None:
    """A chain that has not finished guesses; three guesses that agree end it."""
    problem = Problem(id=2, steps=40, p=1.0, tokens=64, guess=0.0, distractors=2, dom=0.5, think=1)
    most = 4  # after 2, 3, 4 and 5 chunks; what comes in between makes the fifth too late
    lab = Lab(tier={"max_thinking_tokens": 6 * CHUNK})
    solved = trials(problem, PLAN, 80, lab)
    exits = sum(each.search.stop_reason == "converged" for each in solved)
    assert_share(exits, 80, exact.premature((0.5, 0.5), AGREEING, most))
    assert {probes_of(each) for each in solved} == {3, most}
    assert not any(each.right for each in solved if each.search.stop_reason == "converged")


def test_a_chain_that_is_not_done_is_left_to_finish() -> None:
    problem = Problem(
        id=3, steps=24, p=1.0, tokens=64, guess=0.0, distractors=50, dom=0.02, think=1
    )
    solved = trials(problem, PLAN, 15)
    assert share_right(solved) == 15
    assert {each.search.stop_reason for each in solved} == {"done"}


def test_probes_take_a_tenth_at_most() -> None:
    problem = replace(DONE, id=4, flip=1.0, distractors=50)
    backend = LabBackend(records=True)
    solved = trials(problem, PLAN, 5, Lab(backends=(backend,)))
    for each in solved:
        thought = each.search.ledger.usage.reasoning
        probes = each.tokens - thought
        assert probes <= PROBE_SHARE * max(thought, 10 * CHUNK) + 2 * 24
    assert backend.counts.corrupted == 0


def test_probes_come_less_often_in_a_long_reasoning() -> None:
    at = probed_at(20_000)
    steps = [later - sooner for sooner, later in itertools.pairwise(at)]
    assert at[0] == 2 * CHUNK
    assert steps[:5] == [CHUNK] * 5
    assert all(later >= sooner for sooner, later in itertools.pairwise(steps))
    assert steps[-1] > 8 * CHUNK


@pytest.mark.parametrize(
    ("said", "settles"),
    [
        (["a", "a", "a"], True),
        (["b", "a", "a", "a"], True),
        (["a", "a", "b", "a"], False),
        (["a", "a", None, "a", "a"], False),
        (["a", "a", "wait", "a"], False),
    ],
)
def test_three_in_a_row_without_a_doubt_settle_it(said: list[str | None], settles: bool) -> None:
    probes = Probes()
    told = [
        probes.settled(
            None if key is None else Candidate(f"{key}, or", key=key.replace("wait", "a"))
        )
        for key in said
    ]
    assert told[-1] == settles
    assert not any(told[:-1])


def test_where_time_runs_out_the_last_probe_answers() -> None:
    problem = law_of(replace(DONE, id=5, flip=0.6), 1.0)
    lab = Lab(tier={"timeout_s": 12.0})
    solved = trials(problem, PLAN, 10, lab)
    late = [each for each in solved if each.search.stop_reason == "deadline"]
    assert late
    assert all("boxed" in each.completion["choices"][0]["message"]["content"] for each in late)
    assert all(each.search.samples <= 1 for each in solved)


def test_without_prefill_a_reasoning_that_checks_its_answer_is_cut() -> None:
    problem = law_of(replace(DONE, id=6), 0.6)
    backend = LabBackend.without_prefill()
    solved = trials(problem, PLAN, 30, Lab(backends=(backend,)))
    assert_share(share_right(solved), 30, 0.6)
    assert max(each.tokens for each in solved) < 2000


def test_a_model_that_cannot_be_probed_is_left_alone() -> None:
    problem = law_of(replace(DONE, id=7), 1.0)
    backend = LabBackend(faults=Faults(refuses=range(1, 4)))
    (solved,) = trials(problem, PLAN, 1, Lab(backends=(backend,)))
    assert solved.right
