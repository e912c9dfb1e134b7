"""The Responses API as it is spoken to an upstream: requests written out, and laws against the API that we serve ourselves."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import InvalidRequestError
from router.wire.openai_answer import Assembler
from router.wire.openai_stream import as_payloads
from router.wire.responses_answer import ResponseHead
from router.wire.responses_request import as_chat
from router.wire.responses_stream import ResponsesRenderer
from router.wire.responses_upstream import as_responses
from router.wire.responses_upstream_answer import ChatChunks, as_completion, trouble_in
from router.wire.sse import DONE, Splitter

Json = dict[str, Any]
USER = {"role": "user", "content": "hi"}
texts = st.text(min_size=1, max_size=30)


def asked(*messages: Json, **fields: Any) -> Json:
    """Return the request for a chat, without what every one has."""
    given = as_responses({"messages": list(messages) or [USER], **fields}, summary=False)
    assert given.pop("store") is False
    return given


def test_a_conversation_becomes_instructions_and_items() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}}
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"}}  # fmt: skip
    given = asked(
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
        {"role": "user", "content": [{"type": "text", "text": "See", "cache_control": {}}, image, file]},
        {"role": "assistant", "content": "Looking.", "tool_calls": [call], "reasoning_content": "hm"},
        {"role": "tool", "tool_call_id": "call_1", "content": "a cat"},
        {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "a dog"}, image]},
        {"role": "assistant", "content": [{"type": "text", "text": "Both."}], "refusal": "No."},
        {"role": "assistant", "content": None, "refusal": "Never."},
        {"role": "system", "content": "Now German."},
    )  # fmt: skip
    seen = {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "low"}
    assert given == {
        "instructions": "Be brief.\n\nBe kind.",
        "input": [
            {"role": "user", "content": [
                {"type": "input_text", "text": "See"}, seen,
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"},
            ]},
            {"role": "assistant", "content": "Looking."},
            {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "a cat"},
            {"type": "function_call_output", "call_id": "call_2",
             "output": [{"type": "input_text", "text": "a dog"}, seen]},
            {"role": "assistant", "content": [
                {"type": "output_text", "text": "Both."}, {"type": "refusal", "refusal": "No."},
            ]},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "Never."}]},
            {"role": "system", "content": "Now German."},
        ],
    }  # fmt: skip


def test_instructions_alone_are_the_input() -> None:
    assert asked({"role": "system", "content": "Go."}) == {
        "input": [{"role": "system", "content": "Go."}]
    }


FUNCTION = {"name": "look", "parameters": {"type": "object"}, "strict": True}
LOOK = {"type": "function", "function": {"name": "look"}}
ALLOWED = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [LOOK]}}
SCHEMA = {"name": "answer", "schema": {"type": "object"}, "strict": True}


@pytest.mark.parametrize(
    ("chat", "theirs"),
    [
        ({"max_tokens": 900, "max_completion_tokens": 500}, {"max_output_tokens": 500}),
        ({"max_tokens": 3}, {"max_output_tokens": 16}),
        ({"reasoning_effort": "high"}, {"reasoning": {"effort": "high"}}),
        ({"verbosity": "low"}, {"text": {"verbosity": "low"}}),
        ({"response_format": {"type": "json_object"}}, {"text": {"format": {"type": "json_object"}}}),
        (
            {"response_format": {"type": "json_schema", "json_schema": SCHEMA}},
            {"text": {"format": {"type": "json_schema", **SCHEMA}}},
        ),
        ({"tools": [{"type": "function", "function": FUNCTION}]}, {"tools": [{"type": "function", **FUNCTION}]}),
        (
            {"tools": [LOOK, {"type": "web_search"}]},
            {"tools": [
                {"type": "function", "name": "look", "strict": False, "parameters": {"type": "object", "properties": {}}},
                {"type": "web_search"},
            ]},
        ),
        ({"tool_choice": "required"}, {"tool_choice": "required"}),
        ({"tool_choice": LOOK}, {"tool_choice": {"type": "function", "name": "look"}}),
        (
            {"tool_choice": ALLOWED},
            {"tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "look"}]}},
        ),
        (
            {"logprobs": True, "top_logprobs": 2},
            {"top_logprobs": 2, "include": ["message.output_text.logprobs"]},
        ),
        ({"n": 1, "stream_options": {"include_usage": True}, "logprobs": False, "stop": None}, {}),
        ({"previous_response_id": "resp_others", "reasoning": {"effort": "max"}, "background": True}, {}),
        ({"temperature": 0.5, "seed": 1, "user": "u"}, {"temperature": 0.5, "seed": 1, "user": "u"}),
    ],
)  # fmt: skip
def test_a_field_goes_by_its_other_name(chat: Json, theirs: Json) -> None:
    assert asked(**chat) == {"input": [USER]} | theirs


WORDS = [
    "type",
    "function",
    "name",
    "image_url",
    "file",
    "allowed_tools",
    "tools",
    "json_schema",
    "text",
]
anything = st.recursive(
    st.none() | st.booleans() | st.sampled_from(WORDS),
    lambda of: st.lists(of, max_size=3) | st.dictionaries(st.sampled_from(WORDS), of, max_size=4),
    max_leaves=12,
)


@given(
    st.sampled_from(["user", "assistant", "tool"]), st.lists(anything, max_size=3), *[anything] * 5
)
def test_what_a_client_got_wrong_is_left_to_the_server(
    role: str, content: Any, called: Any, tools: Any, choice: Any, form: Any, refusal: Any
) -> None:
    message = {"role": role, "content": content, "tool_calls": called, "refusal": refusal}
    given_on = asked(message, USER, tools=tools, tool_choice=choice, response_format=form)
    assert given_on["input"][-1] == USER


def test_several_choices_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="n must be 1"):
        asked(n=2)


@pytest.mark.parametrize(
    ("effort", "told"),
    [("low", {"summary": "auto", "effort": "low"}), (None, {"summary": "auto"}), ("none", {"effort": "none"})],
)  # fmt: skip
def test_a_summary_is_asked_for_where_there_is_reasoning(effort: str | None, told: Json) -> None:
    body = {"messages": [USER], "reasoning_effort": effort}
    assert as_responses(body, summary=True)["reasoning"] == told
    told.pop("summary", None)
    own = {"reasoning": {"summary": None}}
    assert as_responses(body, own, summary=True).get("reasoning", {}) == told


calls = st.lists(
    st.builds(
        lambda i, name, args: {"id": i, "type": "function", "function": {"name": name, "arguments": args}},
        texts, texts, texts,
    ),
    max_size=3,
)  # fmt: skip


@st.composite
def conversations(draw: st.DrawFn) -> list[Json]:
    """Chats as the API that we serve makes them."""
    messages: list[Json] = (
        [{"role": "system", "content": draw(texts)}] if draw(st.booleans()) else []
    )
    for _ in range(draw(st.integers(1, 3))):
        messages.append({"role": "user", "content": draw(texts)})
        called = draw(calls)
        answer = {"role": "assistant", "content": draw(texts)}
        messages.append(answer | ({"tool_calls": called} if called else {}))
        messages += [
            {"role": "tool", "tool_call_id": c["id"], "content": draw(texts)} for c in called
        ]
    return messages  # fmt: skip


@given(conversations(), st.integers(16, 9999), st.sampled_from(["low", "none"]))
def test_our_own_api_understands_a_request_as_the_chat_it_was(
    messages: list[Json], limit: int, effort: str
) -> None:
    chat = {
        "messages": messages, "max_completion_tokens": limit, "reasoning_effort": effort, "verbosity": "low",
        "tools": [{"type": "function", "function": FUNCTION}], "tool_choice": LOOK, "temperature": 0.5,
        "response_format": {"type": "json_schema", "json_schema": SCHEMA},
    }  # fmt: skip
    assert as_chat(as_responses(chat, summary=True)) == chat


@st.composite
def completions(draw: st.DrawFn) -> Json:
    """Whole answers in our normal form."""
    called = draw(calls)
    refusal = draw(st.none() | texts)
    content = draw(texts if not (called or refusal) else st.none() | texts)
    message: Json = {"role": "assistant", "content": content, "refusal": refusal}
    if thought := draw(st.none() | texts):
        message["reasoning_content"] = thought
    if called:
        message["tool_calls"] = called
    finish = draw(st.sampled_from(["tool_calls" if called else "stop", "length", "content_filter"]))
    usage = {
        "prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29,
        "prompt_tokens_details": {"cached_tokens": 12},
        "completion_tokens_details": {"reasoning_tokens": draw(st.integers(0, 9))},
    }  # fmt: skip
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    head = {"id": "resp_aa", "object": "chat.completion", "created": 7, "model": "m"}
    return head | {"choices": [choice], "usage": usage}


HEAD = ResponseHead("aa", 7, {})


@given(completions())
def test_a_completion_survives_the_way_there_and_back(completion: Json) -> None:
    assert as_completion(HEAD.render(completion)) == completion


@given(completions())
def test_a_stream_survives_the_way_there_and_back(completion: Json) -> None:
    renderer, chunks, assembler = ResponsesRenderer(HEAD, "m"), ChatChunks(), Assembler()
    *payloads, _ = as_payloads(completion)
    events = b"".join(renderer.feed(orjson.loads(payload)) for payload in payloads)
    out = [p for e in Splitter().feed(events + renderer.end()) for p in chunks.feed(e)]
    assert out.pop() == DONE
    assert orjson.loads(out[-1])["usage"] == completion["usage"]
    for payload in out:
        assembler.add(orjson.loads(payload))
    assert assembler.completion() == {k: v for k, v in completion.items() if k != "usage"}


def test_raw_reasoning_and_logprobs_are_heard_too() -> None:
    item = {
        "type": "reasoning",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "hm"}],
    }
    logprob = {"token": "ok", "logprob": -0.1, "bytes": [111, 107], "top_logprobs": []}
    said = {
        "type": "message",
        "content": [{"type": "output_text", "text": "ok", "logprobs": [logprob]}],
    }
    whole = as_completion({"output": [item, said]})
    assert whole["choices"][0]["message"]["reasoning_content"] == "hm"
    assert whole["choices"][0]["logprobs"] == {"content": [logprob]}
    assert "usage" not in whole
    chunks, assembler = ChatChunks(), Assembler()
    for event in (
        {
            "type": "response.reasoning_text.delta",
            "output_index": 0,
            "content_index": 0,
            "delta": "hm",
        },
        {"type": "response.web_search_call.searching", "output_index": 1},
        {"type": "response.output_text.delta", "delta": "ok", "logprobs": [logprob]},
        {"type": "response.completed", "response": {"status": "completed"}},
    ):
        for payload in chunks.feed(orjson.dumps(event)):
            if payload != DONE:
                assembler.add(orjson.loads(payload))
    assert assembler.completion()["choices"] == whole["choices"]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"code": "server_error", "message": "m"}, 500),
        ({"code": "invalid_prompt", "message": "m"}, 400),
        ({"code": "image_too_large", "message": "m"}, 400),
        ({"type": "too_many_requests", "message": "m"}, 429),
        ({"code": 503, "message": "m"}, 503),
        ("m", 500),
    ],
)
def test_an_error_is_worth_a_status(error: Any, status: int) -> None:
    told = trouble_in({"type": "error", "error": error})
    assert told is not None
    assert (told["message"], told["status"]) == ("m", status)
    assert trouble_in({"status": "completed", "error": None}) is None


@pytest.mark.parametrize("payload", [b"nonsense", b"[1]"])
def test_what_is_no_event_is_left_to_the_guard(payload: bytes) -> None:
    assert ChatChunks().feed(payload) == [payload]
