"""Adds changed copies of questions to the rows that teach, with the labels of their originals."""

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from classifier.training.augment import copies
from classifier.training.calibrating import EASY_FROM
from classifier.training.dataset import Question
from classifier.training.gadgets import gadget_copies
from classifier.training.labels import Labels
from classifier.training.recipe import Recipe
from classifier.training.targets import TAUGHT_LANGUAGES

COPY_SEED = 7
HARD_BELOW = 0.6
"""Success of a short model below which a question's words pass for hard ones."""


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
        seed=COPY_SEED,
    )
    labelled, solved = labels.weight > 0, expit(labels.logits[:, 0])
    easy = np.flatnonzero(labelled & (solved >= EASY_FROM)).tolist()
    hard = [questions[row] for row in np.flatnonzero(labelled & (solved <= HARD_BELOW)).tolist()]
    beside, places = gadget_copies(
        [questions[row] for row in easy],
        [question for question in hard if question.language in TAUGHT_LANGUAGES],
        count=min(recipe.gadgets, most),
        seed=COPY_SEED,
    )
    made, origin = made + beside, origin + [easy[place] for place in places]
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
