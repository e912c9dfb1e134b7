"""Single flight: of all requests that ask the same at the same time, one pays and the others follow.

Within a process followers read the leader's own record of what it said. Across processes and machines they
ask the leader, through the cache's server, to tell; nobody is told anything as long as nobody asks, so
a flight without followers elsewhere costs two small commands.

- A leader that dies is replaced by one of its followers, some `ALIVE_S` later.
- A word that the server misses (who took a place, how a flight ended) leaves a record without a flight. It holds nobody up:
  its process knows better at once, others find it missing among the flights that the process says it leads.
- A leader whose client leaves goes on as long as somebody follows.
- A leader that fails by the caller's mistake fails for all; otherwise one follower tries again.
- Without a server, requests of one process still share.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any

from router.reply import Reply

from .flight import Flight
from .leases import DONE, FAILED, GONE, Lease, Leases

BEAT_S = 0.1
"""How often a process that leads looks who wants to be told."""

SIGN_OF_LIFE_S = 1.0
GRACE_S = 2.0
"""How long a follower waits for a leader's first sign of life."""

SHORTEST_LOOK_S, LONGEST_LOOK_S = 0.02, 0.1
"""How often a process that follows reads what was told."""

AWAY_S = 1.0
"""How long a follower waits for a server that does not answer, before its process goes on alone."""


