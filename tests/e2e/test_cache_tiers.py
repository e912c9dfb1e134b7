"""Whose answers serve whom: by tier, by age and by tenant; and what that has saved."""

import asyncio
import itertools
import json
import re
import subprocess
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from openai import AsyncOpenAI

from tests.e2e.hearing import Heard, ask, client_of
from tests.e2e.world import COMMAND, Server, ladder, serving, stats, write

_numbers = itertools.count(300)


@pytest.fixture(scope="module")
def proxy(upstream: str) -> Iterator[Server]:
    cache = {"tenant_header": "X-Team", "tier_ttl_s": {"distilled": 1}}
    with serving(ladder(upstream, cache=cache)) as server:
        yield server


@pytest.fixture
async def client(proxy: Server) -> AsyncIterator[AsyncOpenAI]:
    async with client_of(proxy.url) as client:
        yield client


@pytest.fixture
def question() -> str:
    """One that was never asked before, and easy enough for the short tier."""
    return f"What is {next(_numbers)} + 17?"


async def heard(client: AsyncOpenAI, question: str, tier: str | None = None, **more: str) -> Heard:
    router = more | ({} if tier is None else {"tier": tier})
    return await ask(client, question, cache=None, router=router)


async def test_a_cheap_answer_never_serves_an_ask_for_a_dearer_tier(
    client: AsyncOpenAI, question: str
) -> None:
    assert (await heard(client, question, "short")).cache == "miss"
    assert (await heard(client, question, "short")).cache == "hit"
    long = await heard(client, question, "long")
    assert (long.cache, long.router["tier"]) == ("miss", "long")
    again = await heard(client, question, "long")
    assert (again.cache, again.router["tier"]) == ("hit", "long")
    short = await heard(client, question, "short")
    assert (short.cache, short.router["tier"]) == ("hit", "short"), "the nearest that will do"


async def test_a_dear_answer_serves_cheap_asks(client: AsyncOpenAI, question: str) -> None:
    paid = await heard(client, question, "long")
    for tier in ("short", "distilled", None):
        free = await heard(client, question, tier)
        assert (free.cache, free.text) == ("hit", paid.text)
    assert (await heard(client, question, min_tier="long")).cache == "hit"


async def test_a_free_ask_is_served_by_what_it_is_predicted_to_need(
    client: AsyncOpenAI, question: str
) -> None:
    easy, hard = question, f"Prove that there are infinitely many primes p with p = {question}"
    for asked in (easy, hard):
        needed = (await ask(client, asked, cache="no-store")).router["tier"]
        await heard(client, asked, "short")
        free = await heard(client, asked)
        assert free.cache == ("hit" if needed == "short" else "miss")


async def test_an_answer_may_be_too_old(client: AsyncOpenAI, question: str) -> None:
    await heard(client, question, "long")
    assert (await ask(client, question, cache="max-age=60")).cache == "hit"
    assert (await ask(client, question, cache="max-age=0")).cache in ("hit", "miss")
    with pytest.raises(Exception, match="max-age=<seconds>"):
        await ask(client, question, cache="max-age=soon")


async def test_a_tier_has_a_time_to_live_of_its_own(client: AsyncOpenAI, question: str) -> None:
    await heard(client, question, "distilled")
    assert (await heard(client, question, "distilled")).cache == "hit"
    await asyncio.sleep(1.1)
    assert (await heard(client, question, "distilled")).cache == "miss"


async def test_a_gateways_header_divides_the_tenants(proxy: Server, question: str) -> None:
    teams = ["a", "b", "*", "a|b", "{x}", "", "a/b", "\u00e9"]
    for how in ("miss", "hit"):
        for team in teams:
            header = [(b"X-Team", team.encode())]
            async with httpx.AsyncClient(verify=False, headers=header) as http:
                body = {"model": "auto", "messages": [{"role": "user", "content": question}]}
                reply = await http.post(f"{proxy.url}/v1/chat/completions", json=body)
            assert reply.headers["x-router-cache"] == how


async def test_shared_mode_is_one_cache_for_all(upstream: str, question: str) -> None:
    with serving(ladder(upstream, cache={"shared": True})) as server:
        found = []
        for key in ("one", "other"):
            async with client_of(server.url, key) as they:
                found.append((await heard(they, question)).cache)
    assert found == ["miss", "hit"]


