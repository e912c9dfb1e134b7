"""What is kept and what never is, how long, and that nothing of it can be read from keys; on a real Valkey."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from policies.routing import Routing
from policies.types import Query
from router.cache.claim import Kept
from router.cache.recall import Recall, open_recall
from router.cache.redis_store import RedisStore
from router.errors import NotCachedError
from router.settings_cache import TTL_FACTORS, CacheSettings
from tests.fakes import completion, query, tier

SECRET = b"s" * 32
TOLD: dict[str, Any] = {
    "tier": "long",
    "stop_reason": "done",
    "upstream_tokens": 9,
    "cost_usd": 0.1,
}
SECRETIVE = "What is the PIN of Zebediah Quartermain?"


class Wall:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
async def recall(valkey: str, clean: Redis, wall: Wall) -> AsyncIterator[Recall]:
    store = RedisStore(valkey, secret=SECRET, clock=time.monotonic)
    await store.ready()
    opened = opened_with(CacheSettings(), store, wall)
    yield opened
    await opened.close()
    await store.close()


def opened_with(settings: CacheSettings, store: RedisStore, wall: Wall) -> Recall:
    routing = Routing((tier("short", rung="short"), tier("long")))
    return open_recall(settings, store, SECRET, versions=("1",), routing=routing, wall=wall)


def place() -> int:
    return 1


async def found(recall: Recall, asked: Query) -> Kept | None:
    return await recall.find(recall.key(asked), asked.cache, place)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (completion(finish="length"), {}),
        (completion(finish="content_filter"), {}),
        (completion(finish="tool_calls", tool_calls=[{"id": "1"}]), {}),
        (completion(tool_calls=[{"id": "1"}]), {}),
        (completion(function_call={"name": "f"}), {}),
        (completion(""), {}),
        (completion(" \n"), {}),
        (completion(refusal="I cannot."), {}),
        (completion() | {"choices": completion()["choices"] * 2}, {}),
        (completion() | {"choices": []}, {}),
        (completion(), {"stop_reason": "thinking_budget"}),
        (completion(), {"stop_reason": "deadline"}),
        (completion(), {"stop_reason": "loop"}),
    ],
    ids=str,
)
async def test_what_is_not_a_whole_answer_is_never_kept(
    recall: Recall, clean: Redis, answer: dict[str, Any], told: dict[str, Any]
) -> None:
    landed: list[Any] = []
    claim = recall.key(query())
    assert claim is not None
    claim.landing = lambda *whole: landed.append(whole)
    await recall.keep(claim, answer, TOLD | told)
    assert await clean.keys("*answer*") == []
    assert landed == [(answer, TOLD | told)], "those who wait for it get it all the same"
    await recall.keep(claim, completion(), TOLD)
    assert await found(recall, query()) is not None


@pytest.mark.parametrize(
    "asked",
    [
        query(body={"temperature": 0.1}), query(body={"n": 2}), query(cache="no-store"),
    ],
    ids=["temperature", "n", "no-store"],
)  # fmt: skip
async def test_what_must_vary_has_no_key(recall: Recall, asked: Query) -> None:
    assert recall.key(asked) is None
    sampled = replace(recall, sampled=True).key(asked)
    assert (sampled is not None) == ("temperature" in asked.body)


async def test_an_old_answer_is_too_old_for_those_who_say_so(recall: Recall, wall: Wall) -> None:
    await recall.keep(recall.key(query()), completion(), TOLD)
    wall.now += 61
    assert await found(recall, query(cache="max-age=60")) is None
    assert await found(recall, query(cache="max-age=61")) is not None
    assert await found(recall, query(cache="no-cache")) is None
    with pytest.raises(NotCachedError):
        await found(recall, query("never asked", cache="only-if-cached"))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {"short": 3600, "long": 3600 * TTL_FACTORS["long"]}),
        ({"ttl_s": 100}, {"short": 100, "long": 100}),
        ({"ttl_s": 100, "tier_ttl_s": {"long": 7}}, {"short": 100, "long": 7}),
        ({"tier_ttl_s": {"short": 7}}, {"short": 7, "long": 3600 * TTL_FACTORS["long"]}),
    ],
    ids=str,
)
async def test_each_tier_has_its_time_to_live(
    recall: Recall, clean: Redis, wall: Wall, settings: dict[str, Any], expected: dict[str, int]
) -> None:
    assert isinstance(recall.store, RedisStore)
    other = opened_with(CacheSettings(**settings), recall.store, wall)
    for at, name in enumerate(("short", "long")):
        claim = other.key(query())
        assert claim is not None
        await other.keep(claim, completion(), TOLD | {"tier": name})
        assert expected[name] - 2 < await clean.ttl(claim.place_key(at)) <= expected[name]


async def test_another_version_misses(recall: Recall) -> None:
    await recall.keep(recall.key(query()), completion(), TOLD)
    assert await found(replace(recall, versions=("2",)), query()) is None


async def test_no_word_of_a_prompt_is_in_a_key_or_a_log(
    recall: Recall, clean: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    asked = query(SECRETIVE, tenant="acme-corp")
    await recall.keep(recall.key(asked), completion("4711"), TOLD)
    kept = await found(recall, asked)
    assert kept is not None
    recall.count("hit", kept)
    await recall.close()
    keys = str(await clean.keys("*"))
    for secret in ("Zebediah", "PIN", "acme", "4711"):
        assert secret not in keys
        assert secret not in caplog.text
    values = [str(await clean.get(key)) for key in await clean.keys("*answer*")]
    assert values
    assert not [value for value in values if "Zebediah" in value]


async def test_an_entry_that_is_none_is_a_miss(recall: Recall) -> None:
    claim = recall.key(query())
    assert claim is not None
    for bad in (
        b"",
        b"[]",
        b"{}",
        b"null",
        b'{"completion": 1, "router": 2}',
        b'{"completion": {}}',
    ):
        await recall.store.put(claim.place_key(1), bad, 60)
        assert await found(recall, query()) is None


async def test_a_question_worded_differently_is_gauged_for_itself(
    recall: Recall, wall: Wall
) -> None:
    assert isinstance(recall.store, RedisStore)
    near = opened_with(CacheSettings(near_duplicates="on"), recall.store, wall)
    one, other = query("What is the capital of Peru?"), query("Tell me the capital of Peru.")
    await near.keep(near.key(one), completion(), TOLD | {"tier": "short"})
    assert await near.find(near.key(other), None, lambda: 1) is None
    kept = await near.find(near.key(other), None, lambda: 0, "d_1")
    assert kept is not None
    assert kept.near
    assert near.votes is not None
    assert await near.votes.judge("d_1", correct=False)
    assert await near.find(near.key(other), None, lambda: 0, "d_2") is None
    assert await near.find(near.key(replace(other, tenant="x")), None, lambda: 0) is None
