"""The graph folds what is linear: it still computes what the parts say, step by step."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from scipy.special import softmax

from classifier.training.export import CLIP, Network, Parts, write_onnx

N_DENSE, N_ROWS, N_DOMAINS, N_CODES = 7, 50, 4, 2


def _network(rng: np.random.Generator, *sizes: int) -> Network:
    pairs = list(pairwise(sizes))
    return Network(
        tuple((rng.standard_normal(pair) / 2).astype(np.float32) for pair in pairs),
        tuple(rng.standard_normal(size).astype(np.float32) for _, size in pairs),
    )


def _parts(rng: np.random.Generator, n_topics: int) -> Parts:
    table = rng.standard_normal((N_ROWS, 3 + n_topics + N_CODES)).astype(np.float16)
    table[0] = 0
    success = _network(rng, N_DENSE + 3, 8, 6, 6)
    side_by_side = rng.standard_normal((2, 4, 3)).astype(np.float32)
    success = Network((success.weights[0], side_by_side, success.weights[2]), success.biases)
    return Parts(
        mean=rng.standard_normal(N_DENSE).astype(np.float32),
        scale=rng.uniform(0.1, 2, N_DENSE).astype(np.float32),
        success=success,
        thinking=_network(rng, 3, 5, 1),
        domain=_network(rng, N_DENSE + n_topics, N_DOMAINS),
        table=table,
        gram_share=0.7,
        strange=0.5,
        familiar=4.0,
        calibration=_network(rng, 3, 8, 6),
        token_spread=0.9,
    )


def _forward(network: Network, x: NDArray[np.float64]) -> NDArray[np.float64]:
    for layer, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        if weight.ndim == 3:
            members = np.split(x, len(weight), axis=1)
            x = np.concatenate([m @ w for m, w in zip(members, weight, strict=True)], axis=1) + bias
        else:
            x = x @ weight + bias
        x = np.maximum(x, 0) if layer < len(network.weights) - 1 else x
    return x


@pytest.mark.parametrize("n_topics", [4, 0])
def test_the_graph_computes_what_the_parts_say(tmp_path: Path, n_topics: int) -> None:
    rng = np.random.default_rng(5)
    parts = _parts(rng, n_topics)
    write_onnx(parts, tmp_path / "m.onnx", {})
    dense = (5 * rng.standard_normal((20, N_DENSE))).astype(np.float32)
    grams = rng.integers(1, N_ROWS, (20, 9)) * (rng.random((20, 9)) < 0.6)
    grams[0] = 0
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    logits, log_tokens, domain = session.run(None, {"dense": dense, "grams": grams})

    x = np.clip((dense - parts.mean) / parts.scale, -CLIP, CLIP).astype(np.float64)
    count = np.maximum((grams > 0).sum(axis=1, keepdims=True), 1)
    pooled = parts.table.astype(np.float64)[grams].sum(axis=1) / np.sqrt(count)
    rungs, topics, codes = np.split(pooled, [3, 3 + n_topics], axis=1)
    new, step = np.split(_forward(parts.success, np.concatenate([x, rungs], axis=1)), 2, axis=1)
    length = np.sum(codes**2, axis=1, keepdims=True)
    known = np.clip((length - parts.strange) / (parts.familiar - parts.strange), 0, 1)
    assert (known.min(), known.max()) == (0, 1)
    assert np.any((known > 0) & (known < 1))
    raw = new + known * step + parts.gram_share * rungs
    median = _forward(parts.thinking, raw)
    domains = softmax(_forward(parts.domain, np.concatenate([x, topics], axis=1)), axis=1)
    of_new, added = np.split(_forward(parts.calibration, raw), 2, axis=1)
    assert np.allclose(logits, of_new + known * added, atol=1e-4)
    assert np.allclose(log_tokens, np.hstack([median, median + parts.token_spread]), atol=1e-4)
    assert np.allclose(domain, domains, atol=1e-5)
