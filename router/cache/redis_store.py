"""Answers in a Redis or Valkey server, ours or the user's. A failure is a miss, never an error.

A request waits at most `OPERATION_S` for the cache, and only those that find it newly broken do:
from then on the store answers "miss" at once, and looks in the background whether the server is
back: now, and then every `BREAK_S` as long as requests come.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar, cast

from redis.asyncio import RedisCluster
from redis.exceptions import ResponseError

from router.addresses import without_credentials
from router.errors import RouterError

from .clients import CONNECT_S, FAILURES, close_client, open_client
from .keys import ANSWERS, pattern
from .tally import KEY, savings
from .values import DEFAULT_MAX_BYTES, decode, encode
from .within import Within

OPERATION_S = 0.05
BREAK_S = 1.0
ADMIN_S = 30.0
MAX_CONNECTIONS = 16
SCAN_COUNT = 1000
OFF_LOOP_FROM_BYTES = 64 * 1024

T = TypeVar("T")

log = logging.getLogger(__name__)


class CacheUnavailableError(RouterError):
    """The cache cannot be reached or started; requests go on without it."""


class RedisStore:
    """A `Store` on Redis, Valkey, or a cluster of either.

    Attributes:
        url: The address, without its password.
    """

    def __init__(
        self,
        url: str,
        *,
        secret: bytes,
        clock: Callable[[], float],
        max_value_bytes: int = DEFAULT_MAX_BYTES,
    ) -> None:
        self.url = without_credentials(url)
        self._address = url
        self._secret = secret
        self._clock = clock
        self._max_value_bytes = max_value_bytes
        self._client: Any = None
        self._reading: dict[str, asyncio.Future[list[bytes | None] | None]] = {}
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)
        self._up = False
        self._first_look_at: float | None = None
        self._try_again_at = float("-inf")
        self._probing: asyncio.Task[None] | None = None
        self._outage_logged = False
        self._refusal_logged = False
        self._counts = dict.fromkeys(
            ("hits", "misses", "stored", "too_large", "corrupt", "skipped", "failures"), 0
        )

    async def get(self, key: str) -> bytes | None:
        """Return what was put under ``key``; ``None`` is a miss, for whatever reason."""
        (value,) = await self.get_all([key])
        return value

    async def get_all(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return what was put under each of ``keys``, which must share their hash tag, in one trip.

        Who asks for the same at the same time shares the trip.
        """
        same = " ".join(keys)
        values: list[bytes | None] | None = None
        while values is None and (shared := self._reading.get(same)) is not None:
            values = await asyncio.shield(shared)
        if values is None:
            values = await self._read(same, keys)
        self._counts["misses" if values.count(None) == len(values) else "hits"] += 1
        return values

    async def _read(self, same: str, keys: Sequence[str]) -> list[bytes | None]:
        shared = self._reading[same] = asyncio.get_running_loop().create_future()
        values: list[bytes | None] | None = None
        try:
            found = await self._try(lambda: self._client.mget(keys)) or [None] * len(keys)
            values = [None if stored is None else await self._decoded(stored) for stored in found]
            return values
        finally:
            # Without values whoever waits reads for itself: this request was given up.
            del self._reading[same]
            shared.set_result(values)

    async def run(
        self, operation: Callable[[Any], Awaitable[T]], within_s: float = OPERATION_S
    ) -> T | None:
        """Return what an operation on the client returns; ``None`` if it fails or the server is away."""
        return cast("T | None", await self._try(lambda: operation(self._client), within_s))

    async def _decoded(self, stored: bytes) -> bytes | None:
        if len(stored) > OFF_LOOP_FROM_BYTES:
            value = await asyncio.to_thread(decode, stored, max_bytes=self._max_value_bytes)
        else:
            value = decode(stored, max_bytes=self._max_value_bytes)
        if value is None:
            self._counts["corrupt"] += 1
        return value

    async def put(self, key: str, value: bytes, ttl_s: int) -> None:
        """Keep ``value`` for ``ttl_s`` seconds, if it is not too large and the server takes it."""
        if len(value) > self._max_value_bytes:
            self._counts["too_large"] += 1
            return
        large = len(value) > OFF_LOOP_FROM_BYTES
        stored = await asyncio.to_thread(encode, value) if large else encode(value)
        if await self._try(lambda: self._client.set(key, stored, ex=max(1, ttl_s))):
            self._counts["stored"] += 1

    async def add(self, key: str, amount: float, ttl_s: int) -> float | None:
        """Add to a shared counter and return its new value; ``None`` if the server cannot be asked."""

        async def count() -> float:
            # The pipeline is one round trip; a counter's life is set with every step, so none stays for ever.
            async with self._client.pipeline(transaction=False) as pipeline:
                value, _ = await pipeline.incrbyfloat(key, amount).expire(key, ttl_s).execute()
            return float(value)

        return cast("float | None", await self._try(count))

    async def stats(self) -> dict[str, object]:
        """Return this process's counters, and entries and memory if the server answers."""
        report: dict[str, object] = {"backend": "redis", "url": self.url, **self._counts}
        try:
            async with asyncio.timeout(ADMIN_S):
                client = self._connected()
                entries = 0
                async for _ in self._scan(ANSWERS):
                    entries += 1
                memory = await client.info("memory")
                saved = savings(await client.hgetall(KEY))
        except FAILURES:
            return {**report, "up": False}
        # A cluster answers by node.
        nodes = memory.values() if isinstance(client, RedisCluster) else [memory]
        used = [node.get("used_memory", 0) for node in nodes if isinstance(node, dict)]
        return {**report, "up": True, "entries": entries, "used_bytes": sum(used), **saved}

    async def purge(self, tenant: str | None) -> int:
        """Remove a tenant's entries, everybody's if ``None``; return how many.

        Raises:
            CacheUnavailableError: The server cannot be reached.
        """
        try:
            async with asyncio.timeout(ADMIN_S):
                client = self._connected()
                removed, batch = 0, []
                async for key in self._scan(pattern(self._secret, tenant)):
                    batch.append(key)
                    if len(batch) == SCAN_COUNT:
                        removed += await client.unlink(*batch)
                        batch.clear()
                return removed + (await client.unlink(*batch) if batch else 0)
        except FAILURES as error:
            raise CacheUnavailableError(
                f"the cache at {self.url} does not answer ({type(error).__name__})"
            ) from error

    async def close(self) -> None:
        """Let go of every connection."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait([self._probing])
        if self._client is not None:
            await close_client(self._client)
        self._up, self._client = False, None

    async def ready(self) -> bool:
        """Return whether the server answers, after a second at most; also opens the connection."""
        if not self._up:
            await asyncio.wait([self._look()])
        return self._up

    async def _try(
        self, operation: Callable[[], Awaitable[Any]], within_s: float = OPERATION_S
    ) -> Any:
        """Return what ``operation`` returns, or ``None`` if it fails or there is no use in trying."""
        if not self._up and not await self._found():
            self._counts["skipped"] += 1
            return None
        try:
            async with self._slots:
                # Waiting for one's turn is our own load and no sign of trouble; meanwhile, though,
                # those before may have found some.
                if not self._up:
                    self._counts["skipped"] += 1
                    return None
                async with Within(within_s):
                    result = await operation()
        except ResponseError as error:
            # The server is there and says no: a value of another type, a read-only replica, full.
            self._counts["failures"] += 1
            if not self._refusal_logged:
                self._refusal_logged = True
                log.warning("the cache at %s refuses: %s", self.url, type(error).__name__)
            return None
        except FAILURES:
            # It may be the server, or a busy moment of ours: the probe finds out, nobody waits.
            self._counts["failures"] += 1
            self._up = False
            self._look()
            return None
        self._refusal_logged = False
        return result

    async def _found(self) -> bool:
        """Return whether the server is there; only those that come first wait for an answer."""
        now = self._clock()
        if self._first_look_at is None:
            self._first_look_at = now
        if self._probing is None and now >= self._try_again_at:
            self._look()
        left_s = self._first_look_at + OPERATION_S - now
        if self._probing is not None and left_s > 0:
            await asyncio.wait([self._probing], timeout=left_s)
        return self._up

    def _look(self) -> "asyncio.Task[None]":
        if self._probing is None:
            self._probing = asyncio.create_task(self._probe())
        return self._probing

    async def _probe(self) -> None:
        try:
            client = self._connected()
            async with asyncio.timeout(CONNECT_S):
                await client.ping()
            # Connected and yet too slow to be of use is down as well.
            async with Within(OPERATION_S):
                await client.ping()
        except FAILURES as error:
            self._try_again_at = self._clock() + BREAK_S
            if not self._outage_logged:
                self._outage_logged = True
                log.warning(
                    "the cache at %s is down (%s); going on without it",
                    self.url,
                    type(error).__name__,
                )
        else:
            self._up = True
            if self._outage_logged:
                self._outage_logged = False
                log.info("the cache at %s is back", self.url)
        finally:
            self._probing = None

    def _connected(self) -> Any:
        """Return the client, made on first use; it connects by itself."""
        if self._client is None:
            # More than slots: a probe, a purge and stats take none.
            self._client = open_client(self._address, MAX_CONNECTIONS + 4)
        return self._client

    def _scan(self, match: str) -> AsyncIterator[bytes]:
        keys = self._connected().scan_iter(match=match, count=SCAN_COUNT)
        return cast("AsyncIterator[bytes]", keys)
