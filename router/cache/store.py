"""What the pipeline knows of a cache, and the choice of one.

The port promises that `get` and `put` never raise and never wait long: a cache that is down is a
miss. What it holds is opaque bytes under opaque keys.
"""

from collections.abc import Callable
from typing import Protocol

from router.settings_schema import CacheSettings

from .redis_store import RedisStore


class Store(Protocol):
    """Where whole answers are kept."""

    async def get(self, key: str) -> bytes | None:
        """Return what was put under ``key``; ``None`` is a miss, for whatever reason."""
        ...

    async def put(self, key: str, value: bytes, ttl_s: int) -> None:
        """Keep ``value`` for ``ttl_s`` seconds, if possible."""
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

    async def put(self, key: str, value: bytes, ttl_s: int) -> None:
        """Keep nothing."""

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
    return RedisStore(url, secret=secret, clock=clock)
