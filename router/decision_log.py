"""The decision log: a JSON line per request and per verdict, to a file, a Redis stream, or both.

A request never waits for it and never fails by it: lines are queued, and one task writes them in batches, off the event loop.
What cannot be written is counted and lost. The file is opened anew when it has been moved away, so any rotation
will do; several workers may append to the same one. A line knows no key and no tenant, and the question only if that was
asked for.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import orjson

from policies.types import Decision, Query

from .cache.store import Store
from .errors import ConfigError
from .journey import Journey
from .records import Ending
from .settings_log import LogSettings
from .shadow import as_line

log = logging.getLogger("thinkthrift")

GATHER_S = 0.05
"""Lines of this time are written together."""

MOST_WAITING = 10_000
"""Lines that may wait for a disk or a server that hangs; what comes then is lost."""

STREAM_LINES = 100_000
"""Lines a Redis stream keeps, about: the oldest go."""

STREAM_S = 2.0
"""How long writing a batch to a stream may take."""


class Sink(Protocol):
    """Where lines go."""

    async def write(self, lines: Sequence[bytes]) -> bool:
        """Write lines, each with its newline; return whether that worked. Never raises."""


class FileSink:
    """Appends to a file that only its owner can read.

    Raises:
        ConfigError: If it cannot be opened at the start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = self._open()
        except OSError as error:
            raise ConfigError(
                [f"log.decisions: {path} cannot be written: {error.strerror}"]
            ) from error
        self._complained = False

    async def write(self, lines: Sequence[bytes]) -> bool:
        """Write lines in one piece."""
        try:
            await asyncio.to_thread(self._append, b"".join(lines))
        except OSError as error:
            if not self._complained:
                log.warning("the decision log %s cannot be written: %s", self._path, error.strerror)
            self._complained = True
            return False
        self._complained = False
        return True

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def _append(self, data: bytes) -> None:
        try:
            moved = not os.path.samestat(self._path.stat(), os.fstat(self._file))
        except FileNotFoundError:
            moved = True
        if moved:
            old, self._file = self._file, self._open()
            os.close(old)
        while data:
            data = data[os.write(self._file, data) :]


@dataclass(frozen=True, slots=True)
class StreamSink:
    """Adds to a stream of the cache's server; each entry has one field, ``line``."""

    store: Store
    name: str

    async def write(self, lines: Sequence[bytes]) -> bool:
        """Write lines in one trip."""

        async def add(client: Any) -> bool:
            async with client.pipeline(transaction=False) as pipeline:
                for line in lines:
                    entry = {"line": line.rstrip(b"\n")}
                    pipeline.xadd(self.name, entry, maxlen=STREAM_LINES, approximate=True)
                await pipeline.execute()
            return True

        return bool(await self.store.run(add, STREAM_S))


class DecisionLog:
    """What the server did, line by line.

    Args:
        sinks: Where to.
        wall: Seconds since the epoch.
        rungs: Of each tier, by its name.
        prompts: Write the questions down.
        lost: Told how many lines were lost.
    """

    def __init__(
        self,
        sinks: Sequence[Sink],
        wall: Callable[[], float],
        *,
        rungs: Mapping[str, str],
        prompts: bool = False,
        lost: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._sinks = sinks
        self._wall = wall
        self._rungs = rungs
        self._prompts = prompts
        self._lost = lost
        self._waiting: list[bytes] = []
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()

    def request(self, journey: Journey, ending: Ending) -> None:
        """Write down a request that ended."""
        told = journey.told or {}
        line = {
            "decision_id": journey.decision_id,
            "status": ending.status,
            "cache": ending.cache,
            "overhead_ms": round(ending.overhead_s * 1000, 3),
            "rung": self._rungs.get(told.get("tier", "")),
            "usage": asdict(ending.usage),
            **told,
            **_decided(journey.decision),
            "shadow": as_line(journey.shadow),
            **_asked(journey.query),
        }
        if self._prompts:
            line["prompt"] = journey.query.ask.text
        self._put("decision", line)

    def feedback(self, verdict: Mapping[str, Any]) -> None:
        """Write down a verdict."""
        self._put("feedback", verdict)

    async def run(self) -> None:
        """Write what is put in until told to close, and then the rest."""
        while self._waiting or not self._closing.is_set():
            await self._wake.wait()
            self._wake.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), GATHER_S)
            lines, self._waiting = self._waiting, []
            for sink in self._sinks if lines else ():
                if not await sink.write(lines):
                    self._lost(len(lines))

    def close(self) -> None:
        """Tell ``run`` to write the rest and end."""
        self._closing.set()
        self._wake.set()

    def _put(self, kind: str, line: Mapping[str, Any]) -> None:
        time = datetime.fromtimestamp(self._wall(), UTC).isoformat(timespec="milliseconds")
        try:
            encoded = orjson.dumps({"type": kind, "time": time, **line})
        except TypeError:  # half a character in a question: no JSON can say it
            encoded = b""
        if not encoded or len(self._waiting) >= MOST_WAITING:
            self._lost(1)
            return
        self._waiting.append(encoded + b"\n")
        self._wake.set()


def _decided(decision: Decision | None) -> dict[str, Any]:
    """Return what a replay needs of a decision; ``routed`` is its tier, wherever the answer came from."""
    if decision is None:
        return {}
    score = decision.difficulty
    return {
        "routed": decision.tier.name,
        "policy": decision.policy,
        "dial": decision.dial,
        "propensity": decision.propensity,
        "expected": {
            name: {"tokens": spend.tokens, "cost_usd": spend.cost_usd}
            for name, spend in decision.expected.items()
        },
        "score": None if score is None else score.as_dict(),
    }


def _asked(query: Query) -> dict[str, Any]:
    ask = query.ask
    return {
        "n_turns": ask.n_turns,
        "tools": ask.has_tools,
        "images": ask.has_images,
        "characters": len(ask.text),
    }


def check(settings: LogSettings) -> None:
    """See that the log can be opened.

    Raises:
        ConfigError: If it cannot.
    """
    if settings.file is not None:
        FileSink(settings.file).close()


@asynccontextmanager
async def open_decision_log(
    settings: LogSettings,
    store: Store,
    wall: Callable[[], float],
    *,
    rungs: Mapping[str, str],
    lost: Callable[[int], None],
) -> AsyncGenerator[DecisionLog | None, None]:
    """Yield the log that the settings ask for, ``None`` if none; what was put in is written at the end.

    Raises:
        ConfigError: If the file cannot be written.
    """
    sinks: list[Sink] = []
    file = None if settings.file is None else FileSink(settings.file)
    if file is not None:
        sinks.append(file)
    if settings.stream is not None:
        sinks.append(StreamSink(store, settings.stream))
    if not sinks:
        yield None
        return
    written = DecisionLog(sinks, wall, rungs=rungs, prompts=settings.prompts == "on", lost=lost)
    writer = asyncio.create_task(written.run())
    try:
        yield written
    finally:
        written.close()
        await writer
        if file is not None:
            file.close()
