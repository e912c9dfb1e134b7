"""OpenAI Responses, spoken to an upstream: a chat's body to a request. Pure.

What the two APIs call by the same name, and what only one of them knows, goes as it is: a server refuses by name what it cannot do.
Reasoning of earlier turns is not sent: a chat holds it in words, and the API takes back only what it has sealed itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

from router.errors import InvalidRequestError

from .responses_request import LOGPROBS

MIN_OUTPUT_TOKENS = 16
"""A lower limit is refused. So much is within what the guard grants past any limit."""

_LIMITS = ("max_tokens", "max_completion_tokens")
_TRANSLATED = frozenset(
    {
        "include", "logprobs", "messages", "n", "reasoning", "reasoning_effort", "response_format",
        "stream_options", "text", "tool_choice", "tools", "verbosity", *_LIMITS,
    }
)  # fmt: skip

_BEFORE_ALL = ("system", "developer")
"""Roles that give instructions, where they stand at the beginning."""


def as_responses(body: Mapping[str, Any], *, summary: bool) -> dict[str, Any]:
    """Return the request to the Responses API that asks what a chat's body asks.

    Args:
        body: A chat completion's fields; an entry's own may be of the Responses API, such as ``reasoning`` or ``include``.
        summary: Ask for a summary of the reasoning, where it is not switched off.

    Raises:
        InvalidRequestError: For several choices, which the API does not know.
    """
    if (body.get("n") or 1) != 1:
        raise InvalidRequestError("n must be 1: the Responses API gives one answer", param="n")
    same = {k: v for k, v in body.items() if k not in _TRANSLATED and v is not None}
    asked = {"store": False} | same | _conversation(body["messages"])
    if limits := [body[name] for name in _LIMITS if body.get(name) is not None]:
        asked["max_output_tokens"] = max(MIN_OUTPUT_TOKENS, min(limits))
    told = (
        ("reasoning", _reasoning(body, summary=summary)),
        ("text", _text(body)),
        ("include", [*(body.get("include") or ()), *([LOGPROBS] if body.get("logprobs") else ())]),
        ("tools", [_tool(tool) for tool in body.get("tools") or ()]),
        ("tool_choice", _choice(body.get("tool_choice"))),
    )
    return asked | {name: value for name, value in told if value}


def _conversation(messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return ``instructions`` and ``input``; a chat of instructions only is all input."""
    first = list(takewhile(lambda message: message["role"] in _BEFORE_ALL, messages))
    if len(first) == len(messages):
        first = []
    items = [item for message in messages[len(first) :] for item in _items(message)]
    said = "\n\n".join(filter(None, (_plain(message.get("content")) for message in first)))
    return ({"instructions": said} if said else {}) | {"input": items}


def _plain(content: Any) -> str:
    """Return the text of a message's content."""
    if isinstance(content, list):
        return "\n".join(part.get("text") or "" for part in content)
    return content or ""


def _items(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    role, content = message["role"], message.get("content")
    if role == "tool":
        call = message.get("tool_call_id")
        output = _content(content or "", "input_text")
        yield {"type": "function_call_output", "call_id": call, "output": output}
        return
    said = _content(content, "output_text" if role == "assistant" else "input_text")
    if refusal := message.get("refusal"):
        said = [*_content(_listed(said), "output_text"), {"type": "refusal", "refusal": refusal}]
    if said:
        yield {"role": role, "content": said}
    for call in message.get("tool_calls") or ():
        function = call.get("function") or {}
        named = {name: function.get(name) or "" for name in ("name", "arguments")}
        yield {"type": "function_call", "call_id": call.get("id"), **named}


def _listed(content: Any) -> list[Any]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []


def _content(content: Any, text: str) -> Any:
    """Return a message's content, its parts in the words of the Responses API; ``text`` is a text part's type."""
    return [_part(part, text) for part in content] if isinstance(content, list) else content


def _part(part: Mapping[str, Any], text: str) -> dict[str, Any]:
    kind = part.get("type")
    if kind == "text":
        return {"type": text, "text": part.get("text") or ""}
    if kind == "image_url":
        image = part.get("image_url")
        image = image if isinstance(image, Mapping) else {"url": image}
        detail = {"detail": image["detail"]} if image.get("detail") else {}
        return {"type": "input_image", "image_url": image.get("url"), **detail}
    if kind == "file":
        return {"type": "input_file", **(part.get("file") or {})}
    return dict(part)


def _reasoning(body: Mapping[str, Any], *, summary: bool) -> dict[str, Any]:
    effort = body.get("reasoning_effort")
    told = {"summary": "auto"} if summary and effort != "none" else {}
    told |= body.get("reasoning") or {}
    return {k: v for k, v in (told | {"effort": effort or told.get("effort")}).items() if v}


def _text(body: Mapping[str, Any]) -> dict[str, Any]:
    text = dict(body.get("text") or {})
    if verbosity := body.get("verbosity"):
        text["verbosity"] = verbosity
    if wanted := body.get("response_format"):
        text["format"] = {"type": wanted.get("type"), **(wanted.get("json_schema") or {})}
    return text


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = tool.get("function")
    if tool.get("type") != "function" or not isinstance(function, Mapping):
        return dict(tool)
    # Both are optional in a chat; here a schema must be said, and what is not said to be lax is strict.
    said = {"parameters": {"type": "object", "properties": {}}, "strict": False}
    said |= {name: value for name, value in function.items() if value is not None}
    return {"type": "function", **said}


def _choice(choice: Any) -> Any:
    if not isinstance(choice, Mapping):
        return choice
    kind = choice.get("type")
    inner = choice.get(str(kind)) or {}
    if kind == "allowed_tools":
        tools = [_choice(tool) for tool in inner.get("tools") or ()]
        return {"type": kind, "mode": inner.get("mode", "auto"), "tools": tools}
    return {"type": kind, "name": inner["name"]} if inner.get("name") else dict(choice)
