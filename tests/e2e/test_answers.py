"""What a client gets for its question: the answer, what it cost and why it was answered so."""

import itertools
import re
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI

from tests.e2e.hearing import EARLY_HEADERS, ROUTER_KEYS, Heard, ask
from tests.e2e.world import PRICES, Server, stats

SUM = "What is 17 * 24 - 9?"


async def test_an_arithmetic_question_gets_its_answer(client: AsyncOpenAI, stream: bool) -> None:
    heard = await ask(client, "What is 12 + 7?", model="auto:long", stream=stream)
    assert "19" in heard.text
    assert heard.finish == "stop"
    assert heard.thought, "sim-long reasons"


def test_the_synchronous_client_works_just_as_well(proxy: Server) -> None:
    with (
        httpx.Client(verify=False) as http,
        openai.OpenAI(base_url=f"{proxy.url}/v1", api_key="sync", http_client=http) as client,
    ):
        whole = client.chat.completions.create(
            model="auto", messages=[{"role": "user", "content": "What is the capital of France?"}]
        )
        assert "Paris" in (whole.choices[0].message.content or "")
        with client.chat.completions.stream(
            model="auto", messages=[{"role": "user", "content": "What is the capital of Italy?"}]
        ) as events:
            final = events.get_final_completion()
        assert "Rome" in (final.choices[0].message.content or "")
        assert final.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("tier", ["short", "distilled", "long"])
async def test_the_decision_headers_are_there(client: AsyncOpenAI, tier: str, stream: bool) -> None:
    heard = await ask(client, SUM, model=f"auto:{tier}", stream=stream)
    told = {name for name in heard.headers if name.startswith("x-router-")}
    assert told == EARLY_HEADERS | (set() if stream else {"x-router-cost-usd"})
    assert all(heard.headers[name].isascii() for name in told)
    assert heard.headers["x-router-tier"] == tier
    assert heard.headers["x-router-model"] == f"sim-{tier}"
    assert heard.headers["x-router-cause"] == "forced"
    assert heard.headers["x-router-strategy"] == ("vote" if tier == "long" else "single")
    assert 0 <= float(heard.headers["x-router-difficulty"]) <= 1
    assert float(heard.headers["x-router-overhead-ms"]) >= 0
    assert int(heard.headers["x-router-attempts"]) >= 1


async def test_headers_and_router_object_say_the_same(client: AsyncOpenAI) -> None:
    heard = await ask(client, SUM)
    for name in ("tier", "model", "cause", "strategy"):
        assert heard.headers[f"x-router-{name}"] == heard.router[name]
    assert float(heard.headers["x-router-difficulty"]) == heard.router["difficulty"]
    assert float(heard.headers["x-router-cost-usd"]) == heard.router["cost_usd"]


@pytest.mark.parametrize("tier", ["short", "distilled", "long"])
async def test_the_router_object_is_complete(client: AsyncOpenAI, tier: str, stream: bool) -> None:
    heard = await ask(client, SUM, model=f"auto:{tier}", stream=stream)
    router = heard.router
    assert set(router) == ROUTER_KEYS
    assert router["tier"] == tier
    assert set(router["p_solve"]) == {"short", "distilled", "long"}
    assert all(0 <= p <= 1 for p in router["p_solve"].values())
    assert router["estimated"] is False
    assert router["upstream_tokens"] >= router["thinking_tokens"]
    assert router["baseline_cost_usd"] > 0
    assert router["calls"] >= router["samples"] >= 1
    if stream:
        assert heard.places == ["finish", "usage"]


async def test_a_stream_has_no_usage_chunk_unless_asked(client: AsyncOpenAI) -> None:
    heard = await ask(client, SUM, stream=True, stream_options={"include_usage": False})
    assert heard.usage is None
    assert heard.places == ["finish"]
    assert all(chunk["choices"] for chunk in heard.chunks)
    assert set(heard.router) == ROUTER_KEYS


