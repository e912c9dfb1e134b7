"""From a cache's address to a client of redis-py: one server, a cluster, or a server that Sentinels name."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from redis.asyncio import ConnectionPool, Redis, RedisCluster, Sentinel
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError

CONNECT_S = 1.0
SENTINEL_PORT = 26379

FAILURES = (RedisError, RedisClusterException, OSError, TimeoutError, EOFError, ValueError)
"""What redis-py raises when a server is away, hung, or no Redis at all."""


def open_client(address: str, max_connections: int) -> Any:
    """Return a client; it connects by itself when it is first used.

    Args:
        address: ``redis://``, ``rediss://``, ``unix://``, with ``+cluster`` or ``+sentinel`` behind
            the scheme. Options of redis-py may follow a ``?``: ``ssl_ca_certs=/path/ca.pem``.
        max_connections: Open at the same time; a cluster has as many to each node.

    Raises:
        ValueError: The address cannot be read.
    """
    # RESP2 works with every server and asks for nothing at connect; retries are the breaker's.
    common: dict[str, Any] = {
        "protocol": 2,
        "socket_timeout": None,
        "socket_connect_timeout": CONNECT_S,
        "retry": Retry(NoBackoff(), 0),
    }
    if "+cluster://" in address:
        return RedisCluster.from_url(address.replace("+cluster://", "://", 1), **common)
    if "+sentinel://" in address:
        return _named_by_sentinels(address, common | {"max_connections": max_connections})
    pool = ConnectionPool.from_url(address, max_connections=max_connections, **common)
    return Redis(connection_pool=pool)


async def close_client(client: Any) -> None:
    """Let go of every connection of a client."""
    await client.aclose()
    if isinstance(client, Redis):
        pool = client.connection_pool
        await pool.disconnect()
        if isinstance(pool, SentinelConnectionPool):
            for sentinel in pool.sentinel_manager.sentinels:
                await sentinel.aclose()


def _named_by_sentinels(address: str, common: dict[str, Any]) -> Any:
    """Return a client of the primary in ``redis+sentinel://[user:password@]host:port,.../name[/db]``."""
    parts = urlsplit(address)
    credentials, _, hosts = parts.netloc.rpartition("@")
    name, _, database = parts.path.strip("/").partition("/")
    if not name or not hosts:
        raise ValueError("an address of Sentinels is redis+sentinel://host:port,.../name")
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    if parts.scheme.startswith("rediss"):
        options["ssl"] = True
    user, colon, password = credentials.partition(":")
    if colon:
        options |= {"username": unquote(user) or None, "password": unquote(password)}
    sentinels = [
        (host, int(port or SENTINEL_PORT))
        for host, _, port in (one.strip().partition(":") for one in hosts.split(","))
    ]
    # Sentinels have users of their own; to them only what secures the connection is passed on.
    secure = {key: value for key, value in options.items() if key.startswith("ssl")}
    found = Sentinel(sentinels, sentinel_kwargs={**common, **secure})  # type: ignore[no-untyped-call]
    return found.master_for(name, db=int(database or 0), **common, **options)
