"""Fits the map from raw to calibrated logits on rows that the rest of the model did not see."""

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


def calibration_rows(
    labels: Labels, held: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the held-out rows that can calibrate, their shares and their weights.

    Assumed labels join with a small weight, so that everyday asks don't drift off the scale.
    """
    # Changed copies have no token label: their outcomes are those of the originals, counted once.
    rows = np.flatnonzero(held & (labels.weight > 0) & (labels.token_weight > 0))
    measured = labels.measured[rows].max(axis=1)
    share = np.where(measured[:, None], labels.share[rows], expit(labels.logits[rows]))
    pooled = POOLED * share[:, 1] + (1 - POOLED) * share[:, 2]
    share[:, 2] = np.where(labels.measured[rows, 1:].all(axis=1), pooled, share[:, 2])
    easy = expit(labels.logits[rows, 0]) >= EASY_FROM
    assumed = np.where(easy, EASY_SHARE, ASSUMED_SHARE) * np.minimum(labels.weight[rows], 1.0)
    return rows, share, np.where(measured, 1.0, assumed)


@dataclass(frozen=True, slots=True)
class Line:
    """The straight part of the calibration.

    Attributes:
        mixing: Shape ``(rungs, rungs)``: raw logits are multiplied by it.
        lift: Shape ``(rungs,)``: times the probability of an everyday ask.
        shift: Shape ``(rungs,)``.
    """

    mixing: NDArray[np.float64]
    lift: NDArray[np.float64]
    shift: NDArray[np.float64]

    def apply(self, raw: NDArray[np.float64], chat: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the logits, shape ``(n, rungs)``."""
        return np.asarray(raw @ self.mixing + chat[:, None] * self.lift + self.shift)


def calibrate(
    raw: NDArray[np.float64],
    chat: NDArray[np.float64],
    share: NDArray[np.float64],
    weight: NDArray[np.float64],
) -> Line:
    """Return the straight part of the calibration.

    Cross-entropy per rung with a prior on "leave the logits as they are". Every rung reads all three
    raw logits: one factor for all is too stiff (the short rung is overconfident where the others are
    not), and a factor per rung alone bends the uplift between them. All recorded outcomes are of
    tests: without a lift of their own, everyday asks would be drawn to what models reach there.

    Args:
        raw: Uncalibrated logits, shape ``(n, 3)``.
        chat: Probability that the question is an everyday one, shape ``(n,)``.
        share: Mean correctness, shape ``(n, 3)``, NaN when unknown.
        weight: Shape ``(n,)``.
    """
    n_rungs = share.shape[1]
    mixing, lift, shift = np.eye(n_rungs), np.zeros(n_rungs), np.zeros(n_rungs)
    inputs = np.concatenate([raw, chat[:, None]], axis=1)
    for rung in range(n_rungs):
        known = ~np.isnan(share[:, rung])
        if known.any():
            start = np.append(mixing[:, rung], [0.0, 0.0])
            fitted = _fit_logit(inputs[known], share[known, rung], weight[known], start)
            mixing[:, rung], lift[rung], shift[rung] = fitted[:-2], fitted[-2], fitted[-1]
    return Line(mixing, lift, shift)


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
    """A rising line with bends, one per rung: what is left to correct after ``calibrate``.

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
        logits: Output of ``calibrate``, shape ``(n, rungs)``.
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
