"""Adds rows made of others to the rows that teach: changed copies, and several questions as one ask."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from classifier.training.augment import copies
from classifier.training.dataset import Question
from classifier.training.labels import CHANGED, EASY_FROM, TOGETHER, Labels
from classifier.training.recipe import Recipe
from classifier.training.together import all_solved, asked_together

COPY_SEED = 7


def with_copies(
    questions: Sequence[Question], labels: Labels, recipe: Recipe
) -> tuple[list[Question], Labels]:
    """Return the questions and labels, then changed copies with the same labels, then joint asks.

    Added rows teach the rung logits only: not the calibration, not the thinking tokens. There are at
    most half as many of each kind as questions, so that few questions don't drown in them.
    """
    most, seed = len(questions) // 2, COPY_SEED + recipe.seed
    made, origin = copies(
        questions,
        n_mutated=min(recipe.mutated, most),
        n_glossary=min(recipe.glossary, most),
        seed=seed,
    )
    joint, parts = asked_together(
        questions, _can_be_parts(labels), count=min(recipe.together, most), seed=seed
    )
    firsts = [rows[0] for rows in parts]
    labels = repeated(labels, [*origin, *firsts], recipe.copy_weight)
    for place, rows in enumerate(parts, start=len(questions) + len(made)):
        labels.logits[place] = all_solved(labels.logits[rows])
        labels.form[place] = TOGETHER
    return [*questions, *made, *joint], labels


def _can_be_parts(labels: Labels) -> NDArray[np.bool_]:
    """Return which questions may be asked together: with outcomes, or not easy.

    Multiplied, an assumption such as "school sums are easy" would say that long ones are not.
    """
    hard = (labels.weight > 0) & (expit(labels.logits[:, 0]) < EASY_FROM)
    return np.asarray(labels.measured.any(axis=1) | hard)


def repeated(labels: Labels, origin: Sequence[int], weight: float) -> Labels:
    """Return the labels followed by those of the given rows again, as copies.

    Args:
        labels: Of the originals.
        origin: Row of each copy's original.
        weight: Of a copy against its original.
    """
    both = np.concatenate([np.arange(labels.weight.size), np.array(origin, np.int64)])
    is_copy = np.arange(both.size) >= labels.weight.size
    return Labels(
        form=np.where(is_copy, CHANGED, labels.form[both]).astype(np.int8),
        logits=labels.logits[both],
        weight=labels.weight[both] * np.where(is_copy, weight, 1.0),
        measured=labels.measured[both] & ~is_copy[:, None],
        share=labels.share[both],
        log_tokens=labels.log_tokens[both],
        token_weight=np.where(is_copy, 0.0, labels.token_weight[both]),
        token_spread=labels.token_spread,
    )
