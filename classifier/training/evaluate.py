"""Measures routing quality on recorded outcomes: the engine of ``thinkthrift evaluate``.

A router sees only its scores; the recorded answers of a weak and a strong model say what each
decision would have brought. No model is called.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from classifier.scorer import Scorer
from classifier.training.baselines import Answered, rankings, single_models
from classifier.training.dataset import (
    DataError,
    Outcomes,
    Question,
    normalised_model,
    read_outcomes,
    read_questions,
)
from classifier.training.labels import rung_means
from classifier.training.report import write_plots, write_report
from classifier.training.routing_quality import Paired, quality
from classifier.training.scores import Scores, computed_scores, read_scores, unscored

LEAST_QUESTIONS = 20
REPORT_NAME = "report.json"

Prices = Mapping[str, tuple[float, float]]
"""Normalised model name -> USD per million input and output tokens."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The two models that are compared, by normalised name."""

    weak: str
    strong: str


def evaluate(
    questions: Path,
    outcomes: Path,
    report: Path,
    *,
    weak: str | None = None,
    strong: str | None = None,
    scores: Path | None = None,
    prices: Prices | None = None,
    console: Console | None = None,
) -> dict[str, object]:
    """Write ``report.json``, ``report.md`` and plots into a directory; return the report.

    Questions of the split ``train`` count only when there are no others.

    Args:
        questions: JSON lines, gzip or plain.
        outcomes: The same, one line per question and model.
        report: The directory; made if it is missing.
        weak: Model that answers by default; None takes the short model that shares most questions
            with the strong one.
        strong: Model that answers when the router says so; None takes the reasoning model with most
            outcomes.
        scores: Scores of any router in the shape of ``thinkthrift score``; None takes the shipped
            classifier.
        prices: For dollars; a model without a price costs 0 and the report says so.
        console: Where the progress bar is drawn; default is standard error.

    Raises:
        DataError: If a file cannot be used, a model is unknown, or too few questions are left.
    """
    every = read_questions(questions)
    chosen = [question for question in every if question.split != "train"] or every
    recorded = read_outcomes(outcomes, chosen)
    pair = choose_pair(recorded, weak, strong)
    report.mkdir(parents=True, exist_ok=True)
    with Progress(console=console or Console(stderr=True), transient=True) as progress:
        task = progress.add_task("scores", total=len(chosen))
        if scores is not None:
            scored = read_scores(scores, chosen)
        else:
            scored = computed_scores(Scorer.load(), chosen, lambda n: progress.advance(task, n))
        progress.update(task, description="measurement", total=None)
        result = measured(chosen, recorded, pair, scored, prices or {})
        progress.update(task, description="baselines")
        taught = _taught(
            [question for question in every if question.split == "train"], outcomes, pair
        )
        result["rankings"] = _rankings(chosen, recorded, pair, scored, taught)
        progress.update(task, description="plots")
        result["plots"] = write_plots(result, report)
    text = json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False)
    (report / REPORT_NAME).write_text(text + "\n", encoding="utf-8")
    write_report(result, report)
    return result


def measured(
    questions: Sequence[Question],
    outcomes: Outcomes,
    pair: Pair,
    scores: Scores,
    prices: Prices,
) -> dict[str, object]:
    """Return the report of one pair of models.

    Raises:
        DataError: If fewer than ``LEAST_QUESTIONS`` scored questions were answered by both.
    """
    paired = pair_up(outcomes, pair, scores, prices)
    if paired.rows.size < LEAST_QUESTIONS:
        raise DataError(
            f"{paired.rows.size} scored questions answered by both {pair.weak} and {pair.strong}; "
            f"at least {LEAST_QUESTIONS} are needed"
        )
    share, _ = rung_means(outcomes, len(questions))
    source = np.array([questions[row].source for row in paired.rows])
    language = np.array([questions[row].language for row in paired.rows])
    result: dict[str, object] = {"weak": pair.weak, "strong": pair.strong}
    result |= quality(paired, share[paired.rows], bootstrap=True)
    weak_accuracy = float(paired.weak.mean())
    singles = single_models(outcomes, paired.rows, pair.weak, weak_accuracy)
    baselines = result["baselines"]
    assert isinstance(baselines, dict)
    result["baselines"] = baselines | singles
    result["by_source"] = _grouped(paired, share, source)
    result["by_language"] = _grouped(paired, share, language)
    result["assumptions"] = _assumptions(paired)
    return result


def _taught(train: list[Question], outcomes: Path, pair: Pair) -> Answered | None:
    """Return the training rows that both models answered, None when there are none."""
    try:
        recorded = read_outcomes(outcomes, train) if train else None
    except DataError:
        recorded = None
    if recorded is None or not {pair.weak, pair.strong} <= set(recorded.models):
        return None
    paired = pair_up(recorded, pair, unscored(len(train)), {})
    return Answered([train[row] for row in paired.rows], paired.weak, paired.strong)


