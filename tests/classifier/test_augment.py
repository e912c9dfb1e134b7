"""Changed copies: the label's question stays recognisable, formulas stay whole, draws repeat."""

import random
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.features import FEATURE_NAMES, featurise
from classifier.training.augment import MUTATIONS, copies, glossary_chinese, unlatexed
from classifier.training.dataset import Question
from classifier.training.robustness import kept_across_languages, kept_under_mutation

PROBLEM = (
    r"Let $n\leq 9$ be a positive integer. Prove that $\frac{n}{2}$ divides the sum of all primes."
)


def _question(number: int, prompt: str = PROBLEM, **meta: object) -> Question:
    return Question(str(number), "s", prompt, "math", "en", "train", dict(meta))


def test_a_glossary_copy_keeps_formulas_and_intent_and_reads_as_chinese() -> None:
    copy = glossary_chinese(PROBLEM, random.Random(0))
    features = featurise(copy)
    assert r"$\frac{n}{2}$" in copy
    assert features.language == "zh"
    assert features.dense[FEATURE_NAMES.index("words of intent: prove")] > 0


def test_latex_is_typed_out_as_people_type() -> None:
    assert unlatexed(r"$\frac{a}{b} + \alpha$", random.Random(1)) == "(a)/(b) + alpha"


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
@pytest.mark.parametrize(
    "text", ["", "a", "证明", PROBLEM], ids=["empty", "letter", "Chinese", "problem"]
)
def test_every_mutation_takes_every_text(mutation: object, text: str) -> None:
    assert callable(mutation)
    assert isinstance(mutation(text, random.Random(2)), str)


def test_the_same_seed_draws_the_same_copies_and_another_seed_others() -> None:
    questions = [_question(number) for number in range(30)]
    first = copies(questions, n_mutated=20, n_glossary=10, seed=1)
    assert first == copies(questions, n_mutated=20, n_glossary=10, seed=1)
    assert first != copies(questions, n_mutated=20, n_glossary=10, seed=2)
    assert [copy.language for copy in first[0]] == ["en"] * 20 + ["zh"] * 10


def test_robustness_is_full_for_a_constant_and_low_for_a_score_of_length() -> None:
    questions = [_question(n, "a" * (n * 20), parallel_id=str(n % 20)) for n in range(1, 60)]

    def constant(texts: Sequence[str]) -> NDArray[np.float64]:
        return np.full(len(texts), 0.3)

    def by_length(texts: Sequence[str]) -> NDArray[np.float64]:
        return np.array([min(len(text) / 1_500, 1) for text in texts])

    assert set(kept_under_mutation(questions, constant).values()) == {1.0}
    assert kept_under_mutation(questions, by_length)["padding before"] < 1.0
    assert kept_across_languages(questions, constant) == {"en": 1.0}
    assert kept_across_languages(questions, by_length)["en"] < 0.8
