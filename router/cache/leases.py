"""Who computes an answer, agreed between processes and machines through the cache's server.

A flight is one upstream answer in the making. Whoever first writes its record leads it, the others
follow. Records hold no prompt; they lie under the hash tag of the answer, so a cluster can work on
them in one step.

- ``<tag>:flight:<request>`` is a hash: the leader's token and process, the state, the round. Every
  write names the token and does nothing if another one holds the record (a fencing token).
- ``...:<token>`` is a list: what followers are told. It exists only if somebody follows.
- ``tt-process:{<id>}:alive`` is a process's heartbeat, a set: the tokens of all flights it leads.
- ``tt-process:{<id>}:wanted`` is where followers on other machines ask it to tell them.

A server that is away gives ``None`` everywhere: then each process is on its own.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .store import Store

ALIVE_S = 3
"""A process that was silent for so long is dead; what it led is free."""

LINGER_S = 2.0
"""How long the record of an ended flight stays: longer than from a look-up to the try to lead."""

LEAD_S = 0.25
"""How long to wait for a server that has just answered a look-up: two leaders cost more than this."""

TOLD_S = 60
"""How long what followers are told stays after the last word."""

DONE, FAILED = "done", "failed"
GONE = "gone"
"""States of a flight that is over; an open one has none."""

_LEAD = """
local held = redis.call('HMGET', KEYS[1], 'token', 'process', 'state', 'round')
if held[1] and held[1] ~= ARGV[4] then
  redis.call('HSET', KEYS[1], 'wanted', 1)
  return {held[1], held[2], held[3] or '', held[4]}
end
local round = tonumber(held[4] or 0)
if held[3] == 'failed' then round = round + 1 end
round = math.max(round, tonumber(ARGV[5]))
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'token', ARGV[1], 'process', ARGV[2], 'round', round)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {ARGV[1], ARGV[2], '', tostring(round)}
"""
"""record; own token, own process, ms to live, token of a leader that is lost, leaders that failed -> who leads now"""

_TELL = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return -1 end
if #ARGV > 4 then
  redis.call('RPUSH', KEYS[2], unpack(ARGV, 5))
  redis.call('EXPIRE', KEYS[2], ARGV[4])
elseif ARGV[2] ~= '' and redis.call('HEXISTS', KEYS[1], 'wanted') == 1 then
  return 1
end
if ARGV[2] ~= '' then
  redis.call('HSET', KEYS[1], 'state', ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 0
"""
"""record, told; token, new state, ms to live, s to live, parts -> -1 fenced off, 1 parts are wanted"""

_ABANDON = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
if redis.call('HEXISTS', KEYS[1], 'wanted') == 1 then return 1 end
redis.call('DEL', KEYS[1])
return 0
"""
"""record; token -> 1 somebody follows"""

_READ = """
local held = redis.call('HMGET', KEYS[1], 'token', 'state')
local state = held[1] == ARGV[1] and (held[2] or '') or 'gone'
return {state, redis.call('LRANGE', KEYS[2], ARGV[2], -1)}
"""
"""record, told; token, first part -> state, parts"""


_LIVE = """
redis.call('DEL', KEYS[1])
for i = 2, #ARGV do redis.call('SADD', KEYS[1], ARGV[i]) end
return redis.call('EXPIRE', KEYS[1], ARGV[1])
"""
"""heartbeat; s to live, tokens -> whether there are any"""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who leads a flight.

    Attributes:
        record: The key of the flight's record.
        token: The leader's.
        process: The leader's.
        state: How the flight ended, if it has.
        round: How many leaders have failed before.
        mine: This process leads.
    """

    record: str
    token: str
    process: str
    state: str
    round: int
    mine: bool

    @property
    def told(self) -> str:
        """Return the key of what followers are told."""
        return f"{self.record}:{self.token}"


class Leases:
    """The flights' records, as one process sees them.

    Attributes:
        process: Its name there.

    Args:
        store: Its server is asked.
        ttl_s: The longest that a flight may take.
    """

    def __init__(self, store: Store, ttl_s: float) -> None:
        self._store = store
        self._ttl_ms = int(ttl_s * 1000)
        self.process = secrets.token_hex(8)

    async def lead(self, record: str, lost: str = "", failed: int = 0) -> Lease | None:
        """Lead a flight, or learn who does.

        Args:
            record: The flight's.
            lost: Token of a leader known to be dead or done, whose place is free.
            failed: Leaders that have failed before, as far as the caller knows: the end of the last one may still
                be on its way to the server.
        """
        token = secrets.token_hex(16)
        given = [token, self.process, self._ttl_ms, lost, failed]
        found = await self._store.run(
            lambda client: client.eval(_LEAD, 1, record, *given), within_s=LEAD_S
        )
        if found is None:
            return None
        holder, process, state, round_ = (field.decode() for field in found)
        return Lease(record, holder, process, state, int(round_), mine=holder == token)

    async def tell(self, lease: Lease, parts: Sequence[bytes], state: str = "") -> bool:
        """Tell followers something, and how the flight ended if ``state`` says so.

        Returns:
            ``False`` if somebody follows and nothing was told: tell again, with parts.
        """
        linger = [int(LINGER_S * 1000), TOLD_S]
        keys = [lease.record, lease.told]
        said = await self._script(_TELL, keys, [lease.token, state, *linger, *parts])
        return bool(said != 1)

    async def abandon(self, lease: Lease) -> bool:
        """Give a flight up that nobody else waits for; ``False`` if somebody does."""
        return bool(await self._script(_ABANDON, [lease.record], [lease.token]) != 1)

    async def read(self, lease: Lease, first: int) -> tuple[str, list[bytes]] | None:
        """Return a flight's state and what was told, from part number ``first``."""
        found = await self._script(_READ, [lease.record, lease.told], [lease.token, first])
        return None if found is None else (found[0].decode(), found[1])

    async def want(self, lease: Lease) -> None:
        """Ask the leader to tell."""
        key = _wanted(lease.process)

        async def ask(client: Any) -> None:
            async with client.pipeline(transaction=False) as pipeline:
                await pipeline.rpush(key, lease.token).expire(key, TOLD_S).execute()

        await self._store.run(ask)

    async def is_alive(self, lease: Lease) -> bool | None:
        """Return whether its process says that it leads this flight; ``None`` if that cannot be asked."""
        key = _alive(lease.process)
        found = await self._store.run(lambda client: client.sismember(key, lease.token))
        return None if found is None else bool(found)

    async def live(self, led: Iterable[str]) -> bool:
        """Give a sign of life for the flights with these tokens; ``False`` if the server did not hear it."""
        said = await self._script(_LIVE, [_alive(self.process)], [ALIVE_S, *led])
        return said is not None

    async def wanted(self) -> list[str]:
        """Take the tokens of flights that followers want to be told of."""
        key = _wanted(self.process)
        found = await self._store.run(lambda client: client.lpop(key, 1000))
        return [token.decode() for token in found or ()]

    async def _script(self, text: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
        # Whole scripts rather than their hashes: a server that was restarted knows no hash.
        return await self._store.run(lambda client: client.eval(text, len(keys), *keys, *args))


def _alive(process: str) -> str:
    return f"tt-process:{{{process}}}:alive"


def _wanted(process: str) -> str:
    return f"tt-process:{{{process}}}:wanted"
