"""Training end to end on an invented world: the graph equals scikit-learn, the card tells the truth."""

import gzip
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from scipy.special import expit

from classifier.scorer import Scorer, padded
from classifier.training import DataError
from classifier.training.assemble import parts_of
from classifier.training.dataset import normalised_model, read_outcomes, read_questions
from classifier.training.export import write_onnx
from classifier.training.fit import fit
from classifier.training.labels import make_labels
from classifier.training.matrices import make_matrices
from classifier.types import Ask
from tests.classifier.conftest import Trained

PIECES = [
    "17",
    "Prove",
    "的",
    "首都",
    "😀",
    "f(x)",
    "\n",
    "αβγ",
    "def",
    "the",
    "$x^2$",
    "é",
    "Пусть",
    "?",
]


def _varied_texts(count: int) -> list[str]:
    rng = np.random.default_rng(11)
    texts = ["", "\x00", "x" * 1_000_000, "证明 😀 def f(x): " * 70_000, "\ufdfa" * 300_000]
    texts += [" ".join(rng.choice(PIECES, rng.integers(1, 90))) for _ in range(count)]
    return texts


def test_the_graph_equals_scikit_learn(trained: Trained, tmp_path: Path) -> None:
    questions = read_questions(trained.questions)
    outcomes = read_outcomes(trained.outcomes, questions)
    taught = make_matrices([question.prompt for question in questions])
    fitted = fit(questions, make_labels(questions, outcomes), taught, trained.recipe)
    write_onnx(parts_of(fitted), tmp_path / "m.onnx", {})
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    matrices = make_matrices(_varied_texts(5_000))
    grams = np.split(matrices.grams.indices.astype(np.int64), matrices.grams.indptr[1:-1])
    parts = []
    for start in range(0, len(grams), 500):
        feed = {"dense": matrices.dense[start : start + 500]}
        parts.append(session.run(None, feed | {"grams": padded(grams[start : start + 500])}))
    logits, tokens, domain = (np.concatenate(outputs) for outputs in zip(*parts, strict=True))
    assert logits.shape == (5_005, 3)
    assert np.abs(expit(logits) - expit(fitted.logits(matrices))).max() < 1e-4
    assert np.abs(tokens - fitted.log_tokens(matrices)).max() < 1e-3
    assert np.abs(domain - fitted.domains(matrices)).max() < 1e-4
    assert np.std(logits[:, 0]) > 0.05


def test_a_trained_artefact_tells_hard_from_easy(trained: Trained) -> None:
    scorer = Scorer.load(trained.artifact)
    hard = scorer.score(Ask("Compute 8812 + 41235 + 977 + 5123 modulo 13 and prove the remainder."))
    easy = scorer.score(Ask("Hello Ann, how are you?"))
    assert hard.difficulty > 0.5 > easy.difficulty
    assert hard.p_solve["long"] > hard.p_solve["short"]
    assert hard.thinking_p50 > 2 * easy.thinking_p50
    assert max(hard.domain, key=lambda name: hard.domain[name]) == "math"


def test_training_again_gives_the_same_artefact_under_any_thread_setting(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(trained.recipe, members=1, level_epochs=3, rank_epochs=3, answered_epochs=3)
    recipe = replace(recipe, hidden=(96, 48))  # large enough for BLAS to share out
    code = (
        "import io, sys; from pathlib import Path; from rich.console import Console;"
        "from classifier.training import run; from classifier.training.recipe import Recipe, Share;"
        f"run(*map(Path, sys.argv[1:]), date='2026-01-31', recipe={recipe!r},"
        " console=Console(file=io.StringIO()))"
    )
    runs = []
    for threads in ("1", "4"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", threads)
        files = (trained.questions, trained.outcomes, tmp_path / threads)
        runs.append(subprocess.Popen([sys.executable, "-c", code, *files]))
    assert [run.wait() for run in runs] == [0, 0]
    first, second = ((tmp_path / t / "model_card.json").read_text() for t in ("1", "4"))
    assert first == second


def test_the_card_names_sources_licences_and_measurements(trained: Trained) -> None:
    card = json.loads((trained.artifact.parent / "model_card.json").read_text())
    assert card["version"] == "2026.01"
    ours = [row["train"] for row in card["sources"] if row["licences"] == ["ours"]]
    assert len(ours) == 3
    assert card["rows"] == {"train": 180 + sum(ours), "dev": 60}
    assert {"name": "sums", "licences": ["CC0"], "train": 90, "dev": 30} in card["sources"]
    assert 0 <= card["metrics"]["rungs"]["short"]["ece"] < 0.25
    assert "CC0" in (trained.artifact.parent / "model_card.md").read_text()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "a"}', "'prompt' is None"),
        ("[1]", "object per line"),
        ("{", "cannot be read"),
        ("", "no question"),
    ],
    ids=["no prompt", "no object", "no json", "empty"],
)
def test_a_broken_question_file_is_refused_with_its_place(
    tmp_path: Path, line: str, message: str
) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(line)
    with pytest.raises(DataError, match=message):
        read_questions(path)


def test_outcomes_of_other_questions_are_refused(trained: Trained, tmp_path: Path) -> None:
    questions = [replace(q, id="other") for q in read_questions(trained.questions)]
    with pytest.raises(DataError, match="compare the ids"):
        read_outcomes(trained.outcomes, questions)


def test_an_unknown_tier_is_refused_with_its_line(trained: Trained, tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl.gz"
    with gzip.open(path, "wt") as file:
        file.write('{"id": "q0", "model": "m", "tier": "huge", "correct": 1}\n')
    with pytest.raises(DataError, match=r"o.jsonl.gz:1: unknown tier 'huge'"):
        read_outcomes(path, read_questions(trained.questions))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Meta-Llama-3_1-70B-Instruct", "llama-3.1-70b"),
        ("Meta-Llama-3.1-70B-Instruct@hyperbolic", "llama-3.1-70b"),
        ("openai/gpt-4o-2024-08-06", "gpt-4o"),
        ("claude-3-5-haiku-20241022", "claude-3-5-haiku"),
    ],
)
def test_one_model_has_one_name(name: str, expected: str) -> None:
    assert normalised_model(name) == expected
