"""One upstream call: from a lease and a budget to a completion, or to a guarded stream.

Whatever happens to the call, its lease is settled and its connection closed.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any, TypeVar

from policies.tokens import prompt_tokens
from policies.types import Budget, Query, Tier, Usage
from router.backends.dialects import request_fields
from router.backends.pool import Reached
from router.backends.port import Backend, ModelSpec, Upstream
from router.backends.refusals import refused_in
from router.backends.sampling import not_sampled
from router.backends.spoken import fitted
from router.convergence import Convergence
from router.errors import ApiError, UpstreamBrokeOffError, UpstreamTimeoutError
from router.guard import Guard
from router.ledger import Lease, Ledger
from router.lengthening import MIN_THINKING, wanted
from router.patience import Patience
from router.wire.openai_answer import normalise

from . import bills
from .world import Trace, World

__all__ = ["Call", "Opened", "Trace", "World", "lease_call"]

T = TypeVar("T")

_REPLACED = ("max_tokens", "max_completion_tokens", "reasoning_effort")
"""Client fields that are ceilings and already in the budget, whose fields take their place."""

LIMIT_STEPS_PER_S = 20
"""Precision of the time limit that an upstream call is given."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call to the models of one tier.

    Attributes:
        world: Pool, ratios, clock.
        query: What was asked.
        tier: Whose models, and whether they may think.
        budget: What this call may spend; see ``lease_call``.
        lease: Its part of the ledger.
        trace: Where it writes what happened.
        until: When the answer must be whole, by the world's clock.
        changes: Body fields that differ from the query's, such as a sample's ``seed``.
        final: It must bring the answer that an earlier call has not brought.
    """

    world: World
    query: Query
    tier: Tier
    budget: Budget
    lease: Lease
    trace: Trace
    until: float
    changes: Mapping[str, Any] = field(default_factory=dict)
    final: bool = False

    async def complete(self) -> dict[str, Any]:
        """Return the plain completion, in our normal form; raises ApiError."""

        async def use(backend: Backend) -> dict[str, Any]:
            return await backend.complete(self._body(backend, stream=False), self._limit_s(backend))

        reached = await self._reach(use)
        normalise(reached.value)
        self.book(bills.told(reached.value, self.prompt), reached.backend.spec)
        return reached.value

    @property
    def needs_watching(self) -> bool:
        """A plain request must be carried as a stream, because only a stream can be cut."""
        specs = [self.world.pool.backends[name].spec for name in self.tier.models]
        if self.may_converge and any(spec.can.cancel_frees for spec in specs):
            return True
        if any(self.may_lengthen(spec) for spec in specs):
            return True
        if self.budget.thinking is None:
            return False
        return any(self.world.trust.needs_watching(spec) for spec in specs)

    @property
    def may_converge(self) -> bool:
        """Reasoning that only repeats its answer is to be cut, in this tier."""
        return self.tier.stop_when_converged and self.budget.thinking != 0

    def may_lengthen(self, spec: ModelSpec) -> bool:
        """Return whether reasoning that ends too early is to go on, and can: with this model, for one answer."""
        can = spec.can  # where closing stops nothing, the rest is billed: it had better be heard
        able = can.prefill is not None and can.prefill_thinking and can.cancel_frees
        able = able and self.world.trust.lengthens(spec.name) and self.query.choices == 1
        return able and wanted(self.tier, self.budget)

    def book(self, usage: Usage, spec: ModelSpec, *, cut: bool = False) -> None:
        """Settle the lease, and note whether the model kept its budget."""
        self.lease.settle(usage, spec.price)
        self.world.trust.observe(spec.name, usage.reasoning, self.budget.thinking, cut=cut)

    async def open(self) -> "Opened":
        """Return the stream once its first chunks are here; raises ApiError.

        Until then nothing was sent to the client, so another model may still be tried.
        """

        async def use(backend: Backend) -> Opened:
            upstream = await backend.open(self._body(backend, stream=True), self._limit_s(backend))
            rest = upstream.batches()
            try:
                first = await anext(rest, None)
            except BaseException:  # a client that leaves now, too, must stop the upstream
                await upstream.close()
                raise
            trouble = (
                refused_in(backend.spec.name, first)
                if first
                else UpstreamBrokeOffError(
                    f"{backend.spec.name}: the stream ended before its first chunk", retryable=True
                )
            )
            if trouble is not None:
                await upstream.close()
                raise trouble
            assert first is not None
            return Opened(self, backend.spec, upstream, rest, first)

        return (await self._reach(use)).value

    async def _reach(self, use: Callable[[Backend], Awaitable[T]]) -> Reached[T]:
        """Return what ``use`` brings from the first model that answers, all attempts within the time left."""

        async def attempt(backend: Backend) -> T:
            self.trace.attempts += 1
            try:
                return await use(backend)
            except ApiError as error:
                if bills.accepted(error):
                    self._lose(backend.spec)
                raise
            except BaseException:  # given up while it was under way
                self._lose(backend.spec)
                raise

        begun = self.world.now()
        try:
            reached = await self._in_time(self.world.pool.call(self.tier.models, attempt))
        except BaseException:
            self.lease.settle(Usage(), self.tier.price)
            raise
        finally:
            self.trace.waited_s += self.world.now() - begun
        self.trace.backend = reached.backend
        return reached

    async def _in_time(self, reaching: Coroutine[Any, Any, T]) -> T:
        left_s, names = self.left_s, ", ".join(self.tier.models)
        if left_s <= 0:
            reaching.close()
            raise UpstreamTimeoutError(f"{names}: no time is left to ask it")
        try:
            async with asyncio.timeout(left_s):
                return await reaching
        except TimeoutError as error:
            raise UpstreamTimeoutError(
                f"{names}: no answer in the {left_s:.3g} s that were left"
            ) from error

    def _lose(self, spec: ModelSpec) -> None:
        """Bill an attempt of which nothing was heard."""
        self.lease.lose(bills.unheard(self.prompt, spec.can, self.budget), spec.price)

    def _body(self, backend: Backend, *, stream: bool) -> dict[str, Any]:
        spec, effort = backend.spec, self.query.ceilings.reasoning_effort
        fields, unenforced = request_fields(
            spec.dialect, spec.model, self.tier.thinking, self.budget, effort
        )
        if not self.final:
            short = wanted(self.tier, self.budget) and not self.may_lengthen(spec)
            self.trace.unenforced = unenforced | ({MIN_THINKING} if short else set())
        fixed = not_sampled(spec.dialect, spec.model, fields)
        body = {k: v for k, v in self.query.body.items() if k not in _REPLACED}
        body.update({k: v for k, v in self.changes.items() if k not in fixed})
        body.update(fields)
        if self.query.original:
            body = fitted(spec, body)
        if stream:
            body["stream"] = True
            if spec.can.usage_in_stream:
                body["stream_options"] = {"include_usage": True}
        return body

    def _limit_s(self, backend: Backend) -> float:
        # In steps, because backends keep what they make of a limit.
        left_s = max(1, ceil(self.left_s * LIMIT_STEPS_PER_S)) / LIMIT_STEPS_PER_S
        own = backend.spec.timeout_s
        return left_s if own is None else min(own, left_s)

    @property
    def prompt(self) -> int:
        """Our estimate of the prompt's tokens."""
        return prompt_tokens(self.changes.get("messages", self.query.body["messages"]))

    @property
    def left_s(self) -> float:
        """Seconds until the answer must be whole."""
        return self.until - self.world.now()


