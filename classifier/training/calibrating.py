"""Fits the map from raw to calibrated logits on rows that the rest of the model did not see.

Two curves, mixed by familiarity. Known kinds of question are calibrated on outcomes. All of these are
of tests, so their curve would draw school sums and everyday asks to what models reach on tests:
kinds without outcomes have a curve of their own, fitted on the rows that look as new as they do.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from classifier.training.labels import Labels

CALIBRATION_PRIOR = 5.0
ASSUMED_SHARE, EASY_SHARE, EASY_FROM = 0.1, 0.3, 0.955
POOLED = 0.5
"""Weight of the distilled reasoners in what the full ones are calibrated on, where both were recorded.

Few models were recorded on either rung: what one of them alone gains on a kind of question is mostly
its own habit. Half and half ranks for a new pair of models better than either rung alone.
"""
KNOTS = (-12.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
BEND_PRIOR, LEAST_SLOPE = 5.0, 0.2


@dataclass(frozen=True, slots=True)
class CalibrationRows:
    """Rows that can calibrate.

    Attributes:
        rows: Which ones, shape ``(n,)``.
        share: Mean correctness per rung, shape ``(n, 3)``, NaN when unknown.
        weight: Where known kinds are calibrated, shape ``(n,)``.
        weight_new: Where kinds without outcomes are: most are everyday asks and school sums, so an
            easy one counts as much as a recorded question.
    """

    rows: NDArray[np.int64]
    share: NDArray[np.float64]
    weight: NDArray[np.float64]
    weight_new: NDArray[np.float64]


def calibration_rows(labels: Labels, held: NDArray[np.bool_]) -> CalibrationRows:
    """Return the held-out rows that can calibrate; assumed labels join with a small weight."""
    # Changed copies have no token label: their outcomes are those of the originals, counted once.
    rows = np.flatnonzero(held & (labels.weight > 0) & (labels.token_weight > 0))
    measured = labels.measured[rows].max(axis=1)
    share = np.where(measured[:, None], labels.share[rows], expit(labels.logits[rows]))
    pooled = POOLED * share[:, 1] + (1 - POOLED) * share[:, 2]
    share[:, 2] = np.where(labels.measured[rows, 1:].all(axis=1), pooled, share[:, 2])
    easy = expit(labels.logits[rows, 0]) >= EASY_FROM
    counted = np.minimum(labels.weight[rows], 1.0)

    def weights(easy_share: float) -> NDArray[np.float64]:
        return np.where(measured, 1.0, np.where(easy, easy_share, ASSUMED_SHARE) * counted)

    return CalibrationRows(rows, share, weights(EASY_SHARE), weights(1.0))


@dataclass(frozen=True, slots=True)
class Line:
    """The straight part of the calibration.

    Attributes:
        mixing: Shape ``(rungs, rungs)``: raw logits are multiplied by it.
        shift: Shape ``(rungs,)``.
    """

    mixing: NDArray[np.float64]
    shift: NDArray[np.float64]

    def apply(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the logits, shape ``(n, rungs)``."""
        return np.asarray(raw @ self.mixing + self.shift)


def fit_line(
    raw: NDArray[np.float64], share: NDArray[np.float64], weight: NDArray[np.float64]
) -> Line:
    """Return the line that fits the shares best, drawn towards "leave the logits as they are".

    Every rung reads all three raw logits: one factor for all is too stiff (the short rung is
    overconfident where the others are not), and a factor per rung alone bends the uplift between
    them.

    Args:
        raw: Uncalibrated logits, shape ``(n, 3)``.
        share: Mean correctness, shape ``(n, 3)``, NaN when unknown.
        weight: Shape ``(n,)``.
    """
    n_rungs = share.shape[1]
    mixing, shift = np.eye(n_rungs), np.zeros(n_rungs)
    for rung in range(n_rungs):
        known = ~np.isnan(share[:, rung])
        if known.any():
            start = np.append(mixing[:, rung], 0.0)
            fitted = _fit_logit(raw[known], share[known, rung], weight[known], start)
            mixing[:, rung], shift[rung] = fitted[:-1], fitted[-1]
    return Line(mixing, shift)


