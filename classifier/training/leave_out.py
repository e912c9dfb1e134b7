"""Leave one source, or one task, out: how well questions of a kind never seen are ranked.

This is the figure to choose recipes by; the pooled dev split flatters whoever learns templates.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from classifier.training.constructed import constructed_questions
from classifier.training.copying import with_copies
from classifier.training.dataset import Outcomes, Question
from classifier.training.evaluate import Pair, pair_up
from classifier.training.fit import fit_success
from classifier.training.hardening import Lessons
from classifier.training.labels import make_labels
from classifier.training.matrices import Matrices, make_matrices
from classifier.training.metrics import apgr, auc
from classifier.training.recipe import Recipe
from classifier.training.routing_quality import WRONG_BELOW
from classifier.training.scores import Scores

Groups = Mapping[str, tuple[tuple[str, ...], tuple[Pair, ...]]]

GROUPS: Groups = {
    "reasoning_gym": (
        ("reasoning_gym_easy", "reasoning_gym_hard"),
        (Pair("llama-3.3-70b", "deepseek-r1"), Pair("llama-4-maverick", "o3-mini")),
    ),
    "mmlu_pro": (
        ("mmlu_pro",),
        (
            Pair("llama-3.1-8b", "gemini-1.5-pro-002"),
            Pair("mixtral-8x7b-instruct-v0.1", "llama-3.1-70b"),
        ),
    ),
    "zeroeval": (
        ("zeroeval_math_l5", "zeroeval_crux"),
        (Pair("gpt-4o-mini", "o1-mini"),),
    ),
    "kor_bench": (("kor_bench",), (Pair("llama-3.1-8b", "claude-3-5-sonnet"),)),
    "farel_bench": (("farel_bench",), (Pair("llama-3.1-70b", "deepseek-r1"),)),
}
"""Sources that are left out together, and the pairs that are measured on them."""

TASK_FOLDS = 4
STEPS = 3
"""Calls of ``advance`` per group or fold."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Quality on sources that were left out of the training.

    Attributes:
        apgr_difficulty: Average gap recovered when ranked by difficulty, mean over the pairs.
        apgr_uplift: The same ranked by ``p_solve.long - p_solve.short``.
        auc: AUC of "the weak model is wrong" by difficulty, mean over the pairs.
    """

    apgr_difficulty: float
    apgr_uplift: float
    auc: float


def leave_one_out(
    questions: Sequence[Question],
    outcomes: Outcomes,
    recipe: Recipe,
    groups: Groups = GROUPS,
    advance: Callable[[str], None] = lambda _: None,
) -> dict[str, LeftOut]:
    """Return the quality per group when its sources, and copies made of them, are not taught.

    Only rows of the split ``train`` teach; all rows of a left-out source are measured. Ranked by raw
    logits: calibration is about known sources.

    Args:
        questions: All questions.
        outcomes: Their outcomes; rows are those of ``questions``.
        recipe: Sizes and strengths of the fit.
        groups: Sources and pairs per group.
        advance: Called with the name of each step that begins; there are ``STEPS`` per group.
    """
    matrices = make_matrices([question.prompt for question in questions])
    found: dict[str, LeftOut] = {}
    for name, (sources, pairs) in groups.items():
        taught = [r for r, q in enumerate(questions) if q.split == "train" and _other(q, sources)]
        asked = np.array([r for r, q in enumerate(questions) if q.source in sources])
        logits = np.full((len(questions), 3), np.nan)
        logits[asked] = _taught_logits(
            questions, outcomes, recipe, matrices, np.array(taught), asked, advance
        )
        found[name] = _quality(outcomes, logits, pairs)
    return found


def leave_tasks_out(
    questions: Sequence[Question],
    outcomes: Outcomes,
    recipe: Recipe,
    *,
    sources: Sequence[str] = GROUPS["reasoning_gym"][0],
    pairs: Sequence[Pair] = GROUPS["reasoning_gym"][1],
    folds: int = TASK_FOLDS,
    advance: Callable[[str], None] = lambda _: None,
) -> LeftOut:
    """Return the quality on tasks of known sources whose templates were not taught.

    The tasks (``meta["task"]``) are dealt into folds; each fold is measured by a fit on the others.

    Args:
        questions: All questions.
        outcomes: Their outcomes; rows are those of ``questions``.
        recipe: Sizes and strengths of the fit.
        sources: Sources whose tasks are left out in turn.
        pairs: Models that are measured.
        folds: Parts the tasks are dealt into.
        advance: Called with the name of each step that begins; there are ``STEPS`` per fold.
    """
    matrices = make_matrices([question.prompt for question in questions])
    inside = [row for row, question in enumerate(questions) if question.source in sources]
    tasks = sorted({str(questions[row].meta.get("task")) for row in inside})
    fold_of = {task: number % folds for number, task in enumerate(tasks)}
    fold = {row: fold_of[str(questions[row].meta.get("task"))] for row in inside}
    logits = np.full((len(questions), 3), np.nan)
    for number in range(folds):
        # Wrapped copies name no task of their own: all copies of these sources stay away.
        taught = [
            row
            for row, question in enumerate(questions)
            if question.split == "train"
            and fold.get(row) != number
            and question.meta.get("base_source") not in sources
        ]
        asked = np.array([row for row in inside if fold[row] == number], np.int64)
        if asked.size:
            logits[asked] = _taught_logits(
                questions, outcomes, recipe, matrices, np.array(taught), asked, advance
            )
    return _quality(outcomes, logits, pairs)


def _other(question: Question, sources: Sequence[str]) -> bool:
    return question.source not in sources and question.meta.get("base_source") not in sources


def _taught_logits(
    questions: Sequence[Question],
    outcomes: Outcomes,
    recipe: Recipe,
    matrices: Matrices,
    taught: NDArray[np.int64],
    asked: NDArray[np.int64],
    advance: Callable[[str], None],
) -> NDArray[np.float64]:
    """Return raw logits of the asked rows from a fit on the taught rows and their copies."""
    advance("labels and copies")
    lessons = lessons_of(questions, outcomes, recipe, matrices, taught)
    everything = np.arange(len(lessons.questions))
    success = fit_success(
        lessons.questions, lessons.labels, lessons.matrices, recipe, everything, advance
    )
    return success.raw_logits(matrices.rows(asked))


def lessons_of(
    questions: Sequence[Question],
    outcomes: Outcomes,
    recipe: Recipe,
    matrices: Matrices,
    taught: NDArray[np.int64],
) -> Lessons:
    """Return what the given rows teach: they, our own questions and copies of both.

    Args:
        questions: All questions.
        outcomes: Their outcomes; rows are those of ``questions``.
        recipe: How many questions of our own and copies.
        matrices: Features of all questions.
        taught: Rows that may teach.
    """
    originals = [questions[row] for row in taught] + constructed_questions(recipe.constructed)
    labels = make_labels(originals, outcomes.of(taught))
    chosen, labels = with_copies(originals, labels, recipe)
    copied = make_matrices([question.prompt for question in chosen[taught.size :]])
    return Lessons(chosen, labels, matrices.rows(taught).stacked(copied))


def _quality(outcomes: Outcomes, logits: NDArray[np.float64], pairs: Sequence[Pair]) -> LeftOut:
    """Return the means over the pairs."""
    p_solve = expit(logits)
    scores = Scores(
        known=~np.isnan(p_solve[:, 0]),
        difficulty=1 - p_solve[:, 0],
        p_solve=p_solve,
        thinking_p50=np.zeros(len(p_solve)),
    )
    rows = []
    for pair in pairs:
        paired = pair_up(outcomes, pair, scores, {})
        rows.append(
            (
                apgr(paired.difficulty, paired.weak, paired.strong),
                apgr(paired.uplift(), paired.weak, paired.strong),
                auc(paired.difficulty, paired.weak < WRONG_BELOW),
            )
        )
    means = np.mean(rows, axis=0)
    return LeftOut(float(means[0]), float(means[1]), float(means[2]))