async def test_the_bill_is_what_the_upstream_counted(
    client: AsyncOpenAI, upstream: str, stream: bool
) -> None:
    before = stats(upstream)
    heard = await ask(client, SUM, model="auto:distilled", stream=stream)
    after = stats(upstream)
    spent = after["tokens_generated"] - before["tokens_generated"]
    thought = after["reasoning_tokens"]["sim-distilled"] - before["reasoning_tokens"].get(
        "sim-distilled", 0
    )
    assert heard.usage is not None
    assert heard.usage["completion_tokens"] == heard.router["upstream_tokens"] == spent
    assert heard.reasoning_tokens == heard.router["thinking_tokens"] == thought > 0
    price_in, price_out = PRICES["sim-distilled"]
    cost = (heard.usage["prompt_tokens"] * price_in + spent * price_out) / 1e6
    assert heard.router["cost_usd"] == pytest.approx(cost, abs=1e-8)


async def test_the_reasoning_count_is_there_for_models_that_do_not_reason(
    client: AsyncOpenAI, stream: bool
) -> None:
    heard = await ask(client, SUM, model="auto:short", stream=stream)
    assert heard.reasoning_tokens == 0
    assert heard.thought == ""


@pytest.mark.parametrize("model", ["auto:short", "auto:distilled", "auto:long", "sim-long"])
async def test_stream_and_plain_give_the_same_answer(client: AsyncOpenAI, model: str) -> None:
    plain, streamed = [
        await ask(
            client, SUM, model=model, stream=stream, seed=7,
            router={"strategy": "single"},
        )
        for stream in (False, True)
    ]  # fmt: skip
    assert told(plain) == told(streamed)


def told(heard: Heard) -> dict[str, Any]:
    """Return everything that delivery must not change."""
    return {
        "text": heard.text, "thought": heard.thought, "finish": heard.finish,
        "usage": heard.usage, "router": heard.router,
    }  # fmt: skip


async def test_a_stream_is_made_as_the_client_expects(client: AsyncOpenAI, proxy: Server) -> None:
    body = {"model": "auto:distilled", "messages": [{"role": "user", "content": SUM}]}
    async with httpx.AsyncClient(verify=False) as http:
        got = await http.post(f"{proxy.url}/v1/chat/completions", json={**body, "stream": True})
    assert got.headers["content-type"].startswith("text/event-stream")
    assert got.headers["cache-control"] == "no-cache"
    assert got.headers["x-accel-buffering"] == "no"
    events = got.text.split("\n\n")
    assert events.pop() == ""
    assert events[-1] == "data: [DONE]"
    assert all(re.match(r"data: \{|data: \[DONE\]|:", event) for event in events)
    heard = await ask(client, SUM, model="auto:distilled", stream=True)
    assert heard.chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    for name in ("id", "model", "created"):
        assert len({chunk[name] for chunk in heard.chunks}) == 1
    assert all(chunk["object"] == "chat.completion.chunk" for chunk in heard.chunks)
    assert [bool(chunk.get("usage")) for chunk in heard.chunks].index(True) == len(heard.chunks) - 1


async def test_every_answer_has_a_decision_id_of_its_own(client: AsyncOpenAI) -> None:
    answers = [await ask(client, SUM) for _ in range(4)]
    ids = [heard.headers["x-router-decision-id"] for heard in answers]
    assert all(a != b for a, b in itertools.combinations(ids, 2))


async def test_several_turns_parts_and_roles_are_understood(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(
        model="auto",
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hello. What can I do?"},
            {"role": "user", "content": [{"type": "text", "text": "The capital of France?"}]},
        ],
        temperature=0,
        user="somebody",
        metadata={"trace": "1"},
    )
    assert "Paris" in (answer.choices[0].message.content or "")


async def test_n_answers_come_back_as_n_choices(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(
        model="auto:short", messages=[{"role": "user", "content": SUM}], n=3
    )
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
