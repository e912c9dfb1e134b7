from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.ports import Abilities, Prompt
from policies.strategies import fitting
from policies.strategies.beam_search import BEAM_SEARCH, beam_search
from policies.strategies.single import single
from policies.tree_operators import REST_TOKENS, STEP_TOKENS
from policies.types import Candidate, SearchPlan, VerifierPlan
from tests.lab.exact import assert_share
from tests.lab.exact_steps import beam
from tests.policies.strategies.stepping import Judge, StepSearch, answer_of, blurred, noisy, perfect

PLAN = SearchPlan("beam_search", n=16, width=4)


@pytest.mark.parametrize(
    ("p", "steps", "kept", "golden", "runs"),
    [
        pytest.param(0.7, 6, 1, 0.9524, 400, id="one path"),
        pytest.param(0.5, 6, 4, 0.9997, 100, id="four paths"),
        pytest.param(0.3, 4, 2, 0.6776, 200, id="two paths, hard steps"),
    ],
)
async def test_a_beam_with_a_perfect_verifier_is_right_as_often_as_the_markov_chain_says(
    p: float, steps: int, kept: int, golden: float, runs: int
) -> None:
    exact = beam(p, steps, kept, 4)
    assert exact == pytest.approx(golden, abs=5e-5)
    right = 0
    for seed in range(runs):
        search = StepSearch(replace(PLAN, n=4 * kept), seed, steps, p)
        await beam_search(search)
        right += search.right
    assert_share(right, runs, exact)


async def test_on_hard_questions_an_honest_verifier_beats_one_sample() -> None:
    runs = 80
    beams = singles = 0
    for seed in range(runs):
        search = StepSearch(PLAN, seed, p=0.6, judge=noisy(2.0, blurred))
        await beam_search(search)
        beams += search.right
        alone = StepSearch(SearchPlan(), seed, p=0.6)
        await single(alone)
        singles += alone.right
    assert_share(singles, runs, 0.6**6)
    assert beams > 0.5 * runs


def reference(world: StepSearch) -> tuple[list[tuple[str, int]], dict[str, float]]:
    """Search the same world by another implementation; return what it asked and the votes."""
    n, depth, keep = world.plan.n, world.plan.depth, max(1, world.plan.n // world.plan.width)
    lowest = world.plan.verifier is not None and world.plan.verifier.aggregate == "min"
    asked: list[tuple[str, int]] = []
    done: list[str] = []
    paths, marks = [""], {"": [1.0]}

    def total(text: str) -> float:
        return min(marks[text]) if lowest else marks[text][-1]

    for level in range(depth):
        fresh: dict[str, bool] = {}
        # The survivors in turn, as often as it takes to make n.
        for path in sorted((paths * n)[:n], key=paths.index):
            asked.append((path, level * n + len(asked) % n))
            stop = ("\n\n",) if level < depth - 1 else ()
            said = world.said(Prompt(begun=path, index=asked[-1][1], stop=stop))
            text = said.text if said.ended else said.text + "\n\n"
            if said.complete and text not in marks:
                score = world.judge and world.judge(replace(said, text=text), not said.ended)
                marks[text] = [*marks[path], score or 0.0]
                fresh[text] = said.ended
        done += [text for text, ended in fresh.items() if ended]
        paths = sorted([t for t, ended in fresh.items() if not ended], key=total, reverse=True)
        paths = paths[:keep]
        if (
            not paths
            or len(done) >= keep
            or (lowest and done and max(map(total, done)) >= total(paths[0]))
        ):
            break
    votes: dict[str, float] = {}
    for text in done:
        votes[answer_of(text)] = votes.get(answer_of(text), 0.0) + total(text)
    return asked, votes


@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 12),
    width=st.integers(1, 5),
    depth=st.integers(1, 7),
    nonces=st.sampled_from([1, 2, 1000]),
    how=st.sampled_from(["last", "min"]),
)
@settings(max_examples=150, deadline=None)
async def test_it_does_what_a_plain_reference_does(
    seed: int, n: int, width: int, depth: int, nonces: int, how: Literal["last", "min"]
) -> None:
    verifier = VerifierPlan("reward", aggregate=how)
    plan = SearchPlan("beam_search", n, verifier, width=width, depth=depth)
    search = StepSearch(
        plan, seed, 5, 0.6, judge=noisy(1.0, blurred),
        nonces=nonces, early=0.15, cut=0.1, broken=0.05,
    )  # fmt: skip
    asked, votes = reference(search)
    await beam_search(search)
    assert [(prompt.begun, prompt.index) for prompt in search.asked] == asked
    assert len({prompt.index for prompt in search.asked}) == len(asked)
    most = max((weight for _, weight, _ in search.offers), default=0.0)
    assert most == pytest.approx(max(votes.values(), default=0.0))
    assert (search.best is None) == (not votes)
    if search.best is not None:
        assert votes[search.best.key or ""] == pytest.approx(most)
    assert len(search.reasons) == 1


