"""What each row counts and what it aims at; shared by the fit and the leave-one-out harness."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.training.dataset import Question

TAUGHT_LANGUAGES = frozenset({"en"})
"""Languages with questions of every difficulty; only their n-grams may say anything about it."""

SOURCE_EXPONENT = 0.5
RANK_SHARE = 0.7
LEAST_SPREAD = 0.08
SHORT_CHARS = 300
EVEN_SHARE = 1.0
_SMALL = 1e-6


def row_weights(questions: Sequence[Question], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights with mean 1 that keep large sources from drowning small ones."""
    _, source, count = np.unique(
        [question.source for question in questions], return_inverse=True, return_counts=True
    )
    balanced = weight * count[source] ** -SOURCE_EXPONENT
    return np.asarray(balanced / max(float(balanced.mean()), _SMALL))


@dataclass(frozen=True, slots=True)
class Within:
    """Where a question stands inside its source, shapes ``(n, 3)``; 0 where the source is even.

    Attributes:
        centred: Logit minus the source's mean.
        scaled: The same in standard deviations of the source.
    """

    centred: NDArray[np.float64]
    scaled: NDArray[np.float64]


def within_sources(
    questions: Sequence[Question], logits: NDArray[np.float64]
) -> tuple[Within, NDArray[np.bool_]]:
    """Return the place inside the source, and which rows can teach an order.

    Even sources ("all of these are easy") know nothing of order, unless asks of several of their
    questions are among the rows. Their long puzzles are left out: they would teach that more text
    is easier. Chat and short texts stay, with their distance from the mean of all: without them the
    order of everyday asks would be guessed from puzzles.
    """
    centred, scaled = np.zeros_like(logits), np.zeros_like(logits)
    varied = np.zeros(len(questions), np.bool_)
    sources, source = np.unique([question.source for question in questions], return_inverse=True)
    for number in range(sources.size):
        rows = source == number
        spread = logits[rows].std(axis=0)
        if spread[0] > LEAST_SPREAD:
            varied |= rows
            centred[rows] = logits[rows] - logits[rows].mean(axis=0)
            scaled[rows] = centred[rows] / np.maximum(spread, LEAST_SPREAD)
    plain = [q.domain == "chat" or len(q.prompt) <= SHORT_CHARS for q in questions]
    everyday = np.array(plain) & ~varied
    centred[everyday] = EVEN_SHARE * (logits[everyday] - logits.mean(axis=0))
    varied |= everyday
    return Within(centred, scaled), varied
