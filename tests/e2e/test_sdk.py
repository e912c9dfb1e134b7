"""The SDK against the simulator: the same pipeline as the proxy's, in this process."""

import asyncio
import gc
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

import router as package
from router import ApiError, ConfigError, Router, RouterError, Settings, errors
from router.errors import DecisionNotFoundError, InvalidRequestError, UpstreamError
from tests.e2e.world import configured, ladder, model, stats, until, write

QUESTION = "What is 17 * 24 - 9?"


@pytest.fixture
async def router(upstream: str, tmp_path: Path) -> AsyncIterator[Router]:
    config = ladder(upstream, cache={"url": "off"})
    async with Router.from_config(write(config, tmp_path / "thinkthrift.yaml")) as opened:
        yield opened


def faulty(upstream: str, fault: str) -> dict[str, Any]:
    """Return a configuration whose dear tier has a fault."""
    names = ("sim-short", f"sim-long+{fault}")
    tiers = [{"name": name, "models": [name], "thinking": "on"} for name in names]
    models = [model(upstream, name) for name in names]
    return configured(models, tiers, cache={"url": "off"}, retries=0)


async def test_an_answer_is_the_official_clients_own_type_and_tells_what_was_decided(
    router: Router,
) -> None:
    answer = await router.chat.completions.create(
        model="auto:distilled", messages=[{"role": "user", "content": QUESTION}], seed=1
    )
    assert isinstance(answer, ChatCompletion)
    assert "399" in (answer.choices[0].message.content or "")
    assert answer.choices[0].message.model_extra is not None
    assert answer.choices[0].message.model_extra["reasoning_content"]
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens
    assert (answer.router["tier"], answer.router["cause"]) == ("distilled", "forced")
    assert answer.model_dump()["router"] == answer.router


async def test_a_stream_brings_the_same_answer_in_pieces(router: Router) -> None:
    asked: dict[str, Any] = {"model": "auto:short", "messages": QUESTION, "seed": 7}
    whole = await router.chat.completions.create(**asked)
    stream = await router.chat.completions.create(
        stream=True, stream_options={"include_usage": True}, **asked
    )
    chunks = [chunk async for chunk in stream]
    assert all(isinstance(chunk, ChatCompletionChunk) for chunk in chunks)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage
    assert chunks[-1].router is not None
    assert chunks[-1].router["cost_usd"] == whole.router["cost_usd"]
    assert {chunk.decision_id for chunk in chunks} == {stream.decision_id}
    assert stream.decision_id != whole.decision_id
    await stream.close()


@pytest.mark.parametrize("how", ["closed", "read and closed", "forgotten", "router closed"])
async def test_a_stream_that_is_not_read_to_its_end_stops_the_upstream(
    upstream: str, how: str
) -> None:
    before = stats(upstream)["cancelled_streams"]
    opened = Router.from_config(faulty(upstream, "forever"))
    async with opened:
        stream = await opened.chat.completions.create(
            messages=QUESTION, stream=True, router={"tier": "sim-long+forever"}
        )
        if how == "read and closed":
            async with stream:
                await anext(stream)
        elif how == "closed":
            await stream.close()
            await stream.close()
            with pytest.raises(StopAsyncIteration):
                await anext(stream)
        elif how == "forgotten":
            del stream
            gc.collect()
        if how != "router closed":
            await _ended(upstream, before)
        requests = opened.runtime.pipeline.records.requests
    await _ended(upstream, before)
    assert requests.get("sim-long+forever", "forced", "cancelled") == 1


async def test_a_request_that_is_given_up_stops_the_upstream(upstream: str) -> None:
    before = stats(upstream)["cancelled_streams"]
    async with Router.from_config(faulty(upstream, "forever")) as opened:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await opened.chat.completions.create(
                    messages=QUESTION, router={"tier": "sim-long+forever"}
                )
        await _ended(upstream, before)


async def _ended(upstream: str, before: int) -> None:
    """Wait until one more stream was cancelled, as the simulator sees it."""

    def cancelled() -> int:
        return int(stats(upstream)["cancelled_streams"]) - before

    assert await asyncio.to_thread(until, cancelled) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_refusal_is_raised_before_there_is_an_answer(upstream: str, stream: bool) -> None:
    async with Router.from_config(faulty(upstream, "http-500")) as opened:
        with pytest.raises(UpstreamError) as caught:
            await opened.chat.completions.create(
                messages=QUESTION, stream=stream, router={"tier": "sim-long+http-500"}
            )  # type: ignore[call-overload]  # both deliveries in one test
        assert isinstance(caught.value, ApiError)
        assert caught.value.status == 502
        refused: list[dict[str, Any]] = [
            {"router": {"tier": "nowhere"}},
            {"router": {"dry_run": True}},
            {"messages": []},
            {"messages": None},
        ]
        for wrong in refused:
            with pytest.raises(InvalidRequestError):
                await opened.chat.completions.create(**{"messages": QUESTION} | wrong)


