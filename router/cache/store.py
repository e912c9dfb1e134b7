"""What the pipeline knows of a cache, and the choice of one.

The port promises that `get` and `put` never raise and never wait long: a cache that is down is a
miss. What it holds is opaque bytes under opaque keys.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from router.settings_cache import CacheSettings

from .redis_store import OPERATION_S, RedisStore

T = TypeVar("T")


class Store(Protocol):
    """Where whole answers are kept."""

    async def get(self, key: str) -> bytes | None:
        """Return what was put under ``key``; ``None`` is a miss, for whatever reason."""
        ...

    async def get_all(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return what was put under each of ``keys``, which must share their hash tag, in one trip."""
        ...

    async def put(self, key: str, value: bytes, ttl_s: int) -> None:
        """Keep ``value`` for ``ttl_s`` seconds, if possible."""
        ...

    async def run(
        self, operation: Callable[[Any], Awaitable[T]], within_s: float = OPERATION_S
    ) -> T | None:
        """Return what an operation on a Redis client returns; ``None`` where there is none to be had."""
        ...

    async def ready(self) -> bool:
        """Return whether the server answers, after a second at most; also opens the connection."""
        ...

    async def add(self, key: str, amount: float, ttl_s: int) -> float | None:
        """Add to a counter that all replicas share; ``None`` if there is none to be had."""
        ...

    async def stats(self) -> dict[str, object]:
        """Return counters of this process and what the server says about itself."""
        ...

    async def purge(self, tenant: str | None) -> int:
        """Remove a tenant's entries, everybody's if ``None``; return how many.

        Raises:
            CacheUnavailableError: The server cannot be reached.
        """
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...


class NullStore:
    """The cache that is off: misses everything, keeps nothing."""

    async def get(self, key: str) -> bytes | None:
        """Miss."""
        return None

    async def get_all(self, keys: Sequence[str]) -> list[bytes | None]:
        """Miss them all."""
        return [None] * len(keys)

    async def put(self, key: str, value: bytes, ttl_s: int) -> None:
        """Keep nothing."""

    async def run(
        self, operation: Callable[[Any], Awaitable[T]], within_s: float = OPERATION_S
    ) -> T | None:
        """Run nothing."""
        return None

    async def ready(self) -> bool:
        """Be ready: nothing is needed."""
        return True

    async def add(self, key: str, amount: float, ttl_s: int) -> float | None:
        """Share no counter."""
        return None

    async def stats(self) -> dict[str, object]:
        """Return that there is nothing."""
        return {"backend": "off"}

    async def purge(self, tenant: str | None) -> int:
        """Remove nothing."""
        return 0

    async def close(self) -> None:
        """Do nothing."""


def open_store(
    cache: CacheSettings,
    *,
    secret: bytes,
    clock: Callable[[], float],
    embedded_url: str | None = None,
) -> Store:
    """Return the store that the settings ask for; it connects when it is first used.

    Args:
        cache: The settings.
        secret: From `load_secret`.
        clock: Monotonic seconds.
        embedded_url: Where the embedded server answers; ``None`` if there is none, and then
            ``embedded`` is the same as ``off``.
    """
    url = embedded_url if cache.url == "embedded" else cache.url
    if url is None or url == "off":
        return NullStore()
    return RedisStore(url, secret=secret, clock=clock, max_value_bytes=cache.max_value_bytes)
