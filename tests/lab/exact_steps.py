"""Closed forms for what is done step by step: searches over partial chains, and chains that a budget cuts."""

from collections.abc import Callable

import numpy as np
from scipy import stats

from tests.lab.exact import best_of_n, plurality


def beam(p: float, steps: int, width: int, children: int) -> float:
    """P(a beam that is scored without error ends with a right chain).

    A Markov chain over how many of the ``width`` survivors are right; the first level has width * children samples.
    """
    right = np.zeros(width + 1)
    right[width] = 1.0
    for _ in range(steps):
        following = np.zeros(width + 1)
        for survivors, weight in enumerate(right):
            offspring = stats.binom.pmf(
                np.arange(survivors * children + 1), survivors * children, p
            )
            np.add.at(following, np.minimum(width, np.arange(len(offspring))), weight * offspring)
        right = following
    return float(1 - right[0])


def subtree(p: float, steps: int, children: int, mu: float) -> float:
    """P(one greedy subtree is right): at each step the best of its children by a noisy score."""
    return best_of_n(p, children, mu) ** steps


def subtrees_by_vote(
    p: float, steps: int, children: int, mu: float, trees: int, shares: tuple[float, ...]
) -> float:
    """P(a plurality of independent subtrees is right); ``shares`` of the wrong answers sum to 1."""
    right = subtree(p, steps, children, mu)
    return plurality((right, *((1 - right) * share for share in shares)), trees)


def tree_ceiling(p: float, children: int, steps: int) -> float:
    """P(a full tree holds a right leaf): the survival of a Galton-Watson process."""
    alive = 1.0
    for _ in range(steps):
        alive = 1 - (1 - p * alive) ** children
    return float(alive)


def steps_within(budget: int, steps: int, mean: int, overhead: int = 0) -> list[float]:
    """Return P(J = 0), ..., P(J = steps): steps done within a budget, lengths overhead + geometric on 1, 2, ...

    Args:
        budget: Tokens.
        steps: The most there are.
        mean: Of the geometric part.
        overhead: Tokens of every step on top.
    """
    room = [budget - j * overhead - j for j in range(1, steps + 1)]
    least = [1.0, *(float(stats.nbinom.cdf(r, j, 1 / mean)) for j, r in enumerate(room, 1)), 0.0]
    return [least[j] - least[j + 1] for j in range(steps + 1)]


def truncated(p: float, within: list[float], guessed: Callable[[int], float]) -> float:
    """P(right) of a chain whose budget ends it.

    Args:
        p: P(a step goes right).
        within: P(J = j), as ``steps_within`` returns it.
        guessed: P(the rest is guessed right), given the number of missing steps.
    """
    steps = len(within) - 1
    return sum(w * p**j * (guessed(steps - j) if j < steps else 1.0) for j, w in enumerate(within))
