"""When a vote has seen enough: small rules over the votes so far, each with its source.

certain     no outcome of the remaining votes can change the winner; free of error, always on
beta        the leader beats the runner-up with probability 0.95 (adaptive consistency, arXiv 2305.11860)
esc         a whole window of answers agrees (early-stopping self-consistency, arXiv 2401.10480)
first       the first m to finish vote: short reasoning is right more often (short-m@k, arXiv 2505.17813)
"""

from collections.abc import Callable, Sequence
from functools import cache
from math import comb

from policies.operators import Tally

StopRule = Callable[[Tally], str | None]
"""From the votes so far to the reason to stop, or ``None``."""

CONFIDENCE = 0.95
"""Of the ``beta`` rule: four unanimous votes reach it (0.969), three do not (0.9375)."""

BATCH = 3
"""Samples started at once; when all of the first batch abstain, free text does not vote and more of it will not."""


def any_of(rules: Sequence[StopRule]) -> StopRule:
    """Return the rule that stops as soon as one of ``rules`` does, with that one's reason."""
    return lambda tally: next((why for rule in rules if (why := rule(tally))), None)


def certain(n: int) -> StopRule:
    """Stop when the votes left of ``n``, of weight 1 at most, cannot change the winner."""

    def rule(tally: Tally) -> str | None:
        first, second = tally.lead
        return "certain" if first - second > n - tally.arrived else None

    return rule


def beta(confidence: float = CONFIDENCE) -> StopRule:
    """Stop when the leader really leads with probability ``confidence``."""

    def rule(tally: Tally) -> str | None:
        first, second = tally.lead
        return "consensus" if lead_probability(int(first), int(second)) >= confidence else None

    return rule


def esc(window: int) -> StopRule:
    """Stop when the last whole window of ``window`` answers is unanimous."""

    def rule(tally: Tally) -> str | None:
        last = tally.keys[-window:]
        whole = tally.arrived >= window and tally.arrived % window == 0
        return "consensus" if whole and last[0] is not None and len(set(last)) == 1 else None

    return rule


def first(m: int) -> StopRule:
    """Stop when ``m`` answers have voted."""
    return lambda tally: "first_finished" if tally.cast >= m else None


def mute(tally: Tally) -> str | None:
    """Stop when nothing of the first batch can vote."""
    return "no_votable_answer" if tally.arrived >= BATCH and not tally.cast else None


@cache
def lead_probability(first: int, second: int) -> float:
    """Return P(X > 1/2) for X ~ Beta(first + 1, second + 1): the leader really leads.

    For integer parameters the regularised incomplete beta function is a binomial tail, so no special
    functions are needed: P = sum over k <= first of C(n, k) / 2^n with n = first + second + 1.
    """
    n = first + second + 1
    return float(sum(comb(n, k) for k in range(first + 1)) / 2**n)
