"""A load generator light enough not to be what is measured: raw HTTP/1.1 on kept-alive connections."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

import httptools


class LoadError(Exception):
    """The server answered something else than 200, or closed a connection."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of requests took.

    Attributes:
        n: Requests answered.
        wall_s: From the first request to the last answer.
        p50_ms: Median time from sending a request to its last byte.
    """

    n: int
    wall_s: float
    p50_ms: float


class _Connection(asyncio.Protocol):
    """Sends the next request of a shared queue as soon as the last one is answered."""

    def __init__(
        self, queue: deque[bytes], latencies_s: list[float], done: asyncio.Future[None]
    ) -> None:
        self._queue = queue
        self._latencies_s = latencies_s
        self._done = done
        self._sent = 0.0
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's transports do not subclass asyncio's
        self._next()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"not HTTP: {error}")

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() != 200:
            self._fail(f"status {self._parser.get_status_code()}")
            return
        self._latencies_s.append(time.perf_counter() - self._sent)
        self._parser = httptools.HttpResponseParser(self)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"connection closed: {exc}")

    def _next(self) -> None:
        assert self._transport is not None
        if not self._queue:
            if not self._done.done():
                self._done.set_result(None)
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(self._queue.popleft())

    def _fail(self, reason: str) -> None:
        if not self._done.done():
            self._done.set_exception(LoadError(reason))


async def run_load(host: str, port: int, requests: Sequence[bytes], *, concurrency: int) -> Run:
    """Send the requests over `concurrency` connections, each one at a time.

    Raises:
        LoadError: If any answer is not 200.
        OSError: If no connection can be made.
    """
    loop = asyncio.get_running_loop()
    queue = deque(requests)
    latencies_s: list[float] = []
    started = time.perf_counter()  # uvloop's own clock counts whole milliseconds
    ends = []
    transports = []
    for _ in range(concurrency):
        done = loop.create_future()
        connection = partial(_Connection, queue, latencies_s, done)
        transport, _ = await loop.create_connection(connection, host, port)
        ends.append(done)
        transports.append(transport)
    try:
        await asyncio.gather(*ends)
    finally:
        for transport in transports:
            transport.close()
    return Run(len(latencies_s), time.perf_counter() - started, median(latencies_s) * 1000)