async def test_a_stream_that_breaks_off_raises_where_it_broke(upstream: str) -> None:
    async with Router.from_config(faulty(upstream, "die")) as opened:
        stream = await opened.chat.completions.create(
            messages=QUESTION, stream=True, router={"tier": "sim-long+die"}
        )
        with pytest.raises(UpstreamError):
            async for _ in stream:
                pass


async def test_a_route_has_its_reasons_and_calls_nobody(router: Router, upstream: str) -> None:
    before = stats(upstream)["requests"]
    hard = "Prove that there are infinitely many primes p such that p divides n^2 + 1."
    easy, dear = await router.route("Hello!"), await router.route(hard, router={"dial": 1.0})
    assert (easy.tier, dear.tier) != (dear.tier, easy.tier)
    assert easy.p_solve.keys() == {"short", "distilled", "long"}
    assert easy.reason
    assert easy.explanation
    assert router.decide(hard, router={"dial": 1.0}).tier.name == dear.tier
    assert router.score(hard).difficulty > router.score("Hello!").difficulty
    assert stats(upstream)["requests"] == before


async def test_an_earlier_answers_message_can_be_sent_back(router: Router) -> None:
    messages: list[Any] = [{"role": "user", "content": QUESTION}]
    first = await router.chat.completions.create(messages=messages, model="auto:short")
    messages += [first.choices[0].message, {"role": "user", "content": "What is 2 + 3?"}]
    second = await router.chat.completions.create(messages=messages, model="auto:short")
    assert second.choices[0].message.content


async def test_feedback_takes_the_ids_of_its_own_answers(router: Router) -> None:
    answer = await router.chat.completions.create(messages=QUESTION)
    await router.feedback(answer.decision_id, correct=True)
    await router.feedback(answer.decision_id, rating=0.5)
    records = router.runtime.pipeline.records
    assert (records.feedback.get("right"), records.feedback.get("rating")) == (1, 1)
    with pytest.raises(DecisionNotFoundError):
        await router.feedback("d_" + "0" * 40, correct=True)
    with pytest.raises(InvalidRequestError):
        await router.feedback(answer.decision_id)


async def test_the_cache_answers_here_too_also_as_a_stream(upstream: str) -> None:
    async with Router.from_config(ladder(upstream)) as opened:
        fresh = "What is 31 * 7 - 5?"
        one = await opened.chat.completions.create(messages=fresh)
        two = await opened.chat.completions.create(messages=fresh)
        stream = await opened.chat.completions.create(messages=fresh, stream=True)
        text = "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])
        assert two.choices[0].message.content == one.choices[0].message.content == text
        assert two.router["cost_usd"] == 0.0


async def test_what_an_answer_cost_is_what_is_booked_on_the_servers_allowance(
    upstream: str,
) -> None:
    routing = {"policy": "paced", "pace": {"usd": 1.0}}
    async with Router.from_config(
        ladder(upstream, cache={"url": "off"}, routing=routing)
    ) as opened:
        answer = await opened.chat.completions.create(messages=QUESTION)
        stream = await opened.chat.completions.create(messages=QUESTION, stream=True)
        *_, last = [chunk async for chunk in stream]
        with pytest.raises(InvalidRequestError):
            await opened.chat.completions.create(messages=QUESTION, router={"tier": "nowhere"})
        pacing = opened.runtime.pipeline.pacing
        assert pacing is not None
        assert last.router is not None
        spent = answer.router["cost_usd"] + last.router["cost_usd"]
        assert pacing._sum() == pytest.approx(spent, abs=1e-7)


async def test_many_requests_share_one_router(router: Router) -> None:
    async with asyncio.TaskGroup() as group:
        asked = [
            group.create_task(
                router.chat.completions.create(messages=f"What is {n} + 1?", model="auto:short")
            )
            for n in range(20)
        ]
    texts = [done.result().choices[0].message.content or "" for done in asked]
    assert all(f"step 1: {n} + 1 = " in text for n, text in enumerate(texts))


async def test_a_router_is_used_while_it_is_open(upstream: str) -> None:
    closed = Router.from_config(ladder(upstream))
    with pytest.raises(RouterError, match="not open"):
        await closed.route("Hello!")
    async with closed:
        with pytest.raises(RouterError, match="open already"):
            await closed.__aenter__()
    with pytest.raises(RouterError, match="not open"):
        closed.score("Hello!")


async def test_without_a_configuration_the_keys_found_make_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ConfigError, match="no provider found"):
        await Router().__aenter__()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-never-used")
    async with Router() as opened:
        assert (await opened.route("Hello!")).tier == "short"
    with pytest.raises(ConfigError):
        Router.from_config({"model_list": []})


def test_the_package_exports_what_it_says_and_nothing_is_loaded_before() -> None:
    assert package.__all__ == sorted(package.__all__)
    assert all(getattr(package, name) for name in package.__all__)
    assert (package.Settings, package.errors) == (Settings, errors)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = package.nothing


def test_importing_it_takes_less_than_a_third_of_a_second_and_needs_no_key() -> None:
    command = [sys.executable, "-X", "importtime", "-c", "import router"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={})
    last = done.stderr.splitlines()[-1].split("|")
    assert last[-1].strip() == "router"
    assert int(last[1]) < 300_000, "microseconds, with all it imports"
