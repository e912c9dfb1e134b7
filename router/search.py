"""The engine behind test-time strategies: it owns the ledger, the deadline and the final choice.

A strategy generates and offers; the best offer so far is always at hand, so running out of tokens or time
returns it. If there is none, the first whole answer that came back is taken, then one is asked for as it comes, and in the
end the tokens that were held back buy one direct answer. After ``run`` returns, nothing is open: neither lease nor socket.
"""

import asyncio
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from policies.answers import kind_of, options_of, unit_of
from policies.ports import Prompt, Task, ValueModel
from policies.strategies import completed, fitting
from policies.types import Budget, Candidate, Query, SearchPlan, Tier
from policies.valuing import ALTERNATIVES, SelfCertainty
from router.errors import BudgetExceededError, UpstreamError, UpstreamTimeoutError
from router.ledger import Ledger

from .cache.pools import Pools
from .call import Trace, World, lease_call
from .generation import TierModel
from .remembering import arm_of, leave_behind, take_over
from .session import Session
from .verifiers import build_verifier

FINAL_SHARE, LONGEST_FINAL_S = 0.1, 10.0
"""Of the time limit, kept for the direct answer that is asked for when the search brought none."""


@dataclass(slots=True)
class Solve:
    """One search for one query: the ``Search`` port that strategies see.

    Attributes:
        world: Pool, ratios, clock.
        query: What was asked.
        tier: Whose search it is.
        plan: Strategy and its parameters.
        budgets: What one answer may spend in each tier it may ask, cheap to dear.
        ledger: The request's account.
        trace: What happened upstream.
        until: When the answer must be whole, by the world's clock.
        pools: Samples of earlier searches; ``None`` keeps none.
        remembered: Those for the same question.
        best: The leading candidate.
        agreement: Share of the votes behind it.
        stop_reason: Why the search ended.
        strategy: Name of the strategy that ran: another than planned where a need was not met.
        value: Who judges candidates.
    """

    world: World
    query: Query
    tier: Tier
    plan: SearchPlan
    budgets: Sequence[tuple[Tier, Budget]]
    ledger: Ledger
    trace: Trace
    until: float
    pools: Pools | None = None
    remembered: Sequence[Candidate] = ()
    best: Candidate | None = None
    agreement: float | None = None
    stop_reason: str = "exhausted"
    strategy: str = ""
    value: ValueModel | None = field(init=False, default=None)
    task: Task = field(init=False)
    session: Session = field(init=False)
    ladder: Sequence[TierModel] = field(init=False)
    model: TierModel = field(init=False)
    _rank: tuple[bool, float, float] = (False, 0.0, 0.0)
    _progress: str = ""

    def __post_init__(self) -> None:
        self.plan = completed(self.plan)
        self.strategy = self.plan.strategy
        self.task = task_of(self.query)
        self.session = Session(
            self.world, self.query, self.task, self.ledger, self.trace, self.tier.name, self.plan.n
        )
        left_s = self.until - self.world.now()
        ends = self.until - min(LONGEST_FINAL_S, FINAL_SHARE * left_s)
        self.ladder = [TierModel(self.session, tier, budget, ends) for tier, budget in self.budgets]
        self.model = next(model for model in self.ladder if model.name == self.tier.name)
        self.value = build_verifier(self.plan.verifier, self.model, self.task)
        if isinstance(self.value, SelfCertainty):
            seen = [replace(m, logprobs=min(ALTERNATIVES, m.can.logprobs)) for m in self.ladder]
            self.ladder = seen
            self.model = next(model for model in seen if model.name == self.tier.name)

    async def run(self) -> dict[str, Any]:
        """Return the completion of the winning candidate; raises ApiError if there is none."""
        (strategy, note), late = fitting(self), False
        self.strategy = strategy.name
        if strategy.n == 1:
            self.session.planned = 1  # it wants one whole answer, whatever it asks beside it
        arm = arm_of(self.tier.name, self.plan)
        pool = None if self.pools is None else self.pools.key(self.query, arm)
        try:
            async with asyncio.timeout(self.model.until - self.world.now()):
                self.remembered = await take_over(self.pools, self.session, pool)
                self.session.planned = max(1, self.session.planned - len(self.remembered))
                await strategy.run(self)
                await self._make_do()
        except TimeoutError:
            self.stop_reason, late = "deadline", True
            self._take_first()
        finally:
            await leave_behind(self.pools, self.session, pool)
        if note:
            self.stop_reason += f"; {note}"
        if self.best is not None:
            return self._shown(self.best)
        if self.session.errors and not late:
            raise self.session.errors[-1]
        return await self._direct()

    def offer(
        self, candidate: Candidate, *, weight: float = 0.0, agreement: float | None = None
    ) -> None:
        """Keep the candidate as the best so far, if it is better than that; see ``policies.ports.Search``."""
        if candidate.failed:
            return
        rank = (candidate.complete, weight, candidate.score or 0.0)
        if self.best is None or rank > self._rank:
            self.best, self.agreement, self._rank = candidate, agreement, rank
        elif candidate.key == self.best.key:
            self.agreement = agreement

    async def compose(self, text: str, like: Candidate) -> Candidate:
        """Return a candidate of another text; see ``policies.ports.Search``."""
        completion = deepcopy(self.session.completions[like.id])
        completion["choices"][0]["message"]["content"] = text
        number = len(self.session.completions) + 1
        key = await self.session.key(text)
        composed = replace(like, text=text, key=key, id=number, score=None)
        self.session.keep(composed, completion, self.session.sources[like.id])
        return composed

    def note(self, progress: str) -> None:
        """Keep how far the search is."""
        self._progress = progress

    def stop(self, reason: str) -> None:
        """Keep why the search ended."""
        self.stop_reason = reason

    @property
    def progress(self) -> str:
        """How far the search is, in a few words without content."""
        return f"search {self._progress or self.strategy} spent={self.ledger.usage.completion}"

    @property
    def samples(self) -> int:
        """Samples that came back."""
        return self.session.samples

    @property
    def arrived(self) -> Sequence[Candidate]:
        """Whole answers, in the order they came back."""
        return self.session.arrived

    @property
    def answered_by(self) -> tuple[str, str] | None:
        """The tier and the model of the best candidate so far."""
        if self.best is None:
            return None
        return self.best.model, self.session.sources[self.best.id]

    def _shown(self, candidate: Candidate) -> dict[str, Any]:
        """Return a candidate's completion, without log-probabilities that only we have asked for."""
        completion = self.session.completions[candidate.id]
        if not self.query.body.get("logprobs"):
            for choice in completion["choices"]:
                choice["logprobs"] = None
        return completion

    def _take_first(self) -> None:
        """Offer the first whole answer there is, if the strategy has offered none yet."""
        if self.best is None and self.arrived:
            self.offer(self.arrived[0])

    async def _make_do(self) -> None:
        """Take one answer as it comes, where a strategy has found none though its calls went through."""
        self._take_first()
        if self.best is None and not self.session.errors:
            candidate = await self.model.generate(Prompt())
            if candidate is not None:
                self.offer(candidate)

    async def _direct(self) -> dict[str, Any]:
        """Ask for the answer alone, with the tokens that were held back for it."""
        left_s = self.until - self.world.now()
        if left_s <= 0:
            raise UpstreamTimeoutError(f"no sample came back within {self.tier.timeout_s:g} s")
        reserve = self.model.budget.answer_reserve
        call = lease_call(
            self.world, self.query, replace(self.tier, thinking="off"),
            Budget(0, reserve, reserve, deadline_s=left_s), self.ledger, self.trace, final=True,
        )  # fmt: skip
        if call is None:
            raise BudgetExceededError("the budget leaves no token for an answer; raise it")
        completion = await call.complete()
        if not completion["choices"][0]["message"].get("content"):
            raise UpstreamError("the search brought no answer, nor did asking for it alone")
        return completion


def task_of(query: Query) -> Task:
    """Return the query as a strategy sees it."""
    body = query.body
    question, form = query.ask.text, body.get("response_format")
    kind = kind_of(question, form)
    return Task(
        question=question,
        messages=body["messages"],
        kind=kind,
        options=options_of(question) if kind == "mcq" else {},
        unit=unit_of(question),
        response_format=form,
        unsearchable=unsearchable(query),
    )


def unsearchable(query: Query) -> str:
    """Return why a query cannot be searched, in a word; empty if it can.

    A turn that may call tools acts on the world and is taken once; several choices are not for us to choose from.
    """
    if query.body.get("tools") or query.body.get("functions"):
        return "tools"
    return "choices" if query.choices > 1 else ""