def _rankings(
    questions: Sequence[Question],
    outcomes: Outcomes,
    pair: Pair,
    scores: Scores,
    taught: Answered | None,
) -> dict[str, dict[str, object]]:
    ours = pair_up(outcomes, pair, scores, {})
    asked = Answered([questions[row] for row in ours.rows], ours.weak, ours.strong)
    # Rows without a split are asked and taught at once: then only folds are honest.
    same = {question.id for question in asked.questions}
    if taught is not None and any(question.id in same for question in taught.questions):
        taught = None
    return rankings(asked, taught, ours)


def choose_pair(outcomes: Outcomes, weak: str | None, strong: str | None) -> Pair:
    """Return the pair asked for, filled up with the models that share most questions.

    Raises:
        DataError: If a model has no outcome; the message names those that have.
    """
    count = np.bincount(outcomes.model, minlength=len(outcomes.models))
    rung = np.zeros(len(outcomes.models), np.int64)
    rung[outcomes.model] = outcomes.rung
    strong_at = _index(outcomes, strong, lambda m: (rung[m] > 0, count[m], m))
    asked = set(outcomes.question[outcomes.model == strong_at].tolist())

    def shared(model: int) -> int:
        return len(asked.intersection(outcomes.question[outcomes.model == model].tolist()))

    weak_at = _index(
        outcomes, weak, lambda m: (m != strong_at, rung[m] == 0, shared(m), -count[m], m)
    )
    return Pair(outcomes.models[weak_at], outcomes.models[strong_at])


def pair_up(outcomes: Outcomes, pair: Pair, scores: Scores, prices: Prices) -> Paired:
    """Return both models' answers and the scores of the questions that have all three."""
    weak, strong = outcomes.models.index(pair.weak), outcomes.models.index(pair.strong)
    by_model = []
    for model in (weak, strong):
        rows = np.flatnonzero(outcomes.model == model)
        # A model may have answered a question twice (two hosts): the first answer counts.
        _, first = np.unique(outcomes.question[rows], return_index=True)
        by_model.append(rows[first])
    both = np.intersect1d(outcomes.question[by_model[0]], outcomes.question[by_model[1]])
    both = both[scores.known[both]]
    picked = [rows[np.isin(outcomes.question[rows], both)] for rows in by_model]
    tokens = [_tokens(outcomes, rows, both, scores) for rows in picked]
    price = [prices.get(name, (0.0, 0.0))[1] for name in (pair.weak, pair.strong)]
    return Paired(
        rows=both,
        weak=outcomes.correct[picked[0]],
        strong=outcomes.correct[picked[1]],
        difficulty=scores.difficulty[both],
        p_solve=scores.p_solve[both],
        weak_tokens=tokens[0][0],
        strong_tokens=tokens[1][0],
        tokens_predicted=(tokens[0][1], tokens[1][1]),
        usd_per_token=(price[0] / 1e6, price[1] / 1e6),
        rungs=(int(outcomes.rung[by_model[0][0]]), int(outcomes.rung[by_model[1][0]])),
    )


def _tokens(
    outcomes: Outcomes, rows: NDArray[np.int64], asked: NDArray[np.int64], scores: Scores
) -> tuple[NDArray[np.float64], bool]:
    """Return tokens spent per question, and whether they are predictions.

    Recorded counts of a reasoning model that leave its hidden reasoning out are no cost; then the
    predicted median stands in, and the report says so.
    """
    if outcomes.rung[rows[0]] == 0:
        recorded = outcomes.output_tokens[rows]
        fill = float(np.nanmean(recorded)) if np.isfinite(recorded).any() else 300.0
        return np.where(np.isfinite(recorded), recorded, fill), False
    measured_ = outcomes.reasoning_tokens[rows]
    if np.isfinite(measured_).all():
        return np.fmax(outcomes.output_tokens[rows], measured_), False
    return scores.thinking_p50[asked], True


def _grouped(
    paired: Paired, share: NDArray[np.float64], group: NDArray[np.str_]
) -> dict[str, dict[str, object]]:
    """Return the quality inside every group that has enough questions."""
    found: dict[str, dict[str, object]] = {}
    for name in np.unique(group):
        inside = np.flatnonzero(group == name)
        if inside.size >= LEAST_QUESTIONS:
            part = paired.chosen(inside)
            found[str(name)] = quality(part, share[part.rows], bootstrap=False)
    return found


def _assumptions(paired: Paired) -> list[str]:
    names = ("weak", "strong")
    said = [
        f"tokens of the {name} model are predicted: the record leaves its reasoning out"
        for name, predicted in zip(names, paired.tokens_predicted, strict=True)
        if predicted
    ]
    if not any(paired.usd_per_token):
        said.append("no price was given: dollars are 0")
    return said


def _index(outcomes: Outcomes, name: str | None, rank: Callable[[int], tuple[object, ...]]) -> int:
    """Return the model's index, or the one that ranks highest when no name is given."""
    if name is None:
        return max(range(len(outcomes.models)), key=rank)
    wanted = normalised_model(name)
    if wanted not in outcomes.models:
        known = ", ".join(sorted(outcomes.models)[:12])
        raise DataError(f"model {name!r} has no outcome here; known are {known}, ...")
    return outcomes.models.index(wanted)
