"""What each row counts and what it aims at; shared by the fit and the leave-one-out harness."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from classifier.training.dataset import Question

SOURCE_EXPONENT = 0.5
RANK_SHARE = 0.7
LEAST_SPREAD = 0.08
_SMALL = 1e-6


def row_weights(questions: Sequence[Question], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights with mean 1 that keep large sources from drowning small ones."""
    _, source, count = np.unique(
        [question.source for question in questions], return_inverse=True, return_counts=True
    )
    balanced = weight * count[source] ** -SOURCE_EXPONENT
    return np.asarray(balanced / max(float(balanced.mean()), _SMALL))


def ranked_targets(
    questions: Sequence[Question], logits: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return logits plus ``RANK_SHARE`` of their z-score inside the source."""
    targets = logits.copy()
    sources, source = np.unique([question.source for question in questions], return_inverse=True)
    for number in range(sources.size):
        rows = source == number
        spread = logits[rows].std(axis=0)
        if spread[0] > LEAST_SPREAD:
            centred = logits[rows] - logits[rows].mean(axis=0)
            targets[rows] += RANK_SHARE * centred / np.maximum(spread, LEAST_SPREAD)
    return targets
