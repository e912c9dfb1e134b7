"""Conversations only move up, over real HTTP and a real store."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI

from tests.e2e.hearing import client_of
from tests.e2e.world import Server, ladder, serving

CHEAP = {"cache": "no-store", "dial": 0.0}
UP = CHEAP | {"min_tier": "distilled"}

Turn = dict[str, Any]


def human(text: str) -> Turn:
    return {"role": "user", "content": text}


async def said(
    client: AsyncOpenAI, turns: list[Turn], **fields: Any
) -> tuple[dict[str, Any], Turn]:
    """Return the router object of an answer, and the answer as a turn."""
    body = {"router": fields.pop("router", CHEAP)}
    asked: dict[str, Any] = {"model": "auto", "messages": turns, "extra_body": body}
    answer = await client.chat.completions.create(**asked | fields)
    told = answer.model_dump()
    return told["router"], {"role": "assistant", "content": answer.choices[0].message.content}


async def conversation(client: AsyncOpenAI, opening: str, **fields: Any) -> list[Turn]:
    """Return a conversation that began in the middle tier and goes on with an easy question."""
    turns = [human(opening)]
    router, reply = await said(client, turns, router=UP, **fields)
    assert router["tier"] == "distilled"
    return [*turns, reply, human("And what is 2 + 2?")]


async def test_a_later_turn_is_not_lowered(client: AsyncOpenAI) -> None:
    turns = await conversation(client, "What is 17 * 3?")
    router, reply = await said(client, turns)
    assert (router["tier"], router["cause"]) == ("distilled", "session")
    router, _ = await said(client, [*turns, reply, human("Thanks, and 3 + 3?")])
    assert (router["tier"], router["cause"]) == ("distilled", "session")


async def test_a_stored_answer_counts_like_the_one_that_was_paid_for(client: AsyncOpenAI) -> None:
    stored = {"dial": 0.0, "min_tier": "distilled"}
    opening = [human("What is 19 * 23?")]
    _, first = await said(client, opening, router=stored, user="one")
    router, again = await said(client, opening, router=stored, user="two")
    assert router["calls"] == 0
    assert first == again
    router, _ = await said(client, [*opening, again, human("And 2 + 2?")], user="two")
    assert (router["tier"], router["cause"]) == ("distilled", "session")


async def test_another_conversation_starts_for_itself(proxy: Server, client: AsyncOpenAI) -> None:
    turns = await conversation(client, "What is 17 * 4?")
    other = [human("What is 18 * 4?"), *turns[1:]]
    assert (await said(client, other))[0]["tier"] == "short"
    assert (await said(client, turns, user="somebody else"))[0]["tier"] == "short"
    async with client_of(proxy.url, key="another tenant") as stranger:
        assert (await said(stranger, turns))[0]["tier"] == "short"


async def test_a_tool_loop_is_not_lowered(client: AsyncOpenAI) -> None:
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    turns = [human("What is 17 * 5?")]
    router, _ = await said(client, turns, router=UP, tools=tools)
    assert router["tier"] == "distilled"
    called = {"name": "look", "arguments": "{}"}
    loop: list[Turn] = [
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": called}]},
        {"role": "tool", "tool_call_id": "c", "content": "85"},
    ]
    router, _ = await said(client, [*turns, *loop], tools=tools)
    assert (router["tier"], router["cause"]) == ("distilled", "session")


async def test_a_session_can_be_named(client: AsyncOpenAI) -> None:
    named = {"extra_headers": {"x-session-id": "s-1"}}
    await said(client, [human("What is 17 * 6?")], router=UP, **named)
    router, _ = await said(client, [human("What is 2 + 3?")], **named)
    assert (router["tier"], router["cause"]) == ("distilled", "session")
    other = {"extra_headers": {"x-session-id": "s-2"}}
    assert (await said(client, [human("What is 2 + 3?")], **other))[0]["tier"] == "short"


@pytest.mark.parametrize(
    ("wish", "cause"),
    [({"max_tier": "short"}, "classifier"), ({"tier": "short"}, "forced")],
    ids=["bound", "force"],
)
async def test_the_clients_own_word_comes_first(
    client: AsyncOpenAI, wish: dict[str, Any], cause: str
) -> None:
    turns = await conversation(client, "What is 17 * 7?")
    router, _ = await said(client, turns, router=CHEAP | wish)
    assert (router["tier"], router["cause"]) == ("short", cause)


async def test_a_dry_run_tells_of_the_session(client: AsyncOpenAI) -> None:
    turns = await conversation(client, "What is 17 * 8?")
    body = {"model": "auto", "messages": turns, "router": {"dial": 0.0}}
    raw = await client.post("/route", body=body, cast_to=httpx.Response)
    assert raw.json()["cause"] == "session"
    assert "has come to distilled" in raw.json()["reason"]


@pytest.fixture(
    params=[
        {"routing": {"sessions": {"sticky": False}}},
        {"routing": {"sessions": {"ttl_s": 1}}},
        {"cache": {"url": "off"}},
        {"cache": {"url": "redis://127.0.0.1:9"}},
    ],
    ids=["sticky off", "expired", "cache off", "cache down"],
)
async def forgetful(upstream: str, request: pytest.FixtureRequest) -> AsyncIterator[AsyncOpenAI]:
    """A client of a server that remembers no conversation, or not for long."""
    with serving(ladder(upstream, **request.param)) as server:
        async with client_of(server.url) as client:
            yield client


async def test_without_a_memory_every_turn_is_decided_for_itself(forgetful: AsyncOpenAI) -> None:
    turns = await conversation(forgetful, "What is 17 * 9?")
    await asyncio.sleep(1.1)
    router, _ = await said(forgetful, turns)
    assert (router["tier"], router["cause"]) == ("short", "classifier")
