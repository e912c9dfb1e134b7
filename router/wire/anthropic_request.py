"""Anthropic Messages, the request side: a JSON body and headers to the Query a chat completion would have made.

What chat completions cannot say is refused by name, never dropped: tools that Anthropic runs, prefill, citations.
Hints that change no answer (`IGNORED`) are accepted, and the reply's ``router.ignored`` names them. Fields unknown
here go to the upstream as they are.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from policies.budgets import smallest
from policies.types import Query
from router.errors import InvalidRequestError

from .anthropic_blocks import chat_messages, is_text
from .openai_request import parse_chat

IGNORED = frozenset({"cache_control", "context_management", "diagnostics", "service_tier", "speed"})
"""Hints about caching, speed and the length of a context: of the body as a whole, ours to decide."""

_REFUSED = frozenset(
    {
        "audio", "container", "function_call", "functions", "inference_geo", "logprobs",
        "mcp_servers", "modalities", "n", "prompt", "stop", "stream_options", "top_logprobs",
    }
)  # fmt: skip
"""Wishes that no translated reply can fulfil, and chat's own names for what Messages calls otherwise."""

_TRANSLATED = frozenset(
    {
        "messages", "metadata", "output_config", "stop_sequences", "system", "thinking",
        "tool_choice", "tools",
    }
)  # fmt: skip

_CHOICES = {"auto": "auto", "any": "required", "none": "none"}

THINKING = ("enabled", "adaptive", "between_tools")
"""``thinking.type`` of clients that want to see the reasoning."""


def parse_messages(
    body: Any,
    overrides: Mapping[str, str],
    *,
    tenant: str = "",
    tiers: tuple[str, ...] | None = None,
) -> Query:
    """Return the Query of a Messages request; ``original`` is its body.

    Args:
        body: The decoded JSON.
        overrides: ``x-router-<name>`` headers, names with underscores; the body's ``router`` wins.
        tenant: From the client's key.
        tiers: Tier names that key may use.

    Raises:
        InvalidRequestError: Naming the field and what it must be.
    """
    if not isinstance(body, dict):
        raise InvalidRequestError("the body must be a JSON object")
    if body.get("max_tokens") is None:
        raise InvalidRequestError("max_tokens is required: an integer", param="max_tokens")
    chat = chat_body(body)
    if body.get("stream"):
        chat["stream_options"] = {"include_usage": True}
    query = parse_chat(chat, overrides, tenant=tenant, tiers=tiers)
    thinking = smallest(query.ceilings.max_thinking_tokens, _thinking_ceiling(body))
    ceilings = replace(query.ceilings, max_thinking_tokens=thinking)
    return replace(query, ceilings=ceilings, original=body)


def chat_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Messages body as that of a chat completion, ``router`` included.

    Raises:
        InvalidRequestError: Naming what chat completions cannot say.
    """
    if refused := _REFUSED.intersection(body):
        name = min(refused)
        raise InvalidRequestError(f"{name} cannot be served on /v1/messages", param=name)
    left = _TRANSLATED | IGNORED
    chat = {name: value for name, value in body.items() if name not in left}
    chat["messages"] = chat_messages(body.get("system"), body.get("messages"))
    if stops := body.get("stop_sequences"):
        if not isinstance(stops, list) or not all(map(is_text, stops)):
            raise _wrong("stop_sequences", "must be a list of strings")
        chat["stop"] = stops
    if tools := body.get("tools"):
        if not isinstance(tools, list):
            raise _wrong("tools", "must be a list")
        chat["tools"] = [_tool(tool, f"tools[{i}]") for i, tool in enumerate(tools)]
    chat |= _tool_choice(_object(body, "tool_choice"))
    if user := _object(body, "metadata").get("user_id"):
        chat["user"] = user
    return chat | _output(_object(body, "output_config"))


def _tool(tool: Any, at: str) -> dict[str, Any]:
    if not isinstance(tool, dict) or not is_text(tool.get("name")):
        raise _wrong(at, "must be an object with a name")
    if tool.get("type") not in (None, "custom"):
        raise _wrong(at, f"of type {tool['type']!r} exists at Anthropic only; send custom tools")
    if not isinstance(tool.get("input_schema"), dict):
        raise _wrong(f"{at}.input_schema", "must be a JSON Schema object")
    function = {"name": tool["name"], "parameters": tool["input_schema"]}
    function |= {name: tool[name] for name in ("description", "strict") if name in tool}
    cached = {name: tool[name] for name in ("cache_control",) if name in tool}
    return {"type": "function", "function": function} | cached


def _tool_choice(choice: Mapping[str, Any]) -> dict[str, Any]:
    if not choice:
        return {}
    kind = choice.get("type")
    parallel = {"parallel_tool_calls": False} if choice.get("disable_parallel_tool_use") else {}
    if isinstance(kind, str) and kind in _CHOICES:
        return {"tool_choice": _CHOICES[kind]} | parallel
    if kind == "tool" and is_text(choice.get("name")):
        forced = {"type": "function", "function": {"name": choice["name"]}}
        return {"tool_choice": forced} | parallel
    raise _wrong("tool_choice", "must have a type of auto, any, none, or tool with a name")


def _output(config: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if (effort := config.get("effort")) is not None:
        fields["reasoning_effort"] = effort
    if (form := config.get("format")) is not None:
        if not isinstance(form, dict) or not isinstance(form.get("schema"), dict):
            raise _wrong("output_config.format", 'must be {"type": "json_schema", "schema": ...}')
        schema = {"name": "answer", "schema": form["schema"], "strict": True}
        fields["response_format"] = {"type": "json_schema", "json_schema": schema}
    return fields


def _thinking_ceiling(body: Mapping[str, Any]) -> int | None:
    """Return the most reasoning tokens that the client allows; ``None`` leaves it to the router."""
    thinking = _object(body, "thinking")
    kind = thinking.get("type")
    if kind == "disabled":
        return 0
    if kind == "enabled":
        budget = thinking.get("budget_tokens")
        if not isinstance(budget, int) or isinstance(budget, bool) or budget < 1:
            raise _wrong("thinking.budget_tokens", "must be an integer of at least 1")
        return budget
    if thinking and kind not in THINKING:
        raise _wrong("thinking.type", f"must be one of {', '.join(THINKING)}, disabled")
    return None


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(name, "must be an object")
    return value


def _wrong(param: str, what: str) -> InvalidRequestError:
    return InvalidRequestError(f"{param} {what}", param=param)
