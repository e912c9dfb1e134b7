from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.types import Usage
from router.wire.openai_answer import Assembler, normalise, read_usage, write_usage
from router.wire.openai_stream import as_payloads, replayed
from router.wire.sse import Splitter

words = st.text(min_size=1, max_size=200)
calls = st.builds(
    lambda name, arguments: {
        "id": f"call_{name}",
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    },
    st.text(min_size=1, max_size=9),
    st.text(max_size=99),
)


@st.composite
def messages(draw: st.DrawFn) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": draw(words), "refusal": None}
    if draw(st.booleans()):
        message["reasoning_content"] = draw(words)
    if draw(st.booleans()):
        message["tool_calls"] = draw(st.lists(calls, min_size=1, max_size=3))
    elif draw(st.booleans()):
        message["refusal"] = draw(words)
    if message["refusal"] or "tool_calls" in message:
        message["content"] = draw(st.none() | words)
    return message


@st.composite
def completions(draw: st.DrawFn) -> dict[str, Any]:
    said = draw(st.lists(messages(), min_size=1, max_size=3))
    choices = [
        {
            "index": i,
            "message": message,
            "logprobs": draw(st.none() | st.just({"content": [{"token": "a", "logprob": -1.0}]})),
            "finish_reason": draw(st.sampled_from(["stop", "length", "tool_calls"])),
        }
        for i, message in enumerate(said)
    ]
    head = {"id": "c1", "object": "chat.completion", "created": 5, "model": "m"}
    return head | {"choices": choices}


def assembled(payloads: list[bytes]) -> dict[str, Any]:
    assembler = Assembler()
    for payload in payloads:
        assembler.add(orjson.loads(payload))
    return assembler.completion()


@given(completions())
def test_an_answer_replayed_as_a_stream_is_the_same_answer(completion: dict[str, Any]) -> None:
    stream = b"".join(replayed(completion, {"tier": "t"}, {"completion_tokens": 3}))
    *chunks, done = Splitter().feed(stream)
    assert done == b"[DONE]"
    assert assembled(chunks) == completion
    *_, finish, usage = map(orjson.loads, chunks)
    assert finish["choices"][0]["finish_reason"]
    assert finish["router"] == usage["router"] == {"tier": "t"}
    assert (usage["choices"], usage["usage"]) == ([], {"completion_tokens": 3})


@given(completions())
def test_a_whole_answer_of_an_upstream_streams_as_itself(completion: dict[str, Any]) -> None:
    *chunks, done = as_payloads(completion | {"usage": {"completion_tokens": 3}})
    assert done == b"[DONE]"
    assert assembled(chunks) == completion
    assert orjson.loads(chunks[-1])["usage"] == {"completion_tokens": 3}


def test_a_replay_without_usage_asked_for_has_no_usage_chunk() -> None:
    completion = {"choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]}
    stream = b"".join(replayed(completion, {}, None))
    assert b'"usage"' not in stream


def test_tool_calls_are_put_together_from_their_fragments() -> None:
    assembler = Assembler()
    for call in (
        {"index": 1, "id": "b", "function": {"name": "g", "arguments": ""}},
        {"index": 0, "id": "a", "type": "function", "function": {"name": "f"}},
        {"index": 0, "function": {"arguments": '{"x"'}},
        {"index": 0, "id": None, "function": {"arguments": ":1}", "name": None}},
    ):
        assembler.add({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]})
    message = assembler.completion()["choices"][0]["message"]
    assert message["content"] is None
    assert [(c["id"], c["function"]) for c in message["tool_calls"]] == [
        ("a", {"name": "f", "arguments": '{"x":1}'}),
        ("b", {"name": "g", "arguments": ""}),
    ]


@pytest.mark.parametrize(
    ("raw", "usage"),
    [
        pytest.param({}, Usage(), id="empty"),
        pytest.param(
            {"prompt_tokens": None, "completion_tokens": None, "prompt_tokens_details": None,
             "completion_tokens_details": None},
            Usage(), id="nulls",
        ),
        pytest.param(
            {"prompt_tokens": 9, "completion_tokens": 50,
             "prompt_tokens_details": {"cached_tokens": 4},
             "completion_tokens_details": {"reasoning_tokens": 40}},
            Usage(9, 4, 50, 40), id="openai",
        ),
        pytest.param(
            {"prompt_tokens": 9, "completion_tokens": 50, "total_tokens": 59,
             "completion_tokens_details": {"reasoning_tokens": None}},
            Usage(9, 0, 50, 0), id="null reasoning",
        ),
        pytest.param(
            {"prompt_tokens": 9, "completion_tokens": 50, "reasoning_tokens": 40},
            Usage(9, 0, 50, 40), id="sglang",
        ),
        pytest.param(
            {"prompt_tokens": 9, "completion_tokens": 10, "total_tokens": 319,
             "completion_tokens_details": {"reasoning_tokens": 300}},
            Usage(9, 0, 310, 300), id="xai, reasoning beside the completion",
        ),
        pytest.param(
            {"prompt_tokens": 9, "completion_tokens": 200, "total_tokens": 309,
             "completion_tokens_details": {"reasoning_tokens": 100}},
            Usage(9, 0, 300, 100), id="xai, short reasoning: the total tells",
        ),
    ],
)  # fmt: skip
def test_usage_is_read_however_a_provider_writes_it(raw: dict[str, Any], usage: Usage) -> None:
    assert read_usage(raw) == usage


counts = st.integers(0, 10**9)


@given(counts, counts, counts, counts)
def test_written_usage_reads_as_itself(prompt: int, cached: int, visible: int, hidden: int) -> None:
    usage = Usage(prompt, cached, visible + hidden, hidden)
    written = write_usage(usage)
    assert read_usage(written) == usage
    assert written["total_tokens"] == prompt + visible + hidden


@pytest.mark.parametrize(
    ("message", "reasoning", "content"),
    [
        ({"content": "42", "reasoning": "hm"}, "hm", "42"),
        ({"content": "42", "reasoning_content": None, "reasoning": "hm"}, "hm", "42"),
        ({"content": "42", "reasoning_content": "hm"}, "hm", "42"),
        ({"content": "42", "reasoning": None}, None, "42"),
        ({"content": "<think>hm</think>\n\n42"}, "hm", "42"),
        ({"content": "hm</think>42"}, "hm", "42"),
        (
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                         {"type": "text", "text": "42"}]},
            "hm", "42",
        ),
        ({"content": None, "tool_calls": []}, None, None),
    ],
    ids=["vllm", "both", "deepseek", "null", "tags", "unopened tag", "mistral", "tools"],
)  # fmt: skip
def test_a_plain_answer_is_brought_into_our_form(
    message: dict[str, Any], reasoning: str | None, content: str | None
) -> None:
    normalise({"choices": [{"message": message}]})
    assert message.get("reasoning_content") == reasoning
    assert message["content"] == content
