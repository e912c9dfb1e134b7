"""The training command: read, label, fit, export, measure, write the card."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from scipy.special import expit
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from classifier.training.assemble import parts_of
from classifier.training.card import make_card, write_card
from classifier.training.constructed import constructed_questions
from classifier.training.copying import with_copies
from classifier.training.dataset import DataError, Outcomes, Question, read_outcomes, read_questions
from classifier.training.estimators import DOMAINS
from classifier.training.export import write_onnx
from classifier.training.fit import N_STEPS, Fitted, fit
from classifier.training.hardening import Lessons, hardened
from classifier.training.labels import make_labels
from classifier.training.licences import licensed
from classifier.training.matrices import Matrices, make_matrices
from classifier.training.metrics import dev_metrics
from classifier.training.recipe import Recipe
from classifier.training.robustness import kept_across_languages, kept_under_mutation

ARTIFACT_NAME = "difficulty.onnx"
CARD_NAME = "model_card.json"


def run(
    questions: Path,
    outcomes: Path,
    out: Path,
    *,
    date: str,
    console: Console | None = None,
    recipe: Recipe | None = None,
) -> dict[str, object]:
    """Train on the rows whose split is ``train`` and write artefact and card; return the card.

    Deterministic: the same files and recipe give the same artefact on one machine, byte for byte,
    whatever the environment says about threads.

    Args:
        questions: JSON lines, gzip or plain; see ``docs/training.md``.
        outcomes: The same, one line per question and model.
        out: Directory for ``difficulty.onnx``, ``model_card.json`` and ``model_card.md``.
        date: Day of the training, ISO format; its year and month are the artefact's version.
        console: Where the progress bar is drawn; default is standard error.
        recipe: Sizes and strengths; which licences; default is the shipped recipe.

    Raises:
        DataError: If a file cannot be used or holds too little to learn from.
    """
    recipe = recipe or Recipe()
    console = console or Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    # Sums of several threads differ in their last bits; one thread adds in one order.
    with threadpool_limits(1), Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("reading", total=None)
        every = licensed(read_questions(questions), recipe.licences)
        train = [question for question in every if question.split == "train"]
        train += constructed_questions(recipe.constructed)
        every_train = train
        dev = [question for question in every if question.split != "train"]
        taught, held = read_outcomes(outcomes, train), _optional(outcomes, dev)
        _refuse_too_little(taught)
        progress.update(task, description="labels")
        labels = make_labels(train, taught)
        train, labels = with_copies(train, labels, recipe)
        progress.update(task, description="features", total=len(train) + len(dev), completed=0)
        matrices = make_matrices(
            [question.prompt for question in (*train, *dev)], lambda n: progress.advance(task, n)
        )
        n_train = len(train)
        progress.update(task, total=N_STEPS + recipe.rounds, completed=0)

        def advance(step: str) -> None:
            progress.update(task, description=step, advance=1)

        lessons = Lessons(train, labels, matrices.rows(np.arange(n_train)))
        lessons = hardened(lessons, recipe, advance)
        fitted = fit(lessons.questions, lessons.labels, lessons.matrices, recipe, advance)
        progress.update(
            task, description="export and measurement", completed=N_STEPS + recipe.rounds
        )
        out.mkdir(parents=True, exist_ok=True)
        write_onnx(parts_of(fitted), out / ARTIFACT_NAME, {"producer": "thinkthrift"})
        metrics = _measured(
            dev, held, fitted, matrices.rows(np.arange(n_train, n_train + len(dev)))
        )
        card = make_card(
            artifact=out / ARTIFACT_NAME,
            date=date,
            domains=DOMAINS,
            typical=fitted.success.scaler.mean_.tolist(),
            rows={"train": every_train, "dev": dev},
            n_outcomes=int(taught.question.size),
            metrics=metrics,
            recipe=asdict(recipe),
        )
        write_card(card, out)
    return card


def _optional(path: Path, questions: list[Question]) -> Outcomes | None:
    """Return the outcomes of the dev rows, or None when the file has none."""
    try:
        return read_outcomes(path, questions)
    except DataError:
        return None


def _refuse_too_little(outcomes: Outcomes) -> None:
    answered = np.unique(outcomes.question).size
    least = 40
    if answered < least:
        raise DataError(
            f"{answered} training questions have outcomes; give at least {least}, of two models or more"
        )


def _measured(
    dev: list[Question], outcomes: Outcomes | None, fitted: Fitted, matrices: Matrices
) -> dict[str, object]:
    """Return the metrics of the dev rows, empty when they have no outcomes."""
    if outcomes is None:
        return {}

    def difficulties(texts: Sequence[str]) -> NDArray[np.float64]:
        return np.asarray(1 - expit(fitted.logits(make_matrices(texts))[:, 0]))

    return {
        **dev_metrics(dev, outcomes, fitted.logits(matrices), fitted.domains(matrices)),
        "kept_under_mutation": kept_under_mutation(dev, difficulties),
        "kept_across_languages": kept_across_languages(dev, difficulties),
    }
