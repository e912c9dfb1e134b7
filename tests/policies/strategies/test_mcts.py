from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.answers import Kind
from policies.ports import Abilities, Prompt
from policies.strategies import fitting
from policies.strategies.mcts import MCTS, Rollouts, mcts
from policies.structures import Node
from policies.types import Candidate, SearchPlan
from tests.lab.exact import assert_share
from tests.lab.exact_steps import tree_ceiling
from tests.policies.strategies.stepping import Judge, StepSearch, blurred, noisy, perfect
from tests.policies.strategies.treeing import Labels, TreeSearch, reference

PLAN = SearchPlan("mcts", n=16, width=3, depth=6)


@pytest.mark.parametrize(
    ("p", "width", "depth", "golden", "runs"),
    [
        pytest.param(0.4, 2, 4, 0.2433, 300, id="narrow"),
        pytest.param(0.5, 3, 5, 0.7739, 10, id="wide"),
        pytest.param(0.3, 3, 5, 0.2468, 10, id="wide and hard"),
    ],
)
async def test_without_a_limit_it_finds_what_there_is_to_find(
    p: float, width: int, depth: int, golden: float, runs: int
) -> None:
    exact = tree_ceiling(p, width, depth)
    assert exact == pytest.approx(golden, abs=5e-5)
    plan = SearchPlan("mcts", n=2000, width=width, stop="certain")
    right = 0
    for seed in range(runs):
        search = TreeSearch(plan, Labels(p, seed), width, depth)
        await mcts(search)
        assert search.reasons == ["exhausted"]
        assert search.right == search.solvable
        right += search.right
    assert_share(right, runs, exact)


def patterns(p: float, width: int, depth: int) -> Iterator[tuple[dict[str, bool], float]]:
    """Yield every way a tree's steps can be right or wrong, and its probability; below a wrong step all is wrong."""

    def below(path: str, left: int) -> list[tuple[dict[str, bool], float]]:
        if left == 0:
            return [({}, 1.0)]
        each = []
        for place in range(width):
            step = f"{path}{place}"
            right = [({step: True} | more, p * w) for more, w in below(step, left - 1)]
            each.append([({step: False}, 1 - p), *right])
        joined = []
        for parts in product(*each):
            labels: dict[str, bool] = {}
            weight = 1.0
            for more, w in parts:
                labels |= more
                weight *= w
            joined.append((labels, weight))
        return joined

    return iter(below("", depth))


@pytest.mark.parametrize("n", [2, 4, 8])
@pytest.mark.parametrize("p", [0.5])
async def test_with_few_rollouts_it_is_right_as_often_as_an_enumeration_of_all_trees_says(
    p: float, n: int
) -> None:
    width, depth = 2, 3
    plan = SearchPlan("mcts", n=n, width=width, stop="certain")
    ours = theirs = total = 0.0
    for labels, weight in patterns(p, width, depth):
        search = TreeSearch(plan, labels, width, depth)
        await Rollouts(search, at_once=1).run()
        total += weight
        ours += weight * search.right
        theirs += weight * reference(TreeSearch(plan, labels, width, depth)).right
    assert total == pytest.approx(1)
    assert ours == pytest.approx(theirs)
    assert p**depth < ours < tree_ceiling(p, width, depth)


@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 40),
    width=st.integers(1, 3),
    depth=st.integers(1, 6),
    judged=st.booleans(),
)
@settings(max_examples=80, deadline=None)
async def test_it_asks_what_a_plain_reference_asks(
    seed: int, n: int, width: int, depth: int, judged: bool
) -> None:
    plan = SearchPlan("mcts", n=n, width=width, stop="certain")
    world, other = (
        TreeSearch(plan, Labels(0.5, seed), width, depth, judged=judged) for _ in range(2)
    )
    reference(other)
    await Rollouts(world, at_once=1).run()
    assert [(p.begun, p.index) for p in world.asked] == [(p.begun, p.index) for p in other.asked]
    assert [c.key for c, _, _ in world.offers] == [c.key for c, _, _ in other.offers]