@given(seed=st.integers(0, 10**6), calls=st.none() | st.integers(0, 60))
@settings(max_examples=60, deadline=None)
async def test_only_whole_answers_are_offered_and_nothing_is_left_running(
    seed: int, calls: int | None
) -> None:
    search = StepSearch(
        PLAN, seed, judge=noisy(1.0), early=0.2, cut=0.2, broken=0.1, calls=calls, turns=4
    )
    await beam_search(search)
    assert search.running == 0
    assert all(c.ended and c.complete and not c.failed for c, _, _ in search.offers)
    weights = [weight for _, weight, _ in search.offers]
    assert weights == sorted(weights)
    assert len(search.reasons) == 1


async def test_steps_are_short_and_what_is_left_at_the_depth_is_finished_in_one_go() -> None:
    search = StepSearch(replace(PLAN, depth=3))
    await beam_search(search)
    stops = [bool(prompt.stop) for prompt in search.asked]
    assert stops == [True] * 32 + [False] * 16
    assert {prompt.max_tokens for prompt in search.asked} == {STEP_TOKENS, REST_TOKENS}
    assert all(prompt.thinking == "off" for prompt in search.asked)
    assert search.right


async def test_it_ends_when_no_open_path_can_beat_the_best_answer() -> None:
    plan = replace(PLAN, verifier=VerifierPlan("reward", aggregate="min"))

    def judge(candidate: Candidate, steps: bool) -> float:
        return 0.5 if steps else 0.9

    search = StepSearch(plan, judge=judge, early=0.1)
    await beam_search(search)
    assert search.reasons == ["unbeatable"]
    assert all(candidate.score == 0.5 for candidate, _, _ in search.offers)


async def test_free_text_shows_the_answer_of_the_highest_score() -> None:
    class Prose(StepSearch):
        def said(self, prompt: Prompt) -> Candidate:
            return replace(super().said(prompt), key=None)

    search = Prose(PLAN, p=0.5, judge=noisy(1.0, blurred))
    await beam_search(search)
    assert {weight for _, weight, _ in search.offers} == {0.0}
    assert search.offers[0][0].score == 0.3
    assert search.offers[-1][0].score == 0.8


@pytest.mark.parametrize(
    ("can", "judge", "reason"),
    [
        (Abilities(), perfect, "vote instead of beam_search: no_prefill"),
        (Abilities(prefill=True), None, "vote instead of beam_search: no_verifier"),
        (Abilities(prefill=True), perfect, ""),
    ],
)
def test_without_prefill_or_a_verifier_it_is_a_vote(
    can: Abilities, judge: Judge | None, reason: str
) -> None:
    search = StepSearch(PLAN, judge=judge)
    search.can = can
    strategy, why = fitting(search)
    assert (strategy is BEAM_SEARCH, why) == (not reason, reason)