class Flights:
    """The flights of one process, led here or elsewhere.

    Args:
        leases: Their records on the cache's server.
        patience_s: How long a follower waits at most.
    """

    def __init__(self, leases: Leases, patience_s: float) -> None:
        self.patience_s = patience_s
        self._leases = leases
        self._open: dict[str, Flight] = {}
        self._led: dict[str, Flight] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._beating = False

    async def board(self, record: str, lost: Flight | None = None) -> tuple[Flight, bool]:
        """Take a seat in the flight for a request.

        Args:
            record: From the claim.
            lost: The flight that this request has followed in vain.

        Returns:
            The flight, and whether the caller must `launch` it. Who need not must `alight` in the end.
        """
        flight = self._open.get(record)
        if flight is not None and not flight.over:
            flight.seats += 1
            return flight, False
        flight = self._open[record] = Flight(record)
        if lost is not None:
            flight.round = lost.round + (lost.state == FAILED)
        try:
            token = "" if lost is None else lost.token
            lease = await self._leases.lead(record, token, flight.round)
            if lease is not None and self._has_lost(lease):
                lease = await self._leases.lead(record, lease.token, flight.round)
        except BaseException:
            self._close(flight)
            raise
        flight.lease = lease
        if lease is not None:
            flight.round = max(flight.round, lease.round)
        if lease is None or lease.mine:
            return flight, True
        flight.seats += 1
        if lease.state:
            # It has just ended: its answer is in the cache, or its place is free.
            self._close(flight)
        else:
            self._start(self._follow(flight, lease))
        return flight, False

    def launch(
        self,
        flight: Flight,
        lead: Callable[[], Awaitable[Reply]],
        outlook: Callable[[], Mapping[str, Any]],
    ) -> None:
        """Begin the leader's work, in a task of its own: it may outlive the request that began it.

        Args:
            flight: From `board`.
            lead: Does the work.
            outlook: What is known when a stream begins.
        """
        if flight.lease is not None:
            self._led[flight.token] = flight
            if not self._beating:
                self._beating = True
                self._start(self._beat())
        flight.pump = asyncio.create_task(self._lead(flight, lead, outlook))
        flight.pump.add_done_callback(lambda task: self._landed(flight, task))

    def alight(self, flight: Flight) -> None:
        """Give a seat up."""
        flight.seats -= 1
        flight.say()

    async def leave(self, flight: Flight) -> None:
        """End a flight whose leading client has gone, as soon as nobody follows it."""
        pump = flight.pump
        assert pump is not None, "launched"
        try:
            while not pump.done():
                if flight.seats or flight.wanted:
                    await flight.news()
                elif flight.lease is None or await self._leases.abandon(flight.lease):
                    if not flight.seats:
                        break
                else:
                    flight.wanted = True
        finally:
            if not pump.done():
                pump.cancel()
                await asyncio.wait((pump,))

    async def close(self) -> None:
        """End whatever still runs."""
        pumps = {flight.pump for flight in self._led.values() if flight.pump is not None}
        tasks = self._tasks | pumps
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _lead(
        self,
        flight: Flight,
        lead: Callable[[], Awaitable[Reply]],
        outlook: Callable[[], Mapping[str, Any]],
    ) -> None:
        flight.reply = reply = await lead()
        if reply.stream is not None:
            flight.outlook = outlook()
            flight.say()
            async with aclosing(reply.stream) as stream:
                async for part in stream:
                    flight.parts.append(part)
                    flight.say()

    def _landed(self, flight: Flight, pump: "asyncio.Task[None]") -> None:
        """Note how the leader's work ended."""
        flight.error = None if pump.cancelled() else pump.exception()
        flight.state = GONE if pump.cancelled() else FAILED if flight.error else DONE
        self._close(flight)
        if flight.lease is not None:
            if pump.cancelled():
                self._led.pop(flight.token, None)
            else:
                self._start(self._tell_the_end(flight, flight.lease))

    def _close(self, flight: Flight) -> None:
        flight.lose()
        flight.say()
        if self._open.get(flight.record) is flight:
            del self._open[flight.record]

    async def _beat(self) -> None:
        """Give signs of life and tell those who ask, as long as this process leads a flight."""
        loop = asyncio.get_running_loop()
        sign_at = loop.time()
        try:
            while self._led:
                await asyncio.sleep(BEAT_S)
                if loop.time() >= sign_at and await self._leases.live(self._led):
                    sign_at = loop.time() + SIGN_OF_LIFE_S
                for token in await self._leases.wanted():
                    if token in self._led:
                        self._led[token].wanted = True
                for flight in [flight for flight in self._led.values() if flight.wanted]:
                    async with flight.telling:
                        news = flight.unsaid()
                        if news and flight.lease is not None:
                            await self._leases.tell(flight.lease, news)
        finally:
            self._beating = False

    async def _tell_the_end(self, flight: Flight, lease: Lease) -> None:
        state, last = flight.ending()
        try:
            async with flight.telling:
                if flight.wanted or not await self._leases.tell(lease, [], state):
                    await self._leases.tell(lease, [*flight.unsaid(), *last], state)
        finally:
            self._led.pop(lease.token, None)

    def _has_lost(self, lease: Lease) -> bool:
        """Return whether a place is held in our name by no flight of ours: a word to the server went missing."""
        ours = lease.process == self._leases.process and not (lease.mine or lease.state)
        return ours and lease.token not in self._led

    async def _follow(self, flight: Flight, lease: Lease) -> None:
        """Read what a leader elsewhere tells, until the flight is over or its leader is dead."""
        loop = asyncio.get_running_loop()
        begun_at = heard_at = looked_at = answered_at = loop.time()
        known_alive = False
        pause_s, n_heard = SHORTEST_LOOK_S, 0
        try:
            await self._leases.want(lease)
            while flight.seats and not flight.over:
                found = await self._leases.read(lease, n_heard)
                now = loop.time()
                state, parts = found if found is not None else ("", [])
                if found is not None:
                    answered_at = now
                for part in parts:
                    flight.hear(part)
                n_heard += len(parts)
                if parts:
                    heard_at, known_alive = now, True
                    pause_s = SHORTEST_LOOK_S
                if state or now - answered_at > AWAY_S:
                    break
                if now - max(looked_at, heard_at) > SIGN_OF_LIFE_S / 2:
                    looked_at = now
                    alive = await self._leases.is_alive(lease)
                    if alive is False and (known_alive or now - begun_at > GRACE_S):
                        break
                    known_alive = known_alive or alive is True
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 1.5, LONGEST_LOOK_S)
        finally:
            self._close(flight)

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
