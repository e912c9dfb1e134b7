"""A loop whose clock jumps: when nothing is ready, it is at once the time of the next timer.

``asyncio.sleep``, ``asyncio.timeout`` and task groups work as ever and cost no waiting, so a search that lasts ten
minutes is tested in a millisecond, and its deadlines are exact. Not for real sockets: their time is not ours.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_Events = list[tuple[selectors.SelectorKey, int]]


class StuckError(RuntimeError):
    """Every task waits for something that nobody will bring: on real time the test would hang."""


class _Selector(selectors.DefaultSelector):
    """Looks at the files without waiting for them, and counts the wait as over."""

    now: float = 0.0

    def select(self, timeout: float | None = None) -> _Events:
        events: _Events = super().select(0)
        if timeout is None and not events:
            raise StuckError("every task waits, and no timer is set: a task was never woken")
        if timeout and not events:
            self.now += timeout
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time, which begins at 0."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Return virtual seconds."""
        return self._virtual.now


def run(main: Coroutine[Any, Any, T]) -> T:
    """Return the result of ``main`` on a virtual loop of its own; raises StuckError on a deadlock."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def now() -> float:
    """Return the time of the running loop, the clock that a ``World`` is to be given."""
    return asyncio.get_running_loop().time()
