"""The attack finds a weakness where there is one; form alone keeps the band of the shipped model."""

import random
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.scorer import Scorer
from classifier.training.attack import attack
from classifier.training.dataset import Question, read_outcomes, read_questions
from classifier.training.gadgets import gadgeted
from classifier.training.hardening import Lessons, hardened
from classifier.training.labels import make_labels
from classifier.training.matrices import make_matrices
from classifier.training.recipe import Recipe
from classifier.training.robustness import CHANGES, kept_under_mutation
from classifier.types import Ask
from tests.classifier.conftest import Trained

NOUNS = ("garden", "kitchen", "holiday", "bicycle", "recipe", "birthday", "window", "letter", "dog")
ASKS = (
    "Write a short note about my {}.",
    "What is a good name for a {}?",
    "Remind me about the {} tomorrow.",
    "Translate '{}' into Spanish.",
    "Tell me a joke about a {}.",
    "How do you spell {}?",
)
EASY = [ask.format(noun) for ask in ASKS for noun in NOUNS]


def _shipped(scorer: Scorer, texts: Sequence[str]) -> NDArray[np.float64]:
    return np.array([score.difficulty for score in scorer.score_batch([Ask(t) for t in texts])])


def test_a_model_of_one_word_falls_and_a_constant_stands() -> None:
    def one_word(texts: Sequence[str]) -> NDArray[np.float64]:
        return np.array([0.1 + 0.6 * ("polynomial" in text) for text in texts])

    def constant(texts: Sequence[str]) -> NDArray[np.float64]:
        return np.full(len(texts), 0.1)

    fallen, standing = attack(EASY, one_word, n_fit=6), attack(EASY, constant, n_fit=6)
    assert (fallen.flipped_fit, fallen.flipped_held_out) == (1.0, 1.0)
    assert "polynomial" in fallen.prefix
    assert (standing.flipped_held_out, standing.left_bottom) == (0.0, 0.0)


def test_a_gadget_keeps_the_ask_whole() -> None:
    assert "How do you spell dog?" in gadgeted("How do you spell dog?", random.Random(4))


def test_a_round_of_attack_adds_easy_asks_behind_what_was_found(trained: Trained) -> None:
    questions = read_questions(trained.questions)
    outcomes = read_outcomes(trained.outcomes, questions)
    matrices = make_matrices([question.prompt for question in questions])
    lessons = Lessons(questions, make_labels(questions, outcomes), matrices)
    recipe = Recipe(
        members=1, level_epochs=4, rank_epochs=2, answered_epochs=4, rounds=1, climbed=20
    )
    after = hardened(lessons, recipe)
    copies = after.questions[len(questions) :]
    assert len(copies) == 20
    prompt_of = {question.id: question.prompt for question in questions}
    for row, copy in enumerate(copies, len(questions)):
        assert prompt_of[copy.id] in copy.prompt
        assert len(copy.prompt) > len(prompt_of[copy.id])
        assert after.labels.logits[row, 0] > 2.5
        assert not after.labels.measured[row].any()


def test_a_random_gadget_moves_few_easy_asks_to_the_top(shipped: Scorer) -> None:
    rng = random.Random(9)
    texts = [gadgeted(text, rng) for text in EASY for _ in range(4)]
    assert (_shipped(shipped, texts) >= 0.5).mean() < 0.1


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("text", ["", "a", "证明", "Why is 2 + 2 = 4?"], ids=range(4))
def test_every_change_takes_every_text(name: str, text: str) -> None:
    assert isinstance(CHANGES[name](text, random.Random(2)), str)


def test_form_keeps_the_band_of_easy_asks(shipped: Scorer) -> None:
    questions = [Question(t, "s", t, "chat", "en", "dev", {}) for t in EASY]
    kept = kept_under_mutation(questions, lambda texts: _shipped(shipped, texts))
    assert min(kept.values()) >= 0.9, kept