@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 30),
    calls=st.none() | st.integers(0, 40),
    judge=st.sampled_from([None, perfect, noisy(1.0)]),
    stop=st.sampled_from(["beta", "certain"]),
)
@settings(max_examples=100, deadline=None)
async def test_after_parallel_rollouts_the_tree_adds_up(
    seed: int, n: int, calls: int | None, judge: Judge | None, stop: str
) -> None:
    search = StepSearch(
        replace(PLAN, n=n, stop=stop), seed, 4, judge=judge,
        nonces=3, early=0.1, cut=0.1, broken=0.1, calls=calls, turns=5,
    )  # fmt: skip
    rollouts = Rollouts(search)
    await rollouts.run()
    root, paths = rollouts.graph.root, set()
    for node in rollouts.graph:
        own = node.visits - sum(child.visits for child in node.children)
        assert own >= 0, "visits of the children are the node's, too"
        assert node.pending == 0, "no virtual loss is left"
        assert node.tried <= len(rollouts.actions(node)) or node.ended
        assert len(node.answers) <= node.visits
        assert node.text not in paths
        paths.add(node.text)
    started = len({prompt.index // 2 for prompt in search.asked})
    assert root.visits <= started <= n
    assert search.running == 0
    assert all(c.ended and c.complete and not c.failed for c, _, _ in search.offers)
    assert len(search.reasons) == 1


def weighed(answers: Iterable[Node]) -> Counter[str]:
    """Return the summed scores by answer, the same text once."""
    votes: Counter[str] = Counter()
    for answer in {answer.text: answer for answer in answers}.values():
        assert answer.candidate is not None
        votes[answer.candidate.key or ""] += answer.score or 0  # type: ignore[assignment]
    return votes


async def test_the_answer_is_the_vote_of_all_answers_and_not_the_most_visited_child() -> None:
    search = StepSearch(replace(PLAN, n=30, stop="certain"), 2, 4, 0.6, judge=noisy(1.0, blurred))
    rollouts = Rollouts(search)
    await rollouts.run()
    root = rollouts.graph.root
    ((visited, _),) = weighed(max(root.children, key=lambda c: c.visits).answers).most_common(1)
    ((voted, weight),) = weighed(root.answers).most_common(1)
    assert visited == "1"
    assert voted == "0"
    assert search.best is not None
    assert search.best.key == voted
    assert max(w for _, w, _ in search.offers) == pytest.approx(weight)


async def test_with_a_good_verifier_it_beats_one_sample_on_hard_questions() -> None:
    runs, right = 100, 0
    for seed in range(runs):
        search = StepSearch(PLAN, seed, 5, 0.6, judge=perfect)
        await mcts(search)
        right += search.right
    assert right / runs > 3 * 0.6**5


async def test_without_a_verifier_agreement_is_the_reward_and_ends_it() -> None:
    search = StepSearch(PLAN, steps=4, p=1.0, judge=None)
    await mcts(search)
    assert search.reasons == ["consensus"]
    assert search.right
    assert len(search.offers) < PLAN.n


async def test_the_reward_of_an_answer_changes_with_the_answers_that_follow() -> None:
    search = StepSearch(replace(PLAN, n=12, stop="certain"), 2, 4, 0.6, judge=None)
    rollouts = Rollouts(search)
    await rollouts.run()
    shares: Counter[str | None] = Counter()
    answers = {answer.text: answer for answer in rollouts.graph.root.answers}.values()
    for answer in answers:
        assert answer.candidate is not None
        shares[answer.candidate.key] += 1
    assert len(shares) > 1
    for answer in answers:
        assert answer.candidate is not None
        share = shares[answer.candidate.key] / len(answers)
        assert rollouts.reward(answer) == pytest.approx(share)


class Sure(StepSearch):
    """Another tier's model, which knows its answer whatever the beginning is."""

    def said(self, prompt: Prompt) -> Candidate:
        return Candidate(f"{prompt.begun} so {self.name}", key=self.name)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("rank", "is_heard"), [(0, True), (1, True), (None, False)])
async def test_an_answer_that_another_model_repeats_outweighs_the_others(
    seed: int, rank: int | None, is_heard: bool
) -> None:
    plan = replace(PLAN, stop="certain")
    rollouts = Rollouts(StepSearch(plan, seed, 4, 0.55, judge=None))
    await rollouts.run()
    ranked = [key for key, _ in rollouts.tally.ranked]
    believed = "9" if rank is None else ranked[rank]
    other = Sure(plan, name=believed)
    search = StepSearch(replace(plan, ladder=("9",)), seed, 4, 0.55, judge=None, ladder=(other,))
    await mcts(search)
    assert search.best is not None
    assert search.best.key == (believed if is_heard else ranked[0])
    checked = 3 if rank is None else rank + 1
    assert len(other.asked) == 4 * min(checked, len(ranked))
    assert all(prompt.begun and not prompt.stop for prompt in other.asked)


async def test_nobody_is_asked_to_vouch_where_the_plan_names_no_tiers_or_all_agree() -> None:
    other = Sure(PLAN, name="9")
    await mcts(StepSearch(PLAN, 1, 4, 0.55, judge=None, ladder=(other,)))
    await mcts(StepSearch(replace(PLAN, ladder=("9",)), 1, 4, 1.0, judge=None, ladder=(other,)))
    assert other.asked == []


@pytest.mark.parametrize(
    ("can", "kind", "reason"),
    [
        (Abilities(), "auto", "vote instead of mcts: no_prefill"),
        (Abilities(prefill=True), "text", "synthesis instead of mcts: free_text"),
        (Abilities(prefill=True), "number", ""),
    ],
)
def test_without_prefill_or_votes_something_else_runs(
    can: Abilities, kind: Kind, reason: str
) -> None:
    search = StepSearch(PLAN)
    search.can = can
    search.task = replace(search.task, kind=kind)
    strategy, why = fitting(search)
    assert (strategy is MCTS, why) == (not reason, reason)
