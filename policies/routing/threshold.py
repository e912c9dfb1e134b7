"""``threshold``: boundaries on the difficulty score cut [0, 1] into one interval per tier."""

from collections.abc import Sequence
from itertools import pairwise


def boundaries_for(n_tiers: int, dial: float) -> tuple[float, ...]:
    """Return ``n_tiers - 1`` ascending boundaries in (0, 1).

    Evenly spaced at dial 0.5; raised to the power ``(1 - dial) / dial`` inverse otherwise, so that
    dial 0 sends everything to the cheapest tier and dial 1 everything to the dearest.
    """
    even = [(i + 1) / n_tiers for i in range(n_tiers - 1)]
    if dial <= 0.0:
        return tuple(1.0 for _ in even)
    if dial >= 1.0:
        return tuple(0.0 for _ in even)
    exponent = dial / (1.0 - dial)
    return tuple(b**exponent for b in even)


def choose(n_tiers: int, difficulty: float, boundaries: Sequence[float]) -> tuple[int, str]:
    """Return the index of the tier to use and the reason, in one sentence.

    Args:
        n_tiers: Tiers, cheap to dear; one more than boundaries.
        difficulty: In [0, 1].
        boundaries: Ascending; a difficulty on a boundary goes to the dearer tier, except that a
            boundary of 1 is never reached.
    """
    assert len(boundaries) == n_tiers - 1
    assert all(a <= b for a, b in pairwise(boundaries))
    index = sum(difficulty >= b for b in boundaries if b < 1.0)
    shown = ", ".join(f"{b:.2f}" for b in boundaries)
    return index, f"Difficulty {difficulty:.2f} against the boundaries [{shown}]."
