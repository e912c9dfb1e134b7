"""Algebra in processes of its own, which can be killed: sympy may think for ever, and a thread cannot be stopped.

Workers (``algebra_worker``) start on first use, and end when they are killed or when this process does.
"""

import asyncio
import json
import logging
import os
import signal
import sys
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

import policies

log = logging.getLogger(__name__)

START_S = 30.0
"""For a worker to import sympy, on a busy machine."""

GRACE_S = 2.0
"""A worker cuts itself off; one that has not done so by then is killed with all it started."""

MEMORY_BYTES = 1 << 30
"""Address space of a process that computes."""

LONGEST_PAIR = 4000
"""Characters of two formulas together; longer ones are taken for unequal."""

MOST_FAILED_STARTS = 3
"""In a row; after that formulas are compared as written, and no question waits for a worker."""

Pair = tuple[str, str]


class AlgebraPool:
    """Decides whether formulas are equal, each within ``limit_s``; past it they count as unequal.

    Usage::

        pool = AlgebraPool()
        await pool.equal("(x-1)(x+1)", "x^2-1")  # True
        await pool.close()

    Args:
        workers: How many pairs are compared at the same time; more wait their turn.
        limit_s: Seconds for one pair.
        memo: Verdicts kept, the least recently asked forgotten first.
    """

    def __init__(self, *, workers: int = 2, limit_s: float = 1.0, memo: int = 4096) -> None:
        self._limit_s = limit_s
        self._memo_size = memo
        self._memo: OrderedDict[Pair, bool] = OrderedDict()
        self._asking: dict[Pair, asyncio.Task[bool]] = {}
        self._slots = asyncio.Semaphore(workers)
        self._idle: list[_Worker] = []
        self._running: set[_Worker] = set()
        self._failed_starts = 0
        self._closed = False

    async def equal(self, a: str, b: str) -> bool:
        """Return whether two answers are equal; symmetric. Never raises for what they hold."""
        if a == b:
            return True
        pair = (a, b) if a < b else (b, a)
        if pair in self._memo:
            self._memo.move_to_end(pair)
            return self._memo[pair]
        if self._closed or len(a) + len(b) > LONGEST_PAIR:
            return False
        if pair not in self._asking:
            self._asking[pair] = asyncio.create_task(self._decide(pair))
            self._asking[pair].add_done_callback(lambda _: self._asking.pop(pair))
        # Who asks may be cancelled; the worker finishes the pair, and others may wait for it.
        return await asyncio.shield(self._asking[pair])

    async def close(self) -> None:
        """Kill every worker and wait until all are gone; afterwards nothing new is equal."""
        self._closed = True
        for worker in self._running:
            worker.kill()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)
        for worker in tuple(self._running):
            await self._retire(worker)

    async def _decide(self, pair: Pair) -> bool:
        async with self._slots:
            worker = self._idle.pop() if self._idle else await self._start()
            if worker is None:
                return False
            try:
                verdict = await worker.ask(pair, self._limit_s + GRACE_S)
                self._idle.append(worker)
            except (
                TimeoutError,
                OSError,
                ValueError,
            ):  # stuck, or gone: says nothing about the pair
                return False
            finally:
                if worker not in self._idle:
                    await self._retire(worker)
        self._memo[pair] = verdict
        if len(self._memo) > self._memo_size:
            self._memo.popitem(last=False)
        return verdict

    async def _start(self) -> "_Worker | None":
        if self._closed or self._failed_starts >= MOST_FAILED_STARTS:
            return None
        worker = None
        try:
            worker = await _Worker.start(self._limit_s)
            self._running.add(worker)
            await worker.hear(START_S)
        except (TimeoutError, OSError) as error:
            self._failed_starts += 1
            log.warning("no algebra worker: formulas are compared as written (%r)", error)
        else:
            self._failed_starts = 0
            return worker
        if worker is not None:
            await self._retire(worker)
        return None

    async def _retire(self, worker: "_Worker") -> None:
        worker.kill()
        await worker.wait()
        self._running.discard(worker)


class _Worker:
    """One process and its two pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, limit_s: float) -> "_Worker":
        """Start one; raises OSError. It says ``ready`` when it is."""
        program = Path(__file__).with_name("algebra_worker.py")
        root = Path(policies.__file__).parent.parent
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", str(program), str(root), str(limit_s), str(MEMORY_BYTES)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            # A group of its own, which is killed as one; Ctrl-C in a terminal is for the proxy.
            start_new_session=True,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """Its process id, and that of its group."""
        return self._process.pid

    async def ask(self, pair: Pair, limit_s: float) -> bool:
        """Return the verdict; raises TimeoutError, OSError or ValueError."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(pair).encode() + b"\n")
        await self._process.stdin.drain()
        return bool(json.loads(await self.hear(limit_s)))

    async def hear(self, limit_s: float) -> bytes:
        """Return the next line; raises TimeoutError, or OSError when the process is gone."""
        assert self._process.stdout is not None
        async with asyncio.timeout(limit_s):
            line = await self._process.stdout.readline()
        if not line:
            raise ConnectionResetError("the worker is gone")
        return line

    def kill(self) -> None:
        """Send SIGKILL to it and what it started; nothing can delay that."""
        if self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self.pid, signal.SIGKILL)

    async def wait(self) -> None:
        """Wait until it is gone."""
        await self._process.wait()
