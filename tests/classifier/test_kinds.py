"""Familiarity: known kinds of question are told from new ones, words in common or not."""

import random

import numpy as np
from numpy.typing import NDArray

from classifier.training.dataset import Question
from classifier.training.kinds import familiarity, fit_kinds
from classifier.training.matrices import make_matrices

KINDS = {
    "grid": "Rotate the grid {n} times, then swap row {n} with the last row of the grid.",
    "sums": "What is the sum of {n} and {m} when both are written in base seven?",
    "kinship": "Anna is the aunt of Ben's cousin number {n}; who is Ben to her mother {m}?",
}
UNKNOWN = "Who wrote the sum of {n} letters to the mother of the last cousin of row {m}?"


def _asked(source: str, template: str, count: int, first: int = 10) -> list[Question]:
    numbers = range(first, first + count)
    names = ("Tom", "Ida", "Kurt", "Lea", "Max")
    prompts = [f"{names[n % 5]} asks: {template.format(n=n, m=n * 7)}" for n in numbers]
    return [
        Question(f"{source}{n}", "quiz", prompt, "math", "en", "train", {"task": source})
        for n, prompt in zip(numbers, prompts, strict=True)
    ]


def _heaps(count: int) -> list[Question]:
    """Return asks of the same words in no order, as everyday asks share words with any kind."""
    rng = random.Random(1)
    words = f"{UNKNOWN} {' '.join(KINDS.values())}".format(n=5, m=7).split()
    prompts = [" ".join(rng.sample(words, 12)) for _ in range(count)]
    return [
        Question(f"h{n}", "chat", prompt, "chat", "en", "train", {"task": "chat"})
        for n, prompt in enumerate(prompts)
    ]


def _familiarity_of(questions: list[Question], answered: list[str]) -> NDArray[np.float64]:
    taught = [q for source, template in KINDS.items() for q in _asked(source, template, 60)]
    taught += _heaps(200)
    known = np.array([question.meta["task"] in answered for question in taught])
    kinds = fit_kinds(taught, known, make_matrices([question.prompt for question in taught]))
    return familiarity(kinds, make_matrices([question.prompt for question in questions]))


def test_new_questions_of_a_known_kind_are_familiar() -> None:
    for source, template in KINDS.items():
        found = _familiarity_of(_asked(source, template, 20, first=80), list(KINDS))
        assert found.shape == (20, 1)
        assert found.min() > 0.9


def test_words_of_known_kinds_do_not_make_a_known_kind() -> None:
    assert _familiarity_of(_asked("other", UNKNOWN, 20), list(KINDS)).max() < 0.5


def test_a_kind_without_outcomes_is_not_familiar() -> None:
    asked = _asked("sums", KINDS["sums"], 20, first=80)
    assert _familiarity_of(asked, ["grid", "kinship"]).max() == 0.0


def test_nothing_is_familiar_about_no_text() -> None:
    empty = Question("e", "quiz", "", "math", "en", "train", {})
    assert _familiarity_of([empty], list(KINDS)).item() == 0.0
