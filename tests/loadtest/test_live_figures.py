"""Means, intervals and chance at equal cost, on numbers that can be checked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.asking import Reply
from loadtest.live_figures import Figures, Way, figures, random_at, way_of

PRICES = {"short": 1.0, "distilled": 4.0, "long": 10.0}


def way(name: str, right: list[int], tiers: list[str], policy: str = "") -> Way:
    answers = [
        Reply(tier, 100, is_recorded=True, correct=bool(ok), cost_usd=PRICES.get(tier, 0.0))
        for ok, tier in zip(right, tiers, strict=True)
    ]
    return way_of(name, answers, policy=policy)


SHORT = way("always short", [1, 1, 0, 0, 0, 0, 0, 0], ["short"] * 8)
MIDDLE = way("always distilled", [1, 1, 1, 1, 1, 1, 0, 0], ["distilled"] * 8)
LONG = way("always long", [1] * 7 + [0], ["long"] * 8)
FIXED = [SHORT, MIDDLE, LONG]


def at(usd: float, *points: tuple[float, float]) -> float:
    cost, right = (np.array([values], dtype=np.float64) for values in zip(*points, strict=True))
    return float(random_at(np.array([float(usd)]), cost, right)[0])


def test_chance_is_the_best_mix_that_money_can_buy() -> None:
    points = (1.0, 0.2), (4.0, 0.8), (10.0, 0.9)
    assert at(2.5, *points) == pytest.approx(0.5), "halfway between two"
    assert at(4.0, *points) == pytest.approx(0.8)
    assert at(7.0, *points) == pytest.approx(0.85)
    assert at(99.0, *points) == pytest.approx(0.9), "more than everything buys no more"
    assert at(0.1, *points) == pytest.approx(0.2), "chance cannot be cheaper than the cheapest"


def test_a_tier_below_the_line_between_two_others_is_not_mixed_in() -> None:
    assert at(4.0, (1.0, 0.2), (4.0, 0.3), (10.0, 0.9)) == pytest.approx(0.2 + 0.7 * 3 / 9)
    assert at(10.0, (1.0, 0.9), (4.0, 0.8), (10.0, 0.5)) == pytest.approx(0.9)


@given(
    st.lists(st.tuples(st.integers(0, 10), st.integers(0, 9)), min_size=2, max_size=4),
    st.integers(0, 12),
    st.integers(0, 12),
)
def test_more_money_never_buys_less(points: list[tuple[int, int]], one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert at(low, *points) <= at(high, *points) + 1e-9 or low < min(cost for cost, _ in points)


def test_the_row_of_a_policy() -> None:
    right, tiers = [1, 1, 1, 1, 1, 1, 1, 0], ["short"] * 4 + ["long"] * 3 + [""]
    (found,) = figures([way("ours", right, tiers, "utility")], FIXED)
    assert found.accuracy.mean == pytest.approx(7 / 8)
    assert found.usd.mean == pytest.approx((4 * 1 + 3 * 10) / 8)
    assert found.shares == {"short": 0.5, "distilled": 0.0, "long": 0.375}
    assert found.random == pytest.approx(0.75 + 0.125 * (4.25 - 4) / (10 - 4))
    assert found.gain.mean == pytest.approx(found.accuracy.mean - found.random)
    assert found.accuracy.low < found.accuracy.mean < found.accuracy.high <= 1


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(60):
        draws = [int(x) for x in rng.random(200) < 0.7]
        fixed = way("always short", draws, ["short"] * 200)
        (found,) = figures([fixed], [fixed], draws=300)
        covered += found.accuracy.low <= 0.7 <= found.accuracy.high
    assert 51 <= covered <= 60


def test_a_fixed_tier_gains_nothing_over_chance() -> None:
    for found in figures(FIXED, FIXED):
        assert found.gain.mean == pytest.approx(0, abs=1e-12)


def test_the_same_questions_give_the_same_intervals() -> None:
    once, again = figures(FIXED, FIXED), figures(FIXED, FIXED)
    assert once == again


def test_only_what_nothing_beats_is_undominated() -> None:
    found: list[Figures] = figures(
        [
            way("cheap", [1, 0, 0, 0, 0, 0, 0, 0], ["short"] * 8, "a"),
            way("same, dearer", [1, 0, 0, 0, 0, 0, 0, 0], ["long"] * 8, "a"),
            way("better, dearer", [1, 1, 0, 0, 0, 0, 0, 0], ["distilled"] * 8, "b"),
        ],
        FIXED,
        draws=10,
    )
    assert [each.undominated for each in found] == [True, False, True]
