"""Puts several questions into one ask, which is solved when every one of them is.

Filler makes an ask longer and no harder; more to answer makes it harder. Recorded questions say little
about that: between sources the longer ones are often the easier ones. An ask of several questions
whose chances are known says it plainly, for chances multiply as far as errors are independent.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from classifier.training.dataset import Question
from classifier.training.dealing import held_out
from classifier.training.labels import LOGIT_LIMIT

PARTS = (2, 2, 3, 4)
_LONGEST_PART = 600

_FORMS: tuple[Callable[[Sequence[str]], str], ...] = (
    " ".join,
    "\n".join,
    "\n\n".join,
    lambda parts: "\n".join(f"{number}. {part}" for number, part in enumerate(parts, 1)),
    lambda parts: "\n\n".join(f"{number}) {part}" for number, part in enumerate(parts, 1)),
    lambda parts: "Answer all of these.\n\n" + "\n\n".join(parts),
)


def asked_together(
    questions: Sequence[Question], allowed: NDArray[np.bool_], *, count: int, seed: int
) -> tuple[list[Question], list[list[int]]]:
    """Return asks of two to four questions of one source and language, and the rows of their parts.

    Rare sources are drawn more often than their share: with weight ``sqrt(size)``. Questions that
    are held out for the calibration keep to themselves. An ask has id and source of its first part.

    Args:
        questions: The parts.
        allowed: Shape ``(n,)``: which questions may be parts.
        count: Number of asks; there are none when every source has too few questions.
        seed: Of the random draw.
    """
    rng = random.Random(seed)  # noqa: S311 - a reproducible draw, no secret
    pools: dict[tuple[str, str, bool], list[int]] = {}
    for row, held in enumerate(held_out(questions)):
        question = questions[row]
        if allowed[row] and len(question.prompt) <= _LONGEST_PART:
            pools.setdefault((question.source, question.language, bool(held)), []).append(row)
    large = [pool for pool in pools.values() if len(pool) >= max(PARTS)]
    if not large:
        return [], []
    made, parts = [], []
    for pool in rng.choices(large, [len(pool) ** 0.5 for pool in large], k=count):
        rows = rng.sample(pool, rng.choice(PARTS))
        prompt = rng.choice(_FORMS)([questions[row].prompt for row in rows])
        made.append(replace(questions[rows[0]], prompt=prompt))
        parts.append(rows)
    return made, parts


def all_solved(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logits of solving every part, shape ``(3,)``, from those of the parts, ``(parts, 3)``."""
    chance = np.prod(expit(logits), axis=0)
    return np.asarray(np.clip(logit(chance), -LOGIT_LIMIT, LOGIT_LIMIT))