async def test_a_key_never_gets_an_answer_of_a_tier_it_may_not_use(
    upstream: str, question: str
) -> None:
    keys = [
        {"key": "k-all", "tenant": "team"},
        {"key": "k-short", "tenant": "team", "tiers": ["short"]},
    ]
    with serving(ladder(upstream, keys=keys)) as server:
        async with client_of(server.url, "k-all") as they:
            await heard(they, question, "long")
        async with client_of(server.url, "k-short") as they:
            own = await heard(they, question)
            assert (own.cache, own.router["tier"]) == ("miss", "short")


@pytest.mark.parametrize("near", ["on", "off"])
async def test_paraphrases_share_an_answer_if_that_is_wished(upstream: str, near: str) -> None:
    with serving(ladder(upstream, cache={"near_duplicates": near})) as server:
        async with client_of(server.url) as they:
            paid = await heard(they, "What is 512 + 17?", "long")
            other = await heard(they, "Hi! Can you calculate 512 plus 17?", "long")
            trap = await heard(they, "What is 512 - 17?", "long")
    assert (paid.cache, trap.cache) == ("miss", "miss")
    assert other.cache == {"on": "near", "off": "miss"}[near]
    assert near == "off" or other.text == paid.text


async def test_an_answer_judged_wrong_for_a_paraphrase_is_not_shared_again(upstream: str) -> None:
    with serving(ladder(upstream, cache={"near_duplicates": "on"})) as server:
        async with client_of(server.url) as they:
            await heard(they, "What is 512 + 17?", "long")
            near = await heard(they, "Please compute 512 + 17", "long")
            async with httpx.AsyncClient(verify=False) as http:
                said = {"decision_id": near.headers["x-router-decision-id"], "correct": False}
                key = {"authorization": "Bearer tester"}
                reply = await http.post(f"{server.url}/v1/feedback", json=said, headers=key)
            assert reply.status_code == 200
            again = await heard(they, "Calculate 512 + 17, please", "long")
            same = await heard(they, "What is 512 + 17?", "long")
    assert (near.cache, again.cache, same.cache) == ("near", "miss", "hit")


async def test_what_was_saved_is_counted_by_tier(
    proxy: Server, client: AsyncOpenAI, upstream: str, question: str
) -> None:
    paid = await heard(client, question, "long")
    before = saved(proxy)
    calls = stats(upstream)["requests_total"]
    for _ in range(3):
        await heard(client, question, "long")
    assert stats(upstream)["requests_total"] == calls
    after = saved(proxy)
    assert after["tokens"] - before["tokens"] == 3 * paid.router["upstream_tokens"]
    assert after["usd"] - before["usd"] == pytest.approx(3 * paid.router["cost_usd"])
    assert after["seconds"] > before["seconds"]
    assert question not in proxy.said()


def saved(proxy: Server) -> dict[str, float]:
    text = httpx.get(f"{proxy.url}/metrics", verify=False).text
    line = r'thinkthrift_cache_saved_total\{tier="long",unit="(\w+)"\} (\S+)'
    found = {unit: float(value) for unit, value in re.findall(line, text)}
    return {"tokens": 0, "usd": 0, "seconds": 0} | found


async def test_cache_stats_tell_hit_rate_and_savings_of_all_processes(
    upstream: str, question: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("tt")
    config = ladder(upstream, cache={"state_dir": str(home / "s")})
    file = write(config, home / "config.yaml")
    with serving(config) as server:
        async with client_of(server.url) as they:
            for _ in range(4):
                paid = await heard(they, question, "long")
    shown = await asyncio.to_thread(
        subprocess.run,
        [COMMAND, "cache", "stats", "--config", str(file)],
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(shown.stdout)
    assert (told["asked"], told["hit_rate"], told["entries"]) == (4, 0.75, 1)
    long = told["saved_by_tier"]["long"]
    assert long["hit"] == 3
    assert long["tokens"] > 0
    assert long["usd"] > 0
    assert paid.text
    assert question not in shown.stdout
