"""Records without a flight: a server that pauses loses a word, and nobody waits for what will not come."""

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

from router.cache import flights as flights_module
from router.cache.leases import LEAD_S
from tests.router.cache import servers
from tests.router.cache.flying import RECORD, SAID, Process, heard, process

OTHER = RECORD.replace("{a.b}", "{a.c}")
SOON_S = 5.0
"""Far less than a follower's patience."""


@pytest.fixture(scope="module")
def pausing() -> Iterator[tuple[str, int]]:
    """The address and the process id of a server that a test may pause."""
    directory = Path(tempfile.mkdtemp(prefix="tt-"))
    port, socket = servers.free_port(), directory / "s"
    options = ("--unixsocket", str(socket), "--save", "")
    with servers.valkey(directory, *options, port=port) as pid:
        yield f"unix://{socket}", pid
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
async def busy(pausing: tuple[str, int]) -> AsyncIterator[Process]:
    """A process that leads another flight all the time: it is alive, and says so."""
    async with process(pausing[0]) as one:
        await one.store.run(lambda client: client.flushdb())
        flight, leads = await one.flights.board(OTHER)
        assert leads
        one.launch(flight, parts=1000, step_s=0.1)
        yield one


@pytest.fixture(params=["here", "elsewhere"])
async def asking(
    request: pytest.FixtureRequest,
    busy: Process,
    pausing: tuple[str, int],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Process]:
    """The process that the next request for the same comes to."""
    monkeypatch.setattr(flights_module, "GRACE_S", 0.3)
    if request.param == "here":
        yield busy
        return
    async with process(pausing[0]) as there:
        yield there


@contextmanager
def paused(pid: int) -> Iterator[None]:
    """Pause a server; what it is sent meanwhile it reads afterwards."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def asked_again(asking: Process) -> bytes:
    """Return what a request for the same hears when the server is back: it leads, by and by."""
    async with asyncio.timeout(SOON_S):
        while not await asking.store.ready():
            pass
        flight, leads = await asking.board()
        while not leads:
            await heard(flight)
            asking.flights.alight(flight)
            flight, leads = await asking.board(flight)
        asking.launch(flight)
        return await heard(flight)


async def test_nobody_waits_for_an_end_that_could_not_be_told(
    busy: Process, asking: Process, pausing: tuple[str, int]
) -> None:
    led, leads = await busy.board()
    assert leads
    with paused(pausing[1]):
        assert await busy.store.get("any") is None, "found to be away"
        busy.launch(led)
        await heard(led)
        await asyncio.sleep(0.05)
    assert await asked_again(asking) == SAID


async def test_nobody_waits_for_a_leader_that_has_not_heard_that_it_leads(
    busy: Process, asking: Process, pausing: tuple[str, int]
) -> None:
    with paused(pausing[1]):
        led, leads = await busy.board()
    assert leads
    assert led.lease is None
    busy.launch(led)
    await heard(led)
    assert await asked_again(asking) == SAID


async def test_nobody_waits_for_a_client_that_left_when_it_was_about_to_lead(
    busy: Process, asking: Process, pausing: tuple[str, int]
) -> None:
    with paused(pausing[1]):
        boarding = asyncio.create_task(busy.board())
        await asyncio.sleep(LEAD_S / 2)
        boarding.cancel()
        with suppress(asyncio.CancelledError):
            await boarding
    assert await asked_again(asking) == SAID


async def test_nobody_waits_for_a_flight_that_could_not_be_given_up(
    busy: Process, asking: Process, pausing: tuple[str, int]
) -> None:
    led, leads = await busy.board()
    assert leads
    busy.launch(led, parts=1000, step_s=0.1)
    with paused(pausing[1]):
        assert await busy.store.get("any") is None, "found to be away"
        await busy.flights.leave(led)
    assert await asked_again(asking) == SAID


async def test_a_long_silent_flight_keeps_its_followers(
    busy: Process, pausing: tuple[str, int]
) -> None:
    led, leads = await busy.board()
    assert leads
    busy.launch(led, parts=1, step_s=flights_module.GRACE_S + 0.8)
    async with process(pausing[0]) as there:
        begun = time.monotonic()
        flight, leads = await there.board()
        assert not leads
        await heard(flight)
        assert flight.final is not None
        assert time.monotonic() - begun > flights_module.GRACE_S
