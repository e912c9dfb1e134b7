"""Simulated models call the tools that a question names, and tell what the tools said."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.simulator.tools import Tool, Toolbox, calls_for, read_toolbox
from tests.loadtest.simulated import Client

WEATHER = "What is the weather in Paris and New York?"


def tool(name: str, **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


TOOLS = [
    tool("get_weather", city={"type": "string"}, unit={"enum": ["celsius", "fahrenheit"]}),
    tool("calculator", expression={"type": "string"}),
]
PARIS = {"city": "Paris", "unit": "celsius"}
NEW_YORK = {"city": "New York", "unit": "celsius"}


def called(message: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        (call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in message.get("tool_calls", ())
    ]


@pytest.mark.parametrize(
    ("question", "fields", "calls"),
    [
        (WEATHER, {}, [("get_weather", PARIS), ("get_weather", NEW_YORK)]),
        (WEATHER, {"parallel_tool_calls": False}, [("get_weather", PARIS)]),
        ("Calculate 17 * 24 - 9.", {}, [("calculator", {"expression": "17 * 24 - 9"})]),
        (WEATHER, {"tool_choice": "none"}, []),
        ("Who wrote Hamlet?", {}, []),
        ("Who wrote Hamlet?", {"tool_choice": "required"}, [("get_weather", {"city": "Hamlet", "unit": "celsius"})]),
        (WEATHER, {"tool_choice": {"type": "function", "function": {"name": "calculator"}}, "parallel_tool_calls": False},
         [("calculator", {"expression": "Paris"})]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("model", ["sim-short", "sim-distilled"])
async def test_a_question_that_names_a_tool_calls_it(
    client: Client, model: str, question: str, fields: dict[str, Any], calls: list[Any]
) -> None:
    answer = await client.ask(model, question, tools=TOOLS, seed=1, **fields)
    (choice,) = answer["choices"]
    assert called(choice["message"]) == calls
    assert choice["finish_reason"] == ("tool_calls" if calls else "stop")
    assert (choice["message"]["content"] is None) == bool(calls)
    assert ("reasoning_content" in choice["message"]) == (model == "sim-distilled")


async def test_calls_are_streamed_in_pieces(client: Client) -> None:
    options = {"stream_options": {"include_usage": True}}
    events = await client.stream("sim-short", WEATHER, tools=TOOLS, seed=1, **options)
    chunks = [orjson.loads(event) for event in events[:-1]]
    deltas = [c["choices"][0]["delta"] for c in chunks if c["choices"]]
    pieces = [piece for delta in deltas for piece in delta.get("tool_calls", ())]
    firsts = [piece for piece in pieces if "id" in piece]
    assert [first["index"] for first in firsts] == [0, 1]
    assert len({first["id"] for first in firsts}) == 2
    rest = [p for p in pieces if "id" not in p]
    assert all(set(p["function"]) == {"arguments"} for p in rest)
    whole = ["".join(p["function"]["arguments"] for p in rest if p["index"] == i) for i in (0, 1)]
    assert [json.loads(text) for text in whole] == [PARIS, NEW_YORK]
    assert len(rest) > 4
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert chunks[-1]["usage"]["completion_tokens"] == len(rest)


async def test_what_the_tools_said_is_told(client: Client) -> None:
    messages = [
        {"role": "user", "content": WEATHER},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "tool_call_id": "a", "content": "18 degrees"},
        {"role": "tool", "tool_call_id": "b", "content": "9 degrees"},
    ]
    answer = await client.ask("sim-short", "", tools=TOOLS, messages=messages)
    (choice,) = answer["choices"]
    assert choice["message"]["content"] == "The tools say: 18 degrees; 9 degrees"
    assert choice["finish_reason"] == "stop"


async def test_a_limit_cuts_the_arguments(client: Client) -> None:
    answer = await client.ask("sim-short", WEATHER, tools=TOOLS, max_tokens=2)
    (choice,) = answer["choices"]
    assert choice["finish_reason"] == "length"
    arguments = choice["message"]["tool_calls"][0]["function"]["arguments"]
    with pytest.raises(json.JSONDecodeError):
        json.loads(arguments)


async def test_the_stop_string_that_was_found_is_told(client: Client) -> None:
    answer = await client.ask("sim-short", "What is 17 * 24 - 9?", stop=["step 9", "step 2"])
    assert answer["choices"][0]["stop_reason"] == "step 2"
    free = await client.ask("sim-short", "What is 17 * 24 - 9?", stop=["step 9"])
    assert "stop_reason" not in free["choices"][0]


@given(
    st.text(max_size=60),
    st.dictionaries(st.text(max_size=6), st.booleans() | st.dictionaries(st.just("type"), st.sampled_from(
        ["string", "integer", "number", "boolean", "array", "object", "odd"])), max_size=4),
)  # fmt: skip
def test_any_forced_call_has_every_parameter(question: str, properties: dict[str, Any]) -> None:
    box = Toolbox((Tool("find_it", properties),), choice="find_it")
    calls = calls_for(box, question)
    assert calls
    assert all(json.loads(call.arguments).keys() == properties.keys() for call in calls)


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=2)
                    | st.dictionaries(st.sampled_from(["function", "parameters", "name", "properties"]), inner),
                    max_leaves=8))  # fmt: skip
def test_tools_that_make_no_sense_are_no_tools(odd: Any) -> None:
    for tools in (odd, [odd], [{"function": odd}]):
        box = read_toolbox({"tools": tools, "tool_choice": odd})
        assert all(isinstance(call.name, str) for call in calls_for(box, "Call the name of None"))
