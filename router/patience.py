"""How long a wait for a stream's next chunks may last: one timer a stream, set again only when it rings.

A timeout around every read would cost more than everything else done with a chunk.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

from router.errors import UpstreamTimeoutError

T = TypeVar("T")

IDLE_S = 120.0
"""Silence of a stream that has begun to answer; a server that only thinks still sends its thoughts."""


class Patience:
    """Ends a wait for a stream that outlasts the idle limit, or the time the whole answer has left.

    Args:
        name: The model, for the error.
        idle_s: Seconds of silence at the most.
        left_s: Seconds until the answer must be whole.
    """

    def __init__(self, name: str, idle_s: float, left_s: float) -> None:
        self._name = name
        self._idle_s = idle_s
        self._left_s = max(0.0, left_s)
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + self._left_s
        self._waiting: asyncio.Task[object] | None = None
        self._since = self._loop.time()
        self._rang = False
        self._timer = self._loop.call_later(min(idle_s, self._left_s), self._ring)

    async def next(self, stream: AsyncIterator[T]) -> T | None:
        """Return the stream's next item, or ``None`` at its end.

        Raises:
            UpstreamTimeoutError: If it took too long.
        """
        self._since = self._loop.time()
        if self._since >= self._until:
            raise self._error()
        task = self._waiting = asyncio.current_task()
        try:
            return await anext(stream, None)
        except asyncio.CancelledError:
            if self._rang and task is not None and task.uncancel() == 0:
                raise self._error() from None
            raise
        finally:
            self._waiting = None

    def close(self) -> None:
        """Stop the timer."""
        self._timer.cancel()

    def _ring(self) -> None:
        now = self._loop.time()
        # What the consumer does between two waits is not the upstream's silence.
        since = self._since if self._waiting else now
        due = min(since + self._idle_s, self._until)
        if now < due:
            self._timer = self._loop.call_at(due, self._ring)
        elif self._waiting is not None:
            self._rang = True
            self._waiting.cancel()

    def _error(self) -> UpstreamTimeoutError:
        if self._loop.time() >= self._until:
            return UpstreamTimeoutError(
                f"{self._name}: no whole answer in the {self._left_s:.3g} s that were left"
            )
        return UpstreamTimeoutError(f"{self._name}: the stream was silent for {self._idle_s:g} s")
