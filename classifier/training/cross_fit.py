"""Cross-fitting: every question with outcomes is scored by a fit that did not learn from it.

The dev split holds a sixth of the recorded questions; over all of them the same figures have less
than half the error. The whole recipe is fitted per fold, the rounds of attack and the calibration too.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from classifier.training.dataset import Outcomes, Question
from classifier.training.dealing import bucket
from classifier.training.evaluate import pair_up
from classifier.training.fit import N_STEPS, fit
from classifier.training.hardening import hardened
from classifier.training.leave_out import GROUPS, Groups, lessons_of
from classifier.training.matrices import make_matrices
from classifier.training.metrics import apgr, auc
from classifier.training.recipe import Recipe
from classifier.training.routing_quality import WRONG_BELOW, Paired
from classifier.training.scores import Scores
from classifier.types import RUNGS

FOLDS = 5
DRAWS = 200

Figure = tuple[float, float]
"""A figure and its standard error."""


def n_steps(recipe: Recipe, folds: int = FOLDS) -> int:
    """Return the number of calls of ``advance`` in one ``cross_fitted``."""
    return folds * (1 + recipe.rounds + N_STEPS)


def cross_fitted(
    questions: Sequence[Question],
    outcomes: Outcomes,
    recipe: Recipe,
    *,
    folds: int = FOLDS,
    advance: Callable[[str], None] = lambda _: None,
) -> Scores:
    """Return calibrated scores of all questions with outcomes, each by a fit on the other folds.

    Translations and copies of one question share its fold. Splits are ignored.

    Args:
        questions: All questions.
        outcomes: Their outcomes; rows are those of ``questions``.
        recipe: Sizes and strengths of the fit.
        folds: Parts the questions are dealt into.
        advance: Called with the name of each step that begins; there are ``n_steps``.
    """
    matrices = make_matrices([question.prompt for question in questions])
    fold = bucket(questions, "cross-fitting") % folds
    answered = np.isin(np.arange(len(questions)), outcomes.question)
    logits = np.full((len(questions), len(RUNGS)), np.nan)
    for number in range(folds):
        advance("labels and copies")
        taught, asked = np.flatnonzero(fold != number), np.flatnonzero((fold == number) & answered)
        lessons = hardened(
            lessons_of(questions, outcomes, recipe, matrices, taught), recipe, advance
        )
        fitted = fit(lessons.questions, lessons.labels, lessons.matrices, recipe, advance)
        logits[asked] = fitted.logits(matrices.rows(asked))
    p_solve = expit(logits)
    return Scores(answered, 1 - p_solve[:, 0], p_solve, np.zeros(len(p_solve)))


def pair_figures(
    questions: Sequence[Question],
    outcomes: Outcomes,
    scores: Scores,
    groups: Groups = GROUPS,
) -> dict[str, dict[str, Figure]]:
    """Return the figures of every pair on its sources: AUC, APGR by both uplifts."""
    source = np.array([question.source for question in questions])
    found: dict[str, dict[str, Figure]] = {}
    for name, (sources, pairs) in groups.items():
        for pair in pairs:
            paired = pair_up(outcomes, pair, scores, {})
            paired = paired.chosen(np.flatnonzero(np.isin(source[paired.rows], sources)))
            title = f"{name}, {paired.rows.size} questions, {pair.weak} to {pair.strong}"
            found[title] = {
                "AUC": _figure(paired, lambda part: auc(part.difficulty, part.weak < WRONG_BELOW)),
                "uplift APGR": _figure(
                    paired, lambda part: apgr(part.ranking(), part.weak, part.strong)
                ),
                "long less short": _figure(
                    paired, lambda part: apgr(part.uplift(), part.weak, part.strong)
                ),
            }
    return found


def _figure(paired: Paired, measure: Callable[[Paired], float]) -> Figure:
    """Return a measure and the deviation of its bootstrap samples."""
    rng = np.random.default_rng(0)
    draws: NDArray[np.float64] = np.array(
        [
            measure(paired.chosen(rng.integers(0, paired.rows.size, paired.rows.size)))
            for _ in range(DRAWS)
        ]
    )
    return measure(paired), float(draws.std())
