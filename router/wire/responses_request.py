"""OpenAI Responses, the request side: a JSON body to a Query in the shape of chat completions. Pure.

What chat completions cannot express is refused by name, with three exceptions that are told here and in the manual:
reasoning items are accepted and not sent on (their place in a chat differs from server to server), ``truncation: auto`` is
never made use of, and ``include`` brings log probabilities only. Fields unknown to us pass, as on chat completions.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from policies.types import Query
from router.errors import InvalidRequestError

from .openai_request import parse_chat
from .responses_items import messages_of

LOGPROBS = "message.output_text.logprobs"
"""The one value of ``include`` that asks for something we have."""

_RENAMED = {"max_output_tokens": "max_completion_tokens"}

_REFUSED = {
    "background": "answers are given at once",
    "conversation": "chain answers with previous_response_id",
    "prompt": "templates live on OpenAI's servers; send instructions and input",
}
"""What is an error where it asks for something, by what to do about it."""

_OURS = frozenset(
    {
        "context_management", "include", "input", "instructions", "max_tool_calls", "previous_response_id", "reasoning",
        "store", "stream_options", "text", "tool_choice", "tools", "truncation", *_RENAMED, *_REFUSED,
    }
)  # fmt: skip
"""Fields that are translated or end here; every other one is the same on chat completions."""

_BLAMED = {"max_completion_tokens": "max_output_tokens", "reasoning_effort": "reasoning.effort"}


def parse_responses(
    body: Any,
    overrides: Mapping[str, str],
    *,
    tenant: str = "",
    tiers: tuple[str, ...] | None = None,
    earlier: Sequence[Mapping[str, Any]] = (),
) -> Query:
    """Return the Query of a request to the Responses API.

    Args:
        body: The decoded JSON.
        overrides: As for ``parse_chat``.
        tenant: From the client's key.
        tiers: Tier names that key may use.
        earlier: The conversation that ``previous_response_id`` names, as chat messages.

    Raises:
        InvalidRequestError: Naming the field and what it must be.
    """
    chat = as_chat(body, earlier)
    try:
        return parse_chat(chat, overrides, tenant=tenant, tiers=tiers)
    except InvalidRequestError as error:
        own = _BLAMED.get(error.param or "")
        if own is None:
            raise
        said = str(error).replace(str(error.param), own)
        raise InvalidRequestError(said, param=own) from error


def as_chat(body: Any, earlier: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Return the body of the chat completion that asks the same.

    Raises:
        InvalidRequestError: If none does, or a field has the wrong type.
    """
    if not isinstance(body, dict):
        raise InvalidRequestError("the body must be a JSON object")
    for name, advice in _REFUSED.items():
        if body.get(name):
            raise InvalidRequestError(f"{name} is not served here; {advice}", param=name)
    instructions = _typed(body, "instructions", str)
    said: list[Mapping[str, Any]] = [*earlier, *messages_of(body.get("input", ""))]
    if not said:
        raise InvalidRequestError("input must be a text or a list of items", param="input")
    chat = {name: value for name, value in body.items() if name not in _OURS}
    chat["messages"] = [{"role": "system", "content": instructions}] if instructions else []
    chat["messages"] += said
    for ours, theirs in _RENAMED.items():
        if body.get(ours) is not None:
            chat[theirs] = body[ours]
    if body.get("stream"):
        chat["stream_options"] = {"include_usage": True}
    if LOGPROBS in (_typed(body, "include", list) or ()) or body.get("top_logprobs"):
        chat["logprobs"] = True
    if tools := _typed(body, "tools", list):
        chat["tools"] = [_tool(place, tool) for place, tool in enumerate(tools)]
    chat |= _text(_typed(body, "text", dict) or {})
    chat |= _effort(_typed(body, "reasoning", dict) or {})
    _choose(body.get("tool_choice"), chat)
    return chat


def _tool(place: int, tool: Any) -> dict[str, Any]:
    where = f"tools[{place}]"
    kind = tool.get("type") if isinstance(tool, dict) else None
    if kind != "function":
        raise InvalidRequestError(
            f"{where}: {kind} is no function; tools that the provider runs itself, and custom ones, are not "
            "served here",
            param=where,
        )
    if not isinstance(tool.get("name"), str):
        raise InvalidRequestError(f"{where}.name must be a string", param=f"{where}.name")
    wanted = ("name", "description", "parameters", "strict")
    function = {name: tool[name] for name in wanted if tool.get(name) is not None}
    return {"type": "function", "function": function}


def _choose(choice: Any, chat: dict[str, Any]) -> None:
    """Write the tool choice into ``chat``; a choice among some tools leaves only those."""
    if choice is None or isinstance(choice, str):
        if choice is not None:
            chat["tool_choice"] = choice
        return
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind == "function":
        chat["tool_choice"] = {"type": "function", "function": {"name": choice.get("name")}}
    elif kind == "allowed_tools":
        allowed = [tool.get("name") for tool in choice.get("tools") or () if isinstance(tool, dict)]
        chat["tools"] = [t for t in chat.get("tools", ()) if t["function"]["name"] in allowed]
        chat["tool_choice"] = choice.get("mode", "auto")
    else:
        raise InvalidRequestError(
            "tool_choice must be auto, none, required, a function or allowed_tools",
            param="tool_choice",
        )


def _text(text: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if text.get("verbosity") is not None:
        fields["verbosity"] = text["verbosity"]
    wanted = text.get("format") or {}
    kind = wanted.get("type", "text") if isinstance(wanted, dict) else None
    if kind == "json_schema":
        schema = {k: v for k, v in wanted.items() if k != "type" and v is not None}
        fields["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif kind == "json_object":
        fields["response_format"] = {"type": "json_object"}
    elif kind != "text":
        raise InvalidRequestError(
            "text.format.type must be text, json_object or json_schema", param="text.format"
        )
    return fields


def _effort(reasoning: Mapping[str, Any]) -> dict[str, Any]:
    effort = reasoning.get("effort")
    return {} if effort is None else {"reasoning_effort": effort}


def _typed(body: Mapping[str, Any], name: str, kind: type) -> Any:
    value = body.get(name)
    if value is not None and not isinstance(value, kind):
        word = {"str": "a string", "list": "a list", "dict": "an object"}[kind.__name__]
        raise InvalidRequestError(f"{name} must be {word}", param=name)
    return value
