"""``synthesis`` and ``debate`` through the real engine: what is chosen is right as often as the integral says."""

import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.answers import medoid
from policies.operators import picked
from policies.types import SearchPlan
from tests.lab import exact
from tests.lab.backend import LabBackend
from tests.lab.conduct import Faults
from tests.lab.exact import assert_mean, assert_share
from tests.lab.problem import Problem
from tests.lab.solving import Lab, law_of, share_right, trials
from tests.policies.strategies.scripted import Body, Scripted, search, told

RUNS = 250
PROSE = "Write a short letter to a friend."


def answers(*texts: str, reply: str = "") -> Scripted:
    """Return a model that says these answers in turn, and ``reply`` to whoever shows it candidates."""

    def says(body: Body, number: int) -> str:
        return reply if "Candidate 1:" in told(body) else texts[number % len(texts)]

    return Scripted(says=says, records=True)


@pytest.mark.parametrize("arm", [None, "merge"])
@pytest.mark.parametrize(("right", "mu", "n"), [(0.4, 2.0, 3), (0.6, 1.0, 5)])
def test_the_chosen_answer_is_right_as_often_as_the_best_of_n(
    right: float, mu: float, n: int, arm: str | None
) -> None:
    problem = law_of(Problem(id=n, mu=mu), right)
    solved = trials(problem, SearchPlan("synthesis", n=n, arm=arm), RUNS)
    assert_share(share_right(solved), RUNS, exact.best_of_n(right, n, mu))
    same = sum(q**n for q in problem.law)
    agreed = sum(each.search.stop_reason == "consensus" for each in solved)
    assert_share(agreed, RUNS, same)
    assert_mean([each.search.ledger.calls for each in solved], n + 1 - same)


def test_without_a_choice_it_is_the_answer_most_like_the_others() -> None:
    texts = ("Dear Ann, the sea is calm.", "Dear Ann, the sea is calm today.", "Hello, it rains.")
    for reply in ("They are all fine.", "Either 1 or 2."):
        text, solve = search(answers(*texts, reply=reply), SearchPlan("synthesis"), question=PROSE)
        assert text == texts[medoid(texts)]
        assert solve.stop_reason == "medoid"
    text, solve = search(answers(*texts, reply="3"), SearchPlan("synthesis"), question=PROSE)
    assert (text, solve.stop_reason) == (texts[2], "selected")


def test_answers_that_are_the_same_are_not_compared() -> None:
    backend = answers("Dear Ann.", reply="1")
    text, solve = search(backend, SearchPlan("synthesis"), question=PROSE)
    assert (text, solve.stop_reason, solve.agreement) == ("Dear Ann.", "consensus", 1.0)
    assert backend.counts.calls == 3


@pytest.mark.parametrize(
    ("reply", "number"),
    [
        ("2", 2), ("**2**", 2), ("\\boxed{3}", 3), ("Candidate 2 is best.", 2), ("2\n\nIt is right: 2.", 2),
        ("", None), ("none", None), ("4", None), ("0", None), ("Candidate 1 is better than candidate 2.", None), ("12", None),
    ],
)  # fmt: skip
def test_a_verdict_is_one_number_or_none(reply: str, number: int | None) -> None:
    assert picked(reply, 3) == number


DOCUMENTS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from([1, 2, "x", True, None]))


def fieldwise(documents: list[dict[str, object]]) -> dict[str, object]:
    """Merge flat documents by the rule itself: fields that half of them have, each by majority, the first of ties."""
    merged: dict[str, object] = {}
    for name in dict.fromkeys(name for each in documents for name in each):
        values = [json.dumps(each[name]) for each in documents if name in each]
        if 2 * len(values) >= len(documents):
            merged[name] = json.loads(Counter(values).most_common(1)[0][0])
    return merged


@settings(max_examples=25, deadline=None)
@given(st.lists(DOCUMENTS, min_size=2, max_size=5))
def test_json_is_merged_field_by_field(documents: list[dict[str, object]]) -> None:
    backend = answers(*map(json.dumps, documents))
    body = {"response_format": {"type": "json_object"}}
    text, solve = search(backend, SearchPlan("synthesis", n=len(documents)), body)
    assert json.loads(text) == fieldwise(documents)
    assert solve.stop_reason in ("merged", "consensus")
    assert backend.counts.calls == len(documents)


