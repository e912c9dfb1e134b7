"""What searches have sampled is there for the next one, on a real Valkey."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from policies.types import Budget, SearchPlan
from router.cache.pools import MOST_BYTES, MOST_SAMPLES, PooledSample, Pools
from router.cache.redis_store import RedisStore
from router.cache.store import NullStore
from router.call import Trace
from router.ledger import Ledger
from router.remembering import arm_of
from router.search import Solve
from tests.fakes import backend, completion, query, tier, world

SECRET = b"s" * 32
KEY = "tt:{a.b}:pool"


@pytest.fixture
async def client(valkey: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(valkey)
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture
async def pools(valkey: str, client: Redis) -> AsyncIterator[Pools]:
    store = RedisStore(valkey, secret=SECRET, clock=time.monotonic)
    await store.ready()
    yield Pools(store, SECRET, ("1",))
    await store.close()


def sample(seed: int, key: str | None = "42", **fields: Any) -> PooledSample:
    given: dict[str, Any] = {"weight": 1.0, "tokens": 120, "text": f"It is {key}."}
    return PooledSample(seed, key, **(given | fields))


async def test_samples_come_back_as_they_were(pools: Pools) -> None:
    given = (
        sample(1, weight=0.25, reasoning="6 * 7 ...", model="big"),
        sample(2, None, text="no idea \N{PILE OF POO}"),
        sample(3, "43", temperature=0.7),
    )
    assert await pools.add(KEY, given) == 3
    assert await pools.load(KEY) == given
    assert await pools.load("tt:{a.c}:pool") == ()


async def test_a_search_tops_a_pool_up_and_no_seed_is_there_twice(pools: Pools) -> None:
    await pools.add(KEY, [sample(1), sample(2)])
    assert await pools.add(KEY, [sample(2, "other"), sample(3)]) == 1
    assert [(one.seed, one.key) for one in await pools.load(KEY)] == [
        (1, "42"),
        (2, "42"),
        (3, "42"),
    ]
    assert await pools.add(KEY, [sample(2, model="another")]) == 1


async def test_what_repeats_itself_at_temperature_zero_is_one_vote(pools: Pools) -> None:
    same = [sample(seed, temperature=0) for seed in range(5)]
    assert await pools.add(KEY, same) == 1
    assert await pools.add(KEY, [sample(9, "43", temperature=0)]) == 1
    assert len(await pools.load(KEY)) == 2


@pytest.mark.parametrize(
    "bad",
    [
        {"finish": "length"}, {"finish": "tool_calls"}, {"finish": ""}, {"tools": True}, {"text": ""},
        {"text": " \n"}, {"text": "x" * MOST_BYTES},
    ],
    ids=str,
)  # fmt: skip
async def test_what_was_cut_or_calls_tools_is_never_kept(pools: Pools, bad: dict[str, Any]) -> None:
    assert await pools.add(KEY, [replace(sample(1), **bad), sample(2)]) == 1
    assert [one.seed for one in await pools.load(KEY)] == [2]


async def test_a_pool_is_capped_also_by_many_at_once(pools: Pools) -> None:
    parts = [[sample(100 * i + j) for j in range(20)] for i in range(10)]
    new = await asyncio.gather(*[pools.add(KEY, part) for part in parts])
    assert sum(new) == len(await pools.load(KEY)) == MOST_SAMPLES


async def test_a_pool_is_compressed_and_ends(pools: Pools, client: Redis) -> None:
    text = "the same words again and again " * 500
    await pools.add(KEY, [sample(1, reasoning=text)])
    assert sum(map(len, await client.hvals(KEY))) < len(text) / 10
    assert 86000 < await client.ttl(KEY) <= 86400


async def test_damaged_samples_are_left_out(pools: Pools, client: Redis) -> None:
    await pools.add(KEY, [sample(1)])
    await client.hset(KEY, mapping={"x": b"garbage", "y": b"", "z": b"tt1p\0\0\0\0{}"})
    assert [one.seed for one in await pools.load(KEY)] == [1]
    await client.set("tt:{a.wrong}:pool", "a string")
    assert await pools.load("tt:{a.wrong}:pool") == ()
    assert await pools.add("tt:{a.wrong}:pool", [sample(1)]) == 0


async def test_without_a_server_there_are_no_samples(pools: Pools) -> None:
    away = Pools(RedisStore("redis://127.0.0.1:1", secret=SECRET, clock=time.monotonic), SECRET)
    assert await away.add(KEY, [sample(1)]) == 0
    assert await away.load(KEY) == ()
    await away.store.close()
    assert Pools(NullStore(), SECRET).key(query(), "long") is None


async def test_a_harder_look_starts_from_the_same_pool(pools: Pools) -> None:
    key = pools.key(query(), "long")
    for same in (
        query(wishes={"n": 9, "strategy": "vote"}),
        query(ceilings={"max_total_tokens": 99, "max_cost_usd": 1.0}),
        query(cache="no-cache"),
        query(stream=True),
    ):
        assert pools.key(same, "long") == key
    for other in (
        pools.key(query(), "short"),
        pools.key(query("What is 6 * 8?"), "long"),
        pools.key(query(tenant="other"), "long"),
        pools.key(query(ceilings={"max_thinking_tokens": 9}), "long"),
        replace(pools, versions=("2",)).key(query(), "long"),
    ):
        assert other != key


async def test_a_tenants_purge_takes_its_pools(pools: Pools) -> None:
    ours, theirs = (pools.key(query(tenant=name), "long") for name in ("a", "b"))
    assert ours is not None
    assert theirs is not None
    await pools.add(ours, [sample(1)])
    await pools.add(theirs, [sample(1)])
    assert await pools.store.purge("a") == 1
    assert await pools.load(ours) == ()
    assert len(await pools.load(theirs)) == 1


async def test_samples_that_are_hard_to_compare_cost_a_search_no_more_time_than_it_has(
    pools: Pools,
) -> None:
    async def ponder(a: str, b: str) -> bool:
        await asyncio.sleep(60)
        return False

    asked, tier_ = query("Factor x^2 - 1."), tier(thinking="off", max_output_tokens=500)
    plan, budget = SearchPlan("vote", 3), Budget(0, 100, 500, deadline_s=0.3)
    here = replace(world(backend("m", completion("It is \\boxed{42}."))), equal=ponder)
    key = pools.key(asked, arm_of(tier_.name, plan))
    assert key is not None
    await pools.add(key, [sample(i, text=f"\\boxed{{(x-1)(x+1)+{i}y}}", model="m") for i in (1, 2)])
    search = Solve(
        here, asked, tier_, plan, [(tier_, budget)], Ledger(), Trace(), here.now() + 0.3, pools
    )
    won = await asyncio.wait_for(search.run(), 3)
    assert won["choices"][0]["message"]["content"] == "It is \\boxed{42}."
    assert search.stop_reason == "deadline"
