"""``POST /v1/messages`` as Anthropic's official client sees it."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import httpx2
import pytest

from tests.e2e.anthropic_client import TOOLS, ask, client_of, kinds, user
from tests.e2e.hearing import plain_client_of
from tests.e2e.world import Server, configured, model, serving

SUM = "What is 17 * 24 - 9?"
WEATHER = "What is the weather in Paris and Rome?"


@pytest.fixture(scope="module")
def client(proxy: Server) -> Iterator[anthropic.Anthropic]:
    """An official client of the usual proxy."""
    with client_of(proxy) as client:
        yield client


def test_a_question_gets_its_answer(client: anthropic.Anthropic, stream: bool) -> None:
    message = ask(client, SUM, streamed=stream)
    assert kinds(message) == ["text"], "reasoning is shown only to those who ask for it"
    assert "399" in message.content[0].text  # type: ignore[union-attr]
    assert (message.role, message.type) == ("assistant", "message")
    assert message.id.startswith("msg_")
    assert (message.stop_reason, message.stop_sequence) == ("end_turn", None)
    assert message.usage.output_tokens_details is not None
    thought = message.usage.output_tokens_details.thinking_tokens
    assert 0 < thought < message.usage.output_tokens
    assert message.usage.input_tokens > 0


@pytest.mark.parametrize(
    "thinking", [{"type": "enabled", "budget_tokens": 2000}, {"type": "adaptive"}]
)
def test_thinking_is_shown_to_those_who_ask_and_never_signed(
    client: anthropic.Anthropic, stream: bool, thinking: Any
) -> None:
    message = ask(client, SUM, streamed=stream, model="auto:distilled", thinking=thinking)
    thought, said = message.content
    assert thought.type == "thinking"
    assert thought.thinking
    assert thought.signature == ""
    assert said.type == "text"
    assert "The answer is" in said.text  # the simulated model errs now and then


@pytest.mark.parametrize(
    "thinking", [{"type": "disabled"}, {"type": "adaptive", "display": "omitted"}]
)
def test_thinking_is_not_shown_otherwise(
    client: anthropic.Anthropic, stream: bool, thinking: Any
) -> None:
    message = ask(client, SUM, streamed=stream, model="auto:distilled", thinking=thinking)
    assert kinds(message) == ["text"]
    details = message.usage.output_tokens_details
    assert details is not None
    assert (details.thinking_tokens == 0) == (thinking["type"] == "disabled")


def test_the_tool_loop_of_the_manual(client: anthropic.Anthropic, stream: bool) -> None:
    messages = user(WEATHER)
    called = ask(client, "", streamed=stream, messages=messages, tools=TOOLS)
    assert called.stop_reason == "tool_use"
    uses = [block for block in called.content if block.type == "tool_use"]
    assert [(use.name, use.input) for use in uses] == [
        ("get_weather", {"city": "Paris"}),
        ("get_weather", {"city": "Rome"}),
    ]
    results = [
        {
            "type": "tool_result",
            "tool_use_id": use.id,
            "content": f"{use.input['city']}: 18 degrees",
        }
        for use in uses
    ]
    messages += [{"role": "assistant", "content": called.content}, *user(results)]
    told = ask(client, "", streamed=stream, messages=messages, tools=TOOLS)
    assert told.stop_reason == "end_turn"
    assert kinds(told) == ["text"]
    assert told.content[0].text == "The tools say: Paris: 18 degrees; Rome: 18 degrees"  # type: ignore[union-attr]


def test_the_clients_own_tool_runner_works(client: anthropic.Anthropic) -> None:
    asked: list[str] = []

    @anthropic.beta_tool
    def calculator(expression: str) -> str:
        """Work out an arithmetic expression.

        Args:
            expression: The expression.
        """
        asked.append(expression)
        return "399"

    runner = client.beta.messages.tool_runner(
        model="auto:short", max_tokens=900, tools=[calculator], messages=user(f"Calculate: {SUM}")
    )
    last = runner.until_done()
    assert asked == ["17 * 24 - 9"]
    assert "399" in last.content[0].text  # type: ignore[union-attr]


def test_one_call_at_a_time_where_parallel_calls_are_off(client: anthropic.Anthropic) -> None:
    choice = {"type": "any", "disable_parallel_tool_use": True}
    called = ask(client, WEATHER, tools=TOOLS, tool_choice=choice)
    assert kinds(called) == ["tool_use"]
    none = ask(client, WEATHER, tools=TOOLS, tool_choice={"type": "none"})
    assert kinds(none) == ["text"]


def test_a_stop_sequence_is_named(client: anthropic.Anthropic, stream: bool) -> None:
    message = ask(client, SUM, streamed=stream, model="auto:short", stop_sequences=["step 2"])
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "step 2")


def test_max_tokens_is_a_ceiling(client: anthropic.Anthropic, stream: bool) -> None:
    message = ask(client, SUM, streamed=stream, model="auto:short", max_tokens=3)
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens <= 3


def test_the_router_object_comes_along(client: anthropic.Anthropic, stream: bool) -> None:
    given = {"service_tier": "auto", "router": {"cache": "no-store"}}
    if not stream:
        router = ask(client, SUM, model="auto:short", extra_body=given).router  # type: ignore[attr-defined]
    else:
        events = client.messages.create(
            model="auto:short", max_tokens=99, messages=user(SUM), stream=True, extra_body=given
        )
        (router,) = (event.router for event in events if event.type == "message_delta")  # type: ignore[attr-defined]
    assert (router["tier"], router["cause"]) == ("short", "forced")
    assert router["cost_usd"] > 0
    assert router["ignored"] == ["service_tier"]


def test_events_come_in_anthropics_order(client: anthropic.Anthropic) -> None:
    raw = client.messages.with_streaming_response.create(
        model="auto:distilled", max_tokens=4000, messages=user(WEATHER), tools=TOOLS, stream=True,
        thinking={"type": "adaptive"}, extra_body={"router": {"cache": "no-store"}},
    )  # fmt: skip
    with raw as response:
        lines = list(response.iter_lines())
        headers = response.headers
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["x-router-tier"] == "distilled"
    assert headers["request-id"] == headers["x-request-id"] == headers["x-router-decision-id"]
    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    events = [
        json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")
    ]
    assert [event["type"] for event in events] == names
    assert names[0] == "message_start"
    assert names[-2:] == ["message_delta", "message_stop"]
    spelled = [
        (e["type"].removeprefix("content_block_"), e["index"]) for e in events if "index" in e
    ]
    once = list(dict.fromkeys(spelled))
    assert once == [(name, i) for i in range(3) for name in ("start", "delta", "stop")]
    assert spelled == sorted(spelled, key=lambda said: said[1]), "one block after another"


def test_the_same_question_is_answered_from_the_cache(client: anthropic.Anthropic) -> None:
    given: dict[str, Any] = {"model": "auto:short", "max_tokens": 777, "messages": user(SUM)}
    first = client.messages.create(**given)
    raw = client.messages.with_raw_response.create(**given, stream=True)
    assert raw.headers["x-router-cache"] == "hit"
    events = list(raw.parse())
    said = "".join(event.delta.text for event in events if event.type == "content_block_delta")
    assert said == first.content[0].text
    assert (events[0].type, events[-1].type) == ("message_start", "message_stop")


def test_one_answer_serves_both_apis_at_once(upstream: str) -> None:
    """Asked at the same time as a message and as a chat completion, a question is paid for once."""
    tiers = [{"name": name, "models": ["sim-long+slow-first"]} for name in "ab"]
    config = configured([model(upstream, "sim-long+slow-first")], tiers)
    with serving(config) as server, client_of(server) as client, ThreadPoolExecutor() as pool:
        given: Any = {"model": "auto:b", "messages": user("What is 31 * 29?"), "stream": True}
        given["max_tokens"] = 4000
        apis: list[Any] = [client.messages, plain_client_of(server.url).chat.completions]
        both = [pool.submit(api.with_raw_response.create, **given) for api in apis]
        message, completion = (asked.result() for asked in both)
        texts = [
            "".join(e.delta.text for e in message.parse() if e.type == "content_block_delta"),
            "".join(c.choices[0].delta.content or "" for c in completion.parse() if c.choices),
        ]
    assert sorted(got.headers["x-router-cache"] for got in (message, completion)) == [
        "joined",
        "miss",
    ]
    assert texts[0] == texts[1]
    assert "899" in texts[0]


async def test_the_asynchronous_client_works_as_well(proxy: Server) -> None:
    http = httpx2.AsyncClient(verify=False, timeout=30)
    async with (
        anthropic.AsyncAnthropic(
            base_url=proxy.url, auth_token="bearer", http_client=http
        ) as client,
        client.messages.stream(
            model="auto", max_tokens=500, messages=user("What is the capital of France?")
        ) as stream,
    ):
        text = "".join([piece async for piece in stream.text_stream])
    assert "Paris" in text