def test_what_is_aside_carries_nothing_that_the_client_wants_of_its_answer() -> None:
    backend = answers("Dear Ann.", "Dear Bob.", "Hi.", reply="2")
    stop = {"stop": ["END"], "max_completion_tokens": 100, "response_format": {"type": "text"}}
    search(backend, SearchPlan("synthesis"), stop, question=PROSE)
    *samples, choice = backend.bodies
    assert all(body["stop"] == ["END"] and "response_format" in body for body in samples)
    assert not {"stop", "response_format", "tools"} & set(choice)


@pytest.mark.parametrize("texts", [("Dear Ann.",), ("A long letter. " * 3000, "b " * 20000)])
def test_candidates_are_shown_whole_or_in_part_never_beyond_what_fits(
    texts: tuple[str, ...],
) -> None:
    backend = answers(*texts, "Hi.", reply="1")
    search(backend, SearchPlan("synthesis", n=3), question=PROSE)
    assert all(len(told(body)) < 25_000 for body in backend.bodies)


@pytest.mark.parametrize("total", [60, 90, 150, 400])
def test_a_budget_that_ends_midway_leaves_the_best_so_far(total: int) -> None:
    for name in ("synthesis", "debate"):
        problem = Problem(id=7, steps=2, tokens=10)
        lab = Lab(ceilings={"max_total_tokens": total}, tier={"answer_reserve_tokens": 16})
        for each in trials(problem, SearchPlan(name, n=4), 10, lab):
            assert each.tokens <= total
            assert each.completion["choices"][0]["message"]["content"]


@pytest.mark.parametrize(("right", "mu"), [(0.5, 2.0), (0.3, 1.0), (0.7, 0.5)])
def test_a_debate_is_right_as_often_as_the_better_of_two(right: float, mu: float) -> None:
    problem = law_of(Problem(id=8, mu=mu), right)
    solved = trials(problem, SearchPlan("debate"), RUNS)
    assert_share(share_right(solved), RUNS, exact.best_of_n(right, 2, mu))
    same = sum(q**2 for q in problem.law)
    assert_mean([each.search.ledger.calls for each in solved], 4 - 2 * same)
    assert {each.search.stop_reason for each in solved} == {"consensus"}


def test_what_two_sides_cannot_settle_the_cheapest_tier_judges() -> None:
    """Hearings that bring nothing leave the first answers: the judge's own opinion of them decides."""
    right, runs = 0.5, 150
    problem = law_of(Problem(id=9, mu=1.5), right)
    for judge, share in (("keen", exact.best_of_n(right, 2, 1.5)), ("off", None)):
        refuses = {0} if judge == "off" else set()
        correct = judged = 0
        for trial in range(runs):
            cheap = LabBackend(name="cheap", faults=Faults(refuses=refuses))
            dear = LabBackend(name="dear", faults=Faults(refuses={2, 3}))
            (solved,) = trials(
                problem, SearchPlan("debate"), 1, Lab(backends=(cheap, dear)), first=trial
            )
            correct += solved.right
            judged += solved.search.stop_reason == ("split" if share is None else "judged")
        differ = 1 - sum(q**2 for q in problem.law)
        assert_share(judged, runs, differ)
        # Without a verdict the first answer stands, and that is one sample.
        assert_share(correct, runs, right if share is None else share)


def test_each_side_hears_the_other_and_speaks_for_itself() -> None:
    backend = LabBackend(records=True)
    trials(
        law_of(Problem(id=10, distractors=9, dom=0.1), 0.2),
        SearchPlan("debate"),
        1,
        Lab((backend,)),
    )
    first, second, *hearings = (body["messages"] for body in backend.bodies)
    assert len(hearings) == 2
    said = [turns[-2]["content"] for turns in hearings]
    for turns, other in zip(hearings, said[::-1], strict=True):
        assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
        assert turns[0] == first[0] == second[0]
        assert other in turns[-1]["content"]


@pytest.mark.parametrize("strategy", ["debate", "vote"])
def test_prose_is_not_debated_but_chosen(strategy: str) -> None:
    _, solve = search(answers("a", "b", "c", reply="2"), SearchPlan(strategy), question=PROSE)
    assert solve.strategy == "synthesis"
    assert solve.stop_reason == f"selected; synthesis instead of {strategy}: free_text"


@pytest.mark.parametrize(("name", "gain"), [("synthesis", 0.15), ("debate", 0.08)])
def test_it_beats_one_sample_where_one_answer_is_a_matter_of_luck(name: str, gain: float) -> None:
    problem = replace(law_of(Problem(id=11), 0.45), mu=2.0)
    chosen, alone = (trials(problem, SearchPlan(each), RUNS) for each in (name, "single"))
    assert share_right(chosen) >= share_right(alone) + gain * RUNS
