"""What a strategy generates with: the models of one tier, metered. The ``PolicyModel`` port over real calls.

Every generation reserves its tokens before it begins and settles after it, however it ends. What one search
shares over all its models is its ``Session``.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from policies.budgets import smallest
from policies.ports import Abilities, Piece, Prompt
from policies.types import Budget, Candidate, Query, Tier, Usage
from router.errors import ApiError

from .answer import Answer
from .backends.capabilities import Begun
from .backends.port import ModelSpec
from .call import Call, Trace, lease_call
from .guard import Guard
from .session import Session, alternatives
from .wire.openai_answer import Assembler

SAMPLE_TEMPERATURE = 0.7
"""Samples at temperature 0 are one vote; reasoning models' cards recommend 0.5 to 0.7."""

FLOOR_TOKENS = 64
"""A sample that may not even spend this cannot finish: better not to start it."""


@dataclass(frozen=True, slots=True)
class TierModel:
    """The models of one tier, as a strategy generates with them.

    Attributes:
        session: What it shares with the other models of the search.
        tier: Whose models.
        budget: What one whole answer may spend here.
        until: When the search must be over, by the world's clock.
        logprobs: Alternatives per token that are asked for with every sample: a verifier judges by them.
        judges: It judges candidates: that it refuses to says nothing about the question.
    """

    session: Session
    tier: Tier
    budget: Budget
    until: float
    logprobs: int = 0
    judges: bool = False

    @property
    def name(self) -> str:
        """The tier's name."""
        return self.tier.name

    @property
    def can(self) -> Abilities:
        """What its models can do: what at least one of them can."""
        specs = self._specs()
        return Abilities(
            prefill=any(spec.can.prefill for spec in specs),
            logprobs=max(spec.can.logprobs for spec in specs),
            thinks=self.tier.thinking != "off" and self.budget.thinking != 0,
        )

    async def generate(self, prompt: Prompt) -> Candidate | None:
        """Generate once; see ``policies.ports.PolicyModel``."""
        session = self.session
        async with session.call() as trace:
            budget = self._share(prompt)
            if budget is None:
                return None
            query, tier, changes = self._asked(prompt)
            args = (session.world, query, tier, budget, session.ledger, trace)
            try:
                if prompt.whole:
                    # Any sample may be cancelled half way, and a plain call that is tells no tokens.
                    answer = Answer(*args, changes=changes, watched=not prompt.aside)
                    completion = await answer.complete()
                else:
                    call = lease_call(*args, changes=changes)
                    if call is None:
                        return None
                    completion = await call.complete()
            except ApiError as error:
                if self.judges:
                    return Candidate("", complete=False, failed=True)
                return session.failed(error)
            return await session.candidate(completion, prompt, tier.name, _answered_by(trace))

    @asynccontextmanager
    async def open(self, prompt: Prompt) -> AsyncGenerator["Stream | None", None]:
        """Generate as a stream; see ``policies.ports.PolicyModel``."""
        session = self.session
        async with session.call() as trace:
            budget = self._share(prompt)
            query, tier, changes = self._asked(prompt)
            call = budget and lease_call(
                session.world, query, tier, budget, session.ledger, trace, changes=changes
            )
            if not call:
                yield None
                return
            stream = Stream(session, prompt, call)
            try:
                yield stream
            finally:
                await stream.close()

    def _specs(self) -> list[ModelSpec]:
        backends = self.session.world.pool.backends
        return [backends[name].spec for name in self.tier.models]

    def _share(self, prompt: Prompt) -> Budget | None:
        """Return a generation's budget: a fair share of what is left, never more than the tier's own."""
        session, ledger = self.session, self.session.ledger
        if session.refused:
            return None
        is_sample = prompt.whole and not prompt.aside
        cap = smallest(self.budget.output, prompt.max_tokens)
        left = ledger.available
        if left is not None:
            others = max(1, session.planned - session.started) if is_sample else 1
            floor = smallest(FLOOR_TOKENS, cap) or 1
            free = left - ledger.held
            if free < floor:
                return None
            cap = smallest(cap, max(floor, free // others))  # rather fewer samples than none
        session.started += is_sample
        reserve, thinking = self.budget.answer_reserve, self.budget.thinking
        if cap is not None:
            reserve = min(reserve, cap if prompt.max_tokens else max(1, cap // 2))
            thinking = smallest(thinking, cap - reserve)
        if prompt.thinking == "off":
            thinking = 0
        left_s = self.until - session.world.now()
        return replace(
            self.budget, output=cap, answer_reserve=reserve, thinking=thinking, deadline_s=left_s
        )

    def _asked(self, prompt: Prompt) -> tuple[Query, Tier, Mapping[str, Any]]:
        """Return the query, the tier and the body fields that put ``prompt`` into a call."""
        query, tier = self.session.query, self.tier
        messages = query.body["messages"] if prompt.messages is None else list(prompt.messages)
        if prompt.aside:  # the client's format, tools and stops are for the answer
            query = replace(query, body={"messages": messages})
        if self.logprobs and not (prompt.logprobs or prompt.aside):
            prompt = replace(prompt, logprobs=self.logprobs)
        changes = _fields(prompt, query.body, self.session.seed(prompt))
        if prompt.messages is not None:
            changes["messages"] = messages
        if prompt.thinking is not None:
            tier = replace(tier, thinking=prompt.thinking)
        if prompt.settle:
            tier = replace(tier, stop_when_converged=True)
        if prompt.begun is not None:
            able = next(spec for spec in self._specs() if spec.can.prefill)
            tier = replace(tier, models=(able.name,))
            assert able.can.prefill is not None
            if prompt.begun or prompt.thought:
                changes |= able.can.prefill(messages, Begun(prompt.thought, prompt.begun))
        return query, tier, changes


def _fields(prompt: Prompt, body: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Return the sampling fields of ``prompt`` that differ from the client's."""
    fields: dict[str, Any] = {"seed": seed}
    if prompt.temperature is not None:
        fields["temperature"] = prompt.temperature
    elif "temperature" not in body:
        fields["temperature"] = SAMPLE_TEMPERATURE
    if prompt.stop:
        fields["stop"] = list(prompt.stop)
    if prompt.logprobs:
        fields |= {"logprobs": True, "top_logprobs": prompt.logprobs}
    return fields


@dataclass(slots=True)
class Stream:
    """An answer that is being generated: the ``Thread`` port. Leaving its context closes and settles it."""

    session: Session
    prompt: Prompt
    call: Call
    whole: Assembler = field(default_factory=Assembler)
    guard: Guard | None = None
    _pieces: AsyncGenerator[Piece, None] | None = None

    def __aiter__(self) -> AsyncGenerator[Piece, None]:
        """Iterate over the pieces; who stops and comes back goes on where it stopped."""
        if self._pieces is None:
            self._pieces = self._read()
        return self._pieces

    async def _read(self) -> AsyncGenerator[Piece, None]:
        try:
            opened = await self.call.open()
            self.guard = guard = opened.guard(collect=self.whole)
            async with aclosing(opened.watched(guard)) as payloads:
                async for batch in payloads:
                    for payload in batch:
                        yield _piece(payload, guard)
        except ApiError as error:
            self.session.failed(error)

    async def candidate(self) -> Candidate:
        """Return what has come."""
        completion = self.whole.completion()
        if self.guard is None or not completion["choices"]:
            return Candidate("", complete=False, failed=True)
        whole = bool(self.guard.finish) and self.guard.cut is None
        choice = completion["choices"][0]
        choice["finish_reason"] = (choice["finish_reason"] or "stop") if whole else "length"
        return await self.session.candidate(
            completion, self.prompt, self.call.tier.name, _answered_by(self.call.trace)
        )

    async def close(self) -> None:
        """End it; safe to call twice."""
        if self._pieces is not None:
            await self._pieces.aclose()
        self.call.lease.settle(Usage(), self.call.tier.price)


def _piece(payload: bytes, guard: Guard) -> Piece:
    choices: list[dict[str, Any]] = orjson.loads(payload).get("choices") or [{}]
    delta = choices[0].get("delta") or {}
    return Piece(
        text=delta.get("content") or "",
        reasoning=delta.get("reasoning_content") or "",
        tokens=guard.thought.tokens + guard.spoken.tokens,
        logprobs=tuple(alternatives(choices[0])),
    )


def _answered_by(trace: Trace) -> str:
    return "" if trace.backend is None else trace.backend.spec.name
