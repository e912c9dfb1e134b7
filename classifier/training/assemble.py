"""Turns fitted estimators into the plain matrices of the graph."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor

from classifier.training.calibrating import Calibration, Curve
from classifier.training.crowds import Crowd
from classifier.training.export import Network, Parts
from classifier.training.fit import Fitted, Success
from classifier.training.kinds import FAMILIAR, STRANGE


def parts_of(fitted: Fitted) -> Parts:
    """Return the graph's parts; several perceptrons become one wide one."""
    success = fitted.success
    table = np.concatenate([success.grams.coef_, fitted.topics.coef_, success.kinds.coef_])
    members = [
        (member, _new_and_step(crowd) * np.tile(crowd.spread, 2) / len(crowd.members))
        for crowd in success.crowds
        for member in crowd.members
    ]
    offset = np.sum(
        [_new_and_step(crowd) * np.tile(crowd.centre, 2) for crowd in success.crowds], axis=0
    )
    intercept = success.gram_share * success.grams.intercept_
    merged = _merged(members, offset + np.append(intercept, np.zeros_like(intercept)))
    return Parts(
        mean=success.scaler.mean_.astype(np.float32),
        scale=success.scaler.scale_.astype(np.float32),
        success=_on_table(merged, success),
        thinking=_network(fitted.thinking),
        domain=_linear(fitted.domain),
        table=np.ascontiguousarray(table.T.astype(np.float16)),
        gram_share=success.gram_share,
        strange=STRANGE,
        familiar=FAMILIAR,
        calibration=_calibrated(fitted.calibration),
        token_spread=fitted.token_spread,
    )


def _network(perceptron: MLPRegressor) -> Network:
    return Network(
        tuple(weight.astype(np.float32) for weight in perceptron.coefs_),
        tuple(bias.astype(np.float32) for bias in perceptron.intercepts_),
    )


def _linear(model: LogisticRegression) -> Network:
    return Network((model.coef_.T.astype(np.float32),), (model.intercept_.astype(np.float32),))


def _on_table(merged: Network, success: Success) -> Network:
    """Return the network that reads the table's rung columns in place of what the ridge makes of them."""
    n_rungs = success.grams.intercept_.size
    first = merged.weights[0].astype(np.float64)
    scaler = success.gram_scaler
    first[-n_rungs:] /= scaler.scale_[:, None]
    bias = merged.biases[0] + (success.grams.intercept_ - scaler.mean_) @ first[-n_rungs:]
    return Network(
        (first.astype(np.float32), *merged.weights[1:]),
        (bias.astype(np.float32), *merged.biases[1:]),
    )


def _merged(
    members: Sequence[tuple[MLPRegressor | MLPClassifier, NDArray[np.float64]]],
    offset: NDArray[np.float64],
) -> Network:
    """Return one network whose output is ``offset`` plus each member's output times its scale.

    The first layers become one wide one, the middle ones stay side by side, the last are stacked.
    Members that read fewer inputs than others get zero weights for the rest. A scale may be several
    times as long as a member's output, which is then given so often, side by side.
    """
    n_inputs = max(member.n_features_in_ for member, _ in members)
    last = len(members[0][0].coefs_) - 1
    weights, biases = [], []
    for layer in range(last):
        matrices = [member.coefs_[layer] for member, _ in members]
        if layer == 0:
            wide = [np.pad(m, ((0, n_inputs - len(m)), (0, 0))) for m in matrices]
            weights.append(np.concatenate(wide, axis=1))
        else:
            weights.append(np.stack(matrices))
        biases.append(np.concatenate([member.intercepts_[layer] for member, _ in members]))

    def often(outputs: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.tile(outputs, scale.size // outputs.shape[-1]) * scale

    weights.append(np.concatenate([often(m.coefs_[last], scale) for m, scale in members]))
    biases.append(
        offset + np.sum([often(m.intercepts_[last], scale) for m, scale in members], axis=0)
    )
    return Network(
        tuple(weight.astype(np.float32) for weight in weights),
        tuple(bias.astype(np.float32) for bias in biases),
    )


def _new_and_step(crowd: Crowd) -> NDArray[np.float64]:
    """Return a crowd's weight on new texts per rung, then what known kinds add to it."""
    return np.repeat([crowd.share.new, crowd.share.known - crowd.share.new], crowd.spread.size)


def _calibrated(calibration: Calibration) -> Network:
    """Return both curves as one network: the new texts' logits, then what known kinds add to them."""
    (first, bias, known, of_known), (first_new, bias_new, new, of_new) = (
        _neurons(curve) for curve in (calibration.known, calibration.new)
    )
    last = np.block([[np.zeros_like(known), known], [new, -new]])
    return Network(
        (np.hstack([first, first_new]).astype(np.float32), last.astype(np.float32)),
        (
            np.append(bias, bias_new).astype(np.float32),
            np.append(of_new, of_known - of_new).astype(np.float32),
        ),
    )


def _neurons(curve: Curve) -> tuple[NDArray[np.float64], ...]:
    """Return weights and biases of two layers; one neuron per rung and knot, the line folded in."""
    bend, line = curve.bend, curve.line
    n_rungs, n_knots = bend.slopes.shape
    spread = np.kron(np.eye(n_rungs), np.ones((1, n_knots)))
    steps = np.diff(bend.slopes, axis=1, prepend=0.0)
    bias = line.shift @ spread - np.tile(bend.knots, n_rungs)
    return line.mixing @ spread, bias, spread.T * steps.reshape(-1, 1), bend.shift
