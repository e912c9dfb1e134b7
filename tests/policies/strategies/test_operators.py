import asyncio
from collections.abc import Coroutine
from math import log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.operators import Tally, run_each
from policies.structures import Graph, Node
from policies.tree_operators import (
    REST_TOKENS,
    STEP_TOKENS,
    backtrack,
    enter,
    evaluate,
    extend,
    grow,
    leave,
    next_level,
    next_steps,
    path_score,
    prune,
    uct,
    update,
)
from policies.types import Candidate, SearchPlan
from tests.policies.strategies.stepping import StepSearch

PLAN = SearchPlan("beam_search", n=8, width=4)


def chain(*scores: float | None) -> Node:
    """Return the end of a chain with these scores."""
    node = Node()
    for place, score in enumerate(scores):
        node = Node(f"{node.text}{place}", node, candidate=Candidate(""), score=score)
    return node


@pytest.mark.parametrize(("how", "score"), [("last", 0.6), ("min", 0.5), ("prod", 0.9 * 0.5 * 0.6)])
def test_the_scores_of_a_path_can_be_taken_together_in_three_ways(how: str, score: float) -> None:
    assert path_score(chain(0.9, None, 0.5, 0.6), how) == pytest.approx(score)
    assert path_score(chain(None), how) == 0.0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.floats(0, 1))
def test_the_lowest_and_the_product_of_step_scores_only_fall(
    scores: list[float], more: float
) -> None:
    for how in ("min", "prod"):
        assert path_score(chain(*scores, more), how) <= path_score(chain(*scores), how)


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from([0.1, 0.5, 0.9]))),
    st.integers(0, 4),
)
def test_pruning_keeps_the_best_the_same_text_once_and_the_earlier_among_equals(
    given_nodes: list[tuple[str, float]], keep: int
) -> None:
    scores = dict(given_nodes)
    nodes = [Node(text, score=scores[text]) for text, _ in given_nodes]
    kept = prune(nodes, keep)
    order = list(scores)
    expected = sorted(order, key=lambda text: (-scores[text], order.index(text)))[:keep]
    assert [node.text for node in kept] == expected


numbers = st.tuples(st.integers(0, 20), st.integers(0, 3), st.floats(0, 1))


@given(st.lists(numbers, min_size=1, max_size=6), st.floats(0, 3))
def test_uct_takes_the_child_of_the_highest_bound(
    told: list[tuple[int, int, float]], explore: float
) -> None:
    """Against the textbook: unvisited first, else (Q - losses) / N + c sqrt(ln(parent's N) / N), the first of equals."""
    parent = Node(visits=sum(v for v, _, _ in told), pending=sum(p for _, p, _ in told))
    for place, (visits, pending, mean) in enumerate(told):
        answers = [Node(f"{mean}")] * visits
        parent.children.append(
            Node(str(place), parent, visits=visits, pending=pending, answers=answers)
        )
    total = max(1, parent.visits + parent.pending)
    bounds = []
    for visits, pending, mean in told:
        n = visits + pending
        gained = sum([mean] * visits) - pending
        bounds.append(gained / n + explore * sqrt(log(total) / n) if n else float("inf"))
    chosen = uct(parent.children, explore, lambda answer: float(answer.text))
    assert chosen.text == str(bounds.index(max(bounds)))


def test_parallel_searches_spread_because_those_under_way_count_as_lost() -> None:
    parent = Node(visits=4)
    answer = Node("1")
    for place in range(2):
        child = Node(str(place), parent, visits=2, answers=[answer, answer])
        parent.children.append(child)
    first = uct(parent.children, 1.4, lambda _: 1.0)
    enter(first)
    second = uct(parent.children, 1.4, lambda _: 1.0)
    assert second is not first
    leave(first)
    assert [node.pending for node in (parent, *parent.children)] == [0, 0, 0]


def test_an_update_reaches_all_that_led_to_a_node() -> None:
    end = chain(0.5, 0.5)
    found = Node("answer")
    update(end, found)
    update(end, None)
    assert [(node.visits, node.answers) for node in end.chain()] == [(2, [found])] * 3


def test_backtracking_finds_the_nearest_open_ancestor() -> None:
    end = chain(0.1, 0.9, 0.2)
    assert backtrack(end, lambda node: (node.score or 0) > 0.5) is end.parent
    assert backtrack(end, lambda node: node.visits > 0) is None


BEHIND = "R 1\n\n"


@pytest.mark.parametrize(
    ("candidate", "text"),
    [
        pytest.param(Candidate(f"{BEHIND}R 2", ended=False), f"{BEHIND}R 2\n\n", id="a step"),
        pytest.param(Candidate(f"{BEHIND}R 2 \n", ended=False), f"{BEHIND}R 2\n\n", id="spaces"),
        pytest.param(Candidate(f"{BEHIND}It is 0."), f"{BEHIND}It is 0.", id="an answer"),
        pytest.param(Candidate(BEHIND), "R 1", id="the last step was the answer"),
        pytest.param(Candidate(BEHIND, ended=False), None, id="nothing new"),
        pytest.param(Candidate(f"{BEHIND}R", complete=False), None, id="cut by its length"),
        pytest.param(Candidate("", complete=False, failed=True), None, id="a failed call"),
    ],
)
def test_what_a_generation_brings_is_a_step_an_answer_or_nothing(
    candidate: Candidate, text: str | None
) -> None:
    graph = Graph()
    node, _ = graph.add(graph.root, Candidate(BEHIND, ended=False))
    grown = grow(graph, node, candidate)
    assert (grown and grown[0].text) == text
    assert grown is None or grown[0].ended is candidate.ended


