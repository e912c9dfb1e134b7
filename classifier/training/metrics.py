"""Numbers that say how good scores are: ECE, AUC, APGR. Pure; knows no file and no model."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import rankdata

from classifier.training.dataset import Outcomes, Question
from classifier.training.estimators import DOMAINS
from classifier.training.labels import rung_means
from classifier.types import RUNGS

N_BINS = 10
_NOTHING = 1e-12
_MOSTLY_RIGHT = 0.5


def expected_calibration_error(
    predicted: NDArray[np.float64], observed: NDArray[np.float64], *, n_bins: int = N_BINS
) -> float:
    """Return the expected calibration error, in [0, 1]; 0 is perfect.

    Equal-width bins; empty bins weigh nothing (Guo et al. 2017, eq. 3).

    Args:
        predicted: Probabilities, shape ``(n,)``.
        observed: Outcomes or shares in [0, 1], shape ``(n,)``.
        n_bins: Bins over [0, 1]; at least 1.

    Raises:
        ValueError: If the shapes differ or there is nothing to measure.
    """
    if predicted.shape != observed.shape or predicted.size == 0:
        raise ValueError(f"shapes {predicted.shape} and {observed.shape}; pair at least one")
    bins = np.minimum((predicted * n_bins).astype(int), n_bins - 1)
    gap = np.bincount(bins, predicted - observed, n_bins)
    return float(np.abs(gap).sum() / predicted.size)


def auc(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Return the probability that a positive scores above a negative; ties count half.

    NaN when one of the two kinds is missing.
    """
    n_positive = int(positive.sum())
    n_negative = positive.size - n_positive
    if n_positive == 0 or n_negative == 0:
        return float("nan")
    ranks = rankdata(score)
    return float(
        (ranks[positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)
    )


def recovered_gap(
    score: NDArray[np.float64], weak: NDArray[np.float64], strong: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the share of the weak-strong gap recovered with k strong calls, k = 0 ... n.

    The k questions with the highest score go to the strong model (RouteLLM, arXiv 2406.18665,
    section 2); equal scores share their gain evenly, so order in the file gives no advantage.
    NaN throughout when both models are equally good.
    """
    gain = strong - weak
    total = gain.sum()
    if score.size == 0 or abs(total) < _NOTHING:
        return np.full(score.size + 1, np.nan)
    _, group = np.unique(-score, return_inverse=True)
    mean_gain = np.bincount(group, gain) / np.bincount(group)
    curve = np.concatenate([[0.0], np.cumsum(mean_gain[np.sort(group)])])
    return np.asarray(curve / total)


def apgr(
    score: NDArray[np.float64], weak: NDArray[np.float64], strong: NDArray[np.float64]
) -> float:
    """Return the average performance gap recovered; 0.5 is random, RouteLLM eq. 6 in the limit."""
    curve = recovered_gap(score, weak, strong)
    return float(np.trapezoid(curve, dx=1.0 / max(score.size, 1)))


def call_share_for(curve: NDArray[np.float64], target: float) -> float:
    """Return CPT: the least share of strong calls that recovers ``target`` of the gap."""
    reached = np.flatnonzero(curve >= target - _NOTHING)
    return float(reached[0] / max(curve.size - 1, 1)) if reached.size else 1.0


def rung_metrics(outcomes: Outcomes, p_solve: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Return count, calibration error and AUC per rung, over the questions that have both.

    Args:
        outcomes: Of ``n`` questions.
        p_solve: Shape ``(n, 3)``; NaN where a question has no score.
    """
    share, count = rung_means(outcomes, len(p_solve))
    rungs: dict[str, dict[str, float]] = {}
    for rung, name in enumerate(RUNGS):
        known = (count[:, rung] > 0) & ~np.isnan(p_solve[:, rung])
        if known.any():
            p, seen = p_solve[known, rung], share[known, rung]
            rungs[name] = {
                "n": int(known.sum()),
                "ece": round(expected_calibration_error(p, seen), 4),
                "auc_mostly_wrong": round(auc(-p, seen < _MOSTLY_RIGHT), 4),
            }
    return rungs


def dev_metrics(
    questions: Sequence[Question],
    outcomes: Outcomes,
    logits: NDArray[np.float64],
    domains: NDArray[np.float64],
) -> dict[str, object]:
    """Return what the model card reports: calibration per rung, AUC, domain accuracy."""
    truth = np.array([DOMAINS.index(q.domain) if q.domain in DOMAINS else -1 for q in questions])
    return {
        "rungs": rung_metrics(outcomes, expit(logits)),
        "domain_accuracy": round(float((domains.argmax(axis=1) == truth).mean()), 4),
    }
