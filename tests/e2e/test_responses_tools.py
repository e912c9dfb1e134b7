"""The Responses API with tools and schemas, through the official client."""

from typing import Any

from openai import AsyncOpenAI
from openai.types.responses import Response
from pydantic import BaseModel

FRESH = {"router": {"cache": "no-store"}}
WEATHER: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": False,
}
ASKED: dict[str, Any] = {
    "model": "auto:short",
    "input": "How is the weather in Paris and in Rome?",
    "tools": [WEATHER],
    "extra_body": FRESH,
}


def told(response: Response) -> list[tuple[str, str]]:
    """Return names and arguments of the function calls."""
    calls = [item for item in response.output if item.type == "function_call"]
    assert all(call.call_id and call.status == "completed" for call in calls)
    return [(call.name, call.arguments) for call in calls]


async def test_calls_stream_with_their_arguments(client: AsyncOpenAI) -> None:
    heard = await client.responses.create(**ASKED, stream=True)
    events = [event async for event in heard]
    kinds = [event.type for event in events]
    assert kinds.count("response.function_call_arguments.done") == 2
    fragments: dict[int, str] = {}
    for event in events:
        if event.type == "response.function_call_arguments.delta":
            said = fragments.get(event.output_index, "")
            fragments[event.output_index] = said + event.delta
    last = events[-1]
    assert last.type == "response.completed"
    assert list(fragments.values()) == [arguments for _, arguments in told(last.response)]
    assert told(last.response) == told(await client.responses.create(**ASKED))


async def test_a_tool_loop_goes_on_by_id(client: AsyncOpenAI, stream: bool) -> None:
    if stream:
        async with client.responses.stream(**ASKED) as heard:
            first: Response = await heard.get_final_response()
    else:
        first = await client.responses.create(**ASKED)
    assert told(first) == [
        ("get_weather", '{"city": "Paris"}'),
        ("get_weather", '{"city": "Rome"}'),
    ]
    outputs: Any = [
        {"type": "function_call_output", "call_id": item.call_id, "output": f"rain {place}"}
        for place, item in enumerate(first.output)
        if item.type == "function_call"
    ]
    second = await client.responses.create(
        **ASKED | {"input": outputs}, previous_response_id=first.id
    )
    assert "rain 0" in second.output_text
    assert "rain 1" in second.output_text


async def test_a_tool_loop_goes_on_by_items(client: AsyncOpenAI) -> None:
    first = await client.responses.create(**ASKED, store=False)
    items: list[Any] = [{"role": "user", "content": ASKED["input"]}, *first.output]
    items += [
        {"type": "function_call_output", "call_id": item.call_id, "output": "sun"}
        for item in first.output
        if item.type == "function_call"
    ]
    second = await client.responses.create(**ASKED | {"input": items})
    assert "sun" in second.output_text


class Result(BaseModel):
    """What the simulator answers in JSON."""

    answer: int


async def test_an_answer_comes_in_the_schema_that_was_asked_for(client: AsyncOpenAI) -> None:
    response = await client.responses.parse(
        model="auto:short", input="What is 6 * 7?", text_format=Result, extra_body=FRESH
    )
    assert response.output_parsed is not None
    assert str(response.output_parsed.answer) in response.output_text
