"""Anthropic's official client, as the tests of ``/v1/messages`` use it."""

from typing import Any

import anthropic
import httpx2
from anthropic.types import Message

from tests.e2e.world import Server

TOOLS: list[Any] = [
    {
        "name": name,
        "description": f"The {name}.",
        "input_schema": {
            "type": "object",
            "properties": {field: {"type": "string"}},
            "required": [field],
        },
    }
    for name, field in (("get_weather", "city"), ("calculator", "expression"))
]


def client_of(server: Server, key: str = "tester") -> anthropic.Anthropic:
    http = httpx2.Client(verify=False, timeout=30)
    return anthropic.Anthropic(base_url=server.url, api_key=key, max_retries=0, http_client=http)


def user(content: Any) -> list[Any]:
    return [{"role": "user", "content": content}]


def ask(
    client: anthropic.Anthropic, content: Any, *, streamed: bool = False, **fields: Any
) -> Message:
    """Return the message for one user turn, plain or through the streaming helper."""
    given: dict[str, Any] = {"model": "auto:long", "max_tokens": 8000} | fields
    given["extra_body"] = {"router": {"cache": "no-store"}} | given.get("extra_body", {})
    if "messages" not in given:
        given["messages"] = user(content)
    if not streamed:
        message: Message = client.messages.create(**given)
        return message
    with client.messages.stream(**given) as stream:
        return stream.get_final_message()


def kinds(message: Message) -> list[str]:
    return [block.type for block in message.content]
