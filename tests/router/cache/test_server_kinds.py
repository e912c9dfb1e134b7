"""The same code on every kind of server: TLS, users, Sentinel, a cluster of three, full ones and slow ones."""

import asyncio
import shutil
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import redis

from router.cache.keys import cache_key
from router.cache.leases import DONE, Leases
from router.cache.minhash import BUCKETS, Wording
from router.cache.near_index import NearIndex
from router.cache.pools import PooledSample, Pools
from router.cache.redis_store import RedisStore
from tests.router.cache import servers

SECRET = b"0123456789abcdef"


def key(text: str) -> str:
    return cache_key(SECRET, tenant="t", body={"messages": [{"content": text}]})


@asynccontextmanager
async def store_on(url: str) -> AsyncIterator[RedisStore]:
    store = RedisStore(url, secret=SECRET, clock=time.monotonic)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def in_front_of(
    port: int, *, delay_s: float = 0.0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, int]]:
    """The address of a way to a server that takes its time, or speaks TLS."""
    tasks: set[asyncio.Task[None]] = set()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await asyncio.sleep(delay_s)
                writer.write(data)
        writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up, down = await asyncio.open_connection("127.0.0.1", port)
        tasks.add(asyncio.create_task(pipe(reader, down)))
        tasks.add(asyncio.create_task(pipe(up, writer)))

    server = await asyncio.start_server(connect, "127.0.0.1", 0, ssl=tls)
    try:
        yield "127.0.0.1", server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.wait(tasks, timeout=1) if tasks else None
        for task in tasks:
            task.cancel()


async def assert_all_of_it_works(store: RedisStore) -> None:
    """Answers, counters, flights, pools, other wordings, purge and stats."""
    assert await store.ready()
    for i in range(30):
        base = key(str(i))
        await store.put(f"{base}:1", b"answer %d" % i, 60)
        assert await store.get_all([f"{base}:{place}" for place in range(3)]) == [
            None, b"answer %d" % i, None,
        ]  # fmt: skip
    assert await store.add("tt-allowance:{x}:rpm:1", 2, 60) == 2
    leader, follower = Leases(store, 60), Leases(store, 60)
    for i in range(10):
        record = key(f"flight {i}").removesuffix("answer") + "flight:..."
        led, seen = await leader.lead(record), await follower.lead(record)
        assert led is not None
        assert seen is not None
        assert (led.mine, seen.mine, seen.token) == (True, False, led.token)
        await follower.want(seen)
        assert await leader.live([led.token])
        assert await leader.wanted() == [led.token]
        assert await follower.is_alive(seen)
        assert not await leader.tell(led, [], DONE)
        assert await leader.tell(led, [b"part"], DONE)
        assert await follower.read(seen, 0) == (DONE, [b"part"])
    pool = Pools(store, SECRET)
    for i in range(10):
        pool_key = key(f"pool {i}").removesuffix("answer") + "pool"
        sample = PooledSample(1, "42", 1.0, 10, "It is 42.")
        assert await pool.add(pool_key, [sample]) == 1
        assert await pool.load(pool_key) == (sample,)
    wording = Wording(("is", "pluto", "a", "planet"), key("").partition(".")[0], SECRET)
    await NearIndex(store, 60).add(wording, key("1"), 1.0)
    assert await NearIndex(store, 60).find(wording) == [key("1")]
    stats = await store.stats()
    assert (stats["up"], stats["entries"], stats["failures"]) == (True, 30, 0)
    assert await store.purge("t") == 30 + 2 * 10 + 10 + BUCKETS
    assert await store.get(f"{key('1')}:1") is None


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
async def test_a_server_that_the_machine_has(short_dir: Path, name: str) -> None:
    program = shutil.which(name)
    if program is None:
        pytest.skip(
            f"no {name} on the PATH; TT_TEST_SERVER=BINARY runs all tests of the cache on one"
        )
    port = servers.free_port()
    with servers.valkey(short_dir / "s", port=port, program=program):
        async with store_on(f"redis://127.0.0.1:{port}") as store:
            await assert_all_of_it_works(store)


async def test_a_cluster_of_three_and_then_of_two(short_dir: Path) -> None:
    with servers.cluster(short_dir) as ports:
        with redis.Redis(port=ports[0]) as node:
            node.config_set("cluster-require-full-coverage", "no")
        async with store_on(f"redis+cluster://127.0.0.1:{ports[1]}") as store:
            await assert_all_of_it_works(store)
            for i in range(20):
                await store.put(key(str(i)), b"x", 60)
            with redis.Redis(port=ports[2]) as node:
                node.shutdown(nosave=True, now=True)
            for i in range(20):
                started = time.perf_counter()
                assert await store.get(key(str(i))) in (b"x", None)
                assert time.perf_counter() - started < 0.5


