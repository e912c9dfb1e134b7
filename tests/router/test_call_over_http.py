"""Calls against real servers that refuse, stall or dawdle in the middle of a stream."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from time import monotonic

import orjson
import pytest
from aiohttp import web

from policies.budgets import plan_budget
from router.answer import Answer
from router.backends.direct import Connections, DirectBackend
from router.backends.pool import Pool
from router.backends.port import ModelSpec
from router.call import Trace, World
from router.errors import InvalidRequestError, UpstreamTimeoutError
from router.ledger import Ledger
from router.ratios import Ratios
from router.trust import Trust
from router.wire.openai_answer import Assembler
from tests.fakes import chunk, query, tier

Say = Callable[[web.StreamResponse], Awaitable[None]]
FOUR = (chunk({"content": "4"}), chunk({"content": "2"}), chunk({}, "stop"), b"[DONE]")


def says(*payloads: bytes, pause_s: float = 0.0, stall_s: float = 0.0) -> Say:
    async def say(response: web.StreamResponse) -> None:
        for payload in payloads:
            await response.write(b"data: " + payload + b"\n\n")
            await asyncio.sleep(pause_s)
        await asyncio.sleep(stall_s)

    return say


def refuses(code: int) -> Say:
    return says(orjson.dumps({"error": {"message": "not now", "code": code}}))


@asynccontextmanager
async def asking(
    script: Sequence[Say], *, retries: int = 1, idle_s: float = 5.0, timeout_s: float = 10.0
) -> AsyncIterator[Answer]:
    """Yield an answer whose model streams the items of ``script``, one per request."""
    script = list(script)

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await script.pop(0)(response)
        return response

    app = web.Application()
    app.router.add_post("/v1/chat/completions", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    connections = Connections()
    spec = ModelSpec("m", "upstream-name")
    backend = DirectBackend(spec, connections, base_url=f"http://{host}:{port}/v1")
    asked = tier(timeout_s=timeout_s, max_thinking_tokens=50, thinking="on")
    pool = Pool({"m": backend}, retries, monotonic)
    world = World(pool, Ratios(), Trust(), monotonic, replace(asked, name="cheap"), idle_s)
    budget = plan_budget(asked, query().ceilings)
    try:
        yield Answer(world, query(), asked, budget, Ledger(1000), Trace(), collect=Assembler())
    finally:
        await connections.close()
        await runner.cleanup()


async def heard(answer: Answer) -> str:
    await answer.start()
    async for _ in answer.payloads():
        pass
    assert answer.collect is not None
    return str(answer.collect.completion()["choices"][0]["message"]["content"])


async def test_a_stream_that_begins_with_an_error_is_tried_again_before_anything_is_sent() -> None:
    async with asking([refuses(503), says(*FOUR)]) as answer:
        assert await heard(answer) == "42"
        assert answer.trace.attempts == 2
        assert answer.ledger.calls == 1


async def test_a_callers_mistake_in_the_first_event_still_has_a_status_of_its_own() -> None:
    async with asking([refuses(400), says(*FOUR)]) as answer:
        with pytest.raises(InvalidRequestError, match="not now"):
            await answer.start()
        assert answer.ledger.reserved == 0


async def test_a_stream_that_falls_silent_is_a_timeout() -> None:
    async with asking([says(*FOUR[:1], stall_s=30)], idle_s=0.2) as answer:
        begun = monotonic()
        with pytest.raises(UpstreamTimeoutError, match=r"silent for 0\.2 s"):
            await heard(answer)
        assert monotonic() - begun < 5
        assert answer.ledger.reserved == 0
        assert answer.ledger.usage.completion > 0, "what came is paid for"


async def test_a_slow_stream_is_not_a_silent_one() -> None:
    async with asking([says(*FOUR, pause_s=0.15)], idle_s=0.4) as answer:
        assert await heard(answer) == "42"


async def test_silence_lasts_no_longer_than_the_answer_may() -> None:
    async with asking([says(*FOUR[:1], stall_s=30)], timeout_s=0.3) as answer:
        begun = monotonic()
        with pytest.raises(UpstreamTimeoutError):
            await heard(answer)
        assert monotonic() - begun < 5


async def test_a_forced_answer_has_no_time_of_its_own() -> None:
    thoughts = [chunk({"reasoning_content": "well, "})] * 10
    slow_thinker = says(*thoughts * 30, pause_s=0.005)
    async with asking([slow_thinker, says(stall_s=30)] * 3, timeout_s=1.0) as answer:
        begun = monotonic()
        with pytest.raises(UpstreamTimeoutError):
            await heard(answer)
        assert monotonic() - begun < 1.5
        assert answer.stop_reason == "thinking_budget"
