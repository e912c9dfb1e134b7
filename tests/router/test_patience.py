import asyncio
from collections.abc import AsyncIterator

import pytest

from router.errors import UpstreamTimeoutError
from router.patience import Patience


async def items(*pauses_s: float) -> AsyncIterator[int]:
    for i, pause_s in enumerate(pauses_s):
        await asyncio.sleep(pause_s)
        yield i


async def taken(patience: Patience, stream: AsyncIterator[int], pause_s: float = 0.0) -> list[int]:
    got = []
    while (item := await patience.next(stream)) is not None:
        got.append(item)
        await asyncio.sleep(pause_s)
    return got


async def test_a_stream_that_keeps_talking_is_heard_to_its_end() -> None:
    patience = Patience("m", idle_s=0.2, left_s=10)
    assert await taken(patience, items(*[0.03] * 12)) == list(range(12))
    patience.close()


async def test_silence_ends_the_wait() -> None:
    patience = Patience("m", idle_s=0.1, left_s=10)
    begun = asyncio.get_running_loop().time()
    with pytest.raises(UpstreamTimeoutError, match=r"m: the stream was silent for 0\.1 s"):
        await taken(patience, items(0, 0.05, 30))
    assert asyncio.get_running_loop().time() - begun < 5
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_stream_that_talks_on_and_on_ends_with_its_time() -> None:
    patience = Patience("m", idle_s=10, left_s=0.2)
    with pytest.raises(UpstreamTimeoutError, match=r"no whole answer in the 0\.2 s"):
        await taken(patience, items(*[0.01] * 10_000))


async def test_silence_lasts_no_longer_than_the_time_that_is_left() -> None:
    patience = Patience("m", idle_s=20, left_s=0.1)
    begun = asyncio.get_running_loop().time()
    with pytest.raises(UpstreamTimeoutError, match=r"no whole answer in the 0\.1 s"):
        await taken(patience, items(0, 10))
    assert asyncio.get_running_loop().time() - begun < 5


async def test_silence_is_noticed_after_a_slow_reader_too() -> None:
    patience = Patience("m", idle_s=0.1, left_s=20)
    with pytest.raises(UpstreamTimeoutError, match="silent"):
        await taken(patience, items(0, 0, 10), pause_s=0.25)


async def test_a_slow_reader_is_not_a_silent_upstream() -> None:
    patience = Patience("m", idle_s=0.1, left_s=10)
    assert await taken(patience, items(0, 0, 0.01), pause_s=0.15) == [0, 1, 2]
    patience.close()


async def test_when_the_time_was_up_while_nobody_waited_the_next_wait_says_so() -> None:
    patience = Patience("m", idle_s=10, left_s=0.05)
    with pytest.raises(UpstreamTimeoutError):
        await taken(patience, items(0, 0, 0), pause_s=0.1)


async def test_a_client_that_leaves_is_not_a_timeout() -> None:
    patience = Patience("m", idle_s=10, left_s=10)
    task = asyncio.create_task(taken(patience, items(30)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    patience.close()
