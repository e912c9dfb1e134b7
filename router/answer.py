"""One answer from one tier: call it, and if thinking ate the answer, ask for the answer alone.

Streams and plain replies take the same way; a plain reply that needs no guard takes a short cut.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from policies.types import Budget, Query, Tier
from router.errors import BudgetExceededError, UpstreamError
from router.guard import TAIL_CHARS, Guard
from router.ledger import Ledger
from router.wire.openai_answer import Assembler

from .call import Call, Opened, Trace, World, lease_call

FORCE_PROMPT = (
    "Reasoning so far (may be incomplete):\n\n{tail}\n\n"
    "The budget for reasoning is used up. Give the final answer now, in the form the question asks for."
)
"""Second turn that makes a cut reasoner answer (the rung that every upstream understands)."""


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
        stop_reason: ``done``, or why it was not left at that: ``thinking_budget``, ``output_budget``,
            ``no_answer``.
        finish: The chunks with the finish reasons, once the answer is whole.
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
    _opened: Opened | None = None

    async def complete(self) -> dict[str, Any]:
        """Return the whole completion, without ``usage``; raises ApiError."""
        call = self._call()
        if call.needs_watching:
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
        if answered or not (ran_out or mute):
            return completion
        self.stop_reason = "output_budget" if ran_out else "no_answer"
        self.collect = Assembler()
        eaten = Guard(self.budget, tail=(message.get("reasoning_content") or "")[-TAIL_CHARS:])
        async for _ in self._force(eaten):
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
        guard = self._opened.guard(collect=self.collect)
        async with aclosing(self._opened.watched(guard)) as stream:
            async for passed in stream:
                yield passed
        if guard.starved:
            self.stop_reason = guard.cut or ("output_budget" if guard.ran_out else "no_answer")
            async with aclosing(self._force(guard)) as stream:
                async for passed in stream:
                    yield passed
        elif guard.cut:
            self.stop_reason = guard.cut
            self._cut_short(guard)
        elif guard.finish:
            self.finish = guard.finish
        else:
            raise UpstreamError("the upstream's stream ended without a finish_reason")

    async def _force(self, eaten: Guard) -> AsyncGenerator[list[bytes], None]:
        """Yield a final answer in place of the one that thinking has eaten.

        First rung: a second turn on this tier, thinking off. Second: the cheapest tier. Continuing
        the partial turn itself, where a server can, is a rung of a later issue.
        """
        reserve = self.budget.answer_reserve
        budget = Budget(0, reserve, reserve, deadline_s=self.budget.deadline_s)
        turn = {"role": "user", "content": FORCE_PROMPT.format(tail=eaten.tail or "(none)")}
        changes = {**self.changes, "messages": [*self.query.body["messages"], turn]}
        for tier in dict.fromkeys((self.tier, self.world.cheapest)):
            quiet = replace(tier, thinking="off")
            call = lease_call(
                self.world, self.query, quiet, budget, self.ledger, self.trace,
                changes=changes, final=True,
            )  # fmt: skip
            if call is None:
                break
            opened = await call.open()
            guard = opened.guard(collect=self.collect, head=eaten.head, mute_thinking=True)
            async with aclosing(opened.watched(guard)) as stream:
                async for passed in stream:
                    yield passed
            if guard.answered:
                self.finish = guard.finish
                if not guard.finish:
                    self._cut_short(guard)
                return
        raise UpstreamError(
            "the model gave no answer within its budget, nor when asked for it alone"
        )

    def _call(self) -> Call:
        call = lease_call(
            self.world, self.query, self.tier, self.budget, self.ledger, self.trace,
            changes=self.changes,
        )  # fmt: skip
        if call is None:
            raise BudgetExceededError("max_total_tokens leaves no token for an answer; raise it")
        return call

    def _cut_short(self, guard: Guard) -> None:
        """End an answer that the upstream did not: with a finish of our own."""
        last = guard.closing("length")
        self.finish = [last]
        if self.collect is not None:
            self.collect.add(last)
