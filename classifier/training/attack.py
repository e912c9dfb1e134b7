"""Attacks our own model: hill-climbs a prefix that makes easy asks look hard, and counts the flips.

RouteLLM's routers fall to one such prefix for more than nine queries in ten (a "confounder gadget").
The attacker here sees every score, so the flip rate is a worst case. Training answers it with copies
of easy asks behind random words of hard questions, and behind prefixes climbed on a model fitted for
that purpose (``gadgets``, ``hardening``).
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from classifier.training.gadgets import GADGETS
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

    Only prompts in the bottom band take part.

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
    words = climbed(fitted, difficulties, GADGETS, rng)
    after = difficulties(_prefixed(words, held_out))
    return Attack(
        prefix=" ".join(words),
        flipped_fit=float((difficulties(_prefixed(words, fitted)) >= BANDS[-1]).mean()),
        flipped_held_out=float((after >= BANDS[-1]).mean()),
        left_bottom=float((after >= BANDS[0]).mean()),
    )


def climbed(
    prompts: Sequence[str],
    difficulties: Difficulties,
    vocabulary: Sequence[str],
    rng: random.Random,
    *,
    n_words: int = PREFIX_WORDS,
    steps: int = STEPS,
) -> list[str]:
    """Return the words of a prefix that makes the prompts look hard.

    One word after the other is replaced; the best of a few candidates stays if the mean log odds of
    difficulty rise.

    Args:
        prompts: What the prefix is put before.
        difficulties: The model.
        vocabulary: Words to choose from.
        rng: Draws the start and the candidates.
        n_words: Length of the prefix.
        steps: Words that are replaced at most.
    """
    words = rng.choices(vocabulary, k=n_words)
    best = _strengths([words], prompts, difficulties)[0]
    for step in range(steps):
        place = step % n_words
        tried = rng.choices(vocabulary, k=TRIES)
        rivals = [[*words[:place], word, *words[place + 1 :]] for word in tried]
        strengths = _strengths(rivals, prompts, difficulties)
        if max(strengths) > best:
            best = max(strengths)
            words = rivals[strengths.index(best)]
    return words


def _strengths(
    rivals: Sequence[Sequence[str]], prompts: Sequence[str], difficulties: Difficulties
) -> list[float]:
    """Return the mean log odds of difficulty behind each prefix, all scored at once."""
    scores = difficulties([text for words in rivals for text in _prefixed(words, prompts)])
    odds = logit(np.clip(scores, 1e-6, 1 - 1e-6)).reshape(len(rivals), -1)
    return [float(mean) for mean in odds.mean(axis=1)]


def _prefixed(words: Sequence[str], prompts: Sequence[str]) -> list[str]:
    return [f"{' '.join(words)} {prompt}" for prompt in prompts]
