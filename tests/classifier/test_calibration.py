"""Calibration: shifts move probabilities the right way and are found again from outcomes."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from classifier.calibration import context_shift, fit_ability_shift, logit, shifted, sigmoid
from classifier.training.calibrating import (
    ASSUMED_SHARE,
    EASY_SHARE,
    CalibrationRows,
    calibration_rows,
    fit_bend,
    fit_calibration,
    fit_line,
)
from classifier.training.labels import Labels
from classifier.training.metrics import expected_calibration_error
from classifier.types import Ask

probabilities = st.floats(0.001, 0.999)


@given(st.floats(0.01, 0.99), st.floats(-3, 3))
def test_shifting_there_and_back_changes_nothing(p: float, shift: float) -> None:
    assert shifted(shifted(p, shift), -shift) == pytest.approx(p, abs=1e-6)


@given(probabilities, st.floats(0.01, 3))
def test_a_stronger_model_solves_more(p: float, shift: float) -> None:
    assert shifted(p, shift) > p > shifted(p, -shift)


def test_logit_and_sigmoid_stay_finite_at_the_ends() -> None:
    assert sigmoid(logit(0.0)) == pytest.approx(0.0001, abs=1e-4)
    assert sigmoid(logit(1.0)) == pytest.approx(0.9999, abs=1e-4)


def test_the_ability_of_a_model_is_found_from_its_outcomes() -> None:
    rng = random.Random(5)
    p_solve = [rng.uniform(0.05, 0.95) for _ in range(2_000)]
    correct = [float(rng.random() < shifted(p, -0.8)) for p in p_solve]
    shift, error = fit_ability_shift(p_solve, correct)
    assert shift == pytest.approx(-0.8, abs=3 * error)
    assert 0.02 < error < 0.1


def test_without_outcomes_a_model_is_typical_of_its_rung() -> None:
    assert fit_ability_shift([], []) == (0.0, 2.0)


def test_unpaired_outcomes_are_refused() -> None:
    with pytest.raises(ValueError, match="2 predictions but 1 outcomes"):
        fit_ability_shift([0.5, 0.5], [1.0])


def test_a_plain_first_ask_is_not_shifted_and_context_only_makes_harder() -> None:
    assert context_shift(Ask("x")) == 0.0
    assert context_shift(Ask("x", n_turns=3)) < 0.0
    assert context_shift(Ask("x", has_tools=True, has_images=True)) < context_shift(
        Ask("x", n_turns=2)
    )


def _overconfident(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return raw logits of three rungs, and shares that follow a bent, flatter curve."""
    rng = np.random.default_rng(8)
    raw = rng.normal(0.5, 2.0, (count, 3))
    truth = expit(np.where(raw > 0, 0.4 * raw, raw))
    return raw, (rng.random((count, 3)) < truth).astype(float)


def test_line_and_bend_mend_what_a_line_alone_cannot() -> None:
    raw, share = _overconfident(6_000)
    weight = np.ones(6_000)
    straight = fit_line(raw, share, weight).apply(raw)
    bent = fit_bend(straight, share, weight).apply(straight)
    for rung in range(3):
        errors = [
            expected_calibration_error(expit(logits[:, rung]), share[:, rung])
            for logits in (raw, straight, bent)
        ]
        assert errors[2] < 0.02 < errors[0]
        assert errors[2] <= errors[1]


def test_a_bend_never_swaps_two_questions() -> None:
    raw, share = _overconfident(2_000)
    bend = fit_bend(raw, share, np.ones(2_000))
    for rung in range(3):
        order = np.argsort(raw[:, rung])
        assert (np.diff(bend.apply(raw)[order, rung]) > 0).all()


def _rows(share: np.ndarray) -> CalibrationRows:
    """Return rows of one weight."""
    ones = np.ones(len(share))
    return CalibrationRows(np.arange(len(share)), share, ones, ones)


def test_without_outcomes_the_calibration_leaves_logits_alone() -> None:
    raw = np.array([[-3.0, 0.2, 4.0], [0.1, 0.3, 0.2]])
    familiar = np.array([[1.0], [0.4]])
    calibration = fit_calibration(raw, familiar, _rows(np.full((2, 3), np.nan)))
    assert np.allclose(calibration.apply(raw, familiar), raw)


def test_new_kinds_are_not_drawn_to_what_models_reach_on_tests() -> None:
    raw, share = _overconfident(4_000)
    familiar = (np.arange(4_000)[:, None] % 4 > 0).astype(float)
    new = familiar[:, 0] == 0
    share[new] = expit(raw[new])  # the scale of the labels
    calibration = fit_calibration(raw, familiar, _rows(share))
    errors = np.abs(expit(calibration.apply(raw, familiar)) - expit(raw))
    assert errors[new].max() < 0.02
    assert errors[~new].max() > 0.1
    halfway = calibration.apply(raw[:1], np.array([[0.5]]))
    ends = [calibration.apply(raw[:1], np.array([[end]])) for end in (0.0, 1.0)]
    assert np.allclose(halfway, np.mean(ends, axis=0))


def test_easy_labels_count_in_full_where_nothing_was_recorded() -> None:
    logits = np.array([[4.0] * 3, [1.0] * 3, [0.5] * 3])
    measured = np.array([[False] * 3, [False] * 3, [True] * 3])
    one = np.ones(3)
    labels = Labels(
        np.zeros(3, np.int8), logits, one, measured, np.full((3, 3), 0.4), one, one, 0.9
    )
    rows = calibration_rows(labels, np.ones(3, np.bool_))
    assert rows.weight.tolist() == [EASY_SHARE, ASSUMED_SHARE, 1.0]
    assert rows.weight_new.tolist() == [1.0, ASSUMED_SHARE, 1.0]
