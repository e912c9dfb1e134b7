"""Which keys are the same answer: a partition of all keys seen, whatever order they arrived in.

Two keys are joined when they are equal, when a decimal is the other one rounded, or when algebra says so. Being
rounded alike does not carry over from pair to pair, so the clusters are the connected components of those joins:
an equivalence by construction, and the same one in every order of arrival.
"""

import asyncio
from collections.abc import Awaitable, Callable
from fractions import Fraction

RELATIVE = Fraction(1, 10_000)
"""A decimal may be off by this share of the exact value."""

_NOISE = Fraction(1, 10**9)
_NOISY_DIGITS = 9
"""What binary floats leave: 2.9999999999 for 3. Whole numbers are rounded by nothing else."""

_FINE_DIGITS = 4
"""Decimals that a number needs to be taken for one that was not rounded to cents."""

Equal = Callable[[str, str], Awaitable[bool]]
"""Whether two formulas, without the kind before their colon, are equal; expensive, and must be symmetric."""


class Clusters:
    """Keys seen so far, those of equal answers together. The representative is the first one seen.

    Args:
        equal: Algebra for formulas; asked only for two different keys of which at least one is ``math``, once a pair.
    """

    def __init__(self, equal: Equal) -> None:
        self._equal = equal
        self._parents: dict[str, str] = {}
        self._verdicts: dict[tuple[str, str], bool] = {}
        self._turn = asyncio.Lock()

    async def representative(self, key: str) -> str:
        """Return the first key seen of those equal to ``key``.

        A new key can join two clusters, so ask again for every key when counting votes: it costs nothing then.
        """
        async with self._turn:
            if key not in self._parents:
                # Nothing is kept of a key whose comparisons were cancelled but their verdicts.
                joined = [other for other in self._parents if await self._same(key, other)]
                self._parents[key] = key
                for other in joined:
                    self._join(key, other)
            return self._root(key)

    def _root(self, key: str) -> str:
        while (parent := self._parents[key]) != key:
            key = parent
        return key

    def _join(self, one: str, other: str) -> None:
        roots = {self._root(one), self._root(other)}
        first, *rest = (key for key in self._parents if key in roots)  # in the order of arrival
        for root in rest:
            self._parents[root] = first

    async def _same(self, one: str, other: str) -> bool:
        (kind_a, _, a), (kind_b, _, b) = sorted(key.partition(":") for key in (one, other))
        if kind_a == kind_b == "number":
            return rounded_alike(Fraction(a), Fraction(b))
        if (kind_a, kind_b) not in (("math", "math"), ("math", "number")):
            return False
        if (a, b) not in self._verdicts:
            self._verdicts[a, b] = await self._equal(a, b)
        return self._verdicts[a, b]


def rounded_alike(a: Fraction, b: Fraction) -> bool:
    """Return whether two numbers are the same, or one is a decimal that gives the other rounded.

    1/3 and 0.3333, 3.14159 and 3.1416, 0.1 + 0.2 in floats and 0.3 are alike; 1000.50 and 1000.55, 10000 and 10001,
    1/3 and 0.33 are not. Symmetric.
    """
    if a == b:
        return True
    return _rounds(a, b) or _rounds(b, a)


def _rounds(coarse: Fraction, fine: Fraction) -> bool:
    digits, finer = decimals(coarse), decimals(fine)
    error = abs(coarse - fine)
    if digits is None or (finer is not None and finer <= digits):
        return False
    if digits == 0:
        return finer is not None and finer >= _NOISY_DIGITS and error <= _NOISE * abs(fine)
    is_fine = finer is None or finer >= _FINE_DIGITS
    return is_fine and error < Fraction(1, 10**digits) and error <= RELATIVE * abs(fine)


def decimals(value: Fraction) -> int | None:
    """Return how many decimals write ``value`` exactly; ``None`` if it has no end."""
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    return max(twos, fives) if rest == 1 else None
