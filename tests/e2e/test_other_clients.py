"""Clients that people use instead of the official ones: LangChain and litellm's SDK."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.world import Server

SUM = "What is 17 * 24 - 9?"
WEATHER = "What is the weather in Paris and Rome?"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.fixture
def model(proxy: Server) -> Iterator[Any]:
    langchain = pytest.importorskip("langchain_openai")
    with httpx.Client(verify=False) as http:
        yield langchain.ChatOpenAI(
            base_url=f"{proxy.url}/v1", api_key="langchain", model="auto:long", max_retries=0,
            http_client=http, stream_usage=True, extra_body={"router": {"cache": "no-store"}},
        )  # fmt: skip


def test_langchain_asks_and_streams(model: Any) -> None:
    answer = model.invoke(SUM)
    assert "399" in answer.content
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.usage_metadata["output_token_details"]["reasoning"] > 0
    parts = list(model.stream(SUM))
    assert len(parts) > 2
    assert "399" in "".join(part.content for part in parts)
    assert sum(part.usage_metadata["total_tokens"] for part in parts if part.usage_metadata) > 0


def test_langchain_calls_tools_and_wants_structure(model: Any) -> None:
    messages = pytest.importorskip("langchain_core.messages")
    tool = {
        "type": "function",
        "function": {"name": "get_weather", "description": "w", "parameters": SCHEMA},
    }
    bound = model.bind_tools([tool])
    asked = [messages.HumanMessage(WEATHER)]
    called = bound.invoke(asked)
    assert [(call["name"], call["args"]) for call in called.tool_calls] == [
        ("get_weather", {"city": "Paris"}),
        ("get_weather", {"city": "Rome"}),
    ]
    results = [
        messages.ToolMessage("18 degrees", tool_call_id=call["id"]) for call in called.tool_calls
    ]
    assert (
        bound.invoke([*asked, called, *results]).content == "The tools say: 18 degrees; 18 degrees"
    )
    streamed = None
    for part in bound.stream(asked):
        streamed = part if streamed is None else streamed + part
    assert streamed is not None
    assert [call["args"] for call in streamed.tool_calls] == [{"city": "Paris"}, {"city": "Rome"}]
    told = {"title": "Told", "type": "object", "properties": {"answer": {"type": "string"}}}
    shaped = model.with_structured_output(told, method="json_schema").invoke(SUM)
    assert shaped == {"answer": "399"}


def test_litellm_speaks_both_apis(proxy: Server) -> None:
    program = Path(__file__).with_name("litellm_client.py")
    done = subprocess.run(
        [sys.executable, program, proxy.url],
        env={"PATH": "", "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *answers, missing, wrong = map(json.loads, done.stdout.splitlines())
    assert len(answers) == 2, "as chat completions and as messages"
    for said in answers:
        assert said["plain"] == ["stop", "The answer is 399."]
        assert "399" in said["streamed"]
        assert said["called"] == "tool_calls"
        assert said["arguments"] == [{"city": "Paris"}, {"city": "Rome"}]
    assert (missing, wrong) == ("NotFoundError", "BadRequestError")
