"""What only Claude understands goes to Claude; reasoning goes back where a server insists on it."""

from typing import Any

import pytest

from router.backends.port import ModelSpec
from router.backends.spoken import fitted

MARK = {"cache_control": {"type": "ephemeral"}}
SIGNED = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
HIDDEN = {"type": "redacted_thinking", "data": "eHg="}
BARE = {"type": "thinking", "thinking": "Well.", "signature": ""}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
BODY: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": [{"type": "text", "text": "Be brief.", **MARK}]},
        {"role": "assistant", "content": "ok", "thinking_blocks": [SIGNED, HIDDEN, BARE]},
        {"role": "assistant", "content": "ok", "thinking_blocks": [BARE]},
        {"role": "user", "content": "And?"},
    ],
    "tools": [{**TOOL, **MARK}],
    "max_tokens": 5,
}


@pytest.mark.parametrize(
    ("dialect", "model"),
    [("anthropic_budget", "anthropic/c"), ("anthropic_adaptive", "x"), ("bedrock", "bedrock/anthropic.claude-x")],
)  # fmt: skip
def test_claude_gets_its_marks_and_what_is_signed(dialect: str, model: str) -> None:
    body = fitted(ModelSpec("m", model, dialect), BODY)
    system, signed, bare, user = body["messages"]
    assert system == BODY["messages"][0]
    assert signed["thinking_blocks"] == [SIGNED, HIDDEN]
    assert bare == {"role": "assistant", "content": "ok"}
    assert user == BODY["messages"][3]
    assert (body["tools"], body["max_tokens"]) == (BODY["tools"], 5)


@pytest.mark.parametrize("dialect", ["openai", "vllm", "groq", "deepseek", "kimi"])
def test_others_get_neither(dialect: str) -> None:
    body = fitted(ModelSpec("m", "some-model", dialect), BODY)
    system, first, second, user = body["messages"]
    assert system["content"] == [{"type": "text", "text": "Be brief."}]
    assert not any("thinking_blocks" in message for message in body["messages"])
    wants = dialect in ("deepseek", "kimi")
    assert first.get("reasoning_content") == ("Hm.\nWell." if wants else None)
    assert second.get("reasoning_content") == ("Well." if wants else None)
    assert user == BODY["messages"][3]
    assert body["tools"] == [TOOL]
    assert BODY["messages"][1]["thinking_blocks"], "the query's own messages are left alone"
