from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import InvalidRequestError, UpstreamError
from router.wire.openai_stream import replayed
from router.wire.responses_answer import ResponseHead
from router.wire.responses_items import messages_of
from router.wire.responses_request import as_chat, parse_responses
from router.wire.responses_stream import ResponsesRenderer
from router.wire.sse import DONE, Splitter

HEAD = ResponseHead("0a1b", 1_700_000_000, {"model": "auto", "input": "hi"})
USAGE = {
    "prompt_tokens": 5,
    "completion_tokens": 7,
    "total_tokens": 12,
    "prompt_tokens_details": {"cached_tokens": 1},
    "completion_tokens_details": {"reasoning_tokens": 3},
}
ROUTER = {"tier": "short"}

texts = st.text(st.characters(codec="utf-8"), max_size=120)
calls = st.lists(
    st.builds(
        lambda name, arguments, n: {
            "id": f"call_{n}",
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        },
        st.text("abc", min_size=1, max_size=8),
        texts,
        st.integers(0, 99),
    ),
    max_size=3,
)


@st.composite
def completions(draw: st.DrawFn) -> dict[str, Any]:
    """Return whole chat completions, with usage and router object."""
    message: dict[str, Any] = {"role": "assistant", "content": draw(texts)}
    if thought := draw(texts):
        message["reasoning_content"] = thought
    if refusal := draw(texts):
        message["refusal"] = refusal
    if asked := draw(calls):
        message["tool_calls"] = asked
    finish = draw(st.sampled_from(["stop", "length", "content_filter", "tool_calls"]))
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    head = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    return head | {"choices": [choice], "usage": USAGE, "router": ROUTER}


def streamed(completion: Mapping[str, Any]) -> tuple[ResponsesRenderer, list[dict[str, Any]]]:
    """Return the renderer that has heard a whole answer as a stream, and its events."""
    renderer = ResponsesRenderer(HEAD, "auto")
    out = b"".join(
        renderer.end() if payload == DONE else renderer.feed(orjson.loads(payload))
        for part in replayed(completion, ROUTER, USAGE)
        for payload in Splitter().feed(part)
    )
    return renderer, [orjson.loads(payload) for payload in Splitter().feed(out)]


@given(completions())
def test_a_stream_ends_with_the_response_that_a_plain_request_gets(
    completion: dict[str, Any],
) -> None:
    renderer, events = streamed(completion)
    assert renderer.final == HEAD.render(completion)
    assert events[-1]["response"] == renderer.final


@given(completions())
def test_deltas_add_up_to_what_is_done(completion: dict[str, Any]) -> None:
    _, events = streamed(completion)
    said: dict[tuple[Any, ...], str] = {}
    items: list[dict[str, Any]] = []
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    for event in events:
        kind = event["type"].removeprefix("response.")
        place = (event.get("output_index"), event.get("content_index"), kind.split(".")[0])
        if kind.endswith(".delta"):
            said[place] = said.get(place, "") + event["delta"]
        elif place in said and kind.endswith(".done"):
            told = next(event[k] for k in ("text", "refusal", "arguments") if k in event)
            assert told == said.pop(place)
        elif kind == "output_item.done":
            items.append(event["item"])
    assert not said
    assert sorted(items, key=str) == sorted(events[-1]["response"]["output"], key=str)


@given(completions())
def test_an_answer_sent_back_is_the_message_that_it_was(completion: dict[str, Any]) -> None:
    message = completion["choices"][0]["message"]
    told = messages_of(HEAD.render(completion)["output"])
    parts = [{"type": "text", "text": message["content"]}] if message["content"] else []
    if message.get("refusal"):
        parts.append({"type": "refusal", "refusal": message["refusal"]})
    alone = len(parts) == 1 and parts[0]["type"] == "text"
    content = message["content"] if alone else parts or None
    expected = {"role": "assistant", "content": content}
    if asked := message.get("tool_calls"):
        expected["tool_calls"] = asked
    assert told == ([expected] if parts or asked else [])


def test_an_error_in_the_middle_goes_on_with_the_numbers() -> None:
    renderer = ResponsesRenderer(HEAD, "auto")
    said = renderer.comment(b": search\n\n") + renderer.fail(UpstreamError("it broke off"))
    assert said.endswith(b"\n\n")
    events = [orjson.loads(payload) for payload in Splitter().feed(said)]
    assert [event["type"] for event in events] == [
        "response.created",
        "response.in_progress",
        "response.failed",
    ]
    assert events[-1]["sequence_number"] == 2
    assert events[-1]["response"]["error"] == {"code": "server_error", "message": "it broke off"}


