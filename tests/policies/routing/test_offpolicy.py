"""Estimates on logs whose truth is known: who is right when, and when a log must refuse."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.routing.offpolicy import LEAST_EFFECTIVE, Answer, Trial, judge

TIERS = ("short", "distilled", "long")
GAIN = {"short": 0.0, "distilled": 0.3, "long": 0.5}
"""What each tier adds to the success of the cheapest."""


@dataclass(frozen=True)
class World:
    """Requests of hardness x; a logging policy that thinks x below 0.5 is easy; a candidate that draws the line at 0.3.

    Attributes:
        explore: Share of decisions by lot.
        predicted: Multiplies the true success in the predictions; 1 is a right model.
        said: Multiplies the share in the propensities that are logged; 1 is a right log.
    """

    explore: float = 0.3
    predicted: float = 1.0
    said: float = 1.0

    def log(self, n: int, seed: int) -> list[Trial]:
        rng = random.Random(seed)
        return [self._trial(rng) for _ in range(n)]

    def _trial(self, rng: random.Random) -> Trial:
        x = rng.random()
        own = "short" if x < 0.5 else "distilled"
        taken = rng.choice(TIERS) if rng.random() < self.explore else own
        share = self.explore * self.said
        propensity = share / len(TIERS) + (1 - share) * (taken == own)
        wanted = wanted_at(x)
        outcome = float(rng.random() < success(x, taken))
        return Trial(taken, propensity, wanted, self.predicted * success(x, wanted), outcome)


def wanted_at(x: float) -> str:
    return "short" if x < 0.3 else "long"


def success(x: float, tier: str) -> float:
    return (1 - x) * 0.5 + GAIN[tier]


TRUTH = 0.5 * 0.5 + 0.7 * GAIN["long"]
"""Mean success of the candidate: x is uniform, and 0.7 of the requests go to the long tier."""

LOGS, ROWS = 80, 1200


def biases(world: World) -> dict[str, float]:
    """Return how far the mean of each estimate over many logs is from the truth, in its standard errors."""
    answers = [judge(world.log(ROWS, seed)) for seed in range(LOGS)]

    def off(values: Sequence[float]) -> float:
        return (fmean(values) - TRUTH) / (stdev(values) / sqrt(len(values)))

    return {
        "direct": off([a.direct.value for a in answers]),
        "weighted": off([a.weighted.value for a in answers if a.weighted]),
        "doubly_robust": off([a.doubly_robust.value for a in answers if a.doubly_robust]),
    }


def test_all_three_are_right_when_the_model_and_the_propensities_are() -> None:
    assert all(abs(off) < 4 for off in biases(World()).values())


def test_a_wrong_model_misleads_the_direct_method_alone() -> None:
    off = biases(World(predicted=0.7))
    assert off["direct"] < -20
    assert abs(off["weighted"]) < 4
    assert abs(off["doubly_robust"]) < 4


def test_wrong_propensities_mislead_the_weighted_estimate_alone() -> None:
    off = biases(World(said=0.4))
    assert abs(off["weighted"]) > 6
    assert abs(off["direct"]) < 4
    assert abs(off["doubly_robust"]) < 4


def test_both_wrong_mislead_all() -> None:
    assert all(abs(off) > 6 for off in biases(World(predicted=0.7, said=0.4)).values())


@pytest.mark.parametrize("name", ["weighted", "doubly_robust"])
def test_intervals_hold_the_truth_as_often_as_they_say(name: str) -> None:
    answers = [judge(World(predicted=0.9).log(ROWS, 1000 + seed)) for seed in range(LOGS)]
    intervals = [getattr(a, name).interval for a in answers]
    share = fmean(low <= TRUTH <= high for low, high in intervals)
    assert 0.88 <= share <= 1.0
    errors = [getattr(a, name).error for a in answers]
    spread = stdev(getattr(a, name).value for a in answers)
    assert fmean(errors) == pytest.approx(spread, rel=0.3), "wide for no reason, or too narrow"


def test_the_change_is_measured_on_the_same_decisions() -> None:
    answer = judge(World().log(5000, 7))
    assert answer.change is not None
    assert answer.doubly_robust is not None
    assert answer.logged is not None
    assert answer.change.value == pytest.approx(answer.doubly_robust.value - answer.logged.value)
    # The log: 0.7 as its policy, 0.3 by lot.
    own = 0.5 * 0.5 + 0.5 * GAIN["distilled"]
    lots = 0.25 + fmean(GAIN.values())
    assert abs(answer.change.value - (TRUTH - 0.7 * own - 0.3 * lots)) < 4 * answer.change.error


def test_a_model_that_predicts_well_narrows_the_interval() -> None:
    log = World().log(4000, 3)
    blind = [replace(t, predicted=0.0) for t in log]
    wide, narrow = judge(blind).doubly_robust, judge(log).doubly_robust
    assert wide is not None
    assert narrow is not None
    assert narrow.error < 0.8 * wide.error


def refused(trials: Sequence[Trial], words: str) -> Answer:
    answer = judge(trials)
    assert words in " ".join(answer.refusals)
    assert (answer.weighted, answer.doubly_robust, answer.change) == (None, None, None)
    return answer


def test_a_log_without_lots_says_nothing_but_the_prediction() -> None:
    answer = refused(World(explore=0.0).log(500, 1), "set routing.explore")
    assert answer.direct.value == pytest.approx(TRUTH, abs=0.05)
    assert answer.logged is not None


def test_a_log_without_lots_is_enough_for_a_candidate_that_decides_the_same() -> None:
    log = [replace(t, wanted=t.taken) for t in World(explore=0.0).log(500, 1)]
    answer = judge(log)
    assert answer.refusals == ()
    assert answer.weighted is not None
    assert answer.logged is not None
    assert answer.weighted.value == pytest.approx(answer.logged.value)
    assert answer.effective == 500


def test_a_log_without_verdicts_refuses() -> None:
    unjudged = [replace(t, outcome=None) for t in World().log(500, 1)]
    assert refused(unjudged, "POST /v1/feedback").logged is None


def test_a_tier_that_was_never_taken_is_named_with_its_share() -> None:
    log = [t for t in World().log(800, 1) if t.taken != "long"]
    refused(log, "% to long, which was never taken")


def test_too_little_evidence_is_refused_and_said_in_numbers() -> None:
    answer = refused(World().log(60, 5), "it takes 50")
    assert 0 < answer.effective < LEAST_EFFECTIVE


def test_decisions_without_lots_do_not_count_beside_those_with() -> None:
    """Half of the log is from before lots were drawn; what agreed there would be picked by the candidate's taste."""
    old, new = World(explore=0.0).log(2000, 1), World().log(2000, 2)
    both, alone = judge([*old, *new]), judge(new)
    assert (both.weighted, both.doubly_robust) == (alone.weighted, alone.doubly_robust)


@given(
    st.lists(st.tuples(st.sampled_from(TIERS), st.sampled_from(TIERS), st.booleans()), min_size=1)
)
def test_uniform_lots_weigh_every_match_alike(rows: list[tuple[str, str, bool]]) -> None:
    trials = [Trial(taken, 1 / 3, wanted, 0.5, float(right)) for taken, wanted, right in rows]
    matches = [t.outcome for t in trials if t.taken == t.wanted and t.outcome is not None]
    answer = judge(trials)
    assert answer.effective == pytest.approx(len(matches))
    if answer.weighted is not None:
        assert answer.weighted.value == pytest.approx(fmean(matches))
