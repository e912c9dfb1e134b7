"""A program of its own, started by ``algebra``: it imports sympy and nothing of the router.

It forks a child that compares formulas, and kills it when one takes too long: a fork costs milliseconds where a new
process would import sympy again. It never computes itself, so it always notices when its input closes: the proxy is
done, or dead. A child whose parent was killed ends with its input too, or by its limit on processor time.

    python algebra_worker.py ROOT LIMIT_S MEMORY_BYTES

Writes ``ready``, then for every line ``["formula", "formula"]`` a line ``true`` or ``false``.
"""

import importlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import NoReturn

Equal = Callable[[str, str], bool]


class Child:
    """A forked process that compares one pair after the other.

    Attributes:
        pid: Its process id.
        jobs: Where pairs are written to.
        verdicts: Where verdicts are read from.
    """

    def __init__(self, equal: Equal, limit_s: float, memory: int) -> None:
        jobs, self.jobs = os.pipe()
        self.verdicts, verdicts = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            for unused in (self.jobs, self.verdicts, 0, 1):
                os.close(unused)
            compute(equal, jobs, verdicts, limit_s, memory)
        os.close(jobs)
        os.close(verdicts)

    def kill(self) -> None:
        """End it, whatever it does."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.jobs)
        os.close(self.verdicts)


def main() -> None:
    """Serve until the input closes."""
    root, limit_s, memory = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    sys.path.append(root)
    importlib.import_module("sympy")
    equal: Equal = importlib.import_module("policies.answers.algebra").equal_expressions
    equal("(x-1)(x+1)", "x^2-1")  # sympy imports the rest of itself on first use
    os.write(1, b"ready\n")
    if hasattr(os, "fork"):
        serve(equal, limit_s, memory)
    while line := read_line(0):  # the proxy kills this process where it cannot fork
        os.write(1, verdict(equal, line))


def serve(equal: Equal, limit_s: float, memory: int) -> None:
    """Hand every line to the child; answer false for it when it takes too long."""
    child: Child | None = None
    while line := read_line(0):
        child = child or Child(equal, limit_s, memory)
        os.write(child.jobs, line)
        # Nothing is written to us while we work: if input is there, it is its end.
        ready, _, _ = select.select([child.verdicts, 0], [], [], limit_s)
        said = read_line(child.verdicts) if child.verdicts in ready else b""
        if not said:
            child.kill()
            child = None
        os.write(1, said or b"false\n")
    if child is not None:
        child.kill()


def compute(equal: Equal, jobs: int, verdicts: int, limit_s: float, memory: int) -> NoReturn:
    """Answer from pipe to pipe, in the child; never returns into the program it was forked from."""
    code = 1
    try:
        lower("RLIMIT_AS", memory)
        while line := read_line(jobs):
            lower("RLIMIT_CPU", int(time.process_time() + limit_s) + 2)
            os.write(verdicts, verdict(equal, line))
        code = 0
    finally:
        os._exit(code)


def verdict(equal: Equal, line: bytes) -> bytes:
    """Return the answer to one line."""
    return json.dumps(equal(*json.loads(line))).encode() + b"\n"


def lower(name: str, limit: int) -> None:
    """Lower one of the process's own limits, where the system has it."""
    try:
        resource = importlib.import_module("resource")
        kind = getattr(resource, name)
        resource.setrlimit(kind, (limit, resource.getrlimit(kind)[1]))
    except (ImportError, AttributeError, OSError, ValueError):
        return


def read_line(source: int) -> bytes:
    """Return the next line, or nothing at the end; lines come one at a time."""
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(source, 1 << 16)
        if not part:
            return b""
        line += part
    return line


if __name__ == "__main__":
    main()
