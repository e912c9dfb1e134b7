"""Closed forms: how often a strategy is right and what it takes, exactly, where every answer is drawn by a known law.

A *law* is P(answer 0), P(answer 1), ...; answer 0 is the truth. Oracles for strategies, and independent of them.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from math import exp, factorial, log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import integrate, stats

Law = Sequence[float]
FloatArray = NDArray[np.float64] | NDArray[np.int64]
Stops = Callable[[int, int, int], bool]
"""From the leader's votes, the runner-up's and all there are to whether that is enough."""


def assert_share(hits: int, trials: int, exact: float) -> None:
    """Check that a share is what it should be, within 4 standard errors: a false alarm is rarer than 1 in 10,000."""
    error = sqrt(exact * (1 - exact) / trials)
    seen = hits / trials
    assert abs(seen - exact) <= 4 * error + 1e-12, (
        f"{hits} of {trials} is {seen:.4f}; it should be {exact:.4f}, give or take {4 * error:.4f}"
    )


def assert_mean(values: Sequence[float] | FloatArray, exact: float) -> None:
    """Check that a mean is what it should be, within 4 of the standard errors that the values show."""
    drawn = np.asarray(values, float)
    error = float(drawn.std()) / sqrt(drawn.size)
    seen = float(drawn.mean())
    assert abs(seen - exact) <= 4 * error + 1e-12, (
        f"the mean of {drawn.size} is {seen:.4g}; it should be {exact:.4g}, give or take {4 * error:.2g}"
    )


def chain(p: float, steps: int) -> float:
    """P(a chain is right): every step is."""
    return float(p**steps)


def plurality(law: Law, n: int) -> float:
    """P(the truth has the most of n votes), ties drawn; "seen first" wins a tie just as often.

    By exponential generating functions: ``tied[t]`` holds the ways in which the answers so far share c votes, t of them
    with k votes each and none with more.
    """
    right, *others = law
    total = 0.0
    for k in range(1, n + 1):
        tied = [np.zeros(n + 1) for _ in range(len(others) + 1)]
        tied[0][0] = 1.0
        for q in others:
            terms = np.array([q**c / factorial(c) for c in range(n + 1)])
            fewer = np.where(np.arange(n + 1) < k, terms, 0.0)
            before = [ways.copy() for ways in tied]
            for t, ways in enumerate(before):
                tied[t] = np.convolve(ways, fewer)[: n + 1]
                if t:
                    tied[t][k:] += before[t - 1][: n + 1 - k] * terms[k]
        share = sum(ways[n - k] / (t + 1) for t, ways in enumerate(tied))
        total += right**k / factorial(k) * factorial(n) * float(share)
    return total


def pass_at(a: float, n: int) -> float:
    """P(one of n samples is right): best-of-n with a verifier that never errs."""
    return float(1 - (1 - a) ** n)


def best_of_n(a: float, n: int, mu: float) -> float:
    """P(the sample with the highest score is right), scores N(mu, 1) if right and N(0, 1) if not."""

    def wins(x: float) -> float:
        lower = a * stats.norm.cdf(x - mu) + (1 - a) * stats.norm.cdf(x)
        return float(n * a * stats.norm.pdf(x - mu) * lower ** (n - 1))

    return float(integrate.quad(wins, -12, mu + 12, limit=200)[0])


def first_accepted(a: float, right: float, wrong: float, n: int) -> float:
    """P(the first of n samples that a verifier accepts is right); none accepted counts as wrong.

    Args:
        a: P(a sample is right).
        right: P(a right sample is accepted).
        wrong: P(a wrong one is).
        n: Samples at most.
    """
    good = a * right
    accepted = good + (1 - a) * wrong
    return float(good / accepted * (1 - (1 - accepted) ** n))


def lead(first: int, second: int) -> float:
    """P(X > 1/2) for X ~ Beta(first + 1, second + 1): what adaptive consistency believes of a leader."""
    return float(stats.beta.sf(0.5, first + 1, second + 1))


def one_by_one(law: Law, n: int, stops: Stops) -> tuple[float, float]:
    """Return (P(the truth leads in the end), mean votes) of a vote whose samples come singly, ties drawn.

    By dynamic programming over the counts.
    """
    states: dict[tuple[int, ...], float] = {(0,) * len(law): 1.0}
    right = taken = 0.0
    for t in range(1, n + 1):
        following: dict[tuple[int, ...], float] = defaultdict(float)
        for counts, weight in states.items():
            for i, q in enumerate(law):
                following[(*counts[:i], counts[i] + 1, *counts[i + 1 :])] += weight * q
        states = {}
        for counts, weight in following.items():
            first, second = sorted(counts, reverse=True)[:2]
            if t == n or stops(first, second, t):
                right += weight * (counts[0] == first) / counts.count(first)
                taken += weight * t
            else:
                states[counts] = weight
    return right, taken


def adaptive(law: Law, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return (accuracy, mean votes) of adaptive consistency (arXiv 2305.11860)."""
    known: dict[tuple[int, int], bool] = {}

    def stops(first: int, second: int, _: int) -> bool:
        if (first, second) not in known:
            known[first, second] = lead(first, second) >= confidence
        return known[first, second]

    return one_by_one(law, n, stops)


def windowed(law: Law, width: int, windows: int) -> float:
    """Return the mean votes of a vote in windows that stops at the first unanimous one (arXiv 2401.10480)."""
    unanimous = sum(q**width for q in law)
    return float(width * (1 - (1 - unanimous) ** windows) / unanimous)


def first_finished(k: int, m: int, sigma: float) -> float:
    """Return the share of tokens that k samples take which end when m of them have (arXiv 2505.17813).

    Lengths are lognormal with this sigma and independent of what is right; by the means of the order statistics.
    """

    def mean(j: int) -> float:
        later = lambda x: stats.binom.cdf(j - 1, k, stats.norm.cdf(log(x) / sigma))  # noqa: E731
        return float(integrate.quad(later, 1e-12, exp(12 * sigma), limit=500, points=[1, 5])[0])

    ends = [mean(j) for j in range(1, m + 1)]
    return (sum(ends) + (k - m) * ends[-1]) / (k * exp(sigma**2 / 2))


def refined(a: float, fix: float, spoil: float, rounds: int) -> float:
    """P(right) after rounds of revision: harmful as soon as a is above fix / (fix + spoil)."""
    rest = fix / (fix + spoil)
    return float(rest + (a - rest) * (1 - fix - spoil) ** rounds)


def until_stable(k: int, flip: float) -> float:
    """Return the mean probes until k in a row say what a settled chain believes; each errs with ``flip``."""
    kept = (1 - flip) ** k
    return float((1 - kept) / (flip * kept)) if flip else float(k)


def premature(law: Law, k: int, probes: int) -> float:
    """P(k probes in a row agree within so many probes of a chain that still guesses by this law).

    By dynamic programming over the last answer and the length of its run.
    """
    runs = np.zeros((len(law), k))
    runs[:, 0] = law
    ended = float(runs[:, k - 1].sum()) if k == 1 else 0.0
    for _ in range(probes - 1):
        following = np.zeros_like(runs)
        following[:, 1:] = runs[:, :-1] * np.asarray(law)[:, None]
        by_answer = runs[:, : k - 1].sum(axis=1)
        following[:, 0] = (by_answer.sum() - by_answer) * np.asarray(law)
        ended += float(following[:, k - 1].sum())
        runs = following
        runs[:, k - 1] = 0.0
    return ended
