"""Prints what a training can't: ``python -m classifier.training.measure WHAT``.

``left-out``, ``tasks-out`` and ``cross-fitted`` fit anew per fold and take minutes to an hour;
``attack``, ``form`` and ``speed`` ask the shipped artefact: how many easy asks a climbed prefix flips, how
many questions stay in their band when only their form changes, how long scoring takes.
"""

import argparse
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress, track
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from classifier.benchmark import HEADER, ROUNDS, row
from classifier.scorer import Scorer
from classifier.training.attack import Difficulties, attack
from classifier.training.cross_fit import cross_fitted, n_steps, pair_figures
from classifier.training.dataset import (
    DataError,
    Outcomes,
    Question,
    read_outcomes,
    read_questions,
)
from classifier.training.leave_out import (
    GROUPS,
    STEPS,
    TASK_FOLDS,
    Groups,
    LeftOut,
    leave_one_out,
    leave_tasks_out,
)
from classifier.training.metrics import rung_metrics
from classifier.training.recipe import Recipe
from classifier.training.robustness import kept_under_mutation
from classifier.training.scores import Scores
from classifier.types import Ask

MOST_ASKS, SEEDS = 600, (1, 2, 3)
DRAWS = range(1, 7)
"""Seeds of ``form``; the card has the first draw, whose error is a point and more."""

MOST_TIMED, LENGTHS = 4_000, ((0, 300), (150, 300))

Write = Callable[[str], object]


def main(argv: Sequence[str] | None = None, write: Write = sys.stdout.write) -> int:
    """Print one measurement as lines of text; return the exit status."""
    parser = argparse.ArgumentParser(prog="classifier.training.measure", description=__doc__)
    parser.add_argument("what", choices=(*_FITTING, *_ASKING))
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--outcomes", type=Path, help=f"needed by {', '.join(_FITTING)}")
    parser.add_argument("--only", choices=tuple(GROUPS), help="one group of sources")
    parser.add_argument(
        "--seed", type=int, default=0, help="of what is fitted: how much of a figure is chance"
    )
    options = parser.parse_args(argv)
    if options.what in _FITTING and options.outcomes is None:
        parser.error(f"{options.what} needs --outcomes FILE")
    if options.seed < 0:
        parser.error(
            f"--seed is {options.seed}; take 0, which the artefact was trained with, or more"
        )
    try:
        questions = read_questions(options.questions)
        if options.what in _ASKING:
            return _ASKING[options.what](questions, write)
        outcomes = read_outcomes(options.outcomes, questions)
        only = "reasoning_gym" if options.what == "tasks-out" else options.only
        groups = _measurable(outcomes, [only] if only else list(GROUPS))
    except DataError as error:
        parser.error(str(error))
    recipe = Recipe(seed=options.seed)
    steps = {"tasks-out": STEPS * TASK_FOLDS, "cross-fitted": n_steps(recipe)}
    console = Console(stderr=True)
    with threadpool_limits(1), Progress(console=console, transient=True) as progress:
        task = progress.add_task("features", total=steps.get(options.what, STEPS * len(groups)))

        def advance(step: str) -> None:
            progress.update(task, description=step, advance=1)

        if options.what == "cross-fitted":
            scores = cross_fitted(questions, outcomes, recipe, advance=advance)
            lines = _cross_fitted(questions, outcomes, scores, groups)
        elif options.what == "tasks-out":
            tasks = leave_tasks_out(questions, outcomes, recipe, advance=advance)
            lines = _left_out({"tasks": tasks})
        else:
            lines = _left_out(leave_one_out(questions, outcomes, recipe, groups, advance))
    for line in lines:
        write(line)
    return 0


def _left_out(found: Mapping[str, LeftOut]) -> list[str]:
    """Return a line per group, and of several groups the mean."""
    rows = [(q.apgr_difficulty, q.apgr_uplift, q.auc) for q in found.values()]
    mean = {"mean": LeftOut(*np.mean(rows, axis=0).tolist())} if len(found) > 1 else {}
    return [
        f"{name:14s} AUC {quality.auc:.4f}, uplift APGR {quality.apgr_uplift:.4f}, "
        f"difficulty APGR {quality.apgr_difficulty:.4f}\n"
        for name, quality in {**found, **mean}.items()
    ]


