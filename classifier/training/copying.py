"""Adds changed copies of questions to the rows that teach, with the labels of their originals."""

from collections.abc import Sequence

import numpy as np

from classifier.training.augment import copies
from classifier.training.dataset import Question
from classifier.training.labels import Labels
from classifier.training.recipe import Recipe

COPY_SEED = 7


def with_copies(
    questions: Sequence[Question], labels: Labels, recipe: Recipe
) -> tuple[list[Question], Labels]:
    """Return the questions and labels followed by changed copies with the same labels.

    Copies teach the rung logits only: not the calibration, not the thinking tokens. There are at
    most half as many of each kind as questions, so that few questions don't drown in them.
    """
    most = len(questions) // 2
    made, origin = copies(
        questions,
        n_mutated=min(recipe.mutated, most),
        n_glossary=min(recipe.glossary, most),
        seed=COPY_SEED + recipe.seed,
    )
    return [*questions, *made], repeated(labels, origin, recipe.copy_weight)


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
        logits=labels.logits[both],
        weight=labels.weight[both] * np.where(is_copy, weight, 1.0),
        measured=labels.measured[both] & ~is_copy[:, None],
        share=labels.share[both],
        log_tokens=labels.log_tokens[both],
        token_weight=np.where(is_copy, 0.0, labels.token_weight[both]),
        token_spread=labels.token_spread,
    )
