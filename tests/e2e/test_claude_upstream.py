"""Claude behind the router, through litellm: its signatures and cache marks survive both ways."""

from collections.abc import Iterator
from typing import Any

import anthropic
import orjson
import pytest

from tests.e2e.anthropic_client import client_of, user
from tests.e2e.recorder import Recorder
from tests.e2e.world import UPSTREAM_KEY, configured, serving

SIGNED = {"type": "thinking", "thinking": "Hm, well.", "signature": "c2lnbmVk"}
MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
    "content": [SIGNED, {"type": "text", "text": "ok"}], "stop_reason": "end_turn", "stop_sequence": None,
    "usage": {"input_tokens": 8, "output_tokens": 9, "cache_read_input_tokens": 12},
}  # fmt: skip
EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": MESSAGE | {"content": []}},
    {"type": "content_block_start", "index": 0,
     "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm, "}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "well."}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "c2lnbmVk"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "ok"}},
    {"type": "content_block_stop", "index": 1},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}},
    {"type": "message_stop"},
]  # fmt: skip


@pytest.fixture(scope="module")
def claude(_recorder: Recorder) -> Iterator[anthropic.Anthropic]:
    """A client of a proxy in front of an upstream that speaks as Claude does."""
    params = {
        "model": "anthropic/claude-sonnet-4-5",
        "api_base": _recorder.url,
        "api_key": UPSTREAM_KEY,
    }
    models = [{"model_name": "claude", "litellm_params": params}]
    tiers: list[dict[str, Any]] = [{"name": "a", "models": ["claude"], "thinking": "off"},
             {"name": "b", "models": ["claude"], "thinking": "on", "max_thinking_tokens": 4096}]  # fmt: skip
    with (
        serving(configured(models, tiers, cache={"url": "off"})) as server,
        client_of(server) as client,
    ):
        yield client


def test_a_signature_goes_to_the_client_and_back(
    claude: anthropic.Anthropic, recorder: Recorder, stream: bool
) -> None:
    recorder.answer, recorder.events = MESSAGE, list(map(orjson.dumps, EVENTS))
    given: dict[str, Any] = {
        "model": "auto:b", "max_tokens": 9000, "thinking": {"type": "enabled", "budget_tokens": 2000},
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    }  # fmt: skip

    def ask(messages: list[Any]) -> anthropic.types.Message:
        if not stream:
            message: anthropic.types.Message = claude.messages.create(messages=messages, **given)
            return message
        with claude.messages.stream(messages=messages, **given) as events:
            return events.get_final_message()

    message = ask(user("Hi"))
    assert message.content[0].to_dict() == SIGNED
    assert message.content[1].text == "ok"  # type: ignore[union-attr]
    assert message.usage.cache_read_input_tokens == 12
    assert message.usage.input_tokens == 8
    ask([*user("Hi"), {"role": "assistant", "content": message.content}, *user("And?")])
    first, second = recorder.bodies
    assert first["system"] == given["system"]
    assert 1024 <= first["thinking"]["budget_tokens"] <= 2000
    assert second["messages"][1]["content"][0] == SIGNED


def test_tools_reach_claude_in_its_own_words(
    claude: anthropic.Anthropic, recorder: Recorder
) -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"x": 1}}
    recorder.answer = MESSAGE | {"content": [use], "stop_reason": "tool_use"}
    tool: Any = {
        "name": "f", "description": "d", "input_schema": {"type": "object", "properties": {"x": {"type": "integer"}}},
        "cache_control": {"type": "ephemeral"},
    }  # fmt: skip
    message = claude.messages.create(
        model="auto:a", max_tokens=500, messages=user("Hi"), tools=[tool], tool_choice={"type": "any"}
    )  # fmt: skip
    assert message.stop_reason == "tool_use"
    (block,) = message.content
    assert (block.type, block.input) == ("tool_use", {"x": 1})  # type: ignore[union-attr]
    (sent,) = recorder.body["tools"]
    assert {name: sent[name] for name in tool} == tool
    assert recorder.body["tool_choice"]["type"] == "any"
