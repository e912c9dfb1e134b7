"""Nobody pays twice: a repeated question is answered from a real Valkey, and only where that is right."""

import asyncio
import itertools
import os
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from tests.e2e.hearing import ROUTER_KEYS, Heard, ask, client_of
from tests.e2e.world import Server, descendants, ladder, model, serving, stats, until

_numbers = itertools.count(100)


@pytest.fixture(scope="module")
def proxy(upstream: str) -> Iterator[Server]:
    config = ladder(upstream)
    config["model_list"].append(model(upstream, "sim-long+ignore-budget", dialect="openai"))
    config["tiers"].append(
        {
            "name": "wild",
            "models": ["sim-long+ignore-budget"],
            "thinking": "on",
            "max_thinking_tokens": 200,
            "answer_reserve_tokens": 50,
        }
    )
    with serving(config) as server:
        yield server


@pytest.fixture
async def client(proxy: Server) -> AsyncIterator[AsyncOpenAI]:
    async with client_of(proxy.url) as client:
        yield client


@pytest.fixture
def question() -> str:
    """One that was never asked before."""
    return f"What is {next(_numbers)} + 17?"


async def heard_of(client: AsyncOpenAI, question: str, **options: Any) -> Heard:
    return await ask(client, question, cache=None, **options)


@pytest.mark.parametrize("second", [False, True], ids=["then plain", "then streamed"])
@pytest.mark.parametrize("first", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("tier", ["distilled", "long"])
async def test_a_repeat_is_a_hit_and_costs_nothing(
    client: AsyncOpenAI, upstream: str, question: str, tier: str, first: bool, second: bool
) -> None:
    paid = await heard_of(client, question, model=f"auto:{tier}", stream=first)
    before = stats(upstream)
    free = await heard_of(client, question, model=f"auto:{tier}", stream=second)
    after = stats(upstream)
    assert (paid.cache, free.cache) == ("miss", "hit")
    assert (after["requests_total"], after["tokens_generated"]) == (
        before["requests_total"], before["tokens_generated"],
    )  # fmt: skip
    assert (free.text, free.thought, free.finish) == (paid.text, paid.thought, paid.finish)
    assert free.thought
    assert free.usage is not None
    assert free.usage["total_tokens"] == free.reasoning_tokens == 0
    assert set(free.router) == ROUTER_KEYS
    spent = ("cost_usd", "calls", "upstream_tokens", "thinking_tokens")
    assert [free.router[name] for name in spent] == [0, 0, 0, 0]
    assert free.router["tier"] == tier
    assert (free.headers["x-router-attempts"], float(free.headers["x-router-cost-usd"])) == ("0", 0)
    if second:
        assert free.places == ["finish", "usage"]
        assert len(free.chunks) > 3, "a replay is a stream, too"


async def test_the_plain_shape_is_the_same_from_the_cache(
    client: AsyncOpenAI, question: str
) -> None:
    paid = await heard_of(client, question, model="auto:distilled")
    free = await heard_of(client, question, model="auto:distilled")
    assert free.message == paid.message


@pytest.mark.parametrize(
    "different",
    [
        {"seed": 5}, {"max_tokens": 500}, {"model": "auto:distilled"}, {"stop": ["zzz"]},
        {"router": {"dial": 0.1}}, {"response_format": {"type": "json_object"}},
        {"extra_body": {"vendor_flag": True}},
    ],
    ids=str,
)  # fmt: skip
async def test_a_request_that_differs_is_a_miss(
    client: AsyncOpenAI, question: str, different: dict[str, Any]
) -> None:
    first = await heard_of(client, question)
    other = await heard_of(client, question, **different)
    again = await heard_of(client, question)
    assert (first.cache, other.cache, again.cache) == ("miss", "miss", "hit")


@pytest.mark.parametrize(
    "same", [{"user": "me"}, {"metadata": {"a": "b"}}, {"n": 1}, {"store": False}], ids=str
)
async def test_bookkeeping_makes_no_difference(
    client: AsyncOpenAI, question: str, same: dict[str, Any]
) -> None:
    await heard_of(client, question)
    assert (await heard_of(client, question, **same)).cache == "hit"


TENANTS = ["tester ", "Tester", "tester:x", "*", "{x}", "a|b", "openai/gpt-4o", "tester}.{y"]


@pytest.mark.parametrize("other", TENANTS)
async def test_another_tenant_never_gets_the_answer(
    proxy: Server, client: AsyncOpenAI, question: str, other: str
) -> None:
    await heard_of(client, question)
    async with client_of(proxy.url, default_headers={"Authorization": f"Bearer {other}x"}) as they:
        assert (await heard_of(they, question)).cache == "miss"
        assert (await heard_of(they, question)).cache == "hit"


async def test_no_store_neither_reads_nor_writes(client: AsyncOpenAI, question: str) -> None:
    answers = [await ask(client, question, cache=how) for how in ("no-store", None, "no-store")]
    assert [heard.cache for heard in answers] == ["bypass", "miss", "bypass"]


async def test_no_cache_asks_anew_and_keeps_the_new_answer(
    client: AsyncOpenAI, upstream: str, question: str
) -> None:
    await heard_of(client, question)
    before = stats(upstream)["requests_total"]
    fresh = await ask(client, question, cache="no-cache")
    assert fresh.cache == "miss"
    assert stats(upstream)["requests_total"] > before
    assert (await heard_of(client, question)).text == fresh.text


async def test_only_if_cached_is_a_hit_or_404(client: AsyncOpenAI, question: str) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        await ask(client, question, cache="only-if-cached")
    assert refused.value.code == "not_cached"
    assert refused.value.response.headers["x-router-cache"] == "miss"
    await heard_of(client, question)
    assert (await ask(client, question, cache="only-if-cached")).cache == "hit"


@pytest.mark.parametrize(
    "fields", [{"temperature": 0.5}, {"n": 2}], ids=["drawn at random", "several choices"]
)
async def test_what_must_vary_bypasses_the_cache(
    client: AsyncOpenAI, question: str, fields: dict[str, Any]
) -> None:
    for _ in range(2):
        raw = await client.chat.completions.with_raw_response.create(
            model="auto", messages=[{"role": "user", "content": question}], **fields
        )
        assert raw.headers["x-router-cache"] == "bypass"


async def test_temperature_zero_is_cached(client: AsyncOpenAI, question: str) -> None:
    answers = [await heard_of(client, question, temperature=0) for _ in range(2)]
    assert [heard.cache for heard in answers] == ["miss", "hit"]


@pytest.mark.parametrize(
    ("model", "fields"),
    [("auto:short", {"max_tokens": 2}), ("auto:wild", {}), ("auto:long", {"max_tokens": 2})],
    ids=["cut by the client's limit", "cut by the thinking budget", "a vote of cut samples"],
)
async def test_an_answer_that_was_cut_is_not_kept(
    client: AsyncOpenAI, question: str, model: str, fields: dict[str, Any], stream: bool
) -> None:
    for _ in range(2):
        heard = await heard_of(client, question, model=model, stream=stream, **fields)
        assert heard.cache == "miss"


async def test_a_stream_that_the_client_left_is_not_kept(
    client: AsyncOpenAI, upstream: str, question: str
) -> None:
    left = await client.chat.completions.create(
        model="auto:distilled", messages=[{"role": "user", "content": question}], stream=True
    )
    await anext(aiter(left))
    await left.close()
    heard = await heard_of(client, question, model="auto:distilled", stream=False)
    assert heard.cache in ("miss", "hit"), "the whole answer may have come before the client left"
    assert heard.finish == "stop"
    assert f"{int(question.split()[2]) + 17}" in heard.text


async def test_requests_succeed_while_the_cache_is_dead(upstream: str) -> None:
    with serving(ladder(upstream)) as server:
        (valkey,) = [
            pid for pid, line in descendants(server.process.pid).items() if "valkey-server" in line
        ]
        async with client_of(server.url) as client:
            assert (await heard_of(client, "What is 1 + 1?")).cache == "miss"
            assert (await heard_of(client, "What is 1 + 1?")).cache == "hit"
            os.kill(valkey, signal.SIGKILL)
            for stream in (False, True, False, True):
                heard = await heard_of(client, "What is 1 + 2?", stream=stream)
                assert heard.text
        assert "Traceback" not in server.said()


async def test_with_the_cache_off_every_request_is_a_bypass(upstream: str) -> None:
    with serving(ladder(upstream, cache={"url": "off"})) as server:
        assert not [line for line in descendants(server.process.pid).values() if "valkey" in line]
        async with client_of(server.url) as client:
            answers = [await heard_of(client, "What is 1 + 1?") for _ in range(2)]
    assert [heard.cache for heard in answers] == ["bypass", "bypass"]


async def test_an_unreachable_redis_is_a_miss_and_no_error(upstream: str) -> None:
    with serving(ladder(upstream, cache={"url": "redis://127.0.0.1:9/0"})) as server:
        async with client_of(server.url) as client:
            for stream in (False, True):
                heard = await heard_of(client, "What is 1 + 1?", stream=stream)
                assert heard.text
                assert heard.cache == "miss"


async def test_two_workers_share_one_cache(upstream: str) -> None:
    with serving(ladder(upstream), "--workers", "2") as server:
        processes = descendants(server.process.pid)
        assert len([line for line in processes.values() if "valkey-server" in line]) == 1
        workers = [pid for pid, line in processes.items() if "spawn_main" in line]
        assert len(workers) == 2
        async with client_of(server.url) as first:
            assert (await heard_of(first, "What is 1 + 1?")).cache == "miss"
        before = stats(upstream)["requests_total"]
        async with asyncio.timeout(30):
            used = {pid: cpu_ticks(pid) for pid in workers}
            while min(cpu_ticks(pid) - used[pid] for pid in workers) < 1:
                async with client_of(server.url) as client:
                    assert (await heard_of(client, "What is 1 + 1?")).cache == "hit"
        assert stats(upstream)["requests_total"] == before
    until(lambda: not any(map(is_alive, processes)))


def cpu_ticks(pid: int) -> int:
    """Return the processor time a worker has used: one that rises has answered."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:  # noqa: PTH123
        fields = stat.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
