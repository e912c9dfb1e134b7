import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from router.algebra import MOST_FAILED_STARTS, AlgebraPool

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
    pytest.mark.asyncio(loop_scope="module"),
]

ROOT = Path(__file__).parent.parent.parent
ENDLESS = [
    (r"\sin(((30x)!)^{300})", "1"),
    (r"\infty x^2+\sin(x)\infty", r"\infty \cos(x)^{7}(x+1)^{200}(\sin(x)+\cos(x)+y)^{60}"),
]
"""Small to write, and more than a minute of computer algebra each."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[AlgebraPool]:
    pool = AlgebraPool(workers=1)
    yield pool
    await pool.close()


def pids(pool: AlgebraPool) -> list[int]:
    return [worker.pid for worker in pool._running]


def children(pid: int) -> list[int]:
    said = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    return list(map(int, said.split()))


def is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return " Z " not in status  # it has ended, and nobody has asked how


async def gone(*wanted: int, within_s: float = 5.0) -> bool:
    for _ in range(round(within_s / 0.05)):
        if not any(map(is_alive, wanted)):
            return True
        await asyncio.sleep(0.05)
    return False


async def test_no_process_starts_before_it_must() -> None:
    pool = AlgebraPool()
    assert await pool.equal("x", "x")
    assert not await pool.equal("x" * 4000, "y")
    assert not pids(pool)
    await pool.close()


async def test_it_knows_what_is_equal(pool: AlgebraPool) -> None:
    assert await pool.equal("(x-1)(x+1)", "x^2-1")
    assert not await pool.equal("(x-1)(x+1)", "x^2+1")
    assert not await pool.equal("not a formula", "{[")
    assert len(pids(pool)) == 1


async def test_an_endless_question_is_cut_off_and_the_next_one_answered(pool: AlgebraPool) -> None:
    assert await pool.equal("(z+1)z", "z^2+z")
    (worker,) = pids(pool)
    for endless in ENDLESS:
        computing = children(worker)
        begun = time.monotonic()
        asked = asyncio.create_task(pool.equal(*endless))
        ticks = 0
        while not asked.done():
            await asyncio.sleep(0.01)
            ticks += 1
        assert await asked is False
        assert 0.9 < time.monotonic() - begun < 2.5  # measured on an idle machine: 1.01
        assert ticks > 30  # the event loop went on all the while
        assert await gone(*computing)
        begun = time.monotonic()
        assert await pool.equal(*endless) is False
        assert time.monotonic() - begun < 0.1  # remembered
        assert await pool.equal(f"(x-{ticks})^2", f"x^2-{2 * ticks}x+{ticks * ticks}")
    assert pids(pool) == [worker]


async def test_a_worker_that_hangs_itself_is_killed() -> None:
    pool = AlgebraPool(workers=1, limit_s=0.5)
    try:
        assert await pool.equal("(z+1)z", "z^2+z")
        (worker,) = pids(pool)
        (computing,) = children(worker)
        os.kill(worker, signal.SIGSTOP)
        assert not await pool.equal("(z+2)z", "z^2+2z")
        assert await gone(worker, computing)
        assert len(pool._memo) == 1  # nothing was learned from the hanging one
    finally:
        await pool.close()


async def test_a_verdict_is_remembered_whichever_way_round_it_is_asked() -> None:
    pool = AlgebraPool(workers=1, memo=2)
    assert await pool.equal("(y+1)^2", "y^2+2y+1")
    for n in range(2, 4):
        assert not await pool.equal("y", str(n))
        assert await pool.equal("(y+1)^2", "y^2+2y+1")
    assert len(pool._memo) == 2
    await pool.close()  # what is answered now was known
    assert await pool.equal("y^2+2y+1", "(y+1)^2")
    assert not await pool.equal("y+y", "2y")


async def test_a_worker_that_died_costs_one_answer(pool: AlgebraPool) -> None:
    assert await pool.equal("x+x", "2x")
    assert await pool.equal("(z+1)z", "z^2+z")
    (pid,) = pids(pool)
    os.kill(pid, signal.SIGKILL)
    assert await gone(pid)
    assert not await pool.equal("(z+2)z", "z^2+2z")
    assert await pool.equal("(z+3)z", "z^2+3z")


async def test_many_questions_at_once_share_the_workers_and_do_not_mix() -> None:
    pool = AlgebraPool(workers=2, limit_s=20)
    try:
        questions = [(f"(x+{n})(x+1)", f"x^2+{n + 1 + n % 2}x+{n}") for n in range(30)]
        verdicts = await asyncio.gather(*(pool.equal(*question) for question in questions))
        assert verdicts == [n % 2 == 0 for n in range(30)]
        assert len(pids(pool)) <= 2
    finally:
        await pool.close()


async def test_a_cancelled_question_does_not_spoil_the_next_ones(pool: AlgebraPool) -> None:
    assert await pool.equal("(z+1)z", "z^2+z")
    before = pids(pool)
    asked = [asyncio.create_task(pool.equal(ENDLESS[0][0], "7")) for _ in range(3)]
    await asyncio.sleep(0.1)
    for task in asked[:2]:
        task.cancel()
    said = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in said] == [asyncio.CancelledError] * 2 + [bool]
    assert await pool.equal("(z+2)z", "z^2+2z")
    assert pids(pool) == before


async def test_nothing_is_left_after_close() -> None:
    pool = AlgebraPool(workers=2, limit_s=30)
    assert await pool.equal("(z+1)z", "z^2+z")
    busy = asyncio.create_task(pool.equal(*ENDLESS[0]))
    await asyncio.sleep(0.1)
    left = [pid for worker in pids(pool) for pid in (worker, *children(worker))]
    assert len(left) > 1
    await pool.close()
    assert await busy is False
    assert await gone(*left)
    assert await pool.equal("(z+2)z", "z^2+2z") is False
    assert not pids(pool)


PARENT = """
import asyncio, sys
from router.algebra import MOST_FAILED_STARTS, AlgebraPool
async def main():
    pool = AlgebraPool(workers=1, limit_s=600)
    await pool.equal("(z+1)z", "z^2+z")
    print(*(worker.pid for worker in pool._running), flush=True)
    if sys.argv[1] == "busy":
        await pool.equal(sys.argv[2], "1")
    await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.mark.parametrize("state", ["idle", "busy"])
