"""A sign of life in a stream that has fallen silent, so that nobody on the way gives it up."""

import asyncio
from collections.abc import Awaitable, Callable


class Pulse:
    """Calls ``sign`` whenever nothing has been sent for a while, until it is stopped.

    Args:
        sign: Sends the sign of life.
        after_s: How long nothing must have been sent.
    """

    def __init__(self, sign: Callable[[], Awaitable[None]], after_s: float) -> None:
        self._sign = sign
        self._after_s = after_s
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._task: asyncio.Future[None] | None = None
        # One timer that looks again, not one per chunk: most streams end before it fires at all.
        self._timer = self._loop.call_later(after_s, self._look)

    def beat(self) -> None:
        """Note that something was sent."""
        self._last = self._loop.time()

    def stop(self) -> None:
        """Send nothing from now on."""
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _look(self) -> None:
        left_s = self._last + self._after_s - self._loop.time()
        if left_s <= 0:
            self._task = asyncio.ensure_future(self._sign())
            self.beat()
            left_s = self._after_s
        self._timer = self._loop.call_later(left_s, self._look)
