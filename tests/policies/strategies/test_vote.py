"""``vote`` through the real engine: its winner and its bill are those of the formulas, and of the samples themselves."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from policies.answers import answer_key
from policies.types import SearchPlan
from tests.lab import exact
from tests.lab.asking import ask_each, key_of, user
from tests.lab.backend import LabBackend
from tests.lab.clock import run
from tests.lab.conduct import Pace
from tests.lab.exact import assert_mean, assert_share
from tests.lab.problem import Problem
from tests.lab.solving import SEEDS, Lab, law_of, share_right, solve, trials

CLEAR = law_of(Problem(id=1, distractors=3, dom=0.5), 0.6)
"""Answers drawn by (.6, .2, .1, .1)."""

TRAP = law_of(Problem(id=2, distractors=2, dom=4 / 7), 0.3)
"""(.3, .4, .3): the truth is not what is said most."""

EVEN = law_of(Problem(id=3, distractors=1), 0.55)
UNEVEN = replace(CLEAR, geometric=1, tokens=30)
"""Samples of different lengths, so that they arrive in another order than they were started."""


def vote(n: int, stop: str = "certain", *, in_order: bool = False) -> SearchPlan:
    return SearchPlan("vote", n=n, stop=stop, in_order=in_order)


def drawn(problem: Problem, trial: int, n: int) -> tuple[list[str | None], list[int]]:
    """Return the keys and the lengths of the samples that a trial meets, asked without any engine."""
    first = trial * SEEDS
    messages = [user(problem.question())]
    said = ask_each(
        LabBackend(), [{"messages": messages, "seed": first + i, "temperature": 0.7} for i in range(n)]
    )  # fmt: skip
    keys = [answer_key(answer["content"]) for answer in said]
    return keys, [len(answer["content"].split()) for answer in said]


def plurality(keys: Sequence[str | None]) -> str | None:
    return Counter(key for key in keys if key is not None).most_common(1)[0][0]


@pytest.mark.parametrize(
    ("problem", "n", "golden"),
    [
        pytest.param(CLEAR, 5, 0.8014, id="a clear leader"),
        pytest.param(TRAP, 16, 0.2295, id="the wrong one leads"),
        pytest.param(EVEN, 4, 0.5748, id="two answers, ties"),
    ],
)
def test_certain_is_right_as_often_as_a_plurality(problem: Problem, n: int, golden: float) -> None:
    right = exact.plurality(problem.law, n)
    assert right == pytest.approx(golden, abs=5e-5)
    runs = 1200 // n
    assert_share(share_right(trials(problem, vote(n), runs)), runs, right)


@pytest.mark.parametrize(("problem", "n"), [(CLEAR, 12), (TRAP, 10)])
def test_beta_is_right_and_stops_as_the_dynamic_programme_says(problem: Problem, n: int) -> None:
    def stops(first: int, second: int, cast: int) -> bool:
        return exact.lead(first, second) >= 0.95 or first - second > n - cast

    right, samples = exact.one_by_one(problem.law, n, stops)
    solved = trials(problem, vote(n, "beta"), 160)
    assert_share(share_right(solved), 160, right)
    assert_mean([each.search.samples for each in solved], samples)
    assert all(each.tokens == 14 * each.search.samples for each in solved)


def test_windows_stop_as_often_as_the_formula_says() -> None:
    easy = law_of(Problem(id=4, distractors=1), 0.9)
    solved = trials(easy, vote(40, "esc"), 100)
    assert_mean([each.search.samples for each in solved], exact.windowed(easy.law, 5, 8))
    assert {each.search.stop_reason for each in solved} <= {"consensus", "certain"}


@pytest.mark.parametrize("stop", ["certain", "beta", "esc"])
def test_in_order_the_winner_and_the_bill_do_not_depend_on_who_arrives_first(stop: str) -> None:
    n = 10
    for trial in range(25):
        keys, _ = drawn(UNEVEN, trial, n)
        solved = trials(UNEVEN, vote(n, stop, in_order=True), 1, first=trial)[0]
        heard = solved.search
        used = reference(keys, stop)
        assert heard.best is not None
        assert heard.best.key == plurality(keys[:used])
        if stop == "certain":
            assert heard.best.key == plurality(keys)


def reference(keys: Sequence[str | None], stop: str) -> int:
    """Return how many of these votes are heard, one after the other, by the plain words of the rule."""
    n = len(keys)
    for heard in range(1, n + 1):
        (_, first), (_, second), *_ = [*Counter(keys[:heard]).most_common(2), ("", 0)]
        if first - second > n - heard:
            return heard
        if stop == "beta" and exact.lead(first, second) >= 0.95:
            return heard
        if stop == "esc" and heard % 5 == 0 and len(set(keys[heard - 5 : heard])) == 1:
            return heard
    return n


def test_the_first_to_finish_vote_and_the_others_are_cut_off() -> None:
    n, m, runs = 5, 3, 80
    problem = replace(CLEAR, steps=2, p=0.6**0.5, geometric=1, tokens=40)
    backend = LabBackend(pace=Pace(chunk_tokens=1))
    lab = Lab(backends=(backend,))
    told = whole = 0
    right = 0
    for trial in range(runs):
        before = backend.counts.generated
        solved = trials(problem, vote(n, "first"), 1, lab, first=trial)[0]
        right += solved.right
        _, lengths = drawn(problem, trial, n)
        last = sorted(lengths)[m - 1]
        cut = [min(length, last) for length in lengths]
        assert abs(backend.counts.generated - before - sum(cut)) <= n
        assert solved.search.ledger.usage.estimated == (max(lengths) > last)
        told, whole = told + sum(cut), whole + sum(lengths)
    assert_share(right, runs, exact.plurality(problem.law, m))
    assert told < 0.85 * whole


@pytest.mark.parametrize("thinking", ["off", "provider_default"])
def test_what_the_late_ones_have_said_is_on_the_bill(thinking: str) -> None:
    problem = replace(CLEAR, steps=2, p=0.8, geometric=1, tokens=40)
    backend = LabBackend()
    solved = trials(
        problem, vote(5, "first"), 40, Lab(backends=(backend,), tier={"thinking": thinking})
    )
    told = sum(each.tokens for each in solved)
    assert told == pytest.approx(backend.counts.generated, rel=0.08)


def test_where_wrong_chains_are_longer_the_first_to_finish_are_right_more_often() -> None:
    problem = Problem(id=5, steps=3, p=0.8, distractors=1, geometric=1, tokens=20, drag=3.0)
    solved = trials(problem, vote(7, "first"), 120)
    assert share_right(solved) / 120 > exact.plurality(problem.law, 4) + 0.08


@pytest.mark.parametrize("strategy", ["vote", "best_of_n", "weighted_vote"])
def test_one_sample_is_single(strategy: str) -> None:
    async def both(trial: int) -> None:
        alone = await solve(CLEAR, SearchPlan(), trial=trial)
        lab = Lab()
        search = lab.search(CLEAR, SearchPlan(strategy), trial)
        search.plan = replace(search.plan, n=1)
        search.session.planned = 1
        assert await search.run() == alone.completion
        assert search.ledger.usage == alone.search.ledger.usage

    for trial in range(20):
        run(both(trial))


def test_more_budget_never_makes_a_vote_worse() -> None:
    for law in ((0.6, 0.2, 0.1, 0.1), (0.4, 0.3, 0.3)):
        shares = [exact.plurality(law, n) for n in range(1, 20)]
        assert all(later >= sooner - 1e-12 for sooner, later in itertools.pairwise(shares))


def test_a_bigger_vote_hears_the_same_samples_and_more() -> None:
    few = trials(CLEAR, vote(4), 30)
    many = trials(CLEAR, vote(9), 30)
    for less, more in zip(few, many, strict=True):
        mine = [each.text for each in less.search.arrived]
        assert mine == [each.text for each in more.search.arrived][: len(mine)]


def test_a_total_for_few_samples_buys_few_samples() -> None:
    tokens = 14
    lab = Lab(ceilings={"max_total_tokens": 300}, tier={"answer_reserve_tokens": 64})
    (solved,) = trials(CLEAR, vote(5), 1, lab)
    assert solved.search.samples >= 3
    assert solved.search.best is not None
    assert solved.tokens == tokens * solved.search.samples


def test_a_short_answer_limit_does_not_end_the_vote() -> None:
    lab = Lab(ceilings={"max_output_tokens": 20})
    (solved,) = trials(CLEAR, vote(5), 1, lab)
    assert solved.search.samples >= 3


def test_the_key_that_wins_is_the_truths() -> None:
    (solved,) = trials(law_of(CLEAR, 1.0), vote(5), 1)
    assert solved.right
    assert solved.search.best is not None
    assert solved.search.best.key == key_of(CLEAR.truth)
    assert solved.search.agreement == 1.0
