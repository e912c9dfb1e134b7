"""Anthropic Messages as a surface, and its count of tokens, which is an estimate and calls nobody."""

from typing import Any

import orjson

from policies.tokens import BYTES_PER_TOKEN, prompt_tokens

from .errors import InvalidRequestError
from .surface import Surface
from .wire.anthropic_answer import error_body, render_message
from .wire.anthropic_request import chat_body, parse_messages
from .wire.anthropic_stream import MessageEvents
from .wire.body import read_object

MESSAGES = Surface(parse_messages, render_message, MessageEvents, error_body)

IMAGE_TOKENS = 1600
"""What Anthropic counts for an image at its largest useful size; ours are not measured."""


def count_tokens(raw: bytes) -> dict[str, Any]:
    """Return the input tokens of a Messages body: by length, the same for every model, and marked ``estimated``.

    Raises:
        InvalidRequestError: If it is no body of a Messages request; ``max_tokens`` may be missing.
    """
    body = read_object(raw)
    if not isinstance(body.get("model"), str):
        raise InvalidRequestError("model must be a string", param="model")
    chat = chat_body(body)
    contents = [message.get("content") for message in chat["messages"]]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    calls = [message["tool_calls"] for message in chat["messages"] if "tool_calls" in message]
    spelled = orjson.dumps([calls, chat.get("tools", [])]) if calls or "tools" in chat else b""
    tokens = (
        prompt_tokens(chat["messages"])
        + len(spelled) // BYTES_PER_TOKEN
        + IMAGE_TOKENS * sum(part["type"] != "text" for part in parts)
    )
    return {"input_tokens": tokens, "estimated": True}
