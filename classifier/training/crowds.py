"""Crowds of perceptrons: several of one kind, averaged; crowds of different kinds are added.

Two kinds of lesson. *Logits* are learned with squared error from blurred copies of the features: the
blur keeps a perceptron from leaning on any one of them, which pays on questions of unseen sources.
*Shares* of right answers are learned with cross-entropy, so that an error counts where success is
open and not between 98 and 99 per cent; that, and sharp features, tell known kinds of question apart.

A perceptron's weights are their mean over the last two thirds of its training (stochastic weight
averaging). Where the last steps happen to end says much about texts of no known kind, and the mean
of a path is steadier than its end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils import check_random_state

from classifier.training.recipe import Recipe, Share

_SMALL = 1e-6
_SURE = 1e-9

Floats = NDArray[np.float64]
Inputs = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Crowd:
    """Perceptrons of one kind; their mean is one summand of the rung logits.

    Attributes:
        members: They read the first of the standardised inputs, as many as they were fitted on, and
            give standardised logits.
        centre: Shape ``(3,)``: undoes the standardising.
        spread: Shape ``(3,)``: the same.
        share: Weight in the sum of all crowds.
    """

    members: Sequence[MLPRegressor | MLPClassifier]
    centre: Floats
    spread: Floats
    share: Share

    def predict(self, inputs: Inputs) -> Floats:
        """Return the logits, shape ``(n, 3)``, of standardised inputs."""
        n_inputs = self.members[0].n_features_in_
        mean = np.mean([_outputs(member, inputs[:, :n_inputs]) for member in self.members], axis=0)
        return np.asarray(mean * self.spread + self.centre)


def learn_logits(
    inputs: Inputs,
    targets: Floats,
    weights: Floats,
    recipe: Recipe,
    *,
    epochs: int,
    share: Share,
) -> Crowd:
    """Return perceptrons from standardised inputs to rung logits.

    Args:
        inputs: Shape ``(n, features)``.
        targets: Logits, shape ``(n, 3)``.
        weights: Shape ``(n,)``.
        recipe: Sizes and strengths.
        epochs: Passes over all views of the data.
        share: Weight of the crowd in the sum of all.
    """
    centre, spread = targets.mean(axis=0), np.maximum(targets.std(axis=0), _SMALL)
    scaled = np.tile((targets - centre) / spread, (recipe.views, 1))
    members = []
    for seed in _seeds(recipe):
        member = MLPRegressor(alpha=recipe.decay, **_options(recipe, len(scaled), seed))
        blurred = _blurred(inputs, recipe, np.random.default_rng(seed))
        _train(member, blurred, scaled, np.tile(weights, recipe.views), epochs)
        members.append(member)
    return Crowd(members, centre, spread, share)


def learn_shares(
    inputs: Inputs,
    shares: Floats,
    weights: Floats,
    recipe: Recipe,
    *,
    epochs: int,
    share: Share,
) -> Crowd:
    """Return perceptrons from standardised inputs to the logits of shares of right answers.

    A share is shown as that share of rights among several views of its row, since scikit-learn's
    classifier takes only rights and wrongs. The arguments are those of ``learn_logits``, with
    ``shares`` in [0, 1], shape ``(n, 3)``.
    """
    repeated = np.tile(inputs, (recipe.views, 1))
    members = []
    for seed in _seeds(recipe):
        rng = np.random.default_rng(seed)
        marks = (
            np.arange(recipe.views)[:, None, None] + rng.random((len(inputs), 1))
        ) / recipe.views
        right = (shares > marks).reshape(-1, shares.shape[1]).astype(np.int64)
        member = MLPClassifier(alpha=recipe.share_decay, **_options(recipe, len(right), seed))
        _train(member, repeated, right, np.tile(weights, recipe.views), epochs)
        members.append(member)
    return Crowd(members, np.zeros(shares.shape[1]), np.ones(shares.shape[1]), share)


def _seeds(recipe: Recipe) -> range:
    """Return a seed per member; those of two recipes' seeds are all different."""
    return range(recipe.seed * recipe.members, (recipe.seed + 1) * recipe.members)


def _options(recipe: Recipe, n_rows: int, seed: int) -> dict[str, Any]:
    """Return what all perceptrons are made with, of either kind."""
    return {
        "hidden_layer_sizes": recipe.hidden,
        "batch_size": min(256, n_rows),
        # A generator and no number, or every pass would see the rows in the same order.
        "random_state": check_random_state(seed),
    }


def _train(
    member: MLPRegressor | MLPClassifier,
    inputs: Inputs,
    targets: Floats | NDArray[np.int64],
    weights: Floats,
    epochs: int,
) -> None:
    """Run the passes; leave the mean of the weights after each of the last two thirds."""
    classes = {"classes": np.arange(targets.shape[1])} if isinstance(member, MLPClassifier) else {}
    first = epochs // 3
    means: list[Floats] = []
    for epoch in range(epochs):
        member.partial_fit(inputs, targets, sample_weight=weights, **classes)
        if epoch >= first:
            found = [part / (epochs - first) for part in (*member.coefs_, *member.intercepts_)]
            means = [a + b for a, b in zip(means, found, strict=True)] if means else found
    n_layers = len(member.coefs_)
    member.coefs_, member.intercepts_ = means[:n_layers], means[n_layers:]


def _blurred(inputs: Inputs, recipe: Recipe, rng: np.random.Generator) -> Inputs:
    """Return the inputs, then further views of them: with noise, and some set to their mean."""
    views = [inputs]
    for _ in range(recipe.views - 1):
        view = inputs + recipe.noise * rng.standard_normal(inputs.shape, dtype=np.float32)
        view[rng.random(inputs.shape, dtype=np.float32) < recipe.masked] = 0.0
        views.append(view.astype(np.float32, copy=False))
    return np.concatenate(views)


def _outputs(member: MLPRegressor | MLPClassifier, inputs: Inputs) -> Floats:
    """Return what the last layer gives before any squashing, shape ``(n, 3)``."""
    if isinstance(member, MLPRegressor):
        return np.asarray(member.predict(inputs), np.float64)
    shares = member.predict_proba(inputs.astype(np.float64))
    return np.asarray(logit(np.clip(shares, _SURE, 1 - _SURE)))