@dataclass(frozen=True, slots=True)
class Opened:
    """A stream that has begun to answer, and the model it comes from."""

    call: Call
    spec: ModelSpec
    upstream: Upstream
    rest: AsyncGenerator[list[bytes], None]
    first: list[bytes]

    def guard(self, **options: Any) -> Guard:
        """Return a guard for this stream: its call's budget, what is known of its model."""
        world, spec = self.call.world, self.spec
        trusted = not world.trust.needs_watching(spec)
        if self.call.may_converge and spec.can.cancel_frees:
            options["convergence"] = Convergence()
        return Guard(self.call.budget, world.ratios.get(spec.name), trusted=trusted, **options)

    async def watched(self, guard: Guard) -> AsyncGenerator[list[bytes], None]:
        """Yield what the guard lets pass; close, settle and learn however it ends."""
        call = self.call
        patience = Patience(self.spec.name, call.world.idle_s, call.left_s)
        try:
            if passed := guard.feed(self.first):
                yield passed
            while not (guard.cut or guard.done):
                begun = call.world.now()
                batch = await patience.next(self.rest)
                call.trace.waited_s += call.world.now() - begun
                if batch is None:
                    break
                if passed := guard.feed(batch):
                    yield passed
        finally:
            patience.close()
            await self._end(guard)

    async def close(self) -> None:
        """Settle and close a stream that nobody has watched; nothing when somebody has. Safe to call twice."""
        if self.call.lease.open:
            guard = self.guard()
            guard.feed(self.first)
            await self._end(guard)

    async def _end(self, guard: Guard) -> None:
        call, spec = self.call, self.spec
        usage = guard.usage(call.prompt)
        if guard.reported is None and not (guard.done or guard.finish):
            usage = bills.closed_early(usage, spec.can, call.budget)
        call.book(usage, spec, cut=guard.cut is not None)
        call.world.ratios.learn(spec.name, guard)
        await self.upstream.close()


def lease_call(
    world: World,
    query: Query,
    tier: Tier,
    budget: Budget,
    ledger: Ledger,
    trace: Trace,
    *,
    changes: Mapping[str, Any] | None = None,
    final: bool = False,
) -> Call | None:
    """Return a call with what the ledger grants of ``budget.output``; ``None`` if that is nothing.

    A smaller grant means less thinking, never less answer.
    """
    lease = ledger.reserve(budget.output, final=final)
    if lease is None:
        return None
    if lease.cap is not None:
        reserve = min(budget.answer_reserve, lease.cap)
        room = lease.cap - reserve
        thinking = room if budget.thinking is None else min(budget.thinking, room)
        budget = replace(budget, output=lease.cap, answer_reserve=reserve, thinking=thinking)
    until = world.until(budget.deadline_s, trace)
    return Call(world, query, tier, budget, lease, trace, until, changes or {}, final)
