"""Writes the fitted parts as one ONNX graph: numbers in, numbers out, no string operator.

Gather and MatMul read the n-gram table, Gemm layers the dense features; both add up to logits. One
ask spends more time on the number of nodes than on arithmetic, so what is linear is folded into the
layer that reads it: standardisation, the lines of the calibration, the spread of tokens.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from scipy.linalg import block_diag

OPSET = 17
IR_VERSION = 9
"""Old enough for every ONNX Runtime that pyproject.toml admits."""

CLIP = 4.0
"""Standardised features are kept within +-this, so that no odd text leaves the trained range."""

_RUNGS = 3
_SIDE_BY_SIDE = 3  # dimensions of the weights of several networks


@dataclass(frozen=True, slots=True)
class Network:
    """A multi-layer perceptron with ReLU between its layers.

    Attributes:
        weights: One ``(inputs, outputs)`` matrix per layer; or ``(members, inputs, outputs)`` where
            several perceptrons stand side by side and none reads what another one wrote.
        biases: One ``(outputs,)`` vector per layer, of all members one after the other.
    """

    weights: tuple[NDArray[np.float32], ...]
    biases: tuple[NDArray[np.float32], ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything the graph is made of.

    Attributes:
        mean: Shape ``(features,)``: subtracted from the dense features.
        scale: Shape ``(features,)``: they are divided by it.
        success: Dense features and the pooled rung logits of the table -> three rung logits of a
            new text, and what is added to them, times its familiarity, where a text is known.
        thinking: Uncalibrated rung logits -> log median of reasoning tokens.
        domain: Dense features and pooled columns from the fourth on -> logits per domain.
        table: Shape ``(rows, 3 + t + c)``, float16: rung logits, then ``t`` columns for the domain,
            then ``c`` of the code that tells known kinds of question.
        gram_share: Weight of the table's rung logits.
        strange: Squared length of the pooled code up to which a text is new.
        familiar: The same from which on it is known.
        calibration: Uncalibrated rung logits -> three calibrated ones of a new text, and what is
            added to them, times its familiarity, where a text is known.
        token_spread: log(p90 / p50) of reasoning tokens.
    """

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    success: Network
    thinking: Network
    domain: Network
    table: NDArray[np.float16]
    gram_share: float
    strange: float
    familiar: float
    calibration: Network
    token_spread: float


