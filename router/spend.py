"""The step ``spend``: one decision carried out, in its tier or in the tiers it may fall back to."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from policies.budgets import plan_budget
from policies.tokens import prompt_tokens
from policies.types import Decision, Query, SearchPlan, Tier

from .answer import Answer
from .call import Trace, World
from .errors import ApiError, OverloadedError, RateLimitedError, UpstreamError
from .ledger import Ledger
from .records import Ending, outcome_efficiency
from .reply import router_object
from .search import Solve
from .wire.openai_answer import Assembler

T = TypeVar("T")


@dataclass(slots=True)
class Spending:
    """What is being spent on one request.

    Attributes:
        world: Pool, ratios, clock.
        query: What was asked.
        decision: Where it goes; changes when a tier falls back.
        tiers: All of them, for fallbacks.
        collect: Assemble a streamed answer, for the cache.
        ledger: The account.
        trace: What happened upstream.
        answer: The answer in the making, without a search.
        solve: The search, if there is one.
    """

    world: World
    query: Query
    decision: Decision
    tiers: Sequence[Tier]
    collect: Assembler | None = None
    ledger: Ledger = field(default_factory=Ledger)
    trace: Trace = field(default_factory=Trace)
    answer: Answer | None = None
    solve: Solve | None = None

    def __post_init__(self) -> None:
        budget = self.decision.budget
        self.ledger.usd = budget.usd
        self.ledger.limit(budget.total, budget.answer_reserve)

    @property
    def searches(self) -> bool:
        """The answer comes from several samples, and is whole before any of it is sent."""
        return self.decision.plan.strategy != "single"

    def at_the_end(self, ending: Ending) -> Ending:
        """Return the ending with what was spent."""
        solve = self.solve
        *_, dearest = self.decision.expected.values() or (None,)
        return replace(
            ending,
            usage=self.ledger.usage,
            baseline_tokens=0 if dearest is None else dearest.tokens,
            efficiency=outcome_efficiency(solve.arrived, solve.best) if solve else None,
        )

    async def complete(self) -> dict[str, Any]:
        """Return the whole completion, without ``usage``; raises ApiError."""
        return await self._in_some_tier(self._complete)

    async def start(self) -> Answer:
        """Return the answer whose stream has begun; raises ApiError."""
        return await self._in_some_tier(self._start)

    def router(self) -> dict[str, Any]:
        """Return the ``router`` object: what is known by now."""
        backend = self.trace.backend
        solve, answer = self.solve, self.answer
        return router_object(
            self.decision,
            self.ledger,
            model="" if backend is None else backend.spec.name,
            stop_reason=solve.stop_reason if solve else answer.stop_reason if answer else "done",
            samples=solve.samples if solve else 1,
            agreement=solve.agreement if solve else None,
            unenforced=self.trace.unenforced,
        )

    async def _complete(self) -> dict[str, Any]:
        decision = self.decision
        if self.searches:
            self.solve = Solve(
                self.world, self.query, decision.tier, decision.plan, decision.budget,
                self.ledger, self.trace,
            )  # fmt: skip
            return await self.solve.run()
        self.answer = self._single()
        return await self.answer.complete()

    async def _start(self) -> Answer:
        self.answer = self._single()
        await self.answer.start()
        return self.answer

    def _single(self) -> Answer:
        return Answer(
            self.world, self.query, self.decision.tier, self.decision.budget,
            self.ledger, self.trace, collect=self.collect,
        )  # fmt: skip

    async def _in_some_tier(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try the decided tier, then its fallbacks; a caller's mistake falls back nowhere."""
        tried = {self.decision.tier.name}
        while True:
            try:
                return await attempt()
            except (UpstreamError, OverloadedError, RateLimitedError) as error:
                fallback = self._fallback()
                if (
                    fallback is None
                    or fallback.name in tried
                    or not self._fall_back(fallback, error)
                ):
                    error.final = True
                    raise
                tried.add(fallback.name)

    def _fall_back(self, tier: Tier, error: ApiError) -> bool:
        """Plan anew for ``tier`` with what is left of tokens and money; ``False`` if nothing is."""
        query, most_usd = self.query, self.query.ceilings.max_cost_usd
        left_usd = None if most_usd is None else max(0.0, most_usd - self.ledger.cost_usd)
        budget = plan_budget(
            tier,
            replace(query.ceilings, max_cost_usd=left_usd),
            self.decision.difficulty,
            prompt_tokens=prompt_tokens(query.body["messages"]),
            choices=query.choices,
        )
        self.ledger.limit(budget.total, budget.answer_reserve)
        if self.ledger.exhausted:
            return False
        self.solve = None
        self.decision = replace(
            self.decision,
            tier=tier,
            plan=SearchPlan(),  # what is left of the time buys one answer, not a search
            budget=budget,
            cause="fallback",
            reason=f"{self.decision.tier.name} failed ({error.code}); its fallback_tier answers.",
        )
        return True

    def _fallback(self) -> Tier | None:
        """Return the tier that the failing one names, if the client's key may use it."""
        name, allowed = self.decision.tier.fallback_tier, self.query.tiers
        if name is None or (allowed is not None and name not in allowed):
            return None
        return next((tier for tier in self.tiers if tier.name == name), None)
