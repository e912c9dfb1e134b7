"""What users of the official ``openai`` client 3.x rely on, checked against a running server.

A program of its own, for an environment with ``openai>=3`` and nothing of ours: ``python sdk3_check.py BASE_URL`` prints a line for
every promise and exits with 1 if one is broken. The server's models are those of ``tests.e2e.world.ladder``.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import openai
from openai import AsyncOpenAI, OpenAI

QUESTION: list[Any] = [{"role": "user", "content": "What is 17 * 24 - 9?"}]
WEATHER: list[Any] = [{"role": "user", "content": "What is the weather in Paris?"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL: Any = {"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}


def plain(client: OpenAI) -> None:
    """An answer comes whole, with usage, reasoning and what it cost."""
    got = client.chat.completions.create(model="auto:long", messages=QUESTION)
    assert got.object == "chat.completion"
    assert got.choices[0].message.content
    assert got.choices[0].finish_reason == "stop"
    assert got.usage is not None
    assert got.usage.total_tokens == got.usage.prompt_tokens + got.usage.completion_tokens
    assert got.usage.completion_tokens_details is not None
    assert got.usage.completion_tokens_details.reasoning_tokens
    told: Any = got.model_extra
    assert told["router"]["tier"] == "long"
    said: Any = got.choices[0].message.model_extra
    assert said["reasoning_content"]


def streamed(client: OpenAI) -> None:
    """A stream has a role first, a finish reason last, and its usage on a chunk without choices."""
    options: Any = {"include_usage": True}
    stream = client.chat.completions.create(
        model="auto:short", messages=QUESTION, stream=True, stream_options=options
    )
    chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert [bool(c.usage) for c in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].choices == []


def stream_helper(client: OpenAI) -> None:
    """The client's own assembly of a stream comes to the same."""
    with client.chat.completions.stream(model="auto:short", messages=QUESTION) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert final.choices[0].message.content


def tools(client: OpenAI) -> None:
    """A tool call comes whole and as a stream, and its result is taken."""
    given: Any = {
        "model": "auto:short",
        "messages": WEATHER,
        "tools": [TOOL],
        "tool_choice": "required",
    }
    message = client.chat.completions.create(**given).choices[0].message
    assert message.tool_calls
    call: Any = message.tool_calls[0]
    assert call.function.name == "get_weather"
    parts: list[Any] = []
    for chunk in client.chat.completions.create(**given, stream=True):
        parts += [d for choice in chunk.choices for d in choice.delta.tool_calls or ()]
    assert parts[0].id
    assert parts[0].function.name == "get_weather"
    told = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    turns = [*WEATHER, message.model_dump(exclude_none=True), told]
    after = client.chat.completions.create(model="auto:short", messages=turns)
    assert after.choices[0].finish_reason == "stop"


def responses(client: OpenAI) -> None:
    """The Responses API answers, streams in order, and goes on from a kept response."""
    first = client.responses.create(model="auto:short", input="What is 2 + 2?")
    assert first.output_text
    assert first.status == "completed"
    events = list(
        client.responses.create(
            model="auto:short", input="And 3 + 3?", previous_response_id=first.id, stream=True
        )
    )
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert client.responses.retrieve(first.id).id == first.id
    client.responses.delete(first.id)


def other_routes(client: OpenAI) -> None:
    """Models are listed, legacy completions answered."""
    names = [each.id for each in client.models.list()]
    assert {"auto", "auto:short"} <= set(names)
    assert client.models.retrieve("auto").object == "model"
    assert client.completions.create(model="auto:short", prompt="What is 2 + 2?").choices[0].text


def headers(client: OpenAI) -> None:
    """What was decided is in the headers of the raw response."""
    fresh = {"router": {"cache": "no-store"}}
    raw = client.chat.completions.with_raw_response.create(
        model="auto:short", messages=QUESTION, extra_body=fresh
    )
    assert raw.headers["x-router-tier"] == "short"
    assert raw.headers["x-router-decision-id"]
    assert raw.parse()._request_id == raw.headers["x-request-id"]
    with client.chat.completions.with_streaming_response.create(
        model="auto:short", messages=QUESTION, stream=True
    ) as streamed:
        assert streamed.headers["x-router-decision-id"]
        assert any(line for line in streamed.iter_lines())


def errors(client: OpenAI) -> None:
    """Errors are the classes that users catch, with their code and field."""
    wrong: Any = {"router": {"tier": "huge"}}
    cases: list[tuple[type[openai.APIStatusError], dict[str, Any], str]] = [
        (openai.BadRequestError, {"extra_body": wrong}, "invalid_request"),
        (openai.NotFoundError, {"model": "nobody"}, "model_not_found"),
        (openai.NotFoundError, {"model": "nobody", "stream": True}, "model_not_found"),
        (
            openai.NotFoundError,
            {"extra_body": {"router": {"cache": "only-if-cached"}}, "seed": 91},
            "not_cached",
        ),
    ]
    for kind, change, code in cases:
        asked: Any = {"model": "auto", "messages": QUESTION} | change
        error = _raised(client, kind, asked)
        assert error.code == code, error
        assert error.request_id


def _raised(
    client: OpenAI, kind: type[openai.APIStatusError], asked: dict[str, Any]
) -> openai.APIStatusError:
    try:
        client.chat.completions.create(**asked)
    except kind as error:
        return error
    raise AssertionError(f"{asked} was answered")


def asynchronous(client: OpenAI) -> None:
    """The client that does not block, and many at once."""

    async def several() -> list[Any]:
        async with AsyncOpenAI(base_url=client.base_url, api_key="tester", max_retries=0) as other:
            asking = [
                other.chat.completions.create(model="auto:short", messages=QUESTION, seed=seed)
                for seed in range(4)
            ]
            return await asyncio.gather(*asking)

    assert all(got.choices[0].message.content for got in asyncio.run(several()))


CHECKS: tuple[Callable[[OpenAI], None], ...] = (
    plain, streamed, stream_helper, tools, responses, other_routes, headers, errors, asynchronous,
)  # fmt: skip


def main(base_url: str) -> int:
    """Check everything; return how the process should exit."""
    broken = 0
    with OpenAI(base_url=f"{base_url}/v1", api_key="tester", max_retries=0, timeout=30) as client:
        for check in CHECKS:
            try:
                check(client)
                told = "ok"
            except Exception as error:  # noqa: BLE001 - every promise gets its line
                broken += 1
                told = f"FAILED {type(error).__name__}: {error}"
            sys.stdout.write(f"{check.__name__}: {told}\n")
    sys.stdout.write(f"openai {openai.__version__}: {len(CHECKS) - broken} of {len(CHECKS)}\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1].rstrip("/")))