def test_items_become_the_messages_of_a_chat() -> None:
    chat = as_chat(
        {
            "model": "auto",
            "instructions": "Be brief.",
            "input": [
                {"role": "developer", "content": "Use tools."},
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "Weather?"},
                        {"type": "input_image", "image_url": "data:,x", "detail": "low"},
                    ],
                },
                {"type": "reasoning", "id": "rs_1", "summary": []},
                {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
                {"type": "function_call", "call_id": "c2", "name": "look", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c1", "output": "rain"},
            ],
            "tools": [{"type": "function", "name": "look", "parameters": {}, "strict": True}],
            "tool_choice": {"type": "function", "name": "look"},
            "text": {"format": {"type": "json_schema", "name": "s", "schema": {}}},
            "reasoning": {"effort": "low", "summary": "auto"},
            "max_output_tokens": 9,
            "include": ["message.output_text.logprobs"],
            "store": False,
            "seed": 7,
        }
    )
    function = {"name": "look", "arguments": "{}"}
    assert chat == {
        "model": "auto",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "system", "content": "Use tools."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Weather?"},
                    {"type": "image_url", "image_url": {"url": "data:,x", "detail": "low"}},
                ],
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": function},
                    {"id": "c2", "type": "function", "function": function},
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        ],
        "tools": [
            {"type": "function", "function": {"name": "look", "parameters": {}, "strict": True}}
        ],
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {}}},
        "reasoning_effort": "low",
        "max_completion_tokens": 9,
        "logprobs": True,
        "seed": 7,
    }


def test_the_tools_that_are_allowed_are_the_only_ones() -> None:
    tools = [{"type": "function", "name": name} for name in ("look", "send")]
    choice = {"type": "allowed_tools", "mode": "required", "tools": [tools[0]]}
    chat = as_chat({"input": "hi", "tools": tools, "tool_choice": choice})
    assert chat["tools"] == [{"type": "function", "function": {"name": "look"}}]
    assert chat["tool_choice"] == "required"


def test_what_came_before_stands_between_instructions_and_input() -> None:
    earlier = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    body = {"model": "auto", "instructions": "i", "input": "c"}
    query = parse_responses(body, {}, earlier=earlier)
    assert [message["content"] for message in query.body["messages"]] == ["i", "a", "b", "c"]
    assert query.ask.text == "c"
    assert query.ask.n_turns == 2


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, "input[0].content[0]"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0]"),
        ({"input": [{"role": "poet", "content": "x"}]}, "input[0].role"),
        ({"input": [{"type": "function_call", "call_id": "c", "name": "f"}]}, "input[0].arguments"),
        ({"input": [{"type": "web_search_call"}]}, "input[0]"),
        ({"input": ["hi"]}, "input[0]"),
        ({"input": []}, "input"),
        ({"tools": [{"type": "function", "name": "f"}, {"type": "mcp"}]}, "tools[1]"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice"),
        ({"text": {"format": {"type": "grammar"}}}, "text.format"),
        ({"instructions": ["x"]}, "instructions"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"max_output_tokens": -1}, "max_output_tokens"),
        ({"reasoning": {"effort": "heroic"}}, "reasoning.effort"),
    ],
    ids=str,
)  # fmt: skip
def test_a_refusal_names_the_field(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_responses({"model": "auto", "input": "hi"} | fields, {})
    assert caught.value.param == param


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
near_items = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["message", "function_call", "function_call_output", "reasoning"])
        | json_values,
        "role": st.sampled_from(["user", "assistant"]) | json_values,
        "content": json_values
        | st.lists(
            st.fixed_dictionaries(
                {"type": st.sampled_from(["input_text", "input_image", "input_file", "refusal"])},
                optional=dict.fromkeys(("text", "image_url", "file_data", "detail"), json_values),
            )
        ),
        **dict.fromkeys(("call_id", "name", "arguments", "output"), json_values),
    },
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "model": st.just("auto") | json_values,
            "input": st.lists(near_items, max_size=3) | json_values,
            **{
                name: json_values | st.lists(st.fixed_dictionaries({"type": st.just("function")}))
                for name in (
                    "instructions", "tools", "tool_choice", "text", "reasoning", "include",
                    "max_output_tokens", "stream", "router", "background", "top_logprobs", "metadata",
                )
            },
        },
    )
)  # fmt: skip
def test_any_json_is_understood_or_refused(body: dict[str, Any]) -> None:
    try:
        query = parse_responses(body, {})
    except InvalidRequestError:
        return
    assert query.body["messages"]
    assert orjson.loads(orjson.dumps(HEAD.response("in_progress", "m")))
