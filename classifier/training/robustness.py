"""How often a score stays in its band when only the form of a question changes."""

import random
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from classifier.training.augment import MUTATIONS
from classifier.training.dataset import Question

BANDS = (0.2, 0.5)
"""Difficulties where the band changes: a stand-in for tiers, which depend on models and prices."""

Difficulties = Callable[[Sequence[str]], NDArray[np.float64]]
"""Texts -> difficulty in [0, 1]."""


def kept_under_mutation(
    questions: Sequence[Question], difficulties: Difficulties, *, count: int = 500, seed: int = 1
) -> dict[str, float]:
    """Return, per mutation, the share of questions that stay in their band.

    Args:
        questions: Drawn from at random, without replacement.
        difficulties: The model.
        count: Questions drawn at most.
        seed: Of the draw; training draws with another one.
    """
    rng = random.Random(seed)  # noqa: S311 - a reproducible draw, no secret
    drawn = rng.sample(list(questions), min(count, len(questions)))
    before = _bands(difficulties([question.prompt for question in drawn]))
    kept: dict[str, float] = {}
    for mutation in dict.fromkeys(MUTATIONS):
        changed = [mutation(question.prompt, rng) for question in drawn]
        kept[mutation.__name__] = _share(before == _bands(difficulties(changed)))
    return kept


def kept_across_languages(
    questions: Sequence[Question], difficulties: Difficulties
) -> dict[str, float]:
    """Return, per language, the share of translations in the band most of their siblings are in.

    Siblings are questions with one ``parallel_id``; languages with fewer than ten are left out.
    """
    siblings: dict[str, list[int]] = {}
    for row, question in enumerate(questions):
        parallel = question.meta.get("parallel_id")
        if parallel:
            siblings.setdefault(str(parallel), []).append(row)
    rows = [row for group in siblings.values() for row in group]
    if not rows:
        return {}
    bands = dict(
        zip(rows, _bands(difficulties([questions[row].prompt for row in rows])), strict=True)
    )
    agreed: dict[str, list[bool]] = {}
    for group in siblings.values():
        usual = np.bincount([bands[row] for row in group]).argmax()
        for row in group:
            agreed.setdefault(questions[row].language, []).append(bool(bands[row] == usual))
    least = 10
    return {
        language: _share(np.array(same))
        for language, same in sorted(agreed.items())
        if len(same) >= least
    }


def _bands(difficulties: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.digitize(difficulties, BANDS)


def _share(flags: NDArray[np.bool_]) -> float:
    return round(float(flags.mean()), 4)
