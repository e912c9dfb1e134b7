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

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import orjson

from policies.routing import Routing, decide
from policies.routing.counterfactual import what_if
from policies.routing.fitness import Abilities
from policies.strategies import STRATEGIES
from policies.types import Decision, Query, Tier, Usage

from .admission import AUTO, Admitted, admit, pass_through, suit
from .answer import Answer
from .cache.claim import Kept
from .cache.recall import Recall
from .call import World
from .errors import ApiError, InvalidRequestError
from .gauge import Gauge, difficulty
from .journey import Journey
from .pacing import Pacing
from .records import OK, Ending, Records, on_failure
from .reply import EVENTS, JSON, Headers, Reply, Told, decision_headers, describe, served_from_cache
from .sessions import Sessions, not_lower
from .shadow import Shadow
from .sharing import Sharing
from .spend import Spending
from .streaming import stream_search
from .wire.openai_answer import Assembler, write_usage
from .wire.openai_stream import closing, replayed
from .wire.sse import frame


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
        pacing: Keeps the server's allowance; ``None`` where there is none.
        draw: Random numbers in [0, 1) for the exploration; ``None`` where there is none.
        shadow: Decides beside the policy, for the records only; ``None`` where nothing does.
        abilities: What the models can do, by ``model_name``.
        sessions: What conversations have come to; ``None`` lets every turn be decided for itself.
        log: Writes down how each request ended; ``None`` where there is no decision log.
        keep_alive_s: Seconds of silence after which a streamed search gives a sign of life.
    """

    routing: Routing
    gauge: Gauge
    recall: Recall
    world: World
    models: Mapping[str, Tier]
    on_classifier_error: str
    new_id: Callable[[], str]
    records: Records = field(default_factory=Records)
    pacing: Pacing | None = None
    draw: Callable[[], float] | None = None
    shadow: Shadow | None = None
    abilities: Mapping[str, Abilities] = field(default_factory=dict)
    sessions: Sessions | None = None
    log: Callable[[Journey, Ending], None] | None = None
    keep_alive_s: float = 10.0

    def begin(self, query: Query, decision_id: str | None = None) -> Journey:
        """Return the journey of a query, before its first step."""
        return Journey(decision_id or self.new_id(), query, self.world.now())

    async def answer(self, journey: Journey) -> Reply:
        """Take a request along all its steps and return the reply.

        Raises:
            ApiError: Here, or later from the reply's stream; ``headers`` then tells what was decided.
        """
        with self.recorded(journey):
            reply = await self._answer(journey)
        if reply.stream is None and not journey.query.dry_run:
            self.end(journey, OK)
        return reply

    async def _answer(self, journey: Journey) -> Reply:
        admitted = self.admit(journey.query)
        query = journey.query = admitted.query
        if self.sessions is not None and query.model not in self.models:
            admitted = replace(admitted, floor=await self.sessions.floor(query))
        journey.admitted = admitted
        if query.dry_run:
            return self._explain(journey)
        journey.key = self.recall.key(query)
        journey.cache = "bypass" if journey.key is None else "miss"
        kept = await self.recalled(journey)
        if kept is not None:
            return self.replay(journey, kept)
        flights = self.recall.flights
        if journey.key is None or flights is None or query.cache == "no-cache":
            return await self.spend(journey)
        return await Sharing(self, journey, journey.key, flights).answer()

    async def recalled(self, journey: Journey) -> Kept | None:
        """Return a stored answer that will do, if there is one: the step recall."""
        return await self.recall.find(
            journey.key,
            journey.query.cache,
            lambda: self.recall.place_of(self._decided(journey).tier.name),
            journey.decision_id,
        )

    def _decided(self, journey: Journey) -> Decision:
        """Return the decision for a journey, taken once."""
        if journey.decision is None:
            journey.decision = self.decide(journey.admitted or self.admit(journey.query))
            if self.shadow is not None:
                journey.shadow = self.shadow.beside(journey.query, journey.decision)
        return journey.decision

    async def spend(self, journey: Journey) -> Reply:
        """Take the steps from gauge to settle."""
        query, decision = journey.query, self._decided(journey)
        collect = None
        if self.pacing is not None:
            journey.booked = await self.pacing.reserve(self.pacing.expected(decision))
        if journey.key is not None:
            journey.key.decision = decision
            self.recall.count_paid()
            collect = Assembler()
        spending = Spending(
            self.world, query, decision, self._routing(journey).tiers, collect,
            pools=self.recall.pools,
        )  # fmt: skip
        # The time for which it has followed another request is a part of its own.
        spending.trace.until = journey.begun + decision.budget.deadline_s
        journey.spending = spending
        if not query.stream:
            return await self._settle(journey, await spending.complete())
        if spending.searches:
            return self._streamed(journey, await stream_search(self, journey, spending))
        answer = await spending.start()
        return self._streamed(journey, self._relay(journey, answer))

    def admit(self, query: Query) -> Admitted:
        """Return what may be decided of a query: the step admit; raises ApiError."""
        query = admit(query, self.routing, self.models)
        return suit(query, self.routing, self.models, self.abilities)

    def decide(self, admitted: Admitted) -> Decision:
        """Return where an admitted query goes: the steps gauge and decide."""
        decision = admitted.explained(self._decide(admitted))
        self.records.decided(decision.cause)
        return decision

    def _decide(self, admitted: Admitted) -> Decision:
        query = admitted.query
        if query.model != AUTO and query.model in self.models:
            return pass_through(self.models[query.model], query)
        try:
            choose = partial(
                decide,
                admitted.routing,
                difficulty(self.gauge, query, self.on_classifier_error),
                fallback=self.on_classifier_error,
                purse=None if self.pacing is None else self.pacing.purse(),
                draw=None if self.draw is None or query.dry_run else self.draw(),
            )
            return not_lower(choose, query, admitted)
        except LookupError as error:
            raise InvalidRequestError(str(error), param="router") from error

    def _routing(self, journey: Journey) -> Routing:
        return self.routing if journey.admitted is None else journey.admitted.routing

    def _explain(self, journey: Journey) -> Reply:
        decision = self._decided(journey)
        why = self.gauge.explain(journey.query.ask) if decision.difficulty else ()
        changes = what_if(self._routing(journey), journey.query, decision)
        shown = describe(journey.decision_id, decision, why, sorted(STRATEGIES), changes)
        headers = decision_headers(self.told(journey), shown, cost_known=False)
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
        with self.recorded(journey):
            async with aclosing(answer.payloads()) as payloads:
                async for batch in payloads:
                    yield frame(batch)
            router = journey.told = spending.router()
            if spending.collect is not None:
                await self.recall.keep(journey.key, spending.collect.completion(), router)
        self.end(journey, OK)
        usage = write_usage(spending.ledger.usage)
        yield closing(answer.finish, router, usage if query.include_usage else None)

    def _streamed(self, journey: Journey, stream: AsyncGenerator[bytes, None]) -> Reply:
        return Reply(200, EVENTS + self.headers(journey), stream=stream)

    def replay(self, journey: Journey, kept: Kept, how: str = "") -> Reply:
        """Return a stored answer, as a body or as a stream; nothing was spent on it."""
        journey.cache, journey.kept = how or ("near" if kept.near else "hit"), kept
        self.recall.count(journey.cache, kept)
        router = journey.told = served_from_cache(kept.router)
        usage = write_usage(Usage())
        headers = decision_headers(self.told(journey), router, cost_known=True)
        if not journey.query.stream:
            body = {**kept.completion, "usage": usage, "router": router}
            return Reply(200, JSON + headers, orjson.dumps(body))
        parts = replayed(kept.completion, router, usage if journey.query.include_usage else None)
        return Reply(200, EVENTS + headers, b"".join(parts))

    def headers(
        self, journey: Journey, *, cost_known: bool = False, failed: ApiError | None = None
    ) -> Headers:
        """Return the decision headers: what is known by now."""
        spending = journey.spending
        router = journey.told or ({} if spending is None else spending.router())
        return decision_headers(self.told(journey, failed), router, cost_known=cost_known)

    def told(self, journey: Journey, failed: ApiError | None = None) -> Told:
        """Return what the headers say beside the decision."""
        spending = journey.spending
        waited_s = journey.waited_s + (0.0 if spending is None else spending.trace.waited_s)
        attempts = 0 if spending is None else spending.trace.attempts
        if failed is not None:
            attempts = max(attempts, failed.attempts)
        overhead_s = max(0.0, self.world.now() - journey.begun - waited_s)
        journey.overhead_s = overhead_s
        return Told(journey.decision_id, journey.cache, overhead_s * 1000, attempts)

    def recorded(self, journey: Journey) -> AbstractContextManager[None]:
        """Record the journey if what is done inside fails."""
        return on_failure(partial(self.end, journey))

    def end(self, journey: Journey, status: str) -> None:
        """Record a journey, once: its end is seen from within its stream and from around it."""
        if journey.ended:
            return
        journey.ended = True
        spending, overhead_s = journey.spending, journey.overhead_s
        if overhead_s is None:
            overhead_s = self.told(journey).overhead_ms / 1000
        ending = Ending(journey.decision_id, status, journey.cache, overhead_s, kept=journey.kept)
        if spending is not None:
            journey.told = journey.told or spending.router()
            ending = spending.at_the_end(ending)
        self.records.ended(journey.told or {}, ending)
        if self.log is not None:
            self.log(journey, ending)
