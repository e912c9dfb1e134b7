"""``POST /v1/chat/completions``, exactly as OpenAI's official client expects it: one row, one promise."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel

from tests.e2e.hearing import plain_client_of as client_of
from tests.e2e.recorder import Recorder, completion
from tests.e2e.world import Server
from tests.fakes import chunk

SUM = "What is 17 * 24 - 9?"
WEATHER = "What is the weather in Paris and Rome?"
HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL: Any = {"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}
SCHEMA: Any = {
    "type": "json_schema",
    "json_schema": {"name": "a", "schema": {"type": "object"}, "strict": True},
}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"}}
AUDIO = {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}
FILE = {
    "type": "file",
    "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="},
}
FRESH = {"router": {"cache": "no-store"}}


@pytest.fixture(scope="module")
def chat(proxy: Server) -> Iterator[OpenAI]:
    """A client of the usual proxy, in front of the simulator."""
    with client_of(proxy.url, "conformity") as client:
        yield client


@pytest.fixture(scope="module")
def asking(recorded_proxy: Server) -> Iterator[OpenAI]:
    """A client of the proxy whose upstream writes down what it is sent."""
    with client_of(recorded_proxy.url, "right") as client:
        yield client


UNTOUCHED: list[dict[str, Any]] = [
    {"messages": [{"role": "developer", "content": "Be brief."}, *HELLO]},
    {"messages": [{"role": "system", "content": [{"type": "text", "text": "Be brief."}]}, *HELLO]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "What?"}, IMAGE, AUDIO, FILE]}]},
    {"messages": [*HELLO, {"role": "assistant", "content": None, "tool_calls": [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "done"}]},
    {"messages": [{"role": "user", "content": "Hello", "name": "ann"}]},
    {"tools": [TOOL], "tool_choice": "auto", "parallel_tool_calls": False},
    {"tools": [TOOL], "tool_choice": "none"}, {"tools": [TOOL], "tool_choice": "required"},
    {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "get_weather"}}},
    {"response_format": SCHEMA}, {"response_format": {"type": "json_object"}},
    {"n": 2}, {"logprobs": True, "top_logprobs": 3}, {"seed": 7}, {"stop": ["END"]}, {"stop": "END"},
    {"temperature": 0.3, "top_p": 0.9, "presence_penalty": 0.1, "frequency_penalty": 0.2},
    {"logit_bias": {"50256": -100}}, {"user": "u1", "safety_identifier": "s", "prompt_cache_key": "k"},
    {"store": False, "metadata": {"a": "b"}, "service_tier": "auto"}, {"verbosity": "low"},
    {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
    {"prediction": {"type": "content", "content": "x"}},
    {"extra_body": {"top_k": 5, "min_p": 0.1, "guided_json": {"a": [1, None]}, "x": {"y": True}}},
]  # fmt: skip


@pytest.mark.parametrize("fields", UNTOUCHED, ids=[json.dumps(f)[:40] for f in UNTOUCHED])
def test_a_field_reaches_the_upstream_untouched(
    asking: OpenAI, recorder: Recorder, fields: dict[str, Any], stream: bool
) -> None:
    given = {"model": "auto:short", "messages": HELLO} | fields
    got = asking.chat.completions.create(**given, stream=stream)
    if stream:
        list(got)
    sent = {**fields, **fields.get("extra_body", {})}
    sent.pop("extra_body", None)
    assert {name: recorder.body.get(name) for name in sent} == sent


def test_nothing_of_ours_reaches_the_upstream(asking: OpenAI, recorder: Recorder) -> None:
    asking.chat.completions.create(
        model="auto:short", messages=HELLO, stream_options={"include_usage": False}, stream=True,
        extra_body=FRESH, extra_headers={"x-router-dial": "0.1", "x-request-id": "mine", "cookie": "a"},
    ).close()  # fmt: skip
    assert recorder.body["model"] == "sim-short"
    assert "router" not in recorder.body
    (headers,) = recorder.headers
    ours = {"x-request-id", "cookie", "openai-organization"}
    foreign = {h for h in headers if h.startswith(("x-router", "x-stainless")) or h in ours}
    assert not foreign
    assert headers["authorization"] != "Bearer right"


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_limit_of_the_client_is_a_ceiling(asking: OpenAI, recorder: Recorder, name: str) -> None:
    for limit in (5, 10**6):
        recorder.forget()
        asking.chat.completions.create(model="auto:long", messages=HELLO, extra_body={name: limit})
        assert 0 < recorder.body["max_tokens"] <= min(limit, 4096 + 512)


def test_a_whole_reply_has_every_field(chat: OpenAI) -> None:
    got = chat.chat.completions.create(model="auto:distilled", messages=HELLO, extra_body=FRESH)
    assert got.object == "chat.completion"
    assert isinstance(got.created, int)
    assert got.id
    assert got.model == "sim-distilled"
    (choice,) = got.choices
    assert (choice.index, choice.finish_reason, choice.logprobs) == (0, "stop", None)
    assert (choice.message.role, choice.message.tool_calls) == ("assistant", None)
    assert choice.message.reasoning_content  # type: ignore[attr-defined]
    usage = got.usage
    assert usage is not None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.completion_tokens_details is not None
    assert usage.completion_tokens_details.reasoning_tokens
    assert usage.prompt_tokens_details is not None
    assert got._request_id


@pytest.mark.parametrize("usage", [None, False, True])
@pytest.mark.parametrize("tier", ["short", "distilled", "long"])
def test_a_stream_is_role_text_finish_usage_done(
    chat: OpenAI, tier: str, usage: bool | None
) -> None:
    options: dict[str, Any] = {} if usage is None else {"stream_options": {"include_usage": usage}}
    with chat.chat.completions.with_streaming_response.create(
        model=f"auto:{tier}", messages=HELLO, stream=True, extra_body=FRESH, **options
    ) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers["x-accel-buffering"] == "no"
        *events, done, rest = response.read().decode().split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({(chunk["id"], chunk["model"], chunk["created"]) for chunk in chunks}) == 1
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    if usage:
        last = chunks.pop()
        assert last["choices"] == []
        assert last["usage"]["total_tokens"] > 0
    assert not any(chunk.get("usage") for chunk in chunks)
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["stop"]


def test_a_role_that_the_upstream_forgot_is_there(asking: OpenAI, recorder: Recorder) -> None:
    recorder.events = [chunk({"content": "o"}), chunk({"content": "k"}), *recorder.events[2:]]
    got = asking.chat.completions.create(model="auto:short", messages=HELLO, stream=True)
    deltas = [part.choices[0].delta for part in got]
    assert [delta.role for delta in deltas] == ["assistant", None, None]
    assert [delta.content for delta in deltas] == ["o", "k", None]


@pytest.mark.parametrize("tier", ["short", "distilled", "long"])
def test_parallel_tool_calls(chat: OpenAI, tier: str, stream: bool) -> None:
    given: dict[str, Any] = {
        "model": f"auto:{tier}", "tools": [TOOL], "messages": [{"role": "user", "content": WEATHER}],
        "extra_body": FRESH,
    }  # fmt: skip
    if stream:
        raw = chat.chat.completions.create(**given, stream=True)
        pieces = [p for part in raw if part.choices for p in part.choices[0].delta.tool_calls or ()]
        assert all(piece.index is not None for piece in pieces)
        named = [piece for piece in pieces if piece.id]
        assert [piece.index for piece in named] == [0, 1]
        assert [piece.function.name for piece in pieces if piece.function.name] == [
            "get_weather"
        ] * 2
        with chat.chat.completions.stream(**given) as events:
            choice = events.get_final_completion().choices[0]
    else:
        choice = chat.chat.completions.create(**given).choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content in (None, "")
    calls = choice.message.tool_calls or []
    assert [json.loads(call.function.arguments) for call in calls] == [
        {"city": "Paris"},
        {"city": "Rome"},
    ]
    messages = [
        *given["messages"], choice.message.model_dump(exclude_none=True),
        *({"role": "tool", "tool_call_id": call.id, "content": "18 degrees"} for call in calls),
    ]  # fmt: skip
    last = chat.chat.completions.create(**given | {"messages": messages})
    assert last.choices[0].message.content == "The tools say: 18 degrees; 18 degrees"


class Told(BaseModel):
    answer: str


def test_structured_output_is_parsed(chat: OpenAI, stream: bool) -> None:
    messages: Any = [{"role": "user", "content": SUM}]
    given: dict[str, Any] = {"model": "auto:long", "messages": messages, "response_format": Told}
    if stream:
        with chat.chat.completions.stream(**given) as events:
            got = events.get_final_completion()
    else:
        got = chat.chat.completions.parse(**given)
    assert got.choices[0].message.parsed == Told(answer="399")
    with pytest.raises(openai.LengthFinishReasonError):
        chat.chat.completions.parse(**given | {"model": "auto:short"}, max_tokens=1)


def test_several_choices_with_logprobs_and_a_seed(chat: OpenAI, stream: bool) -> None:
    given: dict[str, Any] = {
        "model": "auto:short", "messages": [{"role": "user", "content": SUM}], "n": 3, "seed": 5,
        "logprobs": True, "top_logprobs": 2, "extra_body": FRESH,
    }  # fmt: skip

    def told() -> list[tuple[str, int]]:
        if not stream:
            choices = chat.chat.completions.create(**given).choices
            return [
                (c.message.content or "", len(c.logprobs.content or ()))
                for c in choices
                if c.logprobs
            ]
        texts, counts = {0: "", 1: "", 2: ""}, {0: 0, 1: 0, 2: 0}
        for part in chat.chat.completions.create(**given, stream=True):
            for c in part.choices:
                texts[c.index] += c.delta.content or ""
                counts[c.index] += len((c.logprobs.content if c.logprobs else None) or ())
        return [(texts[i], counts[i]) for i in texts]

    first = told()
    assert len(first) == 3
    assert all(text and count for text, count in first)
    assert told() == first, "the seed is passed on"


def test_a_stop_string_ends_the_answer(chat: OpenAI) -> None:
    got = chat.chat.completions.create(
        model="auto:short", messages=[{"role": "user", "content": SUM}], stop="step 2", extra_body=FRESH
    )  # fmt: skip
    assert got.choices[0].finish_reason == "stop"
    assert "step 2" not in (got.choices[0].message.content or "")


@pytest.mark.parametrize("tier", ["short", "long"], ids=["plain", "carried as a stream"])
def test_vendors_own_fields_of_a_reply_survive(
    asking: OpenAI, recorder: Recorder, tier: str
) -> None:
    own = {"system_fingerprint": "fp", "service_tier": "default", "citations": ["x"]}
    recorder.answer = completion(content="ok", mood={"is": "fine"}) | own
    recorder.events = [
        chunk({"role": "assistant", "content": "ok", "mood": {"is": "fi"}}, citations=["x"], system_fingerprint="fp"),
        chunk({"mood": {"is": "ne"}}, service_tier="default"),
        chunk({}, "stop", system_fingerprint="fp"), b"[DONE]",
    ]  # fmt: skip
    got = asking.chat.completions.create(model=f"auto:{tier}", messages=HELLO)
    assert got.model_dump().items() >= own.items()
    assert got.choices[0].message.mood == {"is": "fine"}  # type: ignore[attr-defined]
