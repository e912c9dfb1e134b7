"""A stream that falls silent gets a sign of life, and only then."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest

from router.endpoint import Endpoint, Exchange, Message
from router.journey import Journey
from router.pulse import Pulse
from router.reply import Reply
from router.settings import LimitsSettings
from tests.fakes import query

QUIET_S = 0.05


async def test_silence_is_broken_again_and_again() -> None:
    signs: list[float] = []
    loop = asyncio.get_running_loop()

    async def sign() -> None:
        signs.append(loop.time())

    begun = loop.time()
    pulse = Pulse(sign, QUIET_S)
    await asyncio.sleep(QUIET_S * 3.5)
    pulse.stop()
    assert len(signs) in (2, 3), "three, or two on a busy machine"
    gaps = [later - earlier for earlier, later in zip([begun, *signs], signs, strict=False)]
    assert min(gaps) >= QUIET_S * 0.9
    await asyncio.sleep(QUIET_S * 2)
    assert len(signs) in (2, 3), "it was stopped"


async def test_what_is_busy_needs_no_sign() -> None:
    signs: list[int] = []

    async def sign() -> None:
        signs.append(1)

    pulse = Pulse(sign, 10 * QUIET_S)
    for _ in range(15):
        await asyncio.sleep(QUIET_S)
        pulse.beat()
    pulse.stop()
    assert signs == []


async def test_a_silent_stream_of_the_endpoint_is_kept_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("router.endpoint.SILENCE_S", QUIET_S)
    sent: list[Message] = []

    async def stream() -> AsyncGenerator[bytes, None]:
        yield b"data: 1\n\n"
        await asyncio.sleep(QUIET_S * 3)
        yield b"data: 2\n\n"

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    async def send(message: Message) -> None:
        sent.append(message)

    endpoint = Endpoint(LimitsSettings())
    endpoint.runtime = cast(Any, None)
    exchange = Exchange(endpoint, {"headers": []}, receive, send)
    exchange._journey = Journey("d_1", query(), 0.0)
    await exchange._deliver(Reply(200, [], stream=stream()))
    start, *parts, end = sent
    assert dict(start["headers"])[b"x-request-id"] == b"d_1"
    assert end["body"] == b""
    bodies = [part["body"] for part in parts]
    assert (bodies[0], bodies[-1]) == (b"data: 1\n\n", b"data: 2\n\n")
    assert bodies[1:-1] in ([b": waiting\n\n"], [b": waiting\n\n"] * 2)
    await asyncio.sleep(QUIET_S * 2)
    assert len(sent) == len(parts) + 2, "nothing comes after the end"
