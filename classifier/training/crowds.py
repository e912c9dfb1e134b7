"""Crowds of perceptrons: several of one kind, averaged; crowds of different kinds are added."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPRegressor

from classifier.training.estimators import fit_quietly
from classifier.training.recipe import Recipe

_SMALL = 1e-6


@dataclass(frozen=True, slots=True)
class Crowd:
    """Perceptrons of one kind; their weighted mean is one summand of the rung logits.

    Attributes:
        members: They predict standardised logits.
        centre: Shape ``(3,)``: undoes the standardising, weighted.
        spread: Shape ``(3,)``: the same.
    """

    members: Sequence[MLPRegressor]
    centre: NDArray[np.float64]
    spread: NDArray[np.float64]

    def predict(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the weighted logits of standardised dense features, shape ``(n, 3)``."""
        mean = np.mean([member.predict(x) for member in self.members], axis=0)
        return np.asarray(mean * self.spread + self.centre)


def fit_crowd(
    x: NDArray[np.float32],
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
    recipe: Recipe,
    *,
    epochs: int,
    share: float,
) -> Crowd:
    """Return perceptrons from standardised dense features to rung logits.

    Args:
        x: Shape ``(n, features)``.
        targets: Shape ``(n, 3)``.
        weights: Shape ``(n,)``.
        recipe: Sizes and strengths.
        epochs: Passes over the data.
        share: Weight of the crowd in the sum of all.
    """
    centre, spread = targets.mean(axis=0), np.maximum(targets.std(axis=0), _SMALL)
    members = [
        MLPRegressor(
            hidden_layer_sizes=recipe.hidden,
            alpha=recipe.decay,
            batch_size=min(256, x.shape[0]),
            max_iter=epochs,
            n_iter_no_change=epochs,
            random_state=seed,
        )
        for seed in range(recipe.members)
    ]
    for member in members:
        fit_quietly(member, x, (targets - centre) / spread, weights)
    return Crowd(members, share * centre, share * spread)
