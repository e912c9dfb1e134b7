"""Who judges candidates: an LLM judge in the lab, a reward model over real HTTP, and those that need nobody."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NoReturn

import pytest

from policies.ports import Prompt
from policies.types import Candidate, SearchPlan, VerifierPlan
from router.backends.capabilities import CAPABILITIES
from router.backends.direct import Connections
from router.backends.reward import RewardEndpoint, score_url
from router.errors import ForbiddenError
from router.search import Solve
from router.verifiers import Reward
from tests.lab import exact
from tests.lab.backend import LabBackend
from tests.lab.clock import run
from tests.lab.conduct import Faults
from tests.lab.exact import assert_share
from tests.lab.problem import Problem
from tests.lab.solving import Lab, law_of, share_right, trials
from tests.lab.verifier import chance
from tests.loadtest.simulated import simulator

PROBLEM = law_of(Problem(id=1, mu=2.0), 0.5)
JUDGE = VerifierPlan("judge", "judge")
MUTE = replace(CAPABILITIES["vllm"], logprobs=0)


def court(judge: LabBackend) -> Lab:
    return Lab(backends=(judge, LabBackend()))


def judged(
    judge: LabBackend, samples: int = 12
) -> tuple[Solve, list[Candidate], list[float | None]]:
    """Return some candidates and what a judge thinks of them."""
    lab = court(judge)

    async def main() -> tuple[Solve, list[Candidate], list[float | None]]:
        search = lab.search(PROBLEM, SearchPlan("best_of_n", n=samples, verifier=JUDGE))
        found = [await search.model.generate(Prompt(index=i)) for i in range(samples)]
        candidates = [candidate for candidate in found if candidate is not None]
        assert search.value is not None
        return search, candidates, await search.value.score(candidates)

    return run(main())


def test_a_judges_score_is_its_chance_of_saying_yes() -> None:
    _, candidates, scores = judged(LabBackend(name="judge"))
    expected = [chance(PROBLEM, candidate.text, "judge") for candidate in candidates]
    assert scores == pytest.approx(expected, abs=1e-6)


def test_a_judge_without_log_probabilities_is_asked_for_a_rating() -> None:
    _, candidates, scores = judged(LabBackend(name="judge", can=MUTE))
    for candidate, score in zip(candidates, scores, strict=True):
        assert score == (round(1 + 9 * chance(PROBLEM, candidate.text, "judge")) - 1) / 9


def test_a_judge_that_sends_no_log_probabilities_is_taken_at_its_word() -> None:
    _, candidates, scores = judged(LabBackend(name="judge", faults=Faults(logprobs=False)))
    for candidate, score in zip(candidates, scores, strict=True):
        assert score == float(chance(PROBLEM, candidate.text, "judge") > 0.5)


def test_what_a_judge_says_is_on_the_bill_and_is_no_sample() -> None:
    judge = LabBackend(name="judge", records=True)
    search, candidates, _ = judged(judge)
    assert judge.counts.generated == len(candidates)
    usage = search.ledger.usage
    assert usage.completion == 14 * len(candidates) + judge.counts.generated
    assert all(candidate.tokens > 0 for candidate in candidates)
    assert search.ledger.reserved == 0
    assert search.samples == len(candidates)
    assert all(body["max_tokens"] <= 8 and body["temperature"] == 0.0 for body in judge.bodies)


@pytest.mark.parametrize("can", [CAPABILITIES["vllm"], MUTE], ids=["yes or no", "rating"])
def test_a_judge_makes_the_best_of_n_better(can: Any) -> None:
    runs = 120
    lab = court(LabBackend(name="judge", can=can))
    plan = SearchPlan("best_of_n", n=4, verifier=replace(JUDGE, accept=1.0))
    right = share_right(trials(PROBLEM, plan, runs, lab))
    assert right > 0.65 * runs
    if can is not MUTE:
        assert_share(right, runs, exact.best_of_n(0.5, 4, 2.0))


@pytest.mark.parametrize(
    "faults",
    [Faults(refuses=range(999)), Faults(breaks=range(999)), Faults(mute=range(999))],
    ids=["refuses", "breaks off", "mute"],
)
def test_a_judge_that_fails_has_no_opinion(faults: Faults) -> None:
    search, candidates, scores = judged(LabBackend(name="judge", faults=faults))
    assert scores == [None] * len(candidates)
    assert not search.session.refused
    lab = court(LabBackend(name="judge", faults=faults))
    for strategy in ("best_of_n", "weighted_vote"):
        solved = trials(PROBLEM, SearchPlan(strategy, n=6, verifier=JUDGE), 60, lab)
        assert_share(share_right(solved), 60, exact.plurality(PROBLEM.law, 6))


class Locked(LabBackend):
    """A model whose key is wrong."""

    async def complete(self, body: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        raise ForbiddenError(f"{self.name}: the key is wrong")

    async def open(self, body: Mapping[str, Any], timeout_s: float) -> NoReturn:
        raise ForbiddenError(f"{self.name}: the key is wrong")


def test_a_judge_that_refuses_us_does_not_end_the_search() -> None:
    lab = court(Locked(name="judge"))
    solved = trials(PROBLEM, SearchPlan("best_of_n", n=8, verifier=JUDGE), 40, lab)
    assert {each.search.samples for each in solved} == {8}
    assert_share(share_right(solved), 40, exact.plurality(PROBLEM.law, 8))


def test_a_judge_says_what_is_wrong() -> None:
    lab = court(LabBackend(name="judge"))

    async def main(right: float) -> str:
        problem = law_of(Problem(id=2, mu=30.0), right)
        search = lab.search(problem, SearchPlan("self_refine", verifier=JUDGE))
        candidate = await search.model.generate(Prompt())
        assert candidate is not None
        assert search.value is not None
        return await search.value.objection(candidate)

    assert run(main(0.0)) == "There is a mistake."
    assert run(main(1.0)) == "I see no mistake."


@pytest.fixture(scope="module")
def scorer() -> Iterator[str]:
    with simulator("--no-delay") as url:
        yield url


QUESTION = "What is 3 + 4 * 5 - 6 * 2 + 7?"


async def rewarded(url: str, texts: list[str], *, steps: bool = False) -> list[float | None]:
    connections = Connections()
    endpoint = RewardEndpoint("scores", score_url(url), connections, {})
    search = Lab().search(PROBLEM, SearchPlan())
    reward = Reward(endpoint, search.model, replace(search.task, question=QUESTION))
    try:
        return await reward.score([Candidate(text) for text in texts], steps=steps)
    finally:
        await connections.close()


async def test_a_reward_model_scores_over_http(scorer: str) -> None:
    right = [f"Attempt {i}. The answer is 18." for i in range(60)]
    wrong = [f"Attempt {i}. The answer is 19." for i in range(60)]
    scores = await rewarded(f"{scorer}/v1", right + wrong)
    assert all(score is not None and 0.0 <= score <= 1.0 for score in scores)
    liked = sum((score or 0.0) > 0.5 for score in scores[:60])
    assert_share(liked, 60, 0.8413)  # P(N(2, 1) > 1)
    assert_share(sum((score or 0.0) > 0.5 for score in scores[60:]), 60, 0.1587)
    assert await rewarded(scorer, right[:2], steps=True) == scores[:2]


async def test_a_reward_model_that_cannot_be_reached_has_no_opinion() -> None:
    assert await rewarded("http://127.0.0.1:9", ["The answer is 18."] * 3) == [None] * 3


async def test_a_reward_model_that_answers_something_else_has_no_opinion(scorer: str) -> None:
    assert await rewarded(f"{scorer}/nowhere", ["The answer is 18."]) == [None]


SCHEMA: Mapping[str, Any] = {
    "type": "json_schema",
    "json_schema": {
        "name": "point",
        "schema": {
            "type": "object",
            "properties": {"x": {"type": "integer"}},
            "required": ["x"],
        },
    },
}


@pytest.mark.parametrize(
    ("text", "score", "objection"),
    [
        ('{"x": 3}', 1.0, ""),
        ('```json\n{"x": 3}\n```', 1.0, ""),
        ('{"x": "3"}', 0.0, "at x"),
        ('{"y": 3}', 0.0, "'x' is a required property"),
        ("x is 3", 0.0, "not valid JSON"),
    ],
)
def test_a_schema_judges_json(text: str, score: float, objection: str) -> None:
    async def main() -> tuple[list[float | None], str]:
        lab = Lab(body={"response_format": SCHEMA})
        search = lab.search(PROBLEM, SearchPlan("self_refine", verifier=VerifierPlan("schema")))
        assert search.value is not None
        candidate = Candidate(text)
        return await search.value.score([candidate]), await search.value.objection(candidate)

    scores, told = run(main())
    assert scores == [score]
    assert objection in told
    assert bool(told) == (score == 0.0)


@pytest.mark.parametrize("response_format", [None, {"type": "text"}])
def test_without_a_format_there_is_nothing_a_schema_could_judge(response_format: Any) -> None:
    async def main() -> Solve:
        lab = Lab(body={"response_format": response_format})
        search = lab.search(PROBLEM, SearchPlan("self_refine", verifier=VerifierPlan("schema")))
        await search.run()
        return search

    search = run(main())
    assert search.value is None
    assert search.strategy == "single"
    assert search.stop_reason.endswith("single instead of self_refine: no_verifier")


def test_a_surer_answer_is_judged_better() -> None:
    problem = law_of(Problem(id=3, conf=30.0), 0.5)

    async def main() -> list[tuple[bool, float]]:
        plan = SearchPlan("best_of_n", n=12, verifier=VerifierPlan("self_certainty"))
        search = Lab().search(problem, plan)
        found = await asyncio.gather(*(search.model.generate(Prompt(index=i)) for i in range(12)))
        candidates = [candidate for candidate in found if candidate is not None]
        assert search.value is not None
        scores = await search.value.score(candidates)
        truth = f"number:{problem.truth}"
        return [(c.key == truth, s or 0.0) for c, s in zip(candidates, scores, strict=True)]

    scored = run(main())
    assert {right for right, _ in scored} == {True, False}
    assert min(s for right, s in scored if right) > max(s for right, s in scored if not right)


async def test_shares_of_the_crowd_are_the_scores_of_consistency() -> None:
    lab = Lab()
    search = lab.search(PROBLEM, SearchPlan("mcts", verifier=VerifierPlan("consistency")))
    assert search.value is not None
    crowd = [Candidate(str(key), key=key) for key in ("a", "a", "b", None)]
    assert await search.value.score(crowd) == [2 / 3, 2 / 3, 1 / 3, None]
