"""What simple rankings and single models bring on the same questions: the bar to clear.

Trained baselines learn from the file's own training rows, or five-fold from the measured rows where
there are none; the latter flatters them, and the note says so.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors

from classifier.training.dataset import Outcomes, Question
from classifier.training.metrics import apgr, auc
from classifier.training.routing_quality import WRONG_BELOW, Paired
from classifier.types import RUNGS

LEAST_TAUGHT = 100
MOST_TAUGHT = 6_000
LEAST_FOR_LITELLM = 100
FOLDS = 5
NEIGHBOURS = 20
_ANSWERED = 0.95
_LITELLM_SECONDS = 180

_LITELLM = """
import json, sys
from litellm.router_strategy.complexity_router.complexity_router import ComplexityRouter
router = ComplexityRouter("router", None)
json.dump([router.classify(prompt)[1] for prompt in json.load(sys.stdin)], sys.stdout)
"""

Baseline = dict[str, object]


@dataclass(frozen=True, slots=True)
class Answered:
    """Questions that both models answered.

    Attributes:
        questions: One per answer.
        weak: Correctness of the weak model, shape ``(n,)``.
        strong: Of the strong model.
    """

    questions: Sequence[Question]
    weak: NDArray[np.float64]
    strong: NDArray[np.float64]


Predict = Callable[[Answered, Sequence[Question]], NDArray[np.float64]]
"""Taught answers and questions -> expected correctness of both models, shape ``(n, 2)``."""


def rankings(asked: Answered, taught: Answered | None, ours: Paired) -> dict[str, Baseline]:
    """Return APGR and AUC of our ranking and of every baseline.

    Args:
        asked: The measured questions.
        taught: Answers that may be learnt from; None when the file has no training rows.
        ours: Our scores on the measured questions.
    """
    found = {
        "ours": _measured(asked, ours.ranking(), ours.difficulty),
        "random": {"apgr": 0.5, "auc_weak_wrong": 0.5, "note": "expected value"},
    }
    lengths = np.array([float(len(question.prompt)) for question in asked.questions])
    found["prompt length"] = _measured(asked, lengths, lengths)
    note = ""
    if taught is None or len(taught.questions) < LEAST_TAUGHT:
        taught, note = None, "five-fold on the measured rows: optimistic"
    for name, predict in _LEARNT.items():
        expected = _predicted(predict, asked, taught)
        gain, wrong = expected[:, 1] - expected[:, 0], 1 - expected[:, 0]
        found[name] = _measured(asked, gain, wrong) | ({"note": note} if note else {})
    found["LiteLLM complexity heuristic"] = litellm_heuristic(asked)
    return found


def single_models(
    outcomes: Outcomes, rows: NDArray[np.int64], weak: str, weak_accuracy: float
) -> dict[str, Baseline]:
    """Return the accuracy of always asking one model, over the measured questions.

    Only models that answered nearly all of them are compared.

    Args:
        outcomes: All recorded answers.
        rows: The measured questions.
        weak: Name of the cheap model.
        weak_accuracy: Its accuracy.
    """
    accuracy: dict[str, float] = {}
    rung_of: dict[str, int] = {}
    inside = np.isin(outcomes.question, rows)
    for model, name in enumerate(outcomes.models):
        mine = np.flatnonzero(inside & (outcomes.model == model))
        _, first = np.unique(outcomes.question[mine], return_index=True)
        if first.size >= _ANSWERED * rows.size:
            accuracy[name] = float(outcomes.correct[mine[first]].mean())
            rung_of[name] = int(outcomes.rung[mine[0]])
    found: dict[str, Baseline] = {"always_cheapest": _single(weak, weak_accuracy)}
    distilled = [name for name in accuracy if rung_of[name] == RUNGS.index("distilled")]
    for key, names in (("always_distilled", distilled), ("best_single_model", list(accuracy))):
        if names:
            best = max(names, key=lambda name: accuracy[name])
            found[key] = _single(best, accuracy[best])
        else:
            found[key] = {"note": "no such model answered nearly all measured questions"}
    return found


def _single(model: str, accuracy: float) -> Baseline:
    return {"model": model, "accuracy": round(accuracy, 4)}


def _measured(asked: Answered, score: NDArray[np.float64], wrong: NDArray[np.float64]) -> Baseline:
    numbers = {
        "apgr": apgr(score, asked.weak, asked.strong),
        "auc_weak_wrong": auc(wrong, asked.weak < WRONG_BELOW),
    }
    return {key: round(value, 4) if np.isfinite(value) else None for key, value in numbers.items()}


def _predicted(predict: Predict, asked: Answered, taught: Answered | None) -> NDArray[np.float64]:
    """Return what a learnt baseline expects of both models on the measured questions."""
    if taught is not None:
        return predict(
            _part(taught, np.arange(len(taught.questions))[:MOST_TAUGHT]), asked.questions
        )
    n = len(asked.questions)
    fold = np.random.default_rng(0).permutation(n) % FOLDS
    expected = np.empty((n, 2))
    for number in range(FOLDS):
        rest, here = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        expected[here] = predict(_part(asked, rest), _part(asked, here).questions)
    return expected


def _part(answered: Answered, rows: NDArray[np.int64]) -> Answered:
    questions = [answered.questions[row] for row in rows]
    return Answered(questions, answered.weak[rows], answered.strong[rows])


def _category(question: Question) -> str:
    kind = (
        question.meta.get("task") or question.meta.get("category") or question.meta.get("subject")
    )
    return f"{question.source}: {kind}"


def _category_mean(taught: Answered, asked: Sequence[Question]) -> NDArray[np.float64]:
    """Return the mean of the question's category, the mean of all for unknown ones."""
    both = np.stack([taught.weak, taught.strong], axis=1)
    members: dict[str, list[int]] = {}
    for row, question in enumerate(taught.questions):
        members.setdefault(_category(question), []).append(row)
    means = {name: both[rows].mean(axis=0) for name, rows in members.items()}
    return np.stack([means.get(_category(question), both.mean(axis=0)) for question in asked])


