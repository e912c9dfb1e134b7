"""One answer from one tier: call it, and if thinking ate the answer, ask for the answer alone.

Where the tier wants it, reasoning that ended too early goes on first.

Streams and plain replies take the same way; a plain reply that needs no guard takes a short cut.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from policies.budgets import smallest
from policies.types import Budget, Query, Tier, Usage
from router.backends.capabilities import Begun
from router.backends.port import ModelSpec
from router.errors import ApiError, BudgetExceededError, InvalidRequestError, UpstreamError
from router.following import Following
from router.guard import TAIL_CHARS, Guard
from router.ledger import Ledger
from router.lengthening import MIN_THINKING, TOO_SHORT, WAIT, Lengthening
from router.wire.openai_answer import Assembler

from .call import Call, Opened, Trace, World, lease_call
from .forcing import Rung, rungs


@dataclass(slots=True)
class Answer:
    """One answer in the making.

    Attributes:
        world: Pool, ratios, clock.
        query: What was asked.
        tier: Who answers.
        budget: What the answer may spend.
        ledger: The request's account.
        trace: What happened upstream.
        changes: Body fields that differ from the query's.
        collect: Assembles the whole answer while it passes; ``None`` does not.
        stop_reason: ``done``, or why it was not left at that: ``thinking_budget``, ``output_budget``, ``loop``,
            ``converged``, ``no_answer``, ``thought_too_little``.
        until: When it must be whole, by the world's clock: every call of it together, and no later than the
            request that it belongs to.
        finish: The chunks with the finish reasons, once the answer is whole.
        follows: What is known of it over all its calls.
        watched: Carry it as a stream even if nothing needs to be cut: a plain call that is cancelled tells no tokens.
        efficiency: Its outcome efficiency, once it is whole; ``None`` where that cannot be known.
    """

    world: World
    query: Query
    tier: Tier
    budget: Budget
    ledger: Ledger
    trace: Trace
    changes: Mapping[str, Any] = field(default_factory=dict)
    collect: Assembler | None = None
    stop_reason: str = "done"
    finish: list[dict[str, Any]] = field(default_factory=list)
    until: float = field(init=False)
    follows: Following = field(default_factory=Following)
    efficiency: float | None = None
    watched: bool = False
    _before: Usage = field(init=False)
    _opened: Opened | None = None

    def __post_init__(self) -> None:
        self.until = self.world.until(self.budget.deadline_s, self.trace)
        self._before = self.ledger.usage

    @property
    def _left_s(self) -> float:
        return self.until - self.world.now()

    async def complete(self) -> dict[str, Any]:
        """Return the whole completion, without ``usage``; raises ApiError."""
        call = self._call()
        if call.needs_watching or self.watched:
            self.collect = Assembler()
            self._opened = await call.open()
            async for _ in self.payloads():
                pass
            return self.collect.completion()
        completion = await call.complete()
        choice = completion["choices"][0]
        message = choice.get("message") or {}
        answered = any(message.get(name) for name in ("content", "tool_calls", "refusal"))
        ran_out = choice.get("finish_reason") == "length"
        mute = choice.get("finish_reason") == "stop" and message.get("reasoning_content")
        thought = message.get("reasoning_content") or ""
        self.follows.ends(thought, 0)
        if answered or not (ran_out or mute):
            self.follows.says((message.get("content") or "").encode(errors="replace"))
            self._measure()
            return completion
        self.stop_reason = "output_budget" if ran_out else "no_answer"
        self.collect = Assembler()
        self.collect.add(_as_chunk(completion, {"reasoning_content": thought}))
        assert self.trace.backend is not None
        eaten = Guard(self.budget, tail=thought[-TAIL_CHARS:])
        async for _ in self._force(eaten, self.trace.backend.spec.name):
            pass
        return self.collect.completion()

    async def start(self) -> None:
        """Wait for the first chunks; raises ApiError while a status can still say so."""
        self._opened = await self._call().open()

    async def payloads(self) -> AsyncGenerator[list[bytes], None]:
        """Yield the chunks to pass on; the finish chunks are held back in ``finish``.

        Raises:
            UpstreamError: If the upstream breaks off, or no answer can be had.
        """
        assert self._opened is not None, "start() comes first"
        opened: Opened | None = self._opened
        spec = self._opened.spec
        if self._opened.call.may_lengthen(spec):
            least, thinking = self.tier.min_thinking_tokens, self.budget.thinking
            least = least if thinking is None else min(least, thinking)
            self.follows.longer = Lengthening(least, self.tier.wait)
        guard = self._opened.guard(collect=self.collect, follows=self.follows)
        while opened is not None:
            async with aclosing(opened.watched(guard)) as stream:
                async for passed in stream:
                    yield passed
            if guard.cut != TOO_SHORT:
                break
            yield [guard.waiting(WAIT)]
            opened = await self._think_on(spec)
            if opened is not None:
                guard = opened.guard(**guard.handed_on())
        self.follows.longer = None
        if guard.starved:
            self.stop_reason = guard.cut or ("output_budget" if guard.ran_out else "no_answer")
            async with aclosing(self._force(guard, spec.name)) as stream:
                async for passed in stream:
                    yield passed
            return
        if guard.cut:
            self.stop_reason = guard.cut
        self._conclude(guard)

    async def close(self) -> None:
        """Settle and close an answer that was started and whose payloads nobody has asked for."""
        if self._opened is not None:
            await self._opened.close()

    async def _think_on(self, spec: ModelSpec) -> Opened | None:
        """Return the stream in which a model continues its own reasoning; ``None`` if it cannot be had."""
        longer, prefill, budget = self.follows.longer, spec.can.prefill, self.budget
        assert longer is not None
        assert prefill is not None
        budget = replace(
            budget,
            thinking=None if budget.thinking is None else budget.thinking - longer.thought,
            output=None
            if budget.output is None
            else max(budget.answer_reserve, budget.output - longer.thought),
            deadline_s=self._left_s,
        )
        begun = prefill(self._messages, Begun("".join(longer.text), answer=None))
        call = lease_call(
            self.world, self.query, replace(self.tier, models=(spec.name,)), budget, self.ledger,
            self.trace, changes={**self.changes, **begun},
        )  # fmt: skip
        if call is None:
            return None
        try:
            return await call.open()
        except ApiError as error:
            if isinstance(error, InvalidRequestError):
                self.world.trust.observe_lengthening(spec.name)
            self.trace.unenforced |= {MIN_THINKING}
            return None

    async def _force(self, eaten: Guard, model: str) -> AsyncGenerator[list[bytes], None]:
        """Yield a final answer in place of the one that thinking has eaten: the first rung that brings one.

        Args:
            eaten: What has watched the reasoning.
            model: Whose it is.
        """
        failure: ApiError = UpstreamError(
            "the model gave no answer within its budget, nor when asked for it alone"
        )
        for rung in rungs(self.world, self._messages, self.tier, model, eaten.tail):
            call = self._forced(rung)
            if call is None:
                break
            guard, error = Guard(call.budget), None
            try:
                opened = await call.open()
                guard = opened.guard(
                    collect=self.collect, follows=self.follows, head=eaten.head, mute_thinking=True
                )
                async with aclosing(opened.watched(guard)) as stream:
                    async for passed in stream:
                        yield passed
            except ApiError as caught:
                if guard.answered:
                    raise  # a part of the answer is out
                failure = error = caught
            # Broken connections and lack of time say nothing about who can continue.
            if rung.prefill and (error is None or isinstance(error, InvalidRequestError)):
                self.world.trust.observe_prefill(model, answered=guard.answered)
            if guard.answered:
                self._conclude(guard)
                return
        raise failure

    @property
    def _messages(self) -> Sequence[Mapping[str, Any]]:
        messages: Sequence[Mapping[str, Any]] = self.changes.get(
            "messages", self.query.body["messages"]
        )
        return messages

    def _forced(self, rung: Rung) -> Call | None:
        reserve = self.budget.answer_reserve
        budget = Budget(0, reserve, reserve, deadline_s=self._left_s)
        return lease_call(
            self.world, self.query, rung.tier, budget, self.ledger, self.trace,
            changes={**self.changes, **rung.changes}, final=True,
        )  # fmt: skip

    def _call(self) -> Call:
        budget = replace(self.budget, deadline_s=self._left_s)
        call = lease_call(
            self.world, self.query, self.tier, budget, self.ledger, self.trace,
            changes=self.changes,
        )  # fmt: skip
        if call is None:
            spent = self.ledger
            limit = spent.binding(
                smallest(self.tier.max_total_tokens, self.query.ceilings.max_total_tokens)
            )
            raise BudgetExceededError(
                f"{limit} leaves no token for an answer ({spent.usage.completion} tokens and "
                f"{spent.cost_usd:.6g} USD are spent); raise it"
            )
        return call

    def _conclude(self, guard: Guard) -> None:
        """Keep the end of an answer; one that we cut gets a finish of ours, one that broke off gets none."""
        self._measure()
        self.finish = guard.finish
        if self.finish:
            return
        if guard.cut is None:
            raise UpstreamError("the upstream's stream ended without a finish_reason")
        last = guard.closing("length")
        self.finish = [last]
        if self.collect is not None:
            self.collect.add(last)

    def _measure(self) -> None:
        """Note the outcome efficiency; with several choices there is no single answer to follow."""
        if self.query.choices == 1:
            spent, before = self.ledger.usage, self._before
            self.efficiency = self.follows.efficiency(
                spent.reasoning - before.reasoning, spent.completion - before.completion
            )


def _as_chunk(completion: Mapping[str, Any], delta: dict[str, Any]) -> dict[str, Any]:
    """Return a chunk of the stream that ``completion`` could have been."""
    return {**completion, "choices": [{"index": 0, "delta": delta}]}
