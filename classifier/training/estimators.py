"""The single scikit-learn estimators: n-gram ridges, thinking tokens, domain."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

from classifier.training.dataset import Question
from classifier.training.export import CLIP
from classifier.training.matrices import Matrices
from classifier.training.targets import row_weights

DOMAINS: tuple[str, ...] = ("math", "code", "logic", "science", "knowledge", "chat")
"""Domains in the order of the artefact's output."""


def standardised(scaler: StandardScaler, dense: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return dense features with mean 0 and deviation 1, kept within +-``CLIP``."""
    scaled = (dense - scaler.mean_.astype(np.float32)) / scaler.scale_.astype(np.float32)
    return np.asarray(np.clip(scaled, -CLIP, CLIP), np.float32)


def fit_grams(
    part: Matrices,
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
    penalty: float,
    *,
    intercept: bool = True,
) -> Ridge:
    """Return a ridge whose coefficients are float16 numbers, as the artefact stores them."""
    ridge = Ridge(penalty, solver="sparse_cg", max_iter=60, tol=1e-2, fit_intercept=intercept)
    ridge.fit(part.grams, targets, sample_weight=weights)
    # Rounded before anything is calibrated on its output, so serving equals scikit-learn.
    ridge.coef_ = ridge.coef_.astype(np.float16).astype(np.float64)
    ridge.coef_[:, 0] = 0.0
    return ridge


def fit_thinking(
    log_tokens: NDArray[np.float64], weights: NDArray[np.float64], raw_logits: NDArray[np.float64]
) -> MLPRegressor:
    """Return a perceptron from uncalibrated rung logits, shape ``(n, 3)``, to log tokens.

    It sees nothing but the logits: tokens were measured on too few questions to learn words from.
    """
    network = MLPRegressor(
        hidden_layer_sizes=(6,), solver="lbfgs", alpha=0.01, max_iter=150, random_state=0
    )
    fit_quietly(network, raw_logits, log_tokens, weights)
    return network


def fit_domain(
    questions: Sequence[Question],
    matrices: Matrices,
    scaler: StandardScaler,
    held: NDArray[np.bool_],
) -> tuple[Ridge, LogisticRegression]:
    """Return topics fitted on one part and the domain fitted on the other.

    On their own training rows the topics would look better than they are.
    """
    domain = np.array(
        [
            DOMAINS.index(q.domain) if q.domain in DOMAINS else DOMAINS.index("chat")
            for q in questions
        ]
    )
    one_hot = np.eye(len(DOMAINS))[domain]
    ones = row_weights(questions, np.ones(len(questions)))
    kept, rest = np.flatnonzero(~held), np.flatnonzero(held)
    # One column less: they sum to one, and eight float16 numbers a row fill a cache line evenly.
    topics = fit_grams(matrices.rows(kept), one_hot[kept, :-1], ones[kept], 1.0)
    x = standardised(scaler, matrices.dense[rest])
    both = np.concatenate([x, matrices.grams[rest] @ topics.coef_.T], axis=1)
    # One imaginary row per domain at the origin: a small set may lack a domain altogether.
    both = np.concatenate([both, np.zeros((len(DOMAINS), both.shape[1]))])
    y = np.concatenate([domain[rest], np.arange(len(DOMAINS))])
    weight = np.concatenate([ones[rest], np.full(len(DOMAINS), 0.01)])
    return topics, LogisticRegression(C=0.3, max_iter=300).fit(both, y, sample_weight=weight)


def domain_shares(
    topics: Ridge, domain: LogisticRegression, scaler: StandardScaler, matrices: Matrices
) -> NDArray[np.float64]:
    """Return the probability of each of ``DOMAINS``, shape ``(n, 6)``."""
    x = standardised(scaler, matrices.dense)
    both = np.concatenate([x, matrices.grams @ topics.coef_.T], axis=1)
    return np.asarray(softmax(domain.decision_function(both), axis=1))


def fit_quietly(
    network: MLPRegressor | MLPClassifier,
    x: NDArray[np.floating[Any]],
    y: NDArray[np.float64] | NDArray[np.int64],
    weights: NDArray[np.float64],
) -> None:
    """Fit for the number of epochs asked; that it could go on is meant, and no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(x, y, sample_weight=weights)