def test_a_cue_that_nothing_follows_brings_nothing() -> None:
    graph = Graph()
    cue = "A smaller question is"
    assert grow(graph, graph.root, Candidate(cue), cue=cue) is None
    grown = grow(graph, graph.root, Candidate(f"{cue} why", ended=False), cue=cue)
    assert grown is not None
    assert grown[0].text == f"{cue} why\n\n"


async def test_a_step_is_short_and_goes_on_behind_its_node() -> None:
    search, graph = StepSearch(PLAN), Graph()
    node = Node("R 1\n\n", graph.root)
    await extend(search, graph, node, seed=7, cue="so ")
    (prompt,) = search.asked
    assert (prompt.begun, prompt.index, prompt.stop) == ("R 1\n\nso ", 7, ("\n\n",))
    assert (prompt.max_tokens, prompt.thinking, prompt.whole) == (STEP_TOKENS, "off", False)
    await extend(search, graph, node, seed=8, to_end=True)
    assert search.asked[1].stop == ()
    assert search.asked[1].max_tokens == REST_TOKENS


async def test_a_model_that_repeats_the_delimiter_is_asked_again_and_cut_here() -> None:
    search, graph = StepSearch(PLAN, steps=2, p=1.0, nonces=1, trims=True), Graph()
    grown = await extend(search, graph, graph.root, seed=0)
    assert grown is not None
    for text in ("R 0\n\n", "R 0\n\nR 0\n\n"):
        assert (grown[0].text, grown[0].ended) == (text, False)
        grown = await extend(search, graph, grown[0], seed=0)
        assert grown is not None
    assert grown[0].ended
    assert len(search.asked) == 1 + 2 + 2


async def test_the_same_step_is_added_once() -> None:
    search, graph = StepSearch(PLAN, p=1.0, nonces=2), Graph()
    steps = await next_steps(search, graph, graph.root, 12, seed=0)
    assert len(search.asked) == 12
    assert sorted(node.text for node in steps) == ["R 0\n\n", "R 1\n\n"]
    assert await next_steps(search, graph, graph.root, 4, seed=12) == []


@given(st.integers(1, 9), st.integers(1, 20))
async def test_a_level_shares_its_samples_evenly_and_uses_no_seed_twice(
    width: int, count: int
) -> None:
    search, graph = StepSearch(PLAN), Graph()
    nodes = [graph.add(graph.root, Candidate(f"R {i}\n\n", ended=False))[0] for i in range(width)]
    await next_level(search, graph, nodes, count, seed=100, to_end=False)
    shares = [sum(prompt.begun == node.text for prompt in search.asked) for node in nodes]
    assert sum(shares) == count
    assert max(shares) - min(shares) <= 1
    assert sorted(prompt.index for prompt in search.asked) == list(range(100, 100 + count))


async def test_what_is_judged_is_not_judged_again_and_answers_are_judged_as_answers() -> None:
    judged: list[tuple[str, bool]] = []

    def judge(candidate: Candidate, steps: bool) -> float:
        judged.append((candidate.text, steps))
        return 0.5

    nodes = [
        Node("a", candidate=Candidate("a", ended=False)),
        Node("b", candidate=Candidate("b")),
        Node("c", candidate=Candidate("c"), score=0.1),
        Node(),
    ]
    await evaluate(StepSearch(PLAN, judge=judge), nodes)
    assert judged == [("b", False), ("a", True)]
    assert [node.score for node in nodes] == [0.5, 0.5, 0.1, None]


async def test_work_that_is_not_there_yet_is_asked_for_again_when_some_has_ended() -> None:
    ready, done = [3], []

    async def work(number: int) -> int:
        await asyncio.sleep(0)
        return number

    def start() -> Coroutine[None, None, int] | None:
        return work(ready.pop()) if ready else None

    def take(number: int) -> bool:
        done.append(number)
        if number:
            ready.append(number - 1)
        return False

    assert not await run_each(start, take, first=4, ahead=4)
    assert done == [3, 2, 1, 0]


async def test_work_that_is_not_needed_any_more_is_cancelled() -> None:
    ended: list[int] = []

    async def work(turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        ended.append(turns)
        return turns

    waiting = iter([500, 2, 900])

    def start() -> Coroutine[None, None, int] | None:
        turns = next(waiting, None)
        return None if turns is None else work(turns)

    assert await run_each(start, lambda turns: True, first=3)
    assert ended == [2]


def test_of_answers_that_cannot_vote_the_one_of_the_highest_score_is_shown() -> None:
    tally = Tally()
    for score, complete in ((0.9, False), (None, True), (0.7, True), (0.4, True)):
        tally.add(Candidate("prose", score=score, complete=complete))
    leader = tally.leader()
    assert leader is not None
    assert leader.score == 0.7
