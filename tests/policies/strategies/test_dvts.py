from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.strategies.dvts import dvts
from policies.strategies.single import single
from policies.types import Candidate, SearchPlan
from tests.lab.exact import assert_share, pass_at
from tests.lab.exact_steps import subtree, subtrees_by_vote
from tests.policies.strategies.stepping import Judge, StepSearch, answer_of, noisy, perfect

PLAN = SearchPlan("dvts", n=16, width=4)
TREE = replace(PLAN, n=4)


def undecided(candidate: Candidate, steps: bool) -> float | None:
    """Judge no answer."""
    return None


@pytest.mark.parametrize(
    ("p", "steps", "mu", "golden", "runs"),
    [
        pytest.param(0.7, 6, 1.5, 0.6523, 400, id="a good verifier"),
        pytest.param(0.8, 8, 1.0, 0.5547, 250, id="a fair one"),
    ],
)
async def test_a_subtree_is_right_as_often_as_best_of_n_at_every_step(
    p: float, steps: int, mu: float, golden: float, runs: int
) -> None:
    exact = subtree(p, steps, 4, mu)
    assert exact == pytest.approx(golden, abs=5e-5)
    right = 0
    for seed in range(runs):
        search = StepSearch(TREE, seed, steps, p, judge=noisy(mu))
        await dvts(search)
        right += search.right
    assert_share(right, runs, exact)


SHARES = (0.4, 0.3, 0.2, 0.1)


@pytest.mark.parametrize(
    ("answers", "exact"),
    [
        pytest.param(perfect, pass_at(subtree(0.6, 6, 4, 1.5), 4), id="an oracle"),
        pytest.param(undecided, subtrees_by_vote(0.6, 6, 4, 1.5, 4, SHARES), id="their votes"),
    ],
)
async def test_four_subtrees_are_right_as_often_as_the_formulas_say(
    answers: Judge, exact: float
) -> None:
    runs, right = 150, 0
    for seed in range(runs):
        judge = noisy(1.5, answers)
        search = StepSearch(PLAN, seed, p=0.6, shares=SHARES, judge=judge)
        await dvts(search)
        right += search.right
    assert_share(right, runs, exact)


async def test_on_hard_questions_it_beats_one_sample() -> None:
    runs, trees, singles = 60, 0, 0
    for seed in range(runs):
        search = StepSearch(PLAN, seed, p=0.6, judge=noisy(1.0))
        await dvts(search)
        trees += search.right
        alone = StepSearch(SearchPlan(), seed, p=0.6)
        await single(alone)
        singles += alone.right
    assert trees > 5 * singles > 0


@given(seed=st.integers(0, 10**6), calls=st.none() | st.integers(0, 90))
@settings(max_examples=60, deadline=None)
async def test_subtrees_share_nothing_and_only_whole_answers_are_offered(
    seed: int, calls: int | None
) -> None:
    search = StepSearch(
        PLAN, seed, judge=noisy(1.0), early=0.1, cut=0.1, broken=0.1, calls=calls, turns=4
    )
    await dvts(search)
    assert search.running == 0
    assert len({prompt.index for prompt in search.asked}) == len(search.asked)
    assert all(c.ended and c.complete and not c.failed for c, _, _ in search.offers)
    assert len(search.offers) <= PLAN.n // PLAN.width
    weights = [weight for _, weight, _ in search.offers]
    assert weights == sorted(weights)
    assert len(search.reasons) == 1


async def test_each_subtree_goes_on_behind_the_child_that_scored_best() -> None:
    search = StepSearch(TREE, judge=noisy(1.0))
    await dvts(search)
    judge = noisy(1.0)
    paths = sorted({prompt.begun or "" for prompt in search.asked}, key=len)
    assert len(paths) == search.steps + 1
    for level, path in enumerate(paths[1:], 1):
        siblings = [
            search.said(prompt).text + "\n\n"
            for prompt in search.asked
            if prompt.begun == paths[level - 1]
        ]
        assert len(siblings) == TREE.width
        assert path == max(siblings, key=lambda text: judge(Candidate(text), True) or 0.0)


async def test_siblings_that_were_not_chosen_are_not_offered() -> None:
    """The answer that ended beside a better step is gone with it."""

    def prefers_steps(candidate: Candidate, steps: bool) -> float:
        return 0.9 if steps else 0.1

    search = StepSearch(TREE, seed=3, judge=prefers_steps, early=0.3)
    await dvts(search)
    ended = [search.said(prompt) for prompt in search.asked if search.said(prompt).ended]
    assert len(ended) > TREE.width
    (offer,) = search.offers
    assert answer_of(offer[0].text) == offer[0].key


async def test_subtrees_that_are_not_needed_any_more_are_cancelled() -> None:
    plan = replace(PLAN, n=40, stop="certain")

    search = StepSearch(plan, p=1.0, turns=6)
    await dvts(search)
    assert search.reasons == ["certain"]
    assert search.running == 0
    assert len(search.offers) < plan.n // plan.width
