"""One upstream call: from a lease and a budget to a completion, or to a guarded stream.

Whatever happens to the call, its lease is settled and its connection closed.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any, TypeVar

from policies.tokens import TokenCount, prompt_tokens
from policies.types import Budget, Query, Tier, Usage
from router.backends.dialects import request_fields
from router.backends.pool import Pool, Reached
from router.backends.port import Backend, ModelSpec, Upstream
from router.backends.refusals import refused_in
from router.backends.sampling import not_sampled
from router.convergence import Convergence
from router.errors import ApiError, UpstreamError, UpstreamTimeoutError
from router.guard import Guard
from router.ledger import Lease, Ledger
from router.patience import IDLE_S, Patience
from router.ratios import Ratios
from router.trust import Trust
from router.wire.openai_answer import normalise, read_usage

T = TypeVar("T")

_REPLACED = ("max_tokens", "max_completion_tokens", "reasoning_effort")
"""Client fields that are ceilings and already in the budget, whose fields take their place."""

LIMIT_STEPS_PER_S = 20
"""Precision of the time limit that an upstream call is given."""


@dataclass(frozen=True, slots=True)
class World:
    """What calls need of the outside, the same for every request.

    Attributes:
        pool: The models.
        ratios: Corrections of our token counts.
        trust: Which models keep a budget by themselves.
        now: Monotonic seconds.
        cheapest: The tier that answers when nobody else will.
        idle_s: Seconds a stream that has begun may be silent.
    """

    pool: Pool
    ratios: Ratios
    trust: Trust
    now: Callable[[], float]
    cheapest: Tier
    idle_s: float = IDLE_S


@dataclass(slots=True)
class Trace:
    """What happened upstream for one request, over all its calls.

    Attributes:
        backend: The model that answered last.
        attempts: Calls begun, retries included.
        waited_s: Seconds spent waiting for upstreams before their first byte.
        unenforced: What the model of the last call could not be told; calls that force an answer aside.
    """

    backend: Backend | None = None
    attempts: int = 0
    waited_s: float = 0.0
    unenforced: frozenset[str] = frozenset()


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
        usage = usage_of(reached.value, self.query)
        self.book(usage, reached.backend.spec)
        return reached.value

    @property
    def needs_watching(self) -> bool:
        """A plain request must be carried as a stream, because only a stream can be cut."""
        specs = [self.world.pool.backends[name].spec for name in self.tier.models]
        if self.may_converge and any(spec.can.cancel_frees for spec in specs):
            return True
        if self.budget.thinking is None:
            return False
        return any(self.world.trust.needs_watching(spec) for spec in specs)

    @property
    def may_converge(self) -> bool:
        """Reasoning that only repeats its answer is to be cut, in this tier."""
        return self.tier.stop_when_converged and self.budget.thinking != 0

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
                else UpstreamError(
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
        begun = self.world.now()
        try:
            reached = await self.world.pool.call(self.tier.models, use)
        except ApiError as error:
            self.lease.settle(Usage(), self.tier.price)
            self.trace.attempts += error.attempts
            raise
        except (
            BaseException
        ):  # given up while it was under way: the prompt is paid for all the same
            asked = Usage(prompt_tokens(self.query.body["messages"]), estimated=True)
            first = self.world.pool.backends[self.tier.models[0]].spec
            self.lease.settle(asked, first.price)
            raise
        finally:
            self.trace.waited_s += self.world.now() - begun
        self.trace.backend = reached.backend
        self.trace.attempts += reached.attempts
        return reached

    def _body(self, backend: Backend, *, stream: bool) -> dict[str, Any]:
        spec, effort = backend.spec, self.query.ceilings.reasoning_effort
        fields, unenforced = request_fields(
            spec.dialect, spec.model, self.tier.thinking, self.budget, effort
        )
        if not self.final:
            self.trace.unenforced = unenforced
        fixed = not_sampled(spec.dialect, spec.model, fields)
        body = {k: v for k, v in self.query.body.items() if k not in _REPLACED}
        body.update({k: v for k, v in self.changes.items() if k not in fixed})
        body.update(fields)
        if stream:
            body["stream"] = True
            if spec.can.usage_in_stream:
                body["stream_options"] = {"include_usage": True}
        return body

    def _limit_s(self, backend: Backend) -> float:
        own, left_s = backend.spec.timeout_s, self.left_s
        if left_s <= 0:
            raise UpstreamTimeoutError(f"{backend.spec.name}: no time is left to ask it")
        # In steps, because backends keep what they make of a limit.
        left_s = ceil(left_s * LIMIT_STEPS_PER_S) / LIMIT_STEPS_PER_S
        return left_s if own is None else min(own, left_s)

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
        call, name = self.call, self.spec.name
        patience = Patience(name, call.world.idle_s, call.left_s)
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
            usage = guard.usage(prompt_tokens(call.query.body["messages"]))
            call.book(usage, self.spec, cut=guard.cut is not None)
            call.world.ratios.learn(name, guard)
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
    until = world.now() + budget.deadline_s
    return Call(world, query, tier, budget, lease, trace, until, changes or {}, final)


def usage_of(completion: Mapping[str, Any], query: Query) -> Usage:
    """Return what a plain completion says it spent, or our estimate where it says nothing."""
    if told := completion.get("usage"):
        return read_usage(told)
    thought, spoken = TokenCount(), TokenCount()
    for choice in completion["choices"]:
        message = choice.get("message") or {}
        for name, count in (("reasoning_content", thought), ("content", spoken)):
            if text := message.get(name):
                count.add(text)
    total = thought.tokens + spoken.tokens
    return Usage(prompt_tokens(query.body["messages"]), 0, total, thought.tokens, estimated=True)
