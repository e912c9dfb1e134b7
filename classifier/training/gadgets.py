"""Gadgets: words and formulas before or after an easy ask, put there to make it look hard.

Whoever pays for nothing but the answer gains by being sent to the best model. Copies of easy asks
with gadgets, labelled as easy, teach that hard words which ask nothing change nothing. (Copies behind
random words of hard questions were tried: they moved no flip and cost knowledge of unseen sources.)
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


def beside(gadget: Sequence[str], ask: Question, rng: random.Random) -> Question:
    """Return a copy of the ask with the words before it, or now and then behind it."""
    words = " ".join(gadget)
    first = rng.random() < _MOSTLY
    return replace(ask, prompt=f"{words} {ask.prompt}" if first else f"{ask.prompt} {words}")
