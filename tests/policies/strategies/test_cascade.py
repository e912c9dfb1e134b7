"""``cascade`` through the real engine, against its rule in plain words, over tiers whose answers have known laws."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

import pytest

from policies.answers import Kind, answer_key
from policies.strategies.cascade import is_unsure
from policies.types import Candidate, SearchPlan
from router.search import Solve
from tests.lab.asking import ask_each, user
from tests.lab.backend import LabBackend
from tests.lab.clock import run
from tests.lab.conduct import Faults
from tests.lab.exact import assert_mean, assert_share
from tests.lab.problem import Problem
from tests.lab.solving import REWARD, SEEDS, Lab, law_of, share_right, trials

PLAN = SearchPlan("cascade")
TRIALS = 200

TWO = {"cheap": 0.0, "dear": 0.7}
THREE = {"cheap": 0.0, "middle": 0.5, "dear": 0.8}


def ladder(lifts: dict[str, float], **faults: Faults) -> Lab:
    return Lab(
        backends=[
            LabBackend(name=name, lift=lift, faults=faults.get(name, Faults()))
            for name, lift in lifts.items()
        ]
    )


def climb(tiers: Sequence[Iterator[int]], n: int = 3) -> tuple[int, list[int]]:
    """Return the winner and the samples of each tier, by the rule in plain words."""
    votes: Counter[int] = Counter()
    taken = [0] * len(tiers)
    for place, tier in enumerate(tiers):
        leader = votes.most_common(1)[0][0] if votes else None
        own: Counter[int] = Counter()
        is_last = place == len(tiers) - 1
        most = n if is_last else 5 if place == 0 else 1
        while taken[place] < most:
            answer = next(tier)
            own[answer] += 1
            votes[answer] += 2**place
            taken[place] += 1
            if place == 0:
                counts = tuple(sorted(own.values(), reverse=True))
                if counts in ((2,), (3, 1), (3, 1, 1)):
                    return answer_of(votes), taken
                left = most - taken[0]
                if taken[0] > 1 and (counts[0] + left, counts[1]) not in ((4, 1), (3, 1)):
                    break
            elif not is_last:
                if answer == leader:
                    return answer_of(votes), taken
            elif votes.most_common(1)[0][1] > votes.total() / 2 or tuple(own.values()) == (2,):
                return answer_of(votes), taken
    return answer_of(votes), taken


def answer_of(votes: Counter[int]) -> int:
    return votes.most_common(1)[0][0]


def drawn(problem: Problem, backend: LabBackend, trial: int) -> Iterator[int]:
    """Yield the beliefs that a trial meets at a tier, asked without any engine."""
    fresh = LabBackend(name=backend.name, lift=backend.lift)
    messages = [user(problem.question())]
    for i in range(5):
        body = {"messages": messages, "seed": trial * SEEDS + i, "temperature": 0.7}
        key = answer_key(ask_each(fresh, [body])[0]["content"])
        assert key is not None
        belief = problem.belief(int(key.removeprefix("number:")))
        assert belief is not None
        yield belief


@pytest.mark.parametrize("lifts", [TWO, THREE], ids=["two tiers", "three tiers"])
def test_it_climbs_exactly_as_its_rule_says(lifts: dict[str, float]) -> None:
    lab = ladder(lifts)
    for trial in range(40):
        problem = law_of(Problem(id=trial, distractors=3, dom=0.5), 0.5)
        before = [backend.counts.calls for backend in lab.backends]
        (solved,) = trials(problem, PLAN, 1, lab, first=trial)
        calls = [b.counts.calls - c for b, c in zip(lab.backends, before, strict=True)]
        winner, taken = climb([drawn(problem, backend, trial) for backend in lab.backends])
        best = solved.search.best
        assert best is not None
        assert best.key == f"number:{problem.answer(winner)}"
        assert calls == taken
        assert solved.tokens == 14 * sum(taken)


@pytest.mark.parametrize("right", [0.4, 0.75])
def test_its_accuracy_and_its_tokens_are_those_of_the_rule(right: float) -> None:
    lab = ladder(TWO)
    problem = law_of(Problem(id=1, distractors=3, dom=0.5), right)
    rng, wins, tokens, draws = Random(1), 0, 0, 20_000
    laws = [law_of(problem, 1 - (1 - right) * (1 - lift)).law for lift in TWO.values()]
    for _ in range(draws):
        winner, taken = climb([iter(rng.choices(range(4), law, k=5)) for law in laws])
        wins, tokens = wins + (winner == 0), tokens + 14 * sum(taken)
    solved = trials(problem, PLAN, TRIALS, lab)
    assert_share(share_right(solved), TRIALS, wins / draws)
    assert_mean([each.tokens for each in solved], tokens / draws)


def test_two_that_agree_are_enough_and_nobody_else_is_asked() -> None:
    lab = ladder(THREE)
    solved = trials(law_of(Problem(id=2), 1.0), PLAN, 5, lab)
    assert [backend.counts.calls for backend in lab.backends] == [10, 0, 0]
    assert {each.search.stop_reason for each in solved} == {"consensus"}
    assert {each.search.answered_by for each in solved} == {("cheap", "cheap")}


def test_votes_are_carried_upward() -> None:
    """Two cheap votes and one of the dear tier, worth two, are a majority against three others."""
    lab = ladder(TWO)
    for trial in range(60):
        problem = law_of(Problem(id=3, distractors=3, dom=0.5), 0.4)
        (solved,) = trials(problem, PLAN, 1, lab, first=trial)
        heard = solved.search
        if heard.samples == len(heard.arrived) and heard.arrived[-1].model == "dear":
            weights: Counter[str | None] = Counter()
            for each in heard.arrived:
                weights[each.key] += {"cheap": 1, "dear": 2}[each.model]
            assert heard.best is not None
            assert weights[heard.best.key] == max(weights.values())
            assert heard.agreement == pytest.approx(weights[heard.best.key] / weights.total())


@pytest.mark.parametrize(
    ("kind", "calls"), [("auto", (2, 0)), ("text", (1, 0)), ("number", (2, 1))]
)
def test_an_answer_without_a_value_climbs_where_one_is_asked_for(
    kind: Kind, calls: tuple[int, int]
) -> None:
    lab = ladder(TWO)

    async def main() -> Solve:
        search = lab.search(law_of(Problem(id=4, mute=1.0), 1.0), PLAN)
        search.task = replace(search.task, kind=kind)
        await search.run()
        return search

    assert run(main()).best is not None
    assert tuple(backend.counts.calls for backend in lab.backends) == calls


def test_what_was_cut_climbs() -> None:
    lab = replace(
        ladder(TWO), tiers={"cheap": {"max_output_tokens": 64, "answer_reserve_tokens": 64}}
    )
    problem = law_of(Problem(id=5, tokens=100), 1.0)
    (solved,) = trials(problem, PLAN, 1, lab)
    assert solved.right
    assert {each.model for each in solved.search.arrived} == {"dear"}


def test_what_the_verifier_rejects_climbs() -> None:
    lab = ladder(TWO)
    plan = replace(PLAN, verifier=REWARD)
    problem = law_of(Problem(id=6, distractors=1, mu=30.0), 0.0)
    solved = trials(problem, plan, 60, lab)
    assert all(each.search.arrived[-1].model == "dear" for each in solved)
    assert_share(share_right(solved), 60, 0.7)
    assert trials(problem, PLAN, 1, lab)[0].search.arrived[-1].model == "cheap"


def test_free_text_that_is_rejected_gives_way_to_the_dearer_answer() -> None:
    lab = ladder(TWO)
    plan = replace(PLAN, verifier=replace(REWARD, accept=1.0))
    (solved,) = trials(law_of(Problem(id=7, mute=1.0), 1.0), plan, 1, lab)
    assert solved.search.answered_by == ("dear", "dear")


def test_a_tier_that_fails_is_climbed_over() -> None:
    lab = ladder(TWO, cheap=Faults(refuses=range(100)))
    (solved,) = trials(law_of(Problem(id=8), 1.0), PLAN, 1, lab)
    assert solved.right
    assert solved.search.answered_by == ("dear", "dear")


def test_on_one_tier_it_is_a_vote() -> None:
    (solved,) = trials(law_of(Problem(id=9), 1.0), PLAN, 1)
    assert solved.search.samples == 2


@pytest.mark.parametrize(
    ("text", "unsure"),
    [
        ("The answer is 12.", False),
        ("I don't know the answer.", True),
        ("I’m not sure, perhaps 12.", True),
        ("我不知道", True),
        ("  ", True),
    ],
)
def test_who_says_so_is_unsure(text: str, unsure: bool) -> None:
    assert is_unsure(Candidate(text)) == unsure
    assert is_unsure(Candidate(text, complete=False))
