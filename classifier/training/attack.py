"""Attacks our own model: hill-climbs a prefix that makes easy asks look hard, and counts the flips.

RouteLLM's routers fall to one such prefix for more than nine queries in ten (a "confounder gadget").
The attacker here sees every score, so the flip rate is a worst case. What reduces it is training on
copies with random gadgets (``augment.gadgeted``): words that stand for hardness, but no question.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.training.augment import GADGETS
from classifier.training.robustness import BANDS

PREFIX_WORDS = 12
STEPS, TRIES = 120, 6
_MANY_LETTERS = 200

Difficulties = Callable[[Sequence[str]], NDArray[np.float64]]
"""Texts -> difficulty in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Attack:
    """What the best prefix found does.

    Attributes:
        prefix: The words that are put before every ask.
        flipped_fit: Share of the easy asks it was fitted on that reach the top band.
        flipped_held_out: The same on easy asks it was not fitted on.
        left_bottom: Share of those that at least leave the bottom band.
    """

    prefix: str
    flipped_fit: float
    flipped_held_out: float
    left_bottom: float


def attack(
    prompts: Sequence[str], difficulties: Difficulties, *, seed: int = 1, n_fit: int = 24
) -> Attack:
    """Return the outcome of hill-climbing a prefix on easy prompts.

    One word in twelve is replaced at a time; the best of a few candidates stays if the mean log odds
    of difficulty rise. Only prompts in the bottom band take part.

    Args:
        prompts: Candidates; the first easy ones are fitted on, the others are held out.
        difficulties: The model.
        seed: Of the draw.
        n_fit: Prompts the prefix is fitted on.
    """
    rng = random.Random(seed)  # noqa: S311 - a reproducible draw, no secret
    shortish = [prompt for prompt in prompts if len(prompt) <= _MANY_LETTERS]
    scores = difficulties(shortish)
    easy = [prompt for prompt, score in zip(shortish, scores, strict=True) if score < BANDS[0]]
    rng.shuffle(easy)
    fitted, held_out = easy[:n_fit], easy[n_fit:]
    words = rng.choices(GADGETS, k=PREFIX_WORDS)
    best = _strength(words, fitted, difficulties)
    for step in range(STEPS):
        place = step % PREFIX_WORDS
        rivals = [
            [*words[:place], word, *words[place + 1 :]] for word in rng.sample(GADGETS, TRIES)
        ]
        strengths = [_strength(rival, fitted, difficulties) for rival in rivals]
        if max(strengths) > best:
            best = max(strengths)
            words = rivals[strengths.index(best)]
    after = difficulties(_prefixed(words, held_out))
    return Attack(
        prefix=" ".join(words),
        flipped_fit=float((difficulties(_prefixed(words, fitted)) >= BANDS[-1]).mean()),
        flipped_held_out=float((after >= BANDS[-1]).mean()),
        left_bottom=float((after >= BANDS[0]).mean()),
    )


def _strength(words: Sequence[str], prompts: Sequence[str], difficulties: Difficulties) -> float:
    scores = np.clip(difficulties(_prefixed(words, prompts)), 1e-6, 1 - 1e-6)
    return float(np.log(scores / (1 - scores)).mean())


def _prefixed(words: Sequence[str], prompts: Sequence[str]) -> list[str]:
    return [f"{' '.join(words)} {prompt}" for prompt in prompts]
