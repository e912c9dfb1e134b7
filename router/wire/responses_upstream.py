"""OpenAI Responses, spoken to an upstream: a chat's body to a request. Pure.

What the two APIs call by the same name, and what only one of them knows, goes as it is: a server refuses by name what it cannot do.
Reasoning of earlier turns is not sent: a chat holds it in words, and the API takes back only what it has sealed itself.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
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

_NOT_A_CHATS = frozenset(
    {
        "background", "context_management", "conversation", "include", "input", "instructions", "max_output_tokens",
        "max_tool_calls", "previous_response_id", "prompt", "reasoning", "text", "truncation",
    }
)  # fmt: skip
"""Fields that an entry may set, and no client: they would evade a limit, or name what the provider keeps of others."""

_BEFORE_ALL = ("system", "developer")
"""Roles that give instructions, where they stand at the beginning."""


def as_responses(
    chat: Mapping[str, Any], own: Mapping[str, Any] | None = None, *, summary: bool
) -> dict[str, Any]:
    """Return the request to the Responses API that asks what a chat's body asks.

    Args:
        chat: A chat completion's fields.
        own: The entry's, which ``chat`` goes before; of either API.
        summary: Ask for a summary of the reasoning, where it is not switched off.

    Raises:
        InvalidRequestError: For several choices, which the API does not know.
    """
    body = {**(own or {}), **{k: v for k, v in chat.items() if k not in _NOT_A_CHATS}}
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
        ("tools", _each(body.get("tools"), _tool)),
        ("tool_choice", _choice(body.get("tool_choice"))),
    )
    return asked | {name: value for name, value in told if value}


def _each(given: Any, translate: Callable[[Mapping[str, Any]], Any]) -> Any:
    """Return a list with its objects translated; what is none goes as it is."""
    if not isinstance(given, list):
        return given
    return [translate(each) if isinstance(each, Mapping) else each for each in given]


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
        return "\n".join(str(p.get("text") or "") for p in content if isinstance(p, Mapping))
    return content or ""


def _items(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    role, content = message["role"], message.get("content")
    if role == "tool":
        call = message.get("tool_call_id")
        output = _each(content or "", _part)
        yield {"type": "function_call_output", "call_id": call, "output": output}
        return
    said = _each(content, _said if role == "assistant" else _part)
    if refusal := message.get("refusal"):
        text = [{"type": "output_text", "text": said}] if isinstance(said, str) and said else said
        said = [*(text or ()), {"type": "refusal", "refusal": refusal}]
    if said:
        yield {"role": role, "content": said}
    calls = message.get("tool_calls")
    yield from _each(calls, _call) if isinstance(calls, list) else ()


def _said(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part of what an assistant said."""
    text = {"type": "output_text", "text": part.get("text")}
    return text if part.get("type") == "text" else dict(part)


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part of what an assistant was told."""
    kind = str(part.get("type"))
    inner = part.get(kind)
    if kind == "text":
        return {"type": "input_text", "text": inner}
    if kind == "image_url":
        image = inner if isinstance(inner, Mapping) else {"url": inner}
        detail = {"detail": image["detail"]} if image.get("detail") else {}
        return {"type": "input_image", "image_url": image.get("url"), **detail}
    if kind == "file" and isinstance(inner, Mapping):
        return {"type": "input_file", **inner}
    return dict(part)


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    if not isinstance(function, Mapping):
        return dict(call)
    named = {name: function.get(name) or "" for name in ("name", "arguments")}
    return {"type": "function_call", "call_id": call.get("id"), **named}


def _reasoning(body: Mapping[str, Any], *, summary: bool) -> dict[str, Any]:
    effort = body.get("reasoning_effort")
    told = {"summary": "auto"} if summary and effort != "none" else {}
    told |= body.get("reasoning") or {}
    return {k: v for k, v in (told | {"effort": effort or told.get("effort")}).items() if v}


def _text(body: Mapping[str, Any]) -> dict[str, Any]:
    text = dict(body.get("text") or {})
    if verbosity := body.get("verbosity"):
        text["verbosity"] = verbosity
    wanted = body.get("response_format")
    schema = wanted.get("json_schema") if isinstance(wanted, Mapping) else None
    if isinstance(schema, Mapping):
        text["format"] = {"type": "json_schema", **schema}
    elif wanted:
        text["format"] = wanted
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
    inner = choice.get(str(kind))
    if not isinstance(inner, Mapping):
        return dict(choice)
    if kind == "allowed_tools":
        tools = _each(inner.get("tools"), _choice)
        return {"type": kind, "mode": inner.get("mode", "auto"), "tools": tools}
    return {"type": kind, "name": inner.get("name")}
