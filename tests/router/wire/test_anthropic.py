"""Messages and chat completions say the same: round trips, and events that assemble to what is said at once."""

from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policies.types import Query
from router.errors import ApiError, InvalidRequestError, OverloadedError, UpstreamTimeoutError
from router.surface import Surface
from router.wire.anthropic_answer import error_body, render_message
from router.wire.anthropic_request import parse_messages
from router.wire.anthropic_stream import MessageEvents
from router.wire.openai_stream import replayed
from router.wire.sse import Splitter

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)
names = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
inputs = st.dictionaries(texts, values, max_size=4)
calls = st.builds(
    lambda name, given: {
        "id": f"call_{name}",
        "type": "function",
        "function": {"name": name, "arguments": orjson.dumps(given).decode()},
    },
    names,
    inputs,
)
USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 9,
    "prompt_tokens_details": {"cached_tokens": 12},
    "completion_tokens_details": {"reasoning_tokens": 4},
}
ROUTER = {"tier": "short", "cost_usd": 0.1}


@st.composite
def completions(draw: st.DrawFn) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": draw(st.none() | texts)}
    if draw(st.booleans()):
        message["reasoning_content"] = draw(texts)
    if draw(st.booleans()):
        message["tool_calls"] = draw(st.lists(calls, min_size=1, max_size=3))
    finish = draw(st.sampled_from(["stop", "length", "tool_calls", "content_filter"]))
    choice = {"index": 0, "message": message, "finish_reason": finish}
    if finish == "stop":
        choice["stop_reason"] = draw(st.sampled_from([None, "END", "ELSE"]))
    return {"id": "chatcmpl-1", "created": 5, "model": "m", "choices": [choice], "usage": USAGE}


def asked(**fields: Any) -> Query:
    body = {"model": "auto", "max_tokens": 99, "messages": [{"role": "user", "content": "Hi"}]}
    return parse_messages(body | fields, {})


SHOWN = asked(thinking={"type": "adaptive"}, stop_sequences=["END"], stream=True)


def events_of(stream: bytes, query: Query) -> list[dict[str, Any]]:
    """Return the events of a chat stream as this API's clients get them."""
    renderer, payloads = MessageEvents(query), Splitter().feed(stream)
    out = b"".join(renderer.feed(orjson.loads(payload)) for payload in payloads[:-1])
    events = (out + renderer.end()).decode().split("\n\n")[:-1]
    pairs = [event.removeprefix("event: ").split("\ndata: ", 1) for event in events]
    found = [orjson.loads(data) for _, data in pairs]
    assert [event["type"] for event in found] == [name for name, _ in pairs]
    return found


