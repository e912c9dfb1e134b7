"""What an upstream is sent for a Messages request, and what its answers become."""

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from tests.e2e.anthropic_client import TOOLS, ask, client_of, kinds, user
from tests.e2e.recorder import Recorder, completion
from tests.e2e.world import Server
from tests.fakes import chunk, usage_chunk


@pytest.fixture
def asking(recorded_proxy: Server) -> Iterator[anthropic.Anthropic]:
    """A client of the proxy whose upstream writes down what it is sent."""
    with client_of(recorded_proxy, "right") as client:
        yield client


SEEN: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("system as a string", {"system": "Be brief."}, {"messages": [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]}),
    ("system as blocks", {"system": [{"type": "text", "text": "Be brief.",
                                      "cache_control": {"type": "ephemeral"}},
                                     {"type": "text", "text": "Be kind."}]},
     {"messages": [{"role": "system", "content": [{"type": "text", "text": "Be brief."},
                                                  {"type": "text", "text": "Be kind."}]},
                   {"role": "user", "content": "Hi"}]}),
    ("an image, sent along", {"messages": user([
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
        {"type": "text", "text": "What is it?"}])},
     {"messages": user([{"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
                        {"type": "text", "text": "What is it?"}])}),
    ("an image by address", {"messages": user([
        {"type": "image", "source": {"type": "url", "url": "https://x.invalid/y.png"}}])},
     {"messages": user([{"type": "image_url", "image_url": {"url": "https://x.invalid/y.png"}}])}),
    ("stop sequences, user, top_k", {"stop_sequences": ["END"], "metadata": {"user_id": "u1"},
                                     "extra_body": {"top_k": 7, "min_p": 0.1, "temperature": 0.3}},
     {"stop": ["END"], "user": "u1", "top_k": 7, "min_p": 0.1, "temperature": 0.3}),
    ("a tool choice", {"tools": TOOLS[:1], "tool_choice": {"type": "tool", "name": "get_weather"}},
     {"tool_choice": {"type": "function", "function": {"name": "get_weather"}},
      "tools": [{"type": "function", "function": {
          "name": "get_weather", "description": "The get_weather.",
          "parameters": TOOLS[0]["input_schema"]}}]}),
    ("a schema of the answer", {"output_config": {"format": {
        "type": "json_schema", "schema": {"type": "object"}}}},
     {"response_format": {"type": "json_schema", "json_schema": {
         "name": "answer", "schema": {"type": "object"}, "strict": True}}}),
    ("parallel tool results, one failed, one with an image", {"messages": [
        *user("Hi"),
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": ""},
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
            {"type": "tool_use", "id": "b", "name": "f", "input": {}}]},
        *user([{"type": "tool_result", "tool_use_id": "a", "is_error": True, "content": "no"},
               {"type": "tool_result", "tool_use_id": "b", "content": [
                   {"type": "text", "text": "seen"},
                   {"type": "image", "source": {"type": "url", "url": "https://x.invalid/y"}}]},
               {"type": "text", "text": "Go on."}])]},
     {"messages": [
         *user("Hi"),
         {"role": "assistant", "content": "I look.", "tool_calls": [
             {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
             {"id": "b", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
         {"role": "tool", "tool_call_id": "a", "content": "Error: no"},
         {"role": "tool", "tool_call_id": "b", "content": "seen"},
         *user([{"type": "image_url", "image_url": {"url": "https://x.invalid/y"}},
                {"type": "text", "text": "Go on."}])]}),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "seen"), [case[1:] for case in SEEN], ids=[c[0] for c in SEEN])
def test_the_upstream_is_sent_chat_completions(
    asking: anthropic.Anthropic, recorder: Recorder, fields: Any, seen: dict[str, Any]
) -> None:
    ask(asking, "Hi", model="auto:short", **fields)
    body = recorder.body
    assert {name: body.get(name) for name in seen} == seen
    assert not {"system", "stop_sequences", "metadata", "output_config", "cache_control"} & set(
        body
    )


@pytest.mark.parametrize(
    ("thinking", "config", "budget"),
    [
        ({"type": "enabled", "budget_tokens": 1500}, None, 1500),
        ({"type": "enabled", "budget_tokens": 60000}, None, 4096),
        (None, {"effort": "low"}, 1024),
        ({"type": "adaptive"}, None, 4096),
        ({"type": "disabled"}, None, None),
    ],
)
def test_a_thinking_budget_lowers_and_never_raises(
    asking: anthropic.Anthropic,
    recorder: Recorder,
    thinking: Any,
    config: Any,
    budget: int | None,
) -> None:
    given = {"thinking": thinking} if thinking else {"output_config": config}
    ask(
        asking,
        "Prove that there are infinitely many primes.",
        max_tokens=64000,
        streamed=True,
        **given,
    )
    sent = recorder.body.get("thinking_token_budget")
    assert sent is None if budget is None else sent in range(1, budget + 1)
    assert recorder.body.get("max_tokens", 0) <= 64000


def test_a_whole_answer_becomes_blocks(asking: anthropic.Anthropic, recorder: Recorder) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}
    recorder.answer = completion(
        "tool_calls", content="Let me see.", reasoning_content="Hm.", tool_calls=[call]
    )
    message = ask(asking, "Hi", model="auto:short", thinking={"type": "adaptive"})
    assert kinds(message) == ["thinking", "text", "tool_use"]
    assert message.content[2].input == {}  # type: ignore[union-attr]
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (8, 12, 9)


def test_a_refusal_is_told(asking: anthropic.Anthropic, recorder: Recorder) -> None:
    recorder.answer = completion(refusal="I will not.")
    message = ask(asking, "Hi", model="auto:short")
    assert message.stop_reason == "refusal"
    assert message.content[0].text == "I will not."  # type: ignore[union-attr]


def test_arguments_that_are_no_object_are_the_upstreams_fault(
    asking: anthropic.Anthropic, recorder: Recorder
) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{nonsense"}}
    recorder.answer = completion("tool_calls", tool_calls=[call])
    with pytest.raises(anthropic.InternalServerError) as bad:
        ask(asking, "Hi", model="auto:short")
    assert (bad.value.status_code, bad.value.error_code) == (502, "upstream_error")


@pytest.mark.parametrize("name", ["claude-sonnet-4-5", "some-other-model"])
def test_claudes_own_signature_passes_and_nobody_elses(
    asking: anthropic.Anthropic, recorder: Recorder, stream: bool, name: str
) -> None:
    signed = {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"}
    recorder.answer = completion(content="ok", reasoning_content="Hm.", thinking_blocks=[signed])
    recorder.answer["model"] = name
    recorder.events = [
        chunk({"role": "assistant", "reasoning_content": "Hm."}, model=name),
        chunk({"thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "c2lnbmVk"}]}),
        chunk({"content": "ok"}), chunk({}, "stop"), usage_chunk(3), b"[DONE]",
    ]  # fmt: skip
    message = ask(asking, "Hi", model="auto:short", thinking={"type": "adaptive"}, streamed=stream)
    thought = message.content[0]
    assert thought.type == "thinking"
    assert thought.thinking == "Hm."
    assert thought.signature == ("c2lnbmVk" if "claude" in name else "")
