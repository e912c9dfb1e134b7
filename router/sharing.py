"""Identical requests at the same time share one upstream answer: one leads and pays, the others follow.

A follower of a stream hears the leader live. If the leader is lost on the way, a follower leads anew; what
clients have heard by then is not repeated where the new answer begins the same. Otherwise the new
answer comes whole, after an empty line: no text already sent can be taken back. Where that would spoil a
format that was asked for (``response_format``), followers hear an answer only when it is whole.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import orjson

from policies.types import Usage

from .cache.claim import Claim, Kept
from .cache.flight import Flight
from .cache.flights import Flights
from .errors import UpstreamTimeoutError
from .journey import Journey
from .records import OK
from .reply import EVENTS, Reply, decision_headers, served_from_cache
from .wire.openai_answer import Assembler, write_usage
from .wire.openai_stream import replayed
from .wire.sse import DONE, Splitter

if TYPE_CHECKING:
    from .pipeline import Pipeline

QUIET_S = 10.0
"""After it, a stream that has nothing to say yet begins all the same."""


class Sharing:
    """One request that may be answered together with others.

    Args:
        pipeline: Answers a request that leads.
        journey: The request's.
        claim: Its.
        flights: Of this process.
    """

    def __init__(
        self, pipeline: "Pipeline", journey: Journey, claim: Claim, flights: Flights
    ) -> None:
        self._pipeline = pipeline
        self._journey = journey
        self._claim = claim
        self._flights = flights
        self._found: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None
        self._heard_all = False
        self._until = asyncio.get_running_loop().time() + flights.patience_s

    async def answer(self) -> Reply:
        """Return the reply, led or followed; raises ApiError."""
        journey, flight = self._journey, None
        while True:
            flight, leads = await self._flights.board(self._claim.record, flight)
            if leads:
                journey.cache = "miss"
                return await self._lead(flight)
            reply = None
            try:
                journey.cache = "joined"
                reply = await self._join(flight)
            finally:
                if reply is None or reply.stream is None:
                    self._flights.alight(flight)
            if reply is not None:
                return reply
            journey.cache = "miss"
            kept = await self._pipeline.recalled(journey)
            if kept is not None:
                return self._pipeline.replay(journey, kept)

    async def _lead(self, flight: Flight) -> Reply:
        """Return the reply of the leader, whose work is not this task's."""
        pump = self._launch(flight)
        try:
            while flight.reply is None and not pump.done():
                await flight.news()
        except asyncio.CancelledError:
            await self._flights.leave(flight)
            raise
        if flight.reply is None:
            pump.result()
            raise AssertionError("without an error there is a reply")
        if flight.reply.stream is None:
            return flight.reply
        return Reply(flight.reply.status, flight.reply.headers, stream=self._own(flight))

    def _launch(self, flight: Flight) -> "asyncio.Task[None]":
        self._claim.landing = flight.land
        self._flights.launch(
            flight,
            lambda: self._pipeline.spend(self._journey),
            lambda: {} if (spending := self._journey.spending) is None else spending.router(),
        )
        assert flight.pump is not None, "just launched"
        return flight.pump

    async def _own(self, flight: Flight) -> AsyncGenerator[bytes, None]:
        """Yield the leader's own stream to its end."""
        at, pump = 0, flight.pump
        assert pump is not None, "launched"
        try:
            while True:
                if at < len(flight.parts):
                    parts, at = flight.parts[at:], len(flight.parts)
                    yield b"".join(parts)
                elif flight.state:
                    break
                else:
                    await flight.news()
        finally:
            await self._flights.leave(flight)
        pump.result()

    async def _join(self, flight: Flight) -> Reply | None:
        """Return a follower's reply; ``None`` if the leader is lost, raises ApiError if its error is ours."""
        journey = self._journey
        loop = asyncio.get_running_loop()
        quiet_at = loop.time() + QUIET_S if journey.query.stream else self._until
        while not flight.over and not (journey.query.stream and flight.outlook is not None):
            left_s = min(quiet_at, self._until) - loop.time()
            if left_s <= 0:
                break
            waits_since = loop.time()
            await flight.news(left_s)
            journey.waited_s += loop.time() - waits_since
        if flight.final is not None:
            return self._pipeline.replay(journey, Kept(*flight.final), how="joined")
        if (error := flight.verdict) is not None:
            raise error
        if flight.over:
            return None
        if not journey.query.stream:
            raise self._late()
        router = served_from_cache(flight.outlook) if flight.outlook else {}
        journey.told = router or None
        told = self._pipeline.told(journey)
        headers = EVENTS + decision_headers(told, router, cost_known=True)
        return Reply(200, headers, stream=self._heard(flight))

    async def _heard(self, flight: Flight) -> AsyncGenerator[bytes, None]:
        """Yield a follower's stream: live, and to its end whoever brings it."""
        pipeline, journey = self._pipeline, self._journey
        said: list[bytes] = []
        begun = False
        with pipeline.recorded(journey):
            async with aclosing(self._followed(flight, said)) as live:
                async for part in live:
                    begun = begun or b"data:" in part
                    yield part
            assert self._found is not None, "or an error"
            completion, router = self._found
            spending, usage = journey.spending, Usage()
            if spending is None:
                journey.kept = Kept(completion, router)
                pipeline.recall.count("joined", journey.kept)
                router = served_from_cache(router)
            else:
                router, usage = spending.router(), spending.ledger.usage
            journey.told = dict(router)
        pipeline.end(journey, OK)
        parts = replayed(
            _rest(completion, said, heard_all=self._heard_all) if said else completion,
            router,
            write_usage(usage) if journey.query.include_usage else None,
            begun=begun,
        )
        for part in parts:
            yield part

    async def _followed(self, flight: Flight, said: list[bytes]) -> AsyncGenerator[bytes, None]:
        """Yield what leaders say, one after the other if need be, until one of them has a whole answer.

        Args:
            flight: The first one's.
            said: Gets what the client was told of an answer.
        """
        leads = False
        try:
            while self._found is None:
                fresh = not said
                async with aclosing(self._live(flight, said)) as live:
                    async for part in live:
                        yield part
                verdict = flight.error if leads else flight.verdict
                if flight.final is not None:
                    self._found, self._heard_all = flight.final, fresh
                elif verdict is not None:
                    raise verdict
                elif (kept := await self._pipeline.recalled(self._journey)) is not None:
                    self._found = kept.completion, kept.router
                else:
                    self._flights.alight(flight)
                    flight, leads = await self._flights.board(self._claim.record, flight)
                    if leads:
                        self._launch(flight)
        finally:
            if leads:
                await self._settled(flight)
            else:
                self._flights.alight(flight)

    async def _live(self, flight: Flight, said: list[bytes]) -> AsyncGenerator[bytes, None]:
        """Yield what this client may hear at once, and note what of it is a part of the answer."""
        silent = bool(said) or self._journey.query.body.get("response_format") is not None
        loop = asyncio.get_running_loop()
        async with aclosing(flight.live(QUIET_S)) as live:
            async for part in live:
                if loop.time() > self._until:
                    raise self._late()
                is_answer = (flight.outlook or {}).get("strategy") == "single" and b"data:" in part
                if is_answer and silent:
                    continue
                if is_answer:
                    said.append(part)
                yield part

    async def _settled(self, flight: Flight) -> None:
        """Let the work that this request leads come to its end; it ends at once if nobody needs it."""
        if flight.final is not None and flight.pump is not None:
            await asyncio.wait((flight.pump,))
        await self._flights.leave(flight)

    def _late(self) -> UpstreamTimeoutError:
        return UpstreamTimeoutError(
            f"the same question is being answered for {self._flights.patience_s:g} s already"
        )


def _rest(completion: Mapping[str, Any], said: list[bytes], *, heard_all: bool) -> dict[str, Any]:
    """Return what of a whole answer is still to be sent to a client that has heard ``said``."""
    (choice,) = completion["choices"]
    if heard_all:
        return {**completion, "choices": [{**choice, "message": {}}]}
    message, heard = dict(choice["message"]), _heard_message(said)
    thought, text = heard.get("reasoning_content") or "", heard.get("content") or ""
    new_thought, new_text = message.get("reasoning_content") or "", message["content"] or ""
    # Thoughts that differ are not worth a second telling; an answer that differs is.
    same = new_thought.startswith(thought)
    message["reasoning_content"] = new_thought[len(thought) :] if same else ""
    same = new_text.startswith(text)
    message["content"] = new_text[len(text) :] if same else f"\n\n{new_text}"
    return {**completion, "choices": [{**choice, "message": message}]}


def _heard_message(said: list[bytes]) -> dict[str, Any]:
    """Return the message that a client has put together by now."""
    collect = Assembler()
    for payload in Splitter().feed(b"".join(said)):
        if payload != DONE:
            collect.add(orjson.loads(payload))
    choices = collect.completion()["choices"]
    return choices[0]["message"] if choices else {}
