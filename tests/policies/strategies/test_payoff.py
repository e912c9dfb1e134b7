"""Where the docstrings recommend a strategy it beats one sample, in the same worlds; what it takes is stated here."""

from dataclasses import dataclass, replace

import pytest

from policies.types import SearchPlan
from router.backends.capabilities import CAPABILITIES
from tests.lab.backend import LabBackend
from tests.lab.problem import Problem
from tests.lab.solving import REWARD, Lab, law_of, share_right, trials

CAN = replace(CAPABILITIES["vllm"], logprobs=2)
LADDER = (LabBackend(name="cheap"), LabBackend(name="dear", lift=0.7, skill={"tokens": 100}))
"""The dear model is right where the cheap one is wrong in 70 of 100 cases, and takes eight times the words."""


@dataclass(frozen=True)
class Case:
    """A difficulty band and what a strategy does there.

    Attributes:
        plan: The strategy.
        problem: One of the band.
        gain: Points by which it beats one sample, at least.
        tokens: Times the tokens of one sample, at most.
        ladder: It has two tiers; one sample is of the dear one.
    """

    plan: SearchPlan
    problem: Problem
    gain: float
    tokens: float
    ladder: bool = False


EASY = law_of(Problem(id=1, distractors=3, dom=0.5), 0.7)
MIDDLING = law_of(Problem(id=2, distractors=3, dom=0.5, mu=2.0), 0.35)
HARD = law_of(Problem(id=3, distractors=3, dom=0.6, mu=2.0), 0.2)
LONG = Problem(id=4, steps=4, p=0.9, tokens=60, rounds=60, fix=0.02, spoil=0.08, think=1)
UNSURE = Problem(id=6, steps=4, p=0.35**0.25, tokens=6, distractors=2, dom=0.7, conf=4.0)
SPOILT = law_of(Problem(id=5, mu=30.0, fix=0.4, spoil=0.3), 0.5)

CASES = {
    "vote": Case(SearchPlan("vote"), EASY, 0.08, 4.8),
    "weighted_vote": Case(SearchPlan("weighted_vote", verifier=REWARD), MIDDLING, 0.25, 8),
    "best_of_n": Case(SearchPlan("best_of_n", n=8, verifier=REWARD), HARD, 0.2, 8),
    "self_refine": Case(SearchPlan("self_refine", verifier=REWARD), SPOILT, 0.25, 2.6),
    "deepconf": Case(SearchPlan("deepconf", n=12), UNSURE, 0.1, 11.5),
    "early_exit": Case(SearchPlan("early_exit"), LONG, 0.1, 0.5),
    "cascade": Case(SearchPlan("cascade"), EASY, 0.0, 0.75, ladder=True),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_it_beats_one_sample_where_it_is_recommended(name: str) -> None:
    case, runs = CASES[name], 100
    lab = Lab(backends=LADDER if case.ladder else (LabBackend(can=CAN),))
    searched = trials(case.problem, case.plan, runs, lab)
    alone = trials(case.problem, SearchPlan(), runs, lab)
    assert share_right(searched) >= share_right(alone) + case.gain * runs
    assert sum(s.tokens for s in searched) <= case.tokens * sum(a.tokens for a in alone)
