"""Oracles for voting (exact formulas, independent of the code) and a search that draws from a law."""

import asyncio
import math
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from policies.ports import Abilities, Prompt, Task
from policies.types import Candidate, SearchPlan


def plurality(law: Sequence[float], n: int) -> float:
    """Return P(answer 0 has the most of n votes, ties split evenly), by summing over vote counts."""
    total = 0.0
    for counts in _compositions(n, len(law)):
        most = max(counts)
        if counts[0] == most:
            ways = math.factorial(n) / math.prod(map(math.factorial, counts))
            chance = math.prod(q**c for q, c in zip(law, counts, strict=True))
            total += ways * chance / counts.count(most)
    return total


def _compositions(n: int, parts: int) -> list[tuple[int, ...]]:
    if parts == 1:
        return [(n,)]
    return [(k, *rest) for k in range(n + 1) for rest in _compositions(n - k, parts - 1)]


def leads(first: int, second: int) -> float:
    """Return P(X > 1/2), X ~ Beta(first + 1, second + 1), by integrating the density."""
    a, b, steps = first + 1, second + 1, 1000
    scale = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b))
    points = (0.5 + (i + 0.5) / (2 * steps) for i in range(steps))
    return scale * sum(x ** (a - 1) * (1 - x) ** (b - 1) for x in points) / (2 * steps)


def adaptive(law: Sequence[float], n: int, *, certain: bool) -> tuple[float, float]:
    """Return (P(answer 0 wins), mean samples) of adaptive consistency, by dynamic programming.

    Votes come one by one; stops at a lead of 0.95 and, if ``certain``, when the rest cannot change the leader.
    """
    known: dict[tuple[int, int], float] = {}
    states: dict[tuple[int, ...], float] = {(0,) * len(law): 1.0}
    accuracy = samples = 0.0
    for t in range(1, n + 1):
        following: dict[tuple[int, ...], float] = defaultdict(float)
        for counts, chance in states.items():
            for i, q in enumerate(law):
                following[(*counts[:i], counts[i] + 1, *counts[i + 1 :])] += chance * q
        states = {}
        for counts, chance in following.items():
            first, second = sorted(counts, reverse=True)[:2]
            lead = known.setdefault((first, second), leads(first, second))
            if lead >= 0.95 or t == n or (certain and first - second > n - t):
                accuracy += chance * (counts[0] == first) / counts.count(first)
                samples += chance * t
            else:
                states[counts] = chance
    return accuracy, samples


def draw(law: Sequence[float], n: int, seed: int) -> list[str]:
    """Return the keys of n samples; key "0" is the right one."""
    rng = random.Random(f"{law} {seed}")
    return [str(key) for key in rng.choices(range(len(law)), law, k=n)]


def winner(keys: Sequence[str]) -> str:
    """Return the plurality winner of all keys; ties go to the one seen first."""
    return Counter(keys).most_common(1)[0][0]


@dataclass
class DrawnSearch:
    """A search whose samples are given.

    Attributes:
        keys: Of each sample, by index; ``None`` abstains.
        delays: Event loop turns until each comes back; absent is at once.
        refused: Indices from which on the budget covers no sample.
    """

    keys: Sequence[str | None]
    delays: Sequence[int] = ()
    refused: int | None = None
    cut: frozenset[int] = frozenset()
    offers: list[tuple[Candidate, float | None]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rule: str = "beta"
    asked: int = 0
    finished: int = 0
    running: int = 0
    widest: int = 0

    name = "drawn"
    can = Abilities()
    value = None
    task = Task("?", ())
    remembered: Sequence[Candidate] = ()

    @property
    def plan(self) -> SearchPlan:
        return SearchPlan("vote", len(self.keys), stop=self.rule)

    @property
    def model(self) -> "DrawnSearch":
        return self

    @property
    def ladder(self) -> "Sequence[DrawnSearch]":
        return (self,)

    async def generate(self, prompt: Prompt) -> Candidate | None:
        self.asked += 1
        if self.refused is not None and prompt.index >= self.refused:
            return None
        self.running += 1
        self.widest = max(self.widest, self.running)
        try:
            for _ in range(self.delays[prompt.index] if self.delays else 0):
                await asyncio.sleep(0)
        finally:
            self.running -= 1
        self.finished += 1
        key = self.keys[prompt.index]
        text = f"{key} by {prompt.index}"
        return Candidate(text, key=key, complete=prompt.index not in self.cut)

    def open(self, prompt: Prompt) -> NoReturn:
        raise NotImplementedError("votes look at whole answers")

    async def compose(self, text: str, like: Candidate) -> NoReturn:
        raise NotImplementedError("votes show what was generated")

    def offer(
        self, candidate: Candidate, *, weight: float = 0.0, agreement: float | None = None
    ) -> None:
        self.offers.append((candidate, agreement))

    def note(self, progress: str) -> None:
        self.notes.append(progress)

    def stop(self, reason: str) -> None:
        self.reasons.append(reason)

    @property
    def best(self) -> str | None:
        """The key of the last offer."""
        return self.offers[-1][0].key if self.offers else None