def _fit_logit(
    raw: NDArray[np.float64],
    share: NDArray[np.float64],
    weight: NDArray[np.float64],
    start: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return factors and summand of a logistic regression on shares, drawn towards ``start``."""
    x = np.concatenate([raw, np.ones((raw.shape[0], 1))], axis=1)
    loss = _penalised_loss(x, share, weight, start, CALIBRATION_PRIOR)
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B").x)


@dataclass(frozen=True, slots=True)
class Bend:
    """A rising line with bends, one per rung: what is left to correct after a line.

    Attributes:
        knots: Where the slope changes; the first one lies below every logit.
        slopes: Shape ``(rungs, knots)``: slope from each knot on; all are positive, so no two
            questions change places.
        shift: Shape ``(rungs,)``.
    """

    knots: NDArray[np.float64]
    slopes: NDArray[np.float64]
    shift: NDArray[np.float64]

    def apply(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the bent logits, shape ``(n, rungs)``."""
        above = np.maximum(logits[:, :, None] - self.knots, 0.0)
        steps = np.diff(self.slopes, axis=1, prepend=0.0)
        return np.asarray((above * steps).sum(axis=2) + self.shift)


def fit_bend(
    logits: NDArray[np.float64], share: NDArray[np.float64], weight: NDArray[np.float64]
) -> Bend:
    """Return the bends that fit the shares best, drawn towards the straight line.

    Args:
        logits: What the line makes of the raw ones, shape ``(n, rungs)``.
        share: Mean correctness, NaN when unknown.
        weight: Shape ``(n,)``.
    """
    knots = np.array(KNOTS)
    widths = np.diff(knots, append=np.inf)
    n_rungs = share.shape[1]
    slopes, shift = np.ones((n_rungs, knots.size)), np.full(n_rungs, knots[0])
    for rung in range(n_rungs):
        known = ~np.isnan(share[:, rung])
        if not known.any():
            continue
        pieces = np.clip(logits[known, rung, None] - knots, 0.0, widths)
        x = np.concatenate([pieces, np.ones((pieces.shape[0], 1))], axis=1)
        start = np.append(np.ones(knots.size), knots[0])
        loss = _penalised_loss(x, share[known, rung], weight[known], start, BEND_PRIOR)
        bounds = [(LEAST_SLOPE, None)] * knots.size + [(None, None)]
        fitted = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
        slopes[rung], shift[rung] = fitted[:-1], fitted[-1]
    return Bend(knots, slopes, shift)


@dataclass(frozen=True, slots=True)
class Curve:
    """A rising curve per rung: a line, and bends for what it leaves."""

    line: Line
    bend: Bend

    def apply(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the calibrated logits, shape ``(n, rungs)``."""
        return self.bend.apply(self.line.apply(raw))


def fit_curve(
    raw: NDArray[np.float64], share: NDArray[np.float64], weight: NDArray[np.float64]
) -> Curve:
    """Return the curve that fits the shares best; the arguments are those of ``fit_line``."""
    line = fit_line(raw, share, weight)
    return Curve(line, fit_bend(line.apply(raw), share, weight))


@dataclass(frozen=True, slots=True)
class Calibration:
    """The map from raw to calibrated logits.

    Attributes:
        known: Of known kinds of question.
        new: Of kinds without outcomes.
    """

    known: Curve
    new: Curve

    def apply(self, raw: NDArray[np.float64], familiar: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the calibrated logits, shape ``(n, rungs)``.

        Args:
            raw: Shape ``(n, rungs)``.
            familiar: How familiar each text is, 0 to 1, shape ``(n, 1)``.
        """
        return familiar * self.known.apply(raw) + (1 - familiar) * self.new.apply(raw)


def fit_calibration(
    raw: NDArray[np.float64], familiar: NDArray[np.float64], rows: CalibrationRows
) -> Calibration:
    """Return the calibration.

    Args:
        raw: Uncalibrated logits of the rows, shape ``(n, 3)``.
        familiar: How familiar each of them is, 0 to 1, shape ``(n, 1)``.
        rows: What is known of them.
    """
    known = fit_curve(raw, rows.share, rows.weight)
    return Calibration(known, fit_curve(raw, rows.share, rows.weight_new * (1 - familiar[:, 0])))


def _penalised_loss(
    x: NDArray[np.float64],
    share: NDArray[np.float64],
    weight: NDArray[np.float64],
    start: NDArray[np.float64],
    prior: float,
) -> Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]]:
    """Return cross-entropy with shares plus a pull towards ``start``, and its slope."""

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits, off = x @ parameters, parameters - start
        value = np.sum(weight * (np.logaddexp(0, logits) - share * logits))
        slope = x.T @ (weight * (expit(logits) - share))
        return float(value + prior * off @ off), slope + 2 * prior * off

    return loss
