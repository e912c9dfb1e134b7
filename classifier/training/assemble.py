"""Turns fitted estimators into the plain matrices of the graph."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPRegressor

from classifier.training.export import Network, Parts
from classifier.training.fit import Fitted


def parts_of(fitted: Fitted) -> Parts:
    """Return the graph's parts; several perceptrons become one wide one."""
    success, share = fitted.success, 1.0 - fitted.success.gram_share
    table = np.concatenate([success.grams.coef_, fitted.topics.coef_])
    return Parts(
        mean=success.scaler.mean_.astype(np.float32),
        scale=success.scaler.scale_.astype(np.float32),
        success=_merged(
            success.members,
            share * success.spread,
            share * success.centre + success.gram_share * success.grams.intercept_,
        ),
        thinking=_network(fitted.thinking),
        domain=_linear(fitted.domain),
        table=np.ascontiguousarray(table.T.astype(np.float16)),
        gram_share=success.gram_share,
        slope=fitted.slope,
        shift=fitted.shift.astype(np.float32),
        token_spread=fitted.token_spread,
    )


def _network(perceptron: MLPRegressor) -> Network:
    return Network(
        tuple(weight.astype(np.float32) for weight in perceptron.coefs_),
        tuple(bias.astype(np.float32) for bias in perceptron.intercepts_),
    )


def _linear(model: LogisticRegression) -> Network:
    return Network((model.coef_.T.astype(np.float32),), (model.intercept_.astype(np.float32),))


def _merged(
    members: Sequence[MLPRegressor], scale: NDArray[np.float64], offset: NDArray[np.float64]
) -> Network:
    """Return one network whose output is ``scale * mean of the members + offset``.

    The first layers stand side by side, the middle ones on a block diagonal, the last ones are
    stacked and divided by the number of members.
    """
    n_layers = len(members[0].coefs_)
    weights, biases = [], []
    for layer in range(n_layers):
        matrices = [member.coefs_[layer] for member in members]
        vectors = [member.intercepts_[layer] for member in members]
        if layer == n_layers - 1:
            weights.append(np.concatenate(matrices) * scale / len(members))
            biases.append(np.mean(vectors, axis=0) * scale + offset)
            continue
        weights.append(np.concatenate(matrices, axis=1) if layer == 0 else _diagonal(matrices))
        biases.append(np.concatenate(vectors))
    return Network(
        tuple(weight.astype(np.float32) for weight in weights),
        tuple(bias.astype(np.float32) for bias in biases),
    )


def _diagonal(blocks: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    rows = sum(block.shape[0] for block in blocks)
    columns = sum(block.shape[1] for block in blocks)
    whole = np.zeros((rows, columns))
    row = column = 0
    for block in blocks:
        whole[row : row + block.shape[0], column : column + block.shape[1]] = block
        row, column = row + block.shape[0], column + block.shape[1]
    return whole
