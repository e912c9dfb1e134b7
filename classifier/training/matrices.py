"""Features of many texts as the matrices scikit-learn reads; the same code as serving computes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from classifier.features import TABLE_ROWS, featurise


@dataclass(frozen=True, slots=True)
class Matrices:
    """Features of ``n`` texts.

    Attributes:
        dense: Shape ``(n, features)``, float32.
        grams: Shape ``(n, TABLE_ROWS)``, sparse; each present row of the table counts
            ``1 / sqrt(number of present rows)``, so long and short texts weigh alike.
    """

    dense: NDArray[np.float32]
    grams: sparse.csr_matrix

    def rows(self, chosen: NDArray[np.int64]) -> "Matrices":
        """Return the chosen rows in the given order."""
        return Matrices(self.dense[chosen], self.grams[chosen])

    def stacked(self, below: "Matrices") -> "Matrices":
        """Return these rows followed by those of another."""
        dense = np.concatenate([self.dense, below.dense])
        return Matrices(dense, sparse.vstack([self.grams, below.grams], format="csr"))


def make_matrices(texts: Sequence[str], advance: Callable[[int], None] | None = None) -> Matrices:
    """Return the features of the texts, one row each.

    Args:
        texts: Any strings.
        advance: Called with the number of texts done since the last call.
    """
    dense, grams, every = [], [], 500
    for number, text in enumerate(texts, 1):
        features = featurise(text)
        dense.append(features.dense)
        grams.append(features.grams)
        if advance is not None and number % every == 0:
            advance(every)
    sizes = np.array([rows.size for rows in grams])
    values = np.repeat(1.0 / np.sqrt(np.maximum(sizes, 1)), sizes).astype(np.float32)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    shape = (len(texts), TABLE_ROWS)
    return Matrices(
        np.stack(dense), sparse.csr_matrix((values, np.concatenate(grams), starts), shape=shape)
    )
