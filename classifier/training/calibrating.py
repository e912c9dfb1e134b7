"""Fits the map from raw to calibrated logits on rows that the rest of the model did not see."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from classifier.training.labels import Labels

CALIBRATION_PRIOR = 5.0
ASSUMED_SHARE = 0.2


def calibration_rows(
    raw: NDArray[np.float64], labels: Labels, held: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return raw logits, shares and weights of the held-out rows.

    Assumed labels join with a small weight, so that everyday asks don't drift off the scale.
    """
    # Changed copies have no token label: their outcomes are those of the originals, counted once.
    rows = np.flatnonzero(held & (labels.weight > 0) & (labels.token_weight > 0))
    measured = labels.measured[rows].max(axis=1)
    share = np.where(measured[:, None], labels.share[rows], expit(labels.logits[rows]))
    weight = np.where(measured, 1.0, ASSUMED_SHARE * labels.weight[rows])
    return raw[rows], share, weight


def calibrate(
    raw: NDArray[np.float64],
    share: NDArray[np.float64],
    weight: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (mixing, shift): calibrated logits are ``raw @ mixing + shift``.

    Cross-entropy per rung with a prior on "leave the logits as they are". Every rung reads all three
    raw logits: one factor for all is too stiff (the short rung is overconfident where the others are
    not), and a factor per rung alone bends the uplift between them.

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
    return mixing, shift


def _fit_logit(
    raw: NDArray[np.float64],
    share: NDArray[np.float64],
    weight: NDArray[np.float64],
    start: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return factors and summand of a logistic regression on shares, drawn towards ``start``."""
    x = np.concatenate([raw, np.ones((raw.shape[0], 1))], axis=1)

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits, off = x @ parameters, parameters - start
        value = np.sum(weight * (np.logaddexp(0, logits) - share * logits))
        slope = x.T @ (weight * (expit(logits) - share))
        return float(value + CALIBRATION_PRIOR * off @ off), slope + 2 * CALIBRATION_PRIOR * off

    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B").x)