def _words(
    taught: Answered, asked: Sequence[Question]
) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_features=50_000)
    known = vectors.fit_transform([question.prompt for question in taught.questions])
    return known, vectors.transform([question.prompt for question in asked])


def _logistic(taught: Answered, asked: Sequence[Question]) -> NDArray[np.float64]:
    """Return a logistic regression on TF-IDF of words and word pairs, one per model."""
    known, new = _words(taught, asked)
    columns = []
    for correct in (taught.weak, taught.strong):
        right = correct >= WRONG_BELOW
        if right.all() or not right.any():
            columns.append(np.full(len(asked), float(right[0])))
            continue
        model = LogisticRegression(C=3.0, solver="liblinear").fit(known, right)
        columns.append(model.predict_proba(new)[:, 1])
    return np.stack(columns, axis=1)


def _neighbours(taught: Answered, asked: Sequence[Question]) -> NDArray[np.float64]:
    """Return the mean of the nearest taught questions by cosine of TF-IDF."""
    known, new = _words(taught, asked)
    count = min(NEIGHBOURS, known.shape[0])
    index = NearestNeighbors(n_neighbors=count, metric="cosine", algorithm="brute").fit(known)
    near = index.kneighbors(new, return_distance=False)
    return np.stack([taught.weak[near].mean(axis=1), taught.strong[near].mean(axis=1)], axis=1)


_LEARNT: Mapping[str, Predict] = {
    "category mean": _category_mean,
    "TF-IDF + logistic regression": _logistic,
    "k-nearest neighbours": _neighbours,
}


def litellm_heuristic(asked: Answered, *, least: int = LEAST_FOR_LITELLM) -> Baseline:
    """Return the quality of LiteLLM's shipped complexity heuristic, or why it can't be had.

    It runs in a process of its own: the import takes seconds, and only with this variable set does
    it keep from asking the network for prices.
    """
    if len(asked.questions) < least:
        return {"note": f"not called for fewer than {least} questions"}
    prompts = json.dumps([question.prompt for question in asked.questions])
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and our own lines
            [sys.executable, "-c", _LITELLM],
            input=prompts,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=_LITELLM_SECONDS,
            check=False,
            env={"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONIOENCODING": "utf-8"},
        )
        scores = np.array(json.loads(done.stdout), np.float64)
    except (OSError, subprocess.TimeoutExpired, json.JSONDecodeError, ValueError) as error:
        return {"note": f"could not be called: {type(error).__name__}"}
    return _measured(asked, scores, scores)
