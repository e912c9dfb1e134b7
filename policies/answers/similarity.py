"""How alike two free texts are, and which of several is the most typical: free text does not vote.

The text with the highest mean similarity to the others is the minimum Bayes risk choice (arXiv 2211.07634,
2310.01387), with similarity in the place of utility and the samples themselves as the evidence.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from math import sqrt
from typing import NamedTuple

_TOKEN = re.compile(r"[^\W\d_]+|\d+|[一-鿿]", re.UNICODE)
_CHINESE = re.compile(r"([一-鿿])")
_GRAM = 3


class _Profile(NamedTuple):
    grams: Mapping[str, int]
    length: float
    tokens: Counter[str]


def similarity(a: str, b: str) -> float:
    """Return how alike two texts are, in [0, 1]: half cosine of character trigrams, half token F1."""
    return _alike(_profile(a), _profile(b))


def medoid(texts: Sequence[str]) -> int:
    """Return the index of the text most similar to the others; ties go to the first.

    Raises:
        ValueError: There is no text.
    """
    if not texts:
        raise ValueError("medoid() needs at least one text")
    profiles = [_profile(text) for text in texts]
    totals = [sum(_alike(a, b) for b in profiles if b is not a) for a in profiles]
    # Sums of the same numbers in another order differ in the last bits; that must not break a tie.
    return max(range(len(texts)), key=lambda index: (round(totals[index], 9), -index))


def _profile(text: str) -> _Profile:
    folded = " ".join(text.casefold().split())
    grams = Counter(folded[at : at + _GRAM] for at in range(max(1, len(folded) - _GRAM + 1)))
    tokens = Counter(_TOKEN.findall(_CHINESE.sub(r" \1 ", folded)))
    return _Profile(grams, sqrt(sum(n * n for n in grams.values())), tokens)


def _alike(a: _Profile, b: _Profile) -> float:
    fewer, more = sorted((a.grams, b.grams), key=len)
    cosine = sum(n * more.get(gram, 0) for gram, n in fewer.items()) / (a.length * b.length)
    both, total = (a.tokens & b.tokens).total(), a.tokens.total() + b.tokens.total()
    return min(1.0, 0.5 * cosine + 0.5 * (2 * both / total if total else float(a.grams == b.grams)))
