"""Gadgets: words and formulas before or after an easy ask, put there to make it look hard.

Whoever pays for nothing but the answer gains by being sent to the best model. Copies of easy asks
with gadgets, labelled as easy, teach that hard words which ask nothing change nothing.
"""

import random
from collections.abc import Sequence
from dataclasses import replace

from classifier.lexica import WORDS
from classifier.training.dataset import Question

_HARD_INTENTS = (
    "prove", "extreme", "all_such", "geometry", "algebra", "number_theory", "chance", "calculus",
    "suppose", "logic", "procedure",
)  # fmt: skip
_MOSTLY = 0.9
_LONGEST_ASK = 400

GADGETS: tuple[str, ...] = (
    *" ".join(WORDS[intent] for intent in _HARD_INTENTS).split(),
    *[
        r"$\mathbb{R}$",
        r"$n\geq",
        r"2$",
        r"\frac{a}{b}",
        r"x^2+y^2",
        r"$\sum$",
        r"(m,n)",
        r"2^n",
        r"f(x)",
        r"O(n)",
        r"∀",
        r"≤",
        r"⊂",
        r"∫",
        r"17",
        r"1009",
        r".",
    ],
)
"""Words and formulas that stand for hardness, in several languages."""


def gadgeted(text: str, rng: random.Random) -> str:
    """Return the text after or before a string of gadgets that asks nothing."""
    gadget = " ".join(rng.choices(GADGETS, k=rng.randrange(6, 16)))
    return f"{gadget} {text}" if rng.random() < _MOSTLY else f"{text} {gadget}"


def gadget_copies(
    easy: Sequence[Question], hard: Sequence[Question], *, count: int, seed: int
) -> tuple[list[Question], list[int]]:
    """Return easy asks behind or before stolen words, and the place of each one's original.

    The words come from hard questions: single ones, or runs of a few that read like sentences, so
    that no one list of words is what is learned.

    Args:
        easy: Asks to copy; long ones are left out.
        hard: Questions the words are taken from.
        count: Number of copies; none if there is nothing to copy or to take from.
        seed: Of the draw.
    """
    rng = random.Random(seed)  # noqa: S311 - a reproducible draw, no secret
    places = [place for place, ask in enumerate(easy) if len(ask.prompt) <= _LONGEST_ASK]
    texts = [words for question in hard if (words := question.prompt.split())]
    if not places or not texts:
        return [], []
    origin = rng.choices(places, k=count)
    return [beside(_stolen(texts, rng), easy[place], rng) for place in origin], origin


def beside(gadget: Sequence[str], ask: Question, rng: random.Random) -> Question:
    """Return a copy of the ask with the words before it, or now and then behind it."""
    words = " ".join(gadget)
    first = rng.random() < _MOSTLY
    return replace(ask, prompt=f"{words} {ask.prompt}" if first else f"{ask.prompt} {words}")


def _stolen(texts: Sequence[Sequence[str]], rng: random.Random) -> list[str]:
    """Return 5 to 20 words of hard questions, in runs of one to six words and of one length."""
    run = rng.choice((1, 1, 2, 3, 6))
    stolen: list[str] = []
    for _ in range(max(1, rng.randrange(5, 21) // run)):
        words = rng.choice(texts)
        start = rng.randrange(max(1, len(words) - run + 1))
        stolen += words[start : start + run]
    return stolen
