"""A time limit for the network, also where somebody cleans up after being cancelled."""

import asyncio
from contextlib import suppress

import pytest

from router.cache.within import Within


async def _too_long() -> None:
    async with Within(0.01):
        await asyncio.sleep(60)


async def test_what_takes_too_long_is_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        await _too_long()


async def test_it_is_one_for_those_who_clean_up_after_their_own_cancellation_too() -> None:
    ended: list[type[BaseException]] = []

    async def leaving() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            try:
                await _too_long()
            except (TimeoutError, asyncio.CancelledError) as error:
                ended.append(type(error))

    task = asyncio.create_task(leaving())
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert ended == [TimeoutError]
    assert task.cancelled()


async def test_a_cancellation_meanwhile_stays_one() -> None:
    task = asyncio.create_task(_too_long())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
