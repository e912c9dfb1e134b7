"""The step ``spend``: one decision carried out, in its tier or in the tiers it may fall back to."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from policies.budgets import plan_budget, smallest
from policies.strategies.single import ARMS, QUIET_ARMS
from policies.tokens import prompt_tokens
from policies.turns import with_hint
from policies.types import Budget, Decision, Query, SearchPlan, Tier

from .answer import Answer
from .cache.pools import Pools
from .call import Trace, World
from .errors import ApiError, OverloadedError, RateLimitedError, UpstreamError
from .ledger import Ledger
from .records import Ending, outcome_efficiency
from .reply import router_object
from .search import Solve, unsearchable
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
        pools: Samples of earlier searches.
        note: What ``stop_reason`` says beside the reason.
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
    pools: Pools | None = None
    note: str = ""

    def __post_init__(self) -> None:
        plan = self.decision.plan
        if self.searches and (why := unsearchable(self.query)):
            self.note = f"; single instead of {plan.strategy}: {why}"
            self.decision = replace(self.decision, plan=SearchPlan(arm=plan.arm))
        budget = self.decision.budget
        self.trace.until = self.world.now() + budget.deadline_s
        self.ledger.usd = budget.usd
        total = self._climbing_total() if self.decision.plan.ladder else budget.total
        self.ledger.limit(total, budget.answer_reserve)

    @property
    def searches(self) -> bool:
        """The answer comes from several samples, and is whole before any of it is sent."""
        return self.decision.plan.strategy != "single"

    def at_the_end(self, ending: Ending) -> Ending:
        """Return the ending with what was spent."""
        *_, dearest = self.decision.expected.values() or (None,)
        return replace(
            ending,
            usage=self.ledger.usage,
            baseline_tokens=0 if dearest is None else dearest.tokens,
            efficiency=self._efficiency(),
        )

    def _efficiency(self) -> float | None:
        if self.solve is not None:
            return outcome_efficiency(self.solve.arrived, self.solve.best)
        return None if self.answer is None else self.answer.efficiency

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
        said = answer.stop_reason if answer else "done"
        model, decision = "" if backend is None else backend.spec.name, self.decision
        if solve is not None:
            plan = replace(decision.plan, strategy=solve.strategy)
            name, model = solve.answered_by or (decision.tier.name, model)
            tier = next((t for t in self.tiers if t.name == name), decision.tier)
            decision = replace(decision, plan=plan, tier=tier)
        return router_object(
            decision,
            self.ledger,
            model=model,
            stop_reason=solve.stop_reason if solve else said + self.note,
            samples=solve.samples if solve else 1,
            agreement=solve.agreement if solve else None,
            unenforced=self.trace.unenforced,
        )

    async def _complete(self) -> dict[str, Any]:
        decision = self.decision
        if self.searches:
            self.solve = Solve(
                self.world, self.query, decision.tier, decision.plan, self._climb(),
                self.ledger, self.trace, self.trace.until, self.pools,
            )  # fmt: skip
            return await self.solve.run()
        self.answer = self._single()
        return await self.answer.complete()

    def _climb(self) -> list[tuple[Tier, Budget]]:
        """Return the tiers a search may ask, cheap to dear, and what one answer may spend in each.

        The plan names them, or they are all that the client's key may use up to the decided one.
        """
        plan, query = self.decision.plan, self.query
        place = self.tiers.index(self.decision.tier) if self.decision.tier in self.tiers else 0
        named = plan.ladder or [tier.name for tier in self.tiers[:place]]
        allowed = [t for t in self.tiers if query.tiers is None or t.name in query.tiers]
        tiers = [t for t in allowed if t.name in named or t is self.decision.tier]
        tokens = prompt_tokens(query.body["messages"])
        return [
            (
                tier,
                plan_budget(tier, query.ceilings, self.decision.difficulty, prompt_tokens=tokens),
            )
            for tier in tiers or [self.decision.tier]
        ]

    def _climbing_total(self) -> int | None:
        """Return what a climb may spend: what its tiers may together, the client's own limit at most."""
        outputs = [budget.output for _, budget in self._climb()]
        n = max(1, self.decision.plan.n)
        own = None if None in outputs else sum(out * n for out in outputs if out is not None)
        return smallest(own, self.query.ceilings.max_total_tokens)

    async def _start(self) -> Answer:
        self.answer = self._single()
        await self.answer.start()
        return self.answer

    def _single(self) -> Answer:
        decision, query = self.decision, self.query
        tier, budget, arm = decision.tier, decision.budget, decision.plan.arm
        if arm in QUIET_ARMS:
            tier, budget = replace(tier, thinking="off"), replace(budget, thinking=0)
        if hint := ARMS.get(arm or ""):
            messages = list(with_hint(query.body["messages"], hint))
            query = replace(query, body={**query.body, "messages": messages})
        return Answer(
            self.world, query, tier, budget, self.ledger, self.trace, collect=self.collect
        )

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
        """Plan anew for ``tier`` with what is left of tokens, money and time; ``False`` if nothing is."""
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
        if self.ledger.exhausted or self.world.now() >= self.trace.until:
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