async def test_no_worker_outlives_a_parent_that_is_killed(state: str) -> None:
    command = [sys.executable, "-c", PARENT, state, ENDLESS[0][0]]
    parent = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    worker = int(await parent.stdout.readline())
    await asyncio.sleep(0.2)
    family = [worker, *children(worker)]
    assert len(family) == 2
    parent.kill()
    await parent.wait()
    assert await gone(*family)


async def test_a_computing_process_whose_worker_is_killed_ends_by_itself() -> None:
    pool = AlgebraPool(workers=1)
    try:
        assert await pool.equal("(z+1)z", "z^2+z")
        (worker,) = pids(pool)
        (computing,) = children(worker)
        os.kill(worker, signal.SIGKILL)
        assert await gone(worker, computing)
    finally:
        await pool.close()


async def test_without_a_worker_formulas_are_compared_as_written(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    pool = AlgebraPool()
    assert not any([await pool.equal("y+y", f"{n}y") for n in range(9)])
    assert len(caplog.records) == MOST_FAILED_STARTS
    assert not pids(pool)
    await pool.close()


@pytest.mark.parametrize(
    ("imported", "absent"),
    [
        ("policies.answers.algebra", "router loadtest"),
        ("router.algebra, router.search", "sympy"),
    ],
)
async def test_the_proxy_has_no_sympy_and_a_worker_no_proxy(imported: str, absent: str) -> None:
    code = f"import {imported}, sys; print([m for m in {absent.split()} if m in sys.modules])"
    command = [sys.executable, "-c", code]
    done = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
    said, _ = await done.communicate()
    assert said.strip() == b"[]"
