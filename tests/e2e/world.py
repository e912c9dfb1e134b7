"""The real thing for tests: configuration files, ``thinkthrift serve`` as a process, the simulator's counts."""

import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import yaml

T = TypeVar("T")

COMMAND = str(Path(sys.executable).with_name("thinkthrift"))
UPSTREAM_KEY = "sk-upstream-7f3a9c"
"""Sent to the simulator with every call; must be seen nowhere else."""

PATIENCE_S = 30.0
"""How long a test waits for what must happen; machines are noisy."""

PRICES = {"sim-short": (0.1, 0.6), "sim-distilled": (0.5, 4.4), "sim-long": (2.0, 12.0)}

_ADDRESS = re.compile(r"listening on (http://\S+)")


@dataclass(frozen=True, slots=True)
class Server:
    """A running proxy.

    Attributes:
        url: Without ``/v1``.
        process: The process that was started; workers and the cache are its children.
        log: Where its output goes.
    """

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        """Return everything it has written so far."""
        return self.log.read_text(encoding="utf-8")


def model(upstream: str, name: str, **options: Any) -> dict[str, Any]:
    """Return a ``model_list`` entry for a simulated model, faults in its name."""
    price = PRICES[name.partition("+")[0]]
    params = {"model": f"openai/{name}", "api_base": f"{upstream}/v1", "api_key": UPSTREAM_KEY}
    entry = {
        "model_name": name,
        "litellm_params": params,
        "dialect": "vllm",
        "price": {"input": price[0], "output": price[1]},
    }
    return entry | options


def configured(
    models: Sequence[Mapping[str, Any]], tiers: Sequence[Mapping[str, Any]], **sections: Any
) -> dict[str, Any]:
    """Return a whole configuration; retries are few, because every one of them waits."""
    return {"model_list": list(models), "tiers": list(tiers), "retries": 1} | sections


def ladder(upstream: str, **sections: Any) -> dict[str, Any]:
    """Return the usual configuration: three tiers, the dearest of them votes."""
    vote = {"strategy": "vote", "n": 5}
    return configured(
        [model(upstream, name) for name in PRICES],
        [
            {
                "name": "short", "models": ["sim-short"], "thinking": "off",
                "max_output_tokens": 1024,
            },
            {
                "name": "distilled", "models": ["sim-distilled"], "thinking": "on",
                "max_thinking_tokens": 4096,
            },
            {
                "name": "long", "models": ["sim-long"], "thinking": "on",
                "max_thinking_tokens": 16384, "search": vote, "max_total_tokens": 40000,
            },
        ],
        **sections,
    )  # fmt: skip


def write(config: Mapping[str, Any], file: Path) -> Path:
    """Return ``file`` with the configuration in it."""
    file.write_text(yaml.safe_dump(dict(config)), encoding="utf-8")
    return file


@contextmanager
def serving(config: Mapping[str, Any], *options: str) -> Iterator[Server]:
    """Yield a proxy with this configuration and a cache of its own; it must end when told to."""
    home = Path(tempfile.mkdtemp(prefix="tt-"))
    cache = {"state_dir": str(home / "s")} | config.get("cache", {})
    file = write({**config, "cache": cache}, home / "config.yaml")
    log = home / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [COMMAND, "serve", "--config", str(file), "--port", "0", *options],
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Server(_address(process, log), process, log)
    finally:
        stop(process)
        shutil.rmtree(home, ignore_errors=True)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a server to end, and see that it does."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    process.wait(PATIENCE_S)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    def told() -> str | None:
        text = log.read_text(encoding="utf-8")
        assert process.poll() is None, f"the server ended: {text}"
        address = _ADDRESS.search(text)
        ready = "Application startup complete" in text
        return address[1] if address and ready else None

    return until(told)


def until(look: Callable[[], T | None], within_s: float = PATIENCE_S) -> T:
    """Return what ``look`` finds, looking again and again until it finds something."""
    give_up_at = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < give_up_at, f"still nothing after {within_s:g} s"
        time.sleep(0.02)


def stats(upstream: str) -> dict[str, Any]:
    """Return the simulator's own counts."""
    counts: dict[str, Any] = httpx.get(f"{upstream}/stats", verify=False).raise_for_status().json()
    return counts


def descendants(pid: int) -> dict[int, str]:
    """Return the command lines of a process's children and theirs, by process id. Linux only."""
    found: dict[int, str] = {}
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text(encoding="utf-8").split()):
            line = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ")
            found |= {child: line.decode(errors="replace")} | descendants(child)
    return found
