"""The engine behind test-time strategies: it owns the ledger, the deadline and the final choice.

A strategy samples and offers; the best offer so far is always at hand, so running out of tokens or time
returns it. If there is none, the tokens that were held back buy one direct answer. After ``solve``
returns, nothing is open: neither lease nor socket.
"""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from policies.answers import answer_key
from policies.budgets import smallest
from policies.strategies import STRATEGIES
from policies.types import Budget, Candidate, Query, SearchPlan, Tier
from router.errors import ApiError, UpstreamTimeoutError
from router.ledger import Ledger

from .answer import Answer
from .call import Trace, World

SAMPLE_TEMPERATURE = 0.7
"""Samples at temperature 0 are one vote; reasoning models' cards recommend 0.5 to 0.7."""

FLOOR_TOKENS = 64
"""A sample that may not even spend this cannot finish: better not to start it."""


@dataclass(slots=True)
class Solve:
    """One search for one query: the ``Search`` port that strategies see.

    Attributes:
        world: Pool, ratios, clock.
        query: What was asked.
        tier: Who samples.
        plan: Strategy and number of samples.
        budget: What one sample and the whole may spend.
        ledger: The request's account.
        trace: What happened upstream.
        best: The leading candidate.
        completion: Its completion.
        agreement: Share of the votes behind it.
        stop_reason: Why the search ended.
        samples: Samples that came back.
    """

    world: World
    query: Query
    tier: Tier
    plan: SearchPlan
    budget: Budget
    ledger: Ledger
    trace: Trace
    best: Candidate | None = None
    agreement: float | None = None
    stop_reason: str = "exhausted"
    samples: int = 0
    _completions: dict[Candidate, dict[str, Any]] = field(default_factory=dict)
    _errors: list[ApiError] = field(default_factory=list)

    async def run(self) -> dict[str, Any]:
        """Return the completion of the winning candidate; raises ApiError if there is none."""
        try:
            async with asyncio.timeout(self.budget.deadline_s):
                await STRATEGIES[self.plan.strategy](self)
        except TimeoutError:
            self.stop_reason = "deadline"
        if self.best is not None:
            return self._completions[self.best]
        if self._errors:
            raise self._errors[-1]
        if self.stop_reason == "deadline":
            raise UpstreamTimeoutError(f"no sample came back within {self.budget.deadline_s:g} s")
        return await self._answer(self._direct(), {}).complete()

    async def sample(self, index: int) -> Candidate | None:
        """Generate one complete answer; ``None`` when the budget does not cover it or it failed."""
        budget = self._share(index)
        if budget is None:
            return None
        changes: dict[str, Any] = {"seed": (self.query.body.get("seed") or 0) + index}
        if "temperature" not in self.query.body:
            changes["temperature"] = SAMPLE_TEMPERATURE
        answer = self._answer(budget, changes)
        try:
            completion = await answer.complete()
        except ApiError as error:
            self._errors.append(error)
            return None
        self.samples += 1
        choice = completion["choices"][0]
        text = choice["message"].get("content") or ""
        candidate = Candidate(
            text=text,
            reasoning=choice["message"].get("reasoning_content") or "",
            key=answer_key(text),
            complete=choice.get("finish_reason") == "stop",
        )
        self._completions[candidate] = completion
        return candidate

    def offer(self, candidate: Candidate, *, agreement: float | None = None) -> None:
        """Keep the candidate as the best so far, unless that would trade a whole answer for a cut one."""
        if self.best is None or candidate.complete or not self.best.complete:
            self.best, self.agreement = candidate, agreement

    @property
    def arrived(self) -> tuple[Candidate, ...]:
        """Different candidates, in the order they came back."""
        return tuple(self._completions)

    def stop(self, reason: str) -> None:
        """Say why the search ended."""
        self.stop_reason = reason

    def _share(self, index: int) -> Budget | None:
        """Return a sample's budget: a fair share of what is left, never more than the tier's own."""
        left = self.ledger.available
        if left is None:
            return self.budget
        remaining = max(1, self.plan.n - index)
        share = smallest(self.budget.output, (left - self.ledger.held) // remaining)
        if share is None or share < FLOOR_TOKENS:
            return None
        reserve = min(self.budget.answer_reserve, share // 2)
        thinking = smallest(self.budget.thinking, share - reserve)
        return replace(self.budget, output=share, answer_reserve=reserve, thinking=thinking)

    def _direct(self) -> Budget:
        reserve = self.budget.answer_reserve
        return Budget(0, reserve, reserve, self.budget.total, self.budget.deadline_s)

    def _answer(self, budget: Budget, changes: dict[str, Any]) -> Answer:
        return Answer(
            self.world, self.query, self.tier, budget, self.ledger, self.trace, changes=changes
        )
