"""A time limit for what the network does, not for what this process is busy with meanwhile."""

import asyncio
from types import TracebackType
from typing import Self

LAST_ROUNDS = 4
"""Turns of the event loop from the end of the time to the end of the wait: enough to read what has arrived."""


class Within:
    """``asyncio.timeout`` that first lets in what has already arrived.

    When many requests begin at once the loop may be busy for longer than a server may take. Its
    answer then lies in the socket, and to take the server for dead would be wrong.

    Args:
        seconds: The limit.

    Raises:
        TimeoutError: At the end of the block that took longer.
    """

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        # Who cleans up after its own cancellation may wait as well.
        self._cancelled_before = 0 if self._task is None else self._task.cancelling()
        self._rang = False
        self._timer: asyncio.Handle = self._loop.call_later(seconds, self._ring, LAST_ROUNDS)

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the timer; turn the cancellation that it caused into what it means."""
        self._timer.cancel()
        if self._rang and self._task is not None:
            others = self._task.uncancel()
            if kind is asyncio.CancelledError and others <= self._cancelled_before:
                raise TimeoutError from error

    def _ring(self, rounds: int) -> None:
        if rounds:
            self._timer = self._loop.call_soon(self._ring, rounds - 1)
        elif self._task is not None:
            self._rang = True
            self._task.cancel()