class _Graph:
    """Collects nodes and constants under fresh names."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: NDArray[Any]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        output = output or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def split(self, x: str, sizes: tuple[int, int], *, second: str = "") -> tuple[str, str]:
        """Add a cut along the columns into two parts; return their names."""
        outputs = [f"n{len(self.nodes)}", second or f"n{len(self.nodes)}b"]
        inputs = [x, self.constant(np.array(sizes, np.int64))]
        self.nodes.append(helper.make_node("Split", inputs, outputs, axis=1))
        return outputs[0], outputs[1]

    def network(
        self,
        x: str,
        network: Network,
        *,
        summands: Mapping[int, str] | None = None,
        output: str = "",
    ) -> str:
        """Add a network; a summand, computed from something else, is that layer's bias."""
        last = len(network.weights) - 1
        for layer, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
            if weight.ndim == _SIDE_BY_SIDE:
                x = self.side_by_side(x, weight, bias)
            else:
                added = (summands or {}).get(layer) or self.constant(bias)
                name = output if layer == last else ""
                x = self.add("Gemm", x, self.constant(weight), added, output=name)
            if layer < last:
                x = self.add("Relu", x)
        return x

    def side_by_side(self, x: str, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        """Add one layer of every member; a block-diagonal matrix would be mostly zeros."""
        members, inputs, _ = weight.shape
        x = self.add("Reshape", x, self.constant(np.array([-1, members, 1, inputs], np.int64)))
        x = self.add("MatMul", x, self.constant(weight))
        x = self.add("Reshape", x, self.constant(np.array([-1, bias.size], np.int64)))
        return self.add("Add", x, self.constant(bias))


def write_onnx(parts: Parts, path: Path, metadata: dict[str, str]) -> None:
    """Write the graph.

    Inputs ``dense (batch, features) float32`` and ``grams (batch, any) int64`` padded with 0;
    outputs ``logits (batch, 3)``, ``log_tokens (batch, 2)``, ``domain (batch, domains)``.

    Args:
        parts: The fitted parts.
        path: The file; its directory must exist.
        metadata: Strings for the model's ``metadata_props``.
    """
    graph = _Graph()
    x = graph.add("Max", "dense", graph.constant(parts.mean - CLIP * parts.scale))
    x = graph.add("Min", x, graph.constant(parts.mean + CLIP * parts.scale))
    pooled = _add_pooled(graph, parts.table)
    both = graph.add("Concat", x, pooled, axis=1)
    known = _add_familiarity(graph, pooled, parts)
    raw = _add_success(graph, both, pooled, known, parts)
    last = graph.network(raw, _beside(parts.calibration, _with_p90(parts)))
    calibrated, _ = graph.split(last, (2 * _RUNGS, 2), second="log_tokens")
    _add_mixed(graph, calibrated, known, output="logits")
    domain = graph.network(both, _on_raw_inputs(parts.domain, parts, _RUNGS))
    graph.add("Softmax", domain, output="domain", axis=1)
    float_, int_ = TensorProto.FLOAT, TensorProto.INT64
    n_domains = parts.domain.biases[-1].size
    onnx_graph = helper.make_graph(
        graph.nodes,
        "difficulty",
        [
            helper.make_tensor_value_info("dense", float_, ["batch", parts.mean.size]),
            helper.make_tensor_value_info("grams", int_, ["batch", "grams"]),
        ],
        [
            helper.make_tensor_value_info("logits", float_, ["batch", 3]),
            helper.make_tensor_value_info("log_tokens", float_, ["batch", 2]),
            helper.make_tensor_value_info("domain", float_, ["batch", n_domains]),
        ],
        graph.constants,
    )
    model = helper.make_model(
        onnx_graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def _add_pooled(graph: _Graph, table: NDArray[np.float16]) -> str:
    """Add the sum of the text's table rows over the root of their number; return its name."""
    one = graph.constant(np.array([1], np.int64))
    unit = graph.constant(np.array(1, np.float32))
    rows = graph.add("Gather", graph.constant(table), "grams")
    rows = graph.add("Cast", rows, to=TensorProto.FLOAT)
    # Row 0 is all zero, so a product with ones sums the others; it is the fastest sum there is.
    present = graph.add("Min", graph.add("Cast", "grams", to=TensorProto.FLOAT), unit)
    pooled = graph.add("MatMul", graph.add("Unsqueeze", present, one), rows)
    root = graph.add("ReduceL2", present, axes=[1], keepdims=1)
    return graph.add("Div", graph.add("Squeeze", pooled, one), graph.add("Max", root, unit))


def _add_familiarity(graph: _Graph, pooled: str, parts: Parts) -> str:
    """Add how familiar the text is, 0 for new to 1 for a known kind; return its name."""
    n_columns, n_codes = parts.table.shape[1], _n_codes(parts)
    width = np.float32(parts.familiar - parts.strange)
    of_code = np.zeros((n_columns, 1), np.float32)
    of_code[n_columns - n_codes :] = 1 / width
    start = np.array([-parts.strange / width], np.float32)
    squares = graph.add("Mul", pooled, pooled)
    known = graph.add("Gemm", squares, graph.constant(of_code), graph.constant(start))
    bounds = (graph.constant(np.array(bound, np.float32)) for bound in (0, 1))
    return graph.add("Clip", known, *bounds)


def _add_success(graph: _Graph, both: str, pooled: str, known: str, parts: Parts) -> str:
    """Add the uncalibrated rung logits; return their name."""
    n_columns = parts.table.shape[1]
    shares = np.zeros((n_columns, 2 * _RUNGS), np.float32)
    np.fill_diagonal(shares[:_RUNGS], parts.gram_share)
    lift = graph.add("Gemm", pooled, *map(graph.constant, (shares, parts.success.biases[-1])))
    success = _on_raw_inputs(parts.success, parts, 0)
    found = graph.network(both, success, summands={len(success.weights) - 1: lift})
    return _add_mixed(graph, found, known)


def _add_mixed(graph: _Graph, found: str, known: str, *, output: str = "") -> str:
    """Add the first three columns plus, as far as the text is known, the last three."""
    new, step = graph.split(found, (_RUNGS, _RUNGS))
    return graph.add("Add", new, graph.add("Mul", step, known), output=output)


def _n_codes(parts: Parts) -> int:
    """Return the number of columns that neither rungs nor domain read."""
    n_topics = parts.domain.weights[0].shape[0] - parts.mean.size
    return int(parts.table.shape[1] - _RUNGS - n_topics)


def _on_raw_inputs(network: Network, parts: Parts, start: int) -> Network:
    """Return a network that reads dense features as they are and every pooled column.

    Args:
        network: Reads standardised features and, after them, the pooled columns from ``start`` on.
        parts: Mean and scale, which move into the first layer, and the table.
        start: First column that is read; columns that are not read get zero weights.
    """
    n_dense = parts.mean.size
    first = network.weights[0].astype(np.float64)
    weight = np.zeros((n_dense + parts.table.shape[1], first.shape[1]))
    weight[:n_dense] = first[:n_dense] / parts.scale[:, None]
    weight[n_dense + start : start + len(first)] = first[n_dense:]
    return _with_first(network, weight, network.biases[0] - parts.mean @ weight[:n_dense])


def _with_p90(parts: Parts) -> Network:
    """Return the network of the logs of p50 and p90 of reasoning tokens."""
    *weights, weight = parts.thinking.weights
    *biases, bias = parts.thinking.biases
    spread = np.array([0.0, parts.token_spread], np.float32)
    return Network((*weights, np.repeat(weight, 2, axis=1)), (*biases, bias + spread))


def _beside(first: Network, second: Network) -> Network:
    """Return one network for two that read the same and have as many layers: half the nodes.

    Its outputs are those of the first, then those of the second.
    """
    weights = [np.hstack([first.weights[0], second.weights[0]])]
    for ours, theirs in zip(first.weights[1:], second.weights[1:], strict=True):
        weights.append(block_diag(ours, theirs).astype(np.float32))
    return Network(tuple(weights), tuple(map(np.append, first.biases, second.biases)))


def _with_first(network: Network, weight: NDArray[Any], bias: NDArray[Any]) -> Network:
    """Return the network with another first layer."""
    weights = (weight.astype(np.float32), *network.weights[1:])
    return Network(weights, (bias.astype(np.float32), *network.biases[1:]))
