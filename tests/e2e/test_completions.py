"""Legacy completions over real HTTP, through the official client."""

from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from openai.types import Completion

EASY = "What is 6 * 7?"
FRESH = {"router": {"cache": "no-store"}}


async def complete(client: AsyncOpenAI, *, stream: bool, **fields: Any) -> Completion:
    """Return one completion; that of a stream is its last chunk, with all the text in it."""
    asked = {"model": "auto:short", "prompt": EASY, "extra_body": FRESH} | fields
    if not stream:
        whole: Completion = await client.completions.create(**asked)
        return whole
    heard = await client.completions.create(
        **asked, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in heard]
    assert {chunk.object for chunk in chunks} == {"text_completion"}
    finish = chunks[-2].choices[0]
    assert finish.finish_reason
    finish.text = "".join(choice.text for chunk in chunks for choice in chunk.choices)
    chunks[-1].choices = [finish]
    return chunks[-1]


@pytest.mark.parametrize("prompt", [EASY, [EASY]], ids=["text", "list"])
async def test_a_prompt_is_answered(client: AsyncOpenAI, prompt: Any, stream: bool) -> None:
    answer = await complete(client, stream=stream, prompt=prompt)
    (choice,) = answer.choices
    assert "answer is" in choice.text
    assert choice.finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion_tokens > 0
    assert answer.model_extra is not None
    assert answer.model_extra["router"]["tier"] == "short"


async def test_reasoning_stands_beside_the_text(client: AsyncOpenAI) -> None:
    answer = await complete(client, stream=False, model="sim-long")
    (choice,) = answer.choices
    assert choice.model_extra is not None
    assert choice.model_extra["reasoning_content"]
    assert choice.model_extra["reasoning_content"] not in choice.text


async def test_log_probabilities_are_told_in_lists(client: AsyncOpenAI) -> None:
    answer = await complete(client, stream=False, model="sim-short", logprobs=2)
    (choice,) = answer.choices
    assert choice.logprobs is not None
    assert choice.logprobs.tokens is not None
    assert choice.logprobs.text_offset is not None
    for token, offset in zip(choice.logprobs.tokens, choice.logprobs.text_offset, strict=True):
        assert choice.text[offset : offset + len(token)] == token


async def test_a_stored_answer_serves_again(client: AsyncOpenAI, stream: bool) -> None:
    asked: dict[str, Any] = {"prompt": f"What is 13 * 7? ({stream})", "extra_body": {}}
    first = await complete(client, stream=stream, **asked)
    again = await complete(client, stream=stream, **asked)
    assert first.choices[0].text == again.choices[0].text
    assert again.usage is not None
    assert again.usage.total_tokens == 0


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"echo": True}, "echo is not served here"),
        ({"suffix": "."}, "suffix is not served here"),
        ({"best_of": 3}, "best_of must be 1"),
        ({"prompt": [1, 2, 3]}, "prompt must be a text"),
        ({"prompt": ["a", "b"]}, "prompt must be a text"),
        ({"prompt": ""}, "prompt must be a text"),
        ({"logprobs": 21}, "logprobs must be an integer between 0 and 20"),
        ({"extra_body": {"tools": [{"type": "function"}]}}, "tools is not served here"),
    ],
    ids=["echo", "suffix", "best_of", "tokens", "prompts", "empty", "logprobs", "tools"],
)
async def test_what_a_chat_cannot_honour_is_refused(
    client: AsyncOpenAI, fields: dict[str, Any], says: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=says):
        await complete(client, stream=False, **fields)
