"""Says in words what moved a score: each feature against a typical text, one at a time."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.features import FEATURE_NAMES, HALF_TABLE, Features

LEAST_EFFECT = 0.02
"""Effects on the logit of difficulty below this are left out: nobody could see them in a score."""

Evaluate = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float64]]
"""Dense rows and padded n-gram rows -> difficulty logit per row, positive is harder."""


@dataclass(frozen=True, slots=True)
class Typical:
    """What features are compared with.

    Attributes:
        dense: Shape ``(features,)``, float32: mean over the training texts.
    """

    dense: NDArray[np.float32]


def effects(features: Features, typical: Typical, evaluate: Evaluate) -> list[tuple[str, float]]:
    """Return (feature in words, effect on the difficulty logit), strongest first.

    Each dense feature is set to its typical value, and the known words and character sequences are
    taken away in turn; the effect is the score as it is minus the score without it. Effects do not
    add up to the score, for the features act together.

    Args:
        features: Of the text.
        typical: What to compare with.
        evaluate: The model.
    """
    n_dense = features.dense.size
    dense = np.tile(features.dense, (n_dense + 3, 1))
    dense[np.arange(n_dense), np.arange(n_dense)] = typical.dense
    width = max(features.grams.size, 1)
    grams = np.zeros((n_dense + 3, width), np.int64)
    grams[:, : features.grams.size] = features.grams
    is_word = grams[0] < HALF_TABLE
    grams[n_dense, is_word] = 0
    grams[n_dense + 1, ~is_word] = 0
    logits = evaluate(dense, grams)
    named = [*FEATURE_NAMES, "known words and word pairs", "known character sequences"]
    found = [(name, round(float(logits[-1] - logits[row]), 3)) for row, name in enumerate(named)]
    strong = [(name, effect) for name, effect in found if abs(effect) >= LEAST_EFFECT]
    return sorted(strong, key=lambda pair: -abs(pair[1]))
