"""Adds copies of easy asks behind prefixes that were climbed on a model fitted for that purpose.

Random words of hard questions don't teach what an attacker finds who sees scores: he finds the few
words that count most. So a quick model is fitted, attacked with words from many places, and what
was found joins the rows that teach, as easy as before; then again, for the next weakest spot.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from classifier.training.attack import Difficulties, climbed
from classifier.training.calibrating import EASY_FROM
from classifier.training.copying import repeated
from classifier.training.dataset import Question
from classifier.training.fit import fit_success
from classifier.training.gadgets import GADGETS, beside
from classifier.training.labels import Labels
from classifier.training.matrices import Matrices, make_matrices
from classifier.training.recipe import Recipe
from classifier.training.targets import TAUGHT_LANGUAGES

HARD_BELOW = 0.6
"""Success of a short model below which a question's words pass for hard ones."""

_LENGTHS = (6, 12, 12, 20)
_STEPS = 60
_N_PROMPTS = 16
_N_WORDS = 300
_LONGEST_ASK = 200
_COPIES_EACH = 100
_SEED = 11


@dataclass(frozen=True, slots=True)
class Lessons:
    """Rows that teach: questions, their labels and their features, in one order."""

    questions: list[Question]
    labels: Labels
    matrices: Matrices

    def joined(self, copies: list[Question], origin: Sequence[int], weight: float) -> "Lessons":
        """Return these rows followed by copies with the labels of their originals."""
        matrices = self.matrices.stacked(make_matrices([copy.prompt for copy in copies]))
        labels = repeated(self.labels, origin, weight)
        return Lessons([*self.questions, *copies], labels, matrices)


def hardened(
    lessons: Lessons, recipe: Recipe, advance: Callable[[str], None] = lambda _: None
) -> Lessons:
    """Return the lessons with ``recipe.climbed`` copies more per round of attack.

    Nothing is added when no ask is easy or no question is hard.

    Args:
        lessons: The rows, changed copies among them.
        recipe: Rounds, prefixes per round and copies.
        advance: Called with the name of each round that begins.
    """
    rng = random.Random(_SEED)  # noqa: S311 - a reproducible draw, no secret
    solved = np.where(lessons.labels.weight > 0, expit(lessons.labels.logits[:, 0]), np.nan)
    prompts = [question.prompt for question in lessons.questions]
    solid = np.flatnonzero(solved >= EASY_FROM).tolist()
    easy = [row for row in solid if len(prompts[row]) <= _LONGEST_ASK]
    taught = [question.language in TAUGHT_LANGUAGES for question in lessons.questions]
    hard = " ".join(prompts[r] for r in np.flatnonzero((solved <= HARD_BELOW) & taught)).split()
    count = min(recipe.climbed, len(prompts) // 4)
    if not easy or not hard:
        return lessons
    for number in range(recipe.rounds):
        advance(f"attack {number + 1}")
        difficulties = _quick_model(lessons, recipe)
        prefixes = []
        for turn in range(min(recipe.prefixes, 1 + count // _COPIES_EACH)):
            words = GADGETS if turn % 2 else rng.choices(hard, k=_N_WORDS)
            asked = [prompts[row] for row in rng.choices(easy, k=_N_PROMPTS)]
            n_words = _LENGTHS[turn % len(_LENGTHS)]
            prefixes.append(climbed(asked, difficulties, words, rng, n_words=n_words, steps=_STEPS))
        origin = rng.choices(easy, k=count)
        copies = [beside(_some(prefixes, rng), lessons.questions[row], rng) for row in origin]
        lessons = lessons.joined(copies, origin, recipe.copy_weight)
    return lessons


def _some(prefixes: Sequence[Sequence[str]], rng: random.Random) -> list[str]:
    """Return the words of one prefix in another order, some of them left out."""
    words = rng.choice(prefixes)
    return rng.sample(words, k=rng.randrange((len(words) + 1) // 2, len(words) + 1))


def _quick_model(lessons: Lessons, recipe: Recipe) -> Difficulties:
    """Return difficulties by a smaller model than the one that is shipped, uncalibrated."""
    quick = replace(recipe, members=1, views=2)
    rows = np.arange(len(lessons.questions))
    success = fit_success(lessons.questions, lessons.labels, lessons.matrices, quick, rows)

    def difficulties(texts: Sequence[str]) -> NDArray[np.float64]:
        return np.asarray(expit(-success.raw_logits(make_matrices(texts))[:, 0]))

    return difficulties
