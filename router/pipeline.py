"""The way of a request: admit, recall, gauge, decide, spend, guard, settle.

Whoever has read this file knows the project. Each step is a room of its own; this one only joins them.

    admit    what is asked for exists and may be asked for
    recall   somebody of this tenant has paid for this answer before        router/cache
    gauge    how hard is it                                                 classifier
    decide   which tier, which strategy, which budget                       policies/routing
    spend    call the tier's models, falling back where that was allowed    router/spend.py
    guard    watch the stream, cut it, force an answer                      router/guard.py, answer.py
    settle   tell the client what it cost, keep the answer                  router/reply.py
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import orjson

from classifier.types import Ask, Difficulty
from policies.routing import Routing, decide
from policies.strategies import STRATEGIES
from policies.types import Decision, Query, Tier, Usage

from .admission import AUTO, admit, pass_through
from .answer import Answer
from .cache.recall import Kept, Recall
from .call import World
from .errors import ApiError, ClassifierUnavailableError, InvalidRequestError
from .records import OK, Ending, Records, on_failure
from .reply import (
    EVENTS,
    JSON,
    Headers,
    Reply,
    Told,
    decision_headers,
    describe,
    served_from_cache,
)
from .spend import Spending
from .wire.openai_answer import Assembler, write_usage
from .wire.openai_stream import closing, replayed
from .wire.sse import KEEP_ALIVE, frame

KEEP_ALIVE_S = 10.0
"""A search that takes longer sends comments, so that no proxy on the way gives up on it."""


class Gauge(Protocol):
    """What tells how hard an ask is; ``classifier.scorer.Scorer`` is one."""

    def score(self, ask: Ask) -> Difficulty:
        """Return the difficulty of one ask."""
        ...

    def explain(self, ask: Ask) -> list[tuple[str, float]]:
        """Return what pushed the score, in words, and how far: above 0 is harder."""
        ...


@dataclass(slots=True)
class Journey:
    """One request on its way: what the steps leave for one another."""

    decision_id: str
    query: Query
    begun: float
    cache: str = "bypass"
    key: str | None = None
    spending: Spending | None = None
    overhead_s: float | None = None
    told: dict[str, Any] | None = None

    @property
    def cost_usd(self) -> float:
        """What the request has cost upstream by now."""
        return 0.0 if self.spending is None else self.spending.ledger.cost_usd


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Everything a request passes through, joined once at start-up.

    Attributes:
        routing: Tiers and the policy over them.
        gauge: The classifier.
        recall: The answer cache.
        world: The models behind the tiers.
        models: What stands for a ``model_list`` name that a client asks for itself.
        on_classifier_error: ``highest``, ``lowest``, ``reject`` or a tier's name.
        new_id: Makes decision ids.
        records: Counts what happened.
    """

    routing: Routing
    gauge: Gauge
    recall: Recall
    world: World
    models: Mapping[str, Tier]
    on_classifier_error: str
    new_id: Callable[[], str]
    records: Records = field(default_factory=Records)

    def begin(self, query: Query) -> Journey:
        """Return the journey of a query, before its first step."""
        return Journey(self.new_id(), query, self.world.now())

    async def answer(self, journey: Journey) -> Reply:
        """Take a request along all its steps and return the reply.

        Raises:
            ApiError: Here, or later from the reply's stream; ``headers`` then tells what was decided.
        """
        with self._recorded(journey):
            reply = await self._answer(journey)
        if reply.stream is None and not journey.query.dry_run:
            self._end(journey, OK)
        return reply

    async def _answer(self, journey: Journey) -> Reply:
        query = journey.query = admit(journey.query, self.routing, self.models)
        if query.dry_run:
            return self._explain(journey)
        journey.key = self.recall.key(query)
        journey.cache = "bypass" if journey.key is None else "miss"
        kept = await self.recall.find(journey.key, query.cache)
        if kept is not None:
            return self._replay(journey, kept)
        decision = self.decide(query)
        collect = Assembler() if journey.key is not None else None
        spending = Spending(self.world, query, decision, self.routing.tiers, collect)
        journey.spending = spending
        if not query.stream:
            return await self._settle(journey, await spending.complete())
        if spending.searches:
            return await self._stream_search(journey, spending)
        answer = await spending.start()
        return self._streamed(journey, self._relay(journey, answer))

    def decide(self, query: Query) -> Decision:
        """Return where an admitted query goes: the steps gauge and decide."""
        decision = self._decide(query)
        self.records.decided(decision.cause)
        return decision

    def _decide(self, query: Query) -> Decision:
        if query.model != AUTO and query.model in self.models:
            return pass_through(self.models[query.model], query)
        try:
            return decide(
                self.routing, self._difficulty(query), query, fallback=self.on_classifier_error
            )
        except LookupError as error:
            raise InvalidRequestError(str(error), param="router") from error

    def _difficulty(self, query: Query) -> Difficulty | None:
        try:
            return self.gauge.score(query.ask)
        except (RuntimeError, ValueError, ArithmeticError) as error:
            if self.on_classifier_error == "reject":
                raise ClassifierUnavailableError(
                    "the classifier failed, and routing.on_classifier_error is reject"
                ) from error
            return None

    def _explain(self, journey: Journey) -> Reply:
        decision = self.decide(journey.query)
        why = self.gauge.explain(journey.query.ask) if decision.difficulty else ()
        shown = describe(journey.decision_id, decision, why, sorted(STRATEGIES))
        headers = decision_headers(self._told(journey), shown, cost_known=False)
        return Reply(200, JSON + headers, orjson.dumps(shown))

    async def _settle(self, journey: Journey, completion: dict[str, Any]) -> Reply:
        """Keep a whole answer and return it with what it cost."""
        assert journey.spending is not None
        router = journey.told = journey.spending.router()
        await self.recall.keep(journey.key, completion, router)
        completion["usage"] = write_usage(journey.spending.ledger.usage)
        completion["router"] = router
        headers = self.headers(journey, cost_known=True)
        return Reply(200, JSON + headers, orjson.dumps(completion))

    async def _relay(self, journey: Journey, answer: Answer) -> AsyncGenerator[bytes, None]:
        """Yield a stream as it comes, then what it cost; raises ApiError, never fakes a stop."""
        spending, query = journey.spending, journey.query
        assert spending is not None
        with self._recorded(journey):
            async with aclosing(answer.payloads()) as payloads:
                async for batch in payloads:
                    yield frame(batch)
            router = journey.told = spending.router()
            if spending.collect is not None:
                await self.recall.keep(journey.key, spending.collect.completion(), router)
        self._end(journey, OK)
        usage = write_usage(spending.ledger.usage)
        yield closing(answer.finish, router, usage if query.include_usage else None)

    async def _stream_search(self, journey: Journey, spending: Spending) -> Reply:
        """Search first, then stream the winner; comments keep the connection alive meanwhile."""
        search = asyncio.ensure_future(spending.complete())
        try:
            await asyncio.wait((search,), timeout=KEEP_ALIVE_S)
            if search.done():
                search.result()  # an error now still has a status of its own
        except BaseException:
            search.cancel()
            raise
        return self._streamed(journey, self._relay_search(journey, spending, search))

    async def _relay_search(
        self, journey: Journey, spending: Spending, search: "asyncio.Future[dict[str, Any]]"
    ) -> AsyncGenerator[bytes, None]:
        """Yield comments until the search ends, then its winner as a stream."""
        with self._recorded(journey):
            try:
                while not search.done():
                    yield KEEP_ALIVE
                    await asyncio.wait((search,), timeout=KEEP_ALIVE_S)
                completion = search.result()
            finally:
                search.cancel()
            router = journey.told = spending.router()
            await self.recall.keep(journey.key, completion, router)
        self._end(journey, OK)
        usage = write_usage(spending.ledger.usage)
        for part in replayed(completion, router, usage if journey.query.include_usage else None):
            yield part

    def _streamed(self, journey: Journey, stream: AsyncGenerator[bytes, None]) -> Reply:
        return Reply(200, EVENTS + self.headers(journey), stream=stream)

    def _replay(self, journey: Journey, kept: Kept) -> Reply:
        """Return a stored answer, as a body or as a stream; nothing was spent on it."""
        journey.cache = "hit"
        router = journey.told = served_from_cache(kept.router)
        usage = write_usage(Usage())
        headers = decision_headers(self._told(journey), router, cost_known=True)
        if not journey.query.stream:
            body = kept.completion | {"usage": usage, "router": router}
            return Reply(200, JSON + headers, orjson.dumps(body))
        parts = replayed(kept.completion, router, usage if journey.query.include_usage else None)
        return Reply(200, EVENTS + headers, b"".join(parts))

    def headers(
        self, journey: Journey, *, cost_known: bool = False, failed: ApiError | None = None
    ) -> Headers:
        """Return the decision headers: what is known by now."""
        spending = journey.spending
        router = journey.told or ({} if spending is None else spending.router())
        return decision_headers(self._told(journey, failed), router, cost_known=cost_known)

    def _told(self, journey: Journey, failed: ApiError | None = None) -> Told:
        spending = journey.spending
        waited_s = 0.0 if spending is None else spending.trace.waited_s
        attempts = 0 if spending is None else spending.trace.attempts
        if failed is not None:
            attempts = max(attempts, failed.attempts)
        overhead_s = max(0.0, self.world.now() - journey.begun - waited_s)
        journey.overhead_s = overhead_s
        return Told(journey.decision_id, journey.cache, overhead_s * 1000, attempts)

    def _recorded(self, journey: Journey) -> AbstractContextManager[None]:
        return on_failure(partial(self._end, journey))

    def _end(self, journey: Journey, status: str) -> None:
        """Record a journey; every way it can take comes here once."""
        spending, overhead_s = journey.spending, journey.overhead_s
        if overhead_s is None:
            overhead_s = self._told(journey).overhead_ms / 1000
        ending = Ending(journey.decision_id, status, journey.cache, overhead_s)
        if spending is not None:
            journey.told = journey.told or spending.router()
            ending = spending.at_the_end(ending)
        self.records.ended(journey.told or {}, ending)
