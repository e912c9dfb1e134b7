"""Cross-fitted scores are those of fits that did not see the question's own outcomes."""

from dataclasses import replace

import numpy as np

from classifier.training.cross_fit import cross_fitted, n_steps, pair_figures
from classifier.training.dataset import Outcomes
from classifier.training.evaluate import Pair
from classifier.training.metrics import rung_metrics
from classifier.training.recipe import Recipe
from tests.classifier.small_world import unlike_questions

QUICK = Recipe(
    hidden=(8, 4),
    members=1,
    views=2,
    answered_epochs=45,
    mutated=30,
    glossary=0,
    together=0,
    constructed=0,
    rounds=0,
    ridge=0.1,
)
GROUPS = {"invented": (("s",), (Pair("tiny", "deep"),))}


def _outcomes(right: np.ndarray) -> Outcomes:
    """Return answers of a weak model that are right where told, and a strong one's, all right."""
    count = len(right)
    return Outcomes(
        question=np.tile(np.arange(count), 2),
        model=np.repeat([0, 1], count),
        rung=np.repeat([0, 2], count),
        correct=np.concatenate([right, np.ones(count)]).astype(np.float64),
        output_tokens=np.full(2 * count, 100.0),
        reasoning_tokens=np.full(2 * count, np.nan),
        models=("tiny", "deep"),
    )


def test_what_carries_over_is_found_and_what_does_not_is_not() -> None:
    questions, right = unlike_questions(240), np.random.default_rng(1).integers(0, 2, 240)
    steps: list[str] = []
    scores = cross_fitted(questions, _outcomes(right), QUICK, folds=3, advance=steps.append)
    assert len(steps) == n_steps(QUICK, 3)
    ((title, figures),) = pair_figures(questions, _outcomes(right), scores, GROUPS).items()
    assert "240 questions, tiny to deep" in title
    auc, error = figures["AUC"]
    assert abs(auc - 0.5) < 0.15
    assert 0.02 < error < 0.06

    # The same coin, told: now every fold finds in the others what it needs.
    told = [
        replace(q, prompt=f"{q.prompt} {'surely' if r else 'hardly'}")
        for q, r in zip(questions, right, strict=True)
    ]
    scores = cross_fitted(told, _outcomes(right), QUICK, folds=3)
    figures = pair_figures(told, _outcomes(right), scores, GROUPS)[title]
    assert figures["AUC"][0] > 0.9
    assert figures["uplift APGR"][0] > 0.6


def test_the_calibration_error_is_that_of_every_scored_question() -> None:
    outcomes = _outcomes(np.tile([0, 1], 10))
    p_solve = np.tile([0.9, 0.5, 1.0], (20, 1))
    p_solve[:2] = np.nan  # one wrong and one right: not scored, not counted
    found = rung_metrics(outcomes, p_solve)
    assert {rung: (m["n"], m["ece"]) for rung, m in found.items()} == {
        "short": (18, 0.4),
        "long": (18, 0.0),
    }


def test_a_copy_is_scored_by_a_fit_without_its_original() -> None:
    """Copies carry the coin's fall in their words: they would tell it to one another."""
    originals, right = unlike_questions(120), np.random.default_rng(2).integers(0, 2, 120)
    copies = [
        replace(question, id=f"copy {question.id}", meta={"base_id": question.id})
        for question in originals
    ]
    questions, right = [*originals, *copies], np.tile(right, 2)
    scores = cross_fitted(questions, _outcomes(right), QUICK, folds=3)
    (figures,) = pair_figures(questions, _outcomes(right), scores, GROUPS).values()
    assert abs(figures["AUC"][0] - 0.5) < 0.15