def _measurable(outcomes: Outcomes, wanted: Sequence[str]) -> Groups:
    """Return those of the wanted groups whose models all have outcomes.

    Raises:
        DataError: If there is none.
    """
    found = {
        name: GROUPS[name]
        for name in wanted
        if {model for pair in GROUPS[name][1] for model in (pair.weak, pair.strong)}
        <= set(outcomes.models)
    }
    if not found:
        raise DataError(
            f"no outcomes here of the models that are measured on {', '.join(wanted)}; for pairs of "
            "your own use thinkthrift evaluate"
        )
    return found


def _cross_fitted(
    questions: Sequence[Question], outcomes: Outcomes, scores: Scores, groups: Groups
) -> list[str]:
    """Return the figures of every pair with their standard errors, then the calibration."""
    lines = []
    for title, figures in pair_figures(questions, outcomes, scores, groups).items():
        said = [f"{name} {value:.4f} +- {error:.4f}" for name, (value, error) in figures.items()]
        lines.append(f"{title}: {', '.join(said)}\n")
    rungs = rung_metrics(outcomes, scores.p_solve)
    errors = [f"{rung} {metrics['ece']:.4f}" for rung, metrics in rungs.items()]
    return [*lines, f"ECE: {', '.join(errors)}\n"]


def _attacked(questions: Sequence[Question], write: Write) -> int:
    """Print how many easy dev asks climbed prefixes flip that were fitted on others."""
    asks = [q.prompt for q in questions if q.split != "train" and q.meta.get("assumed") == "easy"]
    if not asks:
        raise DataError('no question of the dev split with meta {"assumed": "easy"} to attack')
    random.Random(0).shuffle(asks)  # noqa: S311 - a reproducible draw, no secret
    difficulties = _shipped()
    for seed in track(SEEDS, "attack", console=Console(stderr=True), transient=True):
        found = attack(asks[:MOST_ASKS], difficulties, seed=seed)
        write(f"{found.flipped_held_out:.3f} flipped, not fitted on: {found.prefix}\n")
    return 0


def _reformed(questions: Sequence[Question], write: Write) -> int:
    """Print, per change of form, the share of dev questions that stay in their band."""
    dev = [question for question in questions if question.split != "train"]
    if not dev:
        raise DataError("no question of the dev split to change")
    difficulties, console = _shipped(), Console(stderr=True)
    draws = [
        kept_under_mutation(dev, difficulties, seed=seed)
        for seed in track(DRAWS, "changes", console=console, transient=True)
    ]
    for name in draws[0]:
        kept = [draw[name] for draw in draws]
        write(f"{name:16s} {np.mean(kept):.4f} kept, {min(kept):.3f} to {max(kept):.3f} by draw\n")
    return 0


def _timed(questions: Sequence[Question], write: Write) -> int:
    """Print p50 and p99 per dev question and the rate of batches, by number of words."""
    prompts = [question.prompt for question in questions if question.split != "train"]
    prompts = random.Random(0).sample(prompts, min(len(prompts), MOST_TIMED))  # noqa: S311 - same
    scorer = Scorer.load(providers=["CPUExecutionProvider"])
    write(HEADER)
    for least, most in track(LENGTHS, "speed", console=Console(stderr=True), transient=True):
        texts = [prompt for prompt in prompts if least <= len(prompt.split()) <= most]
        if texts:
            write(row(f"{least} to {most} ({len(texts):,})", scorer, texts, ROUNDS))
    return 0


def _shipped() -> Difficulties:
    """Return difficulties by the shipped artefact."""
    scorer = Scorer.load(providers=["CPUExecutionProvider"])

    def difficulties(texts: Sequence[str]) -> NDArray[np.float64]:
        return np.array([score.difficulty for score in scorer.score_batch([Ask(t) for t in texts])])

    return difficulties


_FITTING = ("left-out", "tasks-out", "cross-fitted")
_ASKING: Mapping[str, Callable[[Sequence[Question], Write], int]] = {
    "attack": _attacked,
    "form": _reformed,
    "speed": _timed,
}

if __name__ == "__main__":
    sys.exit(main())