async def test_tls_with_a_certificate_of_ones_own(short_dir: Path) -> None:
    made = servers.certificate(short_dir)
    if made is None:
        pytest.skip("no openssl to make a certificate with")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*made)
    port = servers.free_port()
    # The wheel's server speaks no TLS, so what a cloud's does is done in front of it.
    with servers.valkey(short_dir / "s", port=port):
        async with in_front_of(port, tls=context) as (host, secure):
            async with store_on(f"rediss://{host}:{secure}?ssl_ca_certs={made[0]}") as store:
                await assert_all_of_it_works(store)
            for url in (f"rediss://{host}:{secure}", f"redis://{host}:{secure}"):
                async with store_on(url) as store:
                    assert not await store.ready(), (
                        "unknown certificates and plain text are refused"
                    )
                    assert await store.get(key("1")) is None


async def test_a_user_with_just_the_rights_it_takes(short_dir: Path) -> None:
    port = servers.free_port()
    with servers.valkey(short_dir / "s", port=port):
        with redis.Redis(port=port) as admin:
            admin.execute_command(
                "ACL", "SETUSER", "thinkthrift", "on", ">s%cret@1", "~tt:*", "~tt-*", "-@all",
                "+@read", "+@write", "+eval", "+ping", "+info", "-@dangerous", "+info", "+scan",
            )  # fmt: skip
            admin.execute_command("ACL", "SETUSER", "default", "off")
        async with store_on(f"redis://thinkthrift:s%25cret%401@127.0.0.1:{port}/0") as store:
            await assert_all_of_it_works(store)
        async with store_on(f"redis://127.0.0.1:{port}/0") as store:
            assert not await store.ready()


async def test_a_server_that_sentinels_name(short_dir: Path) -> None:
    port = servers.free_port()
    with (
        servers.valkey(short_dir / "s", port=port),
        servers.sentinel(short_dir / "w", port, "tt") as watcher,
    ):
        async with store_on(f"redis+sentinel://127.0.0.1:{watcher}/tt/0") as store:
            await assert_all_of_it_works(store)
        async with store_on(f"redis+sentinel://127.0.0.1:{watcher}/unknown") as store:
            assert not await store.ready()
            assert await store.get(key("1")) is None


@pytest.mark.parametrize("url", ["redis+sentinel://127.0.0.1:1", "redis+sentinel:///x"])
async def test_an_address_of_sentinels_that_names_nobody_is_a_miss(url: str) -> None:
    async with store_on(url) as store:
        assert await store.get(key("1")) is None


async def test_a_full_server_serves_and_does_not_keep(short_dir: Path) -> None:
    port = servers.free_port()
    with servers.valkey(short_dir / "s", port=port):
        async with store_on(f"redis://127.0.0.1:{port}") as store:
            await store.put(key("a"), b"answer", 60)
            with redis.Redis(port=port) as admin:
                admin.config_set("maxmemory", "1")
                admin.config_set("maxmemory-policy", "noeviction")
            await store.put(key("b"), b"other", 60)
            assert await store.get(key("a")) == b"answer"
            assert await store.get(key("b")) is None
            with redis.Redis(port=port) as admin:
                admin.config_set("maxmemory-policy", "allkeys-lru")
                admin.config_set("maxmemory", "0")
            await store.put(key("b"), b"other", 60)
            assert await store.get(key("b")) == b"other"


async def test_a_slow_server_is_used_up_to_a_limit_and_then_left_alone(short_dir: Path) -> None:
    port = servers.free_port()
    with servers.valkey(short_dir / "s", port=port):
        async with (
            in_front_of(port, delay_s=0.002) as (host, slow),
            store_on(f"redis://{host}:{slow}") as store,
        ):
            assert await store.ready()
            await store.put(key("a"), b"answer", 60)
            assert await store.get(key("a")) == b"answer"
        async with (
            in_front_of(port, delay_s=0.1) as (host, slow),
            store_on(f"redis://{host}:{slow}") as store,
        ):
            started = time.perf_counter()
            for _ in range(50):
                assert await store.get(key("a")) is None
            assert time.perf_counter() - started < 0.3
