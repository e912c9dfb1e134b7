"""Virtual time passes exactly as told, and at once."""

import asyncio
import time

import pytest

from tests.lab.clock import StuckError, now, run


def test_ten_days_pass_at_once() -> None:
    async def main() -> float:
        await asyncio.sleep(864_000)
        return now()

    begun = time.perf_counter()
    assert run(main()) == 864_000
    assert time.perf_counter() - begun < 1


def test_what_is_due_first_happens_first() -> None:
    seen: list[tuple[float, str]] = []

    async def note(name: str, *pauses: float) -> None:
        for pause in pauses:
            await asyncio.sleep(pause)
            seen.append((now(), name))

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(note("a", 3, 3))
            group.create_task(note("b", 1, 4))
            group.create_task(note("c", 0, 5.5))

    run(main())
    assert seen == [(0, "c"), (1, "b"), (3, "a"), (5, "b"), (5.5, "c"), (6, "a")]


def test_a_timeout_ends_at_its_second() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await asyncio.sleep(60)
        return now()

    assert run(main()) == 2.5


def test_a_cancelled_sibling_takes_no_time() -> None:
    async def main() -> float:
        slow = asyncio.create_task(asyncio.sleep(100))
        fast = asyncio.create_task(asyncio.sleep(1))
        done, left = await asyncio.wait((slow, fast), return_when=asyncio.FIRST_COMPLETED)
        assert (done, left) == ({fast}, {slow})
        slow.cancel()
        return now()

    assert run(main()) == 1


def test_waiting_for_nobody_is_an_error() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(StuckError, match="never woken"):
        run(main())


def test_a_thread_may_wake_the_loop() -> None:
    async def main() -> str:
        woken = asyncio.Event()
        asyncio.get_running_loop().call_soon_threadsafe(woken.set)
        await woken.wait()
        return "woken"

    assert run(main()) == "woken"
