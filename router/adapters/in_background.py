"""An event loop in a thread of its own, for callers that have none: what a synchronous face needs, once."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Background:
    """A loop that runs in a daemon thread from the first call on."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what ``work`` returns, run in the thread; the caller blocks meanwhile."""
        done = asyncio.run_coroutine_threadsafe(work, self._running())
        try:
            return done.result()
        finally:
            done.cancel()  # nothing where it is done; else the caller was interrupted

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what ``work`` returns, run in the thread; cancelling the caller cancels it."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._running()))

    def close(self) -> None:
        """End the thread."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                name = "thinkthrift-background"
                threading.Thread(target=_run, args=(self._loop,), name=name, daemon=True).start()
            return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
