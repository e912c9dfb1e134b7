"""Verdicts and the log's stream, on a real Valkey."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from router.cache.redis_store import RedisStore
from router.cache.store import NullStore
from router.decision_ids import DecisionIds
from router.decision_log import open_decision_log
from router.errors import DecisionNotFoundError, InvalidRequestError
from router.feedback import KEPT_S, Feedback, read_verdict
from router.records import Records
from router.settings_log import LogSettings
from router.wire.body import read_json

SECRET = b"s" * 32
IDS = DecisionIds(SECRET)


@pytest.fixture
async def store(valkey: str, clean: Redis) -> AsyncIterator[RedisStore]:
    opened = RedisStore(valkey, secret=SECRET, clock=time.monotonic)
    assert await opened.ready()
    yield opened
    await opened.close()


async def test_the_same_verdict_is_counted_once_and_another_one_replaces_it(
    store: RedisStore, clean: Redis
) -> None:
    records = Records()
    feedback = Feedback(IDS, SECRET, store, records)
    decision_id = IDS.new("a")
    right = {"decision_id": decision_id, "correct": True}
    for _ in range(3):
        assert await feedback.take(right, "a") == right
    assert records.feedback.get("right") == 1
    await feedback.take({"decision_id": decision_id, "rating": 0.25}, "a")
    await feedback.take({"decision_id": decision_id, "correct": False}, "a")
    assert [records.feedback.get(verdict) for verdict in ("right", "rating", "wrong")] == [1, 1, 1]
    (key,) = await clean.keys("tt:*:feedback")
    assert b"{" in key
    assert 0 < await clean.ttl(key) <= KEPT_S
    assert json.loads(await clean.get(key) or b"") == {"decision_id": decision_id, "correct": False}


@pytest.mark.parametrize("store_", [NullStore()], ids=["off"])
async def test_without_a_cache_a_verdict_is_taken_all_the_same(store_: NullStore) -> None:
    records = Records()
    feedback = Feedback(IDS, SECRET, store_, records)
    for _ in range(2):
        await feedback.take({"decision_id": IDS.new("a"), "correct": False}, "a")
    assert records.feedback.get("wrong") == 2


@pytest.mark.parametrize("decision_id", [IDS.new("b"), "d_1", "", "d_" + "0" * 40])
async def test_what_is_not_the_clients_own_does_not_exist(decision_id: str) -> None:
    records = Records()
    feedback = Feedback(IDS, SECRET, NullStore(), records)
    with pytest.raises(DecisionNotFoundError) as caught:
        await feedback.take({"decision_id": decision_id, "correct": True}, "a")
    assert caught.value.status == 404
    assert records.feedback.get("right") == 0


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ([], None), ({}, "decision_id"), ({"decision_id": 3, "correct": True}, "decision_id"),
        ({"decision_id": "d"}, "correct"), ({"decision_id": "d", "correct": "yes"}, "correct"),
        ({"decision_id": "d", "correct": True, "rating": 1}, "correct"),
        ({"decision_id": "d", "rating": 1.5}, "rating"), ({"decision_id": "d", "rating": True}, "rating"),
        ({"decision_id": "d", "correct": True, "comment": "good"}, "comment"),
    ],
)  # fmt: skip
def test_a_body_that_is_no_verdict_is_refused(body: Any, param: str | None) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_verdict(body)
    assert caught.value.param == param
    with pytest.raises(InvalidRequestError, match="not valid JSON"):
        read_json(b"{")


async def test_lines_go_to_a_stream_of_the_caches_server(store: RedisStore, clean: Redis) -> None:
    lost: list[int] = []
    settings = LogSettings(redis_stream="decisions")
    async with open_decision_log(settings, store, lambda: 0.0, rungs={}, lost=lost.append) as log:
        assert log is not None
        for number in range(3):
            log.feedback({"decision_id": f"d_{number}", "correct": True})
    entries: Any = await clean.xrange("decisions")
    lines = [json.loads(entry[b"line"]) for _, entry in entries]
    assert [line["decision_id"] for line in lines] == ["d_0", "d_1", "d_2"]
    assert lost == []


async def test_a_stream_without_a_server_loses_lines_and_counts_them() -> None:
    lost: list[int] = []
    settings = LogSettings(redis_stream="decisions")
    async with open_decision_log(
        settings, NullStore(), lambda: 0.0, rungs={}, lost=lost.append
    ) as log:
        assert log is not None
        log.feedback({"decision_id": "d_1", "correct": True})
    assert lost == [1]
