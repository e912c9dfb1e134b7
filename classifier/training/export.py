"""Writes the fitted parts as one ONNX graph: numbers in, numbers out, no string operator.

Gather and MatMul read the n-gram table, Gemm layers the dense features; both add up to logits.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 9
"""Old enough for every ONNX Runtime that pyproject.toml admits."""

CLIP = 4.0
"""Standardised features are kept within +-this, so that no odd text leaves the trained range."""

_SIDE_BY_SIDE = 3


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
        success: Dense features -> three rung logits.
        thinking: Uncalibrated rung logits -> log median of reasoning tokens.
        domain: Dense features and pooled table columns -> logits per domain.
        table: Shape ``(rows, 3 + k)``, float16: rung logits, then ``k`` columns for the domain.
        gram_share: Weight of the table's rung logits.
        mixing: Shape ``(3, 3)``: calibration: raw logits are multiplied by it.
        lift: Shape ``(domains, 3)``: calibration: what the domain adds.
        shift: Shape ``(3,)``: calibration: one summand per rung.
        bend: Calibration: calibrated logits as it leaves them.
        token_spread: log(p90 / p50) of reasoning tokens.
    """

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    success: Network
    thinking: Network
    domain: Network
    table: NDArray[np.float16]
    gram_share: float
    mixing: NDArray[np.float32]
    lift: NDArray[np.float32]
    shift: NDArray[np.float32]
    bend: Network
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

    def network(self, x: str, network: Network, *, output: str = "") -> str:
        last = len(network.weights) - 1
        for layer, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
            if weight.ndim == _SIDE_BY_SIDE:
                x = self.side_by_side(x, weight, bias)
            else:
                name = output if layer == last else ""
                x = self.add("Gemm", x, self.constant(weight), self.constant(bias), output=name)
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
    one = graph.constant(np.array([1], np.int64))
    last = graph.constant(np.array([-1], np.int64))
    unit = graph.constant(np.array(1, np.float32))
    x = graph.add("Sub", "dense", graph.constant(parts.mean))
    x = graph.add("Div", x, graph.constant(parts.scale))
    limits = [graph.constant(np.array(limit, np.float32)) for limit in (-CLIP, CLIP)]
    x = graph.add("Clip", x, *limits)
    rows = graph.add("Gather", graph.constant(parts.table), "grams")
    # Row 0 is all zero, so a product with ones sums the others; it is the fastest sum there is.
    present = graph.add("Min", graph.add("Cast", "grams", to=TensorProto.FLOAT), unit)
    rows = graph.add("Cast", rows, to=TensorProto.FLOAT)
    pooled = graph.add("MatMul", graph.add("Unsqueeze", present, one), rows)
    pooled = graph.add("Squeeze", pooled, one)
    count = graph.add("Max", graph.add("ReduceSum", present, last, keepdims=1), unit)
    pooled = graph.add("Div", pooled, graph.add("Sqrt", count))
    widths = graph.constant(np.array([3, parts.table.shape[1] - 3], np.int64))
    graph.nodes.append(helper.make_node("Split", [pooled, widths], ["lift", "topic"], axis=1))
    lift = graph.add("Mul", "lift", graph.constant(np.array(parts.gram_share, np.float32)))
    raw = graph.add("Add", graph.network(x, parts.success), lift)
    spread = graph.constant(np.array([[0.0, parts.token_spread]], np.float32))
    graph.add("Add", graph.network(raw, parts.thinking), spread, output="log_tokens")
    both = graph.add("Concat", x, "topic", axis=1)
    graph.add("Softmax", graph.network(both, parts.domain), output="domain", axis=1)
    straight = graph.add("Gemm", raw, graph.constant(parts.mixing), graph.constant(parts.shift))
    lifted = graph.add("MatMul", "domain", graph.constant(parts.lift))
    graph.network(graph.add("Add", straight, lifted), parts.bend, output="logits")
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