def assembled(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the message that a client puts together, and see to the order on the way."""
    assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]
    assert events[0]["type"] == "message_start"
    message: dict[str, Any] = events[0]["message"]
    pieces: dict[int, str] = {}
    open_block: int | None = None
    for event in events[1:-2]:
        i = event["index"]
        match event["type"]:
            case "content_block_start":
                assert open_block is None
                assert i == len(message["content"])
                message["content"].append(event["content_block"])
                open_block = i
            case "content_block_delta":
                assert open_block == i
                match event["delta"]:
                    case {"type": "input_json_delta", "partial_json": piece}:
                        pieces[i] = pieces.get(i, "") + piece
                    case {"type": kind, **said}:
                        field = kind.removesuffix("_delta")
                        message["content"][i][field] += said[field]
                    case other:
                        raise AssertionError(other)
            case "content_block_stop":
                assert open_block == i
                open_block = None
            case other:
                raise AssertionError(other)
    assert open_block is None
    for i, text in pieces.items():
        message["content"][i]["input"] = orjson.loads(text)
    last = events[-2]
    return {**message, **last["delta"], "usage": last["usage"], "router": last["router"]}


@given(completions())
def test_streamed_and_at_once_it_is_the_same_message(completion: dict[str, Any]) -> None:
    stream = b"".join(replayed(completion, ROUTER, USAGE))
    whole = render_message(completion | {"router": ROUTER}, SHOWN)
    assert assembled(events_of(stream, SHOWN)) == whole


@given(completions())
def test_a_message_sent_back_is_the_chat_message_it_came_from(completion: dict[str, Any]) -> None:
    blocks = render_message(completion | {"router": ROUTER}, SHOWN)["content"]
    history = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": blocks},
        {"role": "user", "content": "Go on."},
    ]
    before = completion["choices"][0]["message"]
    after = asked(messages=history).body["messages"][1]
    assert (after["content"] or None) == before["content"]
    assert "".join(b["thinking"] for b in after.get("thinking_blocks", ())) == before.get(
        "reasoning_content", ""
    )
    assert [call | _read(call) for call in after.get("tool_calls", ())] == [
        call | _read(call) for call in before.get("tool_calls", ())
    ]


def _read(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    return {"function": function | {"arguments": orjson.loads(function["arguments"])}}


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9)), min_size=1, max_size=20))
def test_calls_that_come_in_turns_lose_nothing(order: list[tuple[int, int]]) -> None:
    """Some servers send the arguments of parallel calls interleaved."""
    numbers = list(dict.fromkeys(i for i, _ in order))
    arguments = {i: orjson.dumps({"x": "y" * sum(n for j, n in order if j == i)}) for i in numbers}
    left = {i: arguments[i].decode() for i in numbers}
    renderer, out = MessageEvents(asked(stream=True)), b""

    def delta(i: int, **said: Any) -> bytes:
        call = {"index": i, **said}
        return renderer.feed({"id": "1", "choices": [{"delta": {"tool_calls": [call]}}]})

    begun: set[int] = set()
    for i, n in [*order, *((i, 999) for i in numbers)]:
        if i not in begun:
            begun.add(i)
            out += delta(i, id=f"c{i}", function={"name": f"f{i}", "arguments": ""})
        piece, left[i] = left[i][:n], left[i][n:]
        out += delta(i, function={"arguments": piece})
    events = [
        orjson.loads(event.split("\ndata: ", 1)[1])
        for event in (out + renderer.end()).decode().split("\n\n")[:-1]
    ]
    started = [e["content_block"]["name"] for e in events if e["type"] == "content_block_start"]
    heard = dict.fromkeys(range(len(started)), "")
    for event in events:
        if event["type"] == "content_block_delta":
            heard[event["index"]] += event["delta"]["partial_json"]
    assert {int(name[1:]): heard[i].encode() for i, name in enumerate(started)} == arguments
    stops = [event["index"] for event in events if event["type"] == "content_block_stop"]
    assert sorted(stops) == list(range(len(started)))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["role", "content", "type", "text", "source", "data", "url", "id", "name",
                         "input", "tool_use_id", "citations", "format", "effort", "thinking", "budget_tokens", "input_schema", "x"]),
        inner | st.sampled_from(["user", "assistant", "text", "image", "document", "tool_use", "tool_result",
                                 "thinking", "base64", "url", "enabled", "tool"]), max_size=4),
    max_leaves=12,
)  # fmt: skip
FIELDS = ["messages", "system", "tools", "tool_choice", "thinking", "stop_sequences", "metadata",
          "output_config", "max_tokens", "stream", "router", "temperature"]  # fmt: skip


@given(st.dictionaries(st.sampled_from(FIELDS), json_values))
@example({"tool_choice": {"type": []}})
@example({"messages": [{"role": "user", "content": [{"type": "document", "citations": "x"}]}]})
def test_any_json_is_understood_or_refused(fields: dict[str, Any]) -> None:
    with suppress(InvalidRequestError):
        assert asked(**fields).body["messages"]


@pytest.mark.parametrize(
    ("thinking", "overrides", "router", "ceiling"),
    [
        ({"type": "enabled", "budget_tokens": 2000}, {}, {}, 2000),
        ({"type": "enabled", "budget_tokens": 2000}, {"max_thinking_tokens": "500"}, {}, 500),
        ({"type": "enabled", "budget_tokens": 2000}, {}, {"max_thinking_tokens": 9000}, 2000),
        ({"type": "disabled"}, {}, {"max_thinking_tokens": 9000}, 0),
        ({"type": "adaptive"}, {}, {"max_thinking_tokens": 9000}, 9000),
        (None, {}, {}, None),
    ],
)
def test_a_budget_is_a_ceiling_among_others(
    thinking: Any, overrides: dict[str, str], router: Any, ceiling: int | None
) -> None:
    body = {**asked().original, "thinking": thinking, "router": router}
    assert parse_messages(body, overrides).ceilings.max_thinking_tokens == ceiling


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidRequestError("x", param="model"), "invalid_request_error"),
        (OverloadedError("x"), "overloaded_error"),
        (UpstreamTimeoutError("x"), "timeout_error"),
        (ApiError("x"), "api_error"),
    ],
)
def test_an_error_has_anthropics_envelope(error: ApiError, kind: str) -> None:
    body = error_body(error)
    assert body["type"] == "error"
    assert body["error"]["type"] == kind
    assert body["error"]["details"] == {"error_code": error.code, "param": error.param}
    event = MessageEvents(asked()).fail(error)
    assert event.startswith(b"event: error\ndata: ")
    assert orjson.loads(event.split(b"data: ", 1)[1]) == body


def test_a_silent_stream_gets_a_ping() -> None:
    surface = Surface(renderer=MessageEvents)
    assert surface.sign_of_life(asked()) == b'event: ping\ndata: {"type":"ping"}\n\n'
    assert Surface().sign_of_life(asked()) == b": waiting\n\n"


@pytest.mark.parametrize("body", [None, [], {}, {"max_tokens": None}, {"max_tokens": 5}])
def test_what_every_request_needs_is_asked_for(body: Any) -> None:
    with pytest.raises(InvalidRequestError, match=r"max_tokens|messages|JSON object"):
        parse_messages(body, {})
