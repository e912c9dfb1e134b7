"""Records that outlive their flight, or never had one: a server that hiccups loses a word, and nobody waits for it."""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from router.cache.flight import Flight
from router.cache.leases import LEAD_S
from tests.router.cache import servers
from tests.router.cache.flying import RECORD, SAID, Process, heard, process

OTHER = RECORD.replace("{a.b}", "{a.c}")
SOON_S = 5.0
"""Far less than the flights of these tests may take, 20 s and more."""


@pytest.fixture(scope="module")
def own_valkey() -> Iterator[tuple[str, int]]:
    """The address and the process id of a server that the test may stop for a moment."""
    directory = Path(tempfile.mkdtemp(prefix="tt-"))
    port, socket = servers.free_port(), directory / "s"
    options = ("--unixsocket", str(socket), "--save", "")
    with servers.valkey(directory, *options, port=port) as pid:
        yield f"unix://{socket}", pid
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
async def busy(own_valkey: tuple[str, int]) -> AsyncIterator[Process]:
    """A process that all the time leads another flight: it is alive, and says so."""
    async with process(own_valkey[0]) as one:
        await one.store.run(lambda client: client.flushdb())
        flight, leads = await one.flights.board(OTHER)
        assert leads
        one.launch(flight, parts=1000, step_s=0.1)
        yield one


@contextmanager
def hiccup(pid: int) -> Iterator[None]:
    """Stop a server; what it is sent meanwhile it reads afterwards."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def recovered(one: Process) -> None:
    give_up_at = time.monotonic() + SOON_S
    while await one.store.run(lambda client: client.ping()) is None:
        assert time.monotonic() < give_up_at
        await asyncio.sleep(0.05)


async def led_soon(one: Process) -> Flight:
    """Return a flight for the same question; a request gets to lead it by and by."""
    flight, leads = await one.board()
    while not leads:
        await asyncio.wait_for(heard(flight), SOON_S)
        one.flights.alight(flight)
        flight, leads = await one.board(flight)
    return flight


async def followed(one: Process) -> bytes:
    flight = await led_soon(one)
    one.launch(flight)
    return await heard(flight)


async def test_an_end_that_could_not_be_told_keeps_nobody_waiting(
    busy: Process, own_valkey: tuple[str, int]
) -> None:
    led, leads = await busy.board()
    assert leads
    with hiccup(own_valkey[1]):
        assert await busy.store.get("any") is None, "found to be down"
        busy.launch(led)
        await heard(led)
        await asyncio.sleep(0.05)
    await recovered(busy)
    assert await followed(busy) == SAID


async def test_a_place_whose_taking_was_not_heard_of_keeps_nobody_waiting(
    busy: Process, own_valkey: tuple[str, int]
) -> None:
    with hiccup(own_valkey[1]):
        led, leads = await busy.board()
    assert leads
    assert led.lease is None, "the server had no time to answer"
    busy.launch(led)
    await heard(led)
    await recovered(busy)
    assert await followed(busy) == SAID


async def test_a_client_that_leaves_while_its_place_is_taken_keeps_nobody_waiting(
    busy: Process, own_valkey: tuple[str, int]
) -> None:
    with hiccup(own_valkey[1]):
        boarding = asyncio.create_task(busy.board())
        await asyncio.sleep(LEAD_S / 2)
        boarding.cancel()
        with suppress(asyncio.CancelledError):
            await boarding
    await recovered(busy)
    assert await followed(busy) == SAID


async def test_a_flight_that_could_not_be_given_up_keeps_nobody_waiting(
    busy: Process, own_valkey: tuple[str, int]
) -> None:
    led, leads = await busy.board()
    assert leads
    busy.launch(led, parts=1000, step_s=0.1)
    with hiccup(own_valkey[1]):
        assert await busy.store.get("any") is None, "found to be down"
        await busy.flights.leave(led)
    await recovered(busy)
    assert await followed(busy) == SAID


async def test_a_long_flight_of_a_living_process_keeps_its_followers(
    busy: Process, own_valkey: tuple[str, int]
) -> None:
    led, leads = await busy.board()
    assert leads
    busy.launch(led, parts=3, step_s=1.5)
    async with process(own_valkey[0]) as there:
        flight, leads = await there.board()
        assert not leads
        assert await asyncio.wait_for(heard(flight), 2 * SOON_S) == SAID
        assert flight.final is not None
