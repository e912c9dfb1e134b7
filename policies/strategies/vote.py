"""``vote``: self-consistency (arXiv 2203.11171) that stops as soon as more samples cannot pay.

Samples run in parallel; each answer is reduced to a key (a number, an option, ...) and votes for it.
Two stop rules: ``certain`` (no outcome of the remaining votes can change the winner; free of error)
and ``beta`` (adaptive consistency, arXiv 2305.11860: the leader beats the runner-up with probability
of at least 0.95). A sample without a key, or cut by a limit, abstains.
"""

import asyncio
from collections import Counter
from functools import cache
from math import comb

from policies.ports import Search
from policies.types import Candidate

CONFIDENCE = 0.95
"""Of the ``beta`` rule: four unanimous votes reach it (0.969), three do not (0.9375)."""

FIRST_BATCH = 3
"""Samples started at once; the rest follow one by one as answers arrive, so that a stop saves them."""


async def vote(search: Search) -> None:
    """Offer the leader of the votes after every sample; stop on consensus."""
    ballot = Ballot(search.plan.n)
    async with asyncio.TaskGroup() as group:
        running: list[asyncio.Task[Candidate | None]] = []
        started = 0
        while ballot.settled() is None:
            width = FIRST_BATCH if started < FIRST_BATCH else 1
            while started < search.plan.n and len(running) < width:
                running.append(group.create_task(search.sample(started)))
                started += 1
            if not running:
                break
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            arrived = [task for task in running if task in done]  # in the order they were started
            running = [task for task in running if task not in done]
            for task in arrived:
                candidate = task.result()
                if candidate is None:
                    started = search.plan.n  # nothing more to be had: count what is still running
                else:
                    ballot.add(candidate)
                    search.offer(ballot.leader(), agreement=ballot.agreement())
        search.stop(ballot.settled() or "exhausted")
        for task in running:
            task.cancel()


class Ballot:
    """Votes so far, in the order they arrived; ties go to the answer seen first.

    Args:
        n: Samples the search may take at most.
    """

    def __init__(self, n: int) -> None:
        self._n = n
        self._arrived = 0
        self._votes: Counter[str] = Counter()
        self._best: dict[str, Candidate] = {}
        self._unkeyed: Candidate | None = None

    def add(self, candidate: Candidate) -> None:
        """Count one finished sample."""
        self._arrived += 1
        if candidate.key is None or not candidate.complete:
            if self._unkeyed is None or (candidate.complete and not self._unkeyed.complete):
                self._unkeyed = candidate
            return
        self._votes[candidate.key] += 1
        shown = self._best.get(candidate.key)
        # Among equal answers the shortest text: long chains are wrong more often, and cost to read.
        if shown is None or len(candidate.text) < len(shown.text):
            self._best[candidate.key] = candidate

    def leader(self) -> Candidate:
        """Return the candidate to show if the search ended now."""
        ranked = self._votes.most_common(1)
        if ranked:
            return self._best[ranked[0][0]]
        assert self._unkeyed is not None, "leader() is asked after add()"
        return self._unkeyed

    def agreement(self) -> float:
        """Return the leader's share of the votes cast, in [0, 1]; 0 without votes."""
        total = self._votes.total()
        return self._votes.most_common(1)[0][1] / total if total else 0.0

    def settled(self) -> str | None:
        """Return why further samples are not worth it, or ``None``."""
        if not self._votes:
            # Free text does not vote: when a whole batch abstains, so will the rest.
            return "no_votable_answer" if self._arrived >= FIRST_BATCH else None
        (_, first), *rest = self._votes.most_common(2)
        second = rest[0][1] if rest else 0
        if first - second > self._n - self._arrived:
            return "certain"
        return "consensus" if lead_probability(first, second) >= CONFIDENCE else None


@cache
def lead_probability(first: int, second: int) -> float:
    """Return P(X > 1/2) for X ~ Beta(first + 1, second + 1): the leader really leads.

    For integer parameters the regularised incomplete beta function is a binomial tail, so no special
    functions are needed: P = sum over k <= first of C(n, k) / 2^n with n = first + second + 1.
    """
    n = first + second + 1
    return float(sum(comb(n, k) for k in range(first + 1)) / 2**n)
