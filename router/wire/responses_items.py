"""OpenAI Responses: its items and the messages of a chat, both ways. Pure.

A chat's assistant message holds text and tool calls together; the Responses API keeps them as items of their own. A function
call therefore joins the assistant message just before it.
"""

from collections.abc import Mapping
from typing import Any

from router.errors import InvalidRequestError

ROLES = ("user", "assistant", "system", "developer")


def messages_of(given: Any) -> list[dict[str, Any]]:
    """Return ``input``, or the ``output`` of an earlier response, as chat messages.

    ``developer`` becomes ``system``, which every server knows.

    Raises:
        InvalidRequestError: Naming the item that has no place in a chat.
    """
    if isinstance(given, str):
        return [{"role": "user", "content": given}] if given else []
    if not isinstance(given, list):
        raise InvalidRequestError("input must be a text or a list of items", param="input")
    messages: list[dict[str, Any]] = []
    for place, item in enumerate(given):
        where = f"input[{place}]"
        if not isinstance(item, dict):
            raise InvalidRequestError(f"{where} must be an object", param=where)
        _add(messages, item, where)
    return messages


def _add(messages: list[dict[str, Any]], item: Mapping[str, Any], where: str) -> None:
    kind = item.get("type") or "message"
    if kind == "message":
        messages.append(_message(item, where))
    elif kind == "function_call":
        last = messages[-1] if messages else {}
        if last.get("role") != "assistant":
            last = {"role": "assistant", "content": None}
            messages.append(last)
        last.setdefault("tool_calls", []).append(_call(item, where))
    elif kind == "function_call_output":
        output = item.get("output")
        content = output if isinstance(output, str) else _parts(output, "user", where)
        call = _named(item, "call_id", where)
        messages.append({"role": "tool", "tool_call_id": call, "content": content})
    elif kind != "reasoning":
        raise InvalidRequestError(
            f"{where}: items of type {kind} are not served here; send message, function_call, "
            "function_call_output or reasoning",
            param=where,
        )


def _message(item: Mapping[str, Any], where: str) -> dict[str, Any]:
    role = item.get("role")
    if role not in ROLES:
        raise InvalidRequestError(
            f"{where}.role must be one of {', '.join(ROLES)}", param=f"{where}.role"
        )
    role = "system" if role == "developer" else role
    content = item.get("content")
    if not isinstance(content, str):
        content = _parts(content, role, where)
    return {"role": role, "content": content}


def _call(item: Mapping[str, Any], where: str) -> dict[str, Any]:
    named = {name: _named(item, name, where) for name in ("name", "arguments")}
    return {"id": _named(item, "call_id", where), "type": "function", "function": named}


def _named(item: Mapping[str, Any], name: str, where: str) -> str:
    value = item.get(name)
    if not isinstance(value, str):
        raise InvalidRequestError(f"{where}.{name} must be a string", param=f"{where}.{name}")
    return value


def _parts(content: Any, role: str, where: str) -> Any:
    """Return content as a chat has it: one text where an assistant said nothing but that."""
    if not isinstance(content, list):
        raise InvalidRequestError(
            f"{where}.content must be a text or a list of parts", param=f"{where}.content"
        )
    parts = [_part(part, f"{where}.content[{i}]") for i, part in enumerate(content)]
    if role == "assistant" and len(parts) == 1 and parts[0]["type"] == "text":
        return parts[0]["text"]
    return parts


def _part(part: Any, where: str) -> dict[str, Any]:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in ("input_text", "output_text", "text"):
        return {"type": "text", "text": _named(part, "text", where)}
    if kind == "refusal":
        return {"type": "refusal", "refusal": _named(part, "refusal", where)}
    if kind == "input_image" and part.get("image_url"):
        detail = {"detail": part["detail"]} if part.get("detail") else {}
        return {"type": "image_url", "image_url": {"url": part["image_url"], **detail}}
    if kind == "input_file" and part.get("file_data"):
        file = {name: part[name] for name in ("filename", "file_data") if part.get(name)}
        return {"type": "file", "file": file}
    if kind == "input_audio":
        return {"type": "input_audio", "input_audio": part.get("input_audio")}
    raise InvalidRequestError(
        f"{where}: {kind} must hold its content (text, image_url, file_data or input_audio); "
        "files stored with the provider are not served here",
        param=where,
    )


def output_of(completion: Mapping[str, Any], hexes: str) -> list[dict[str, Any]]:
    """Return the output items of a whole chat completion: reasoning, message, function calls.

    Args:
        completion: With one choice.
        hexes: Makes the items' ids one answer's own.
    """
    choice = completion["choices"][0]
    message = choice["message"]
    status = "completed" if choice.get("finish_reason") not in CUT_SHORT else "incomplete"
    items: list[dict[str, Any]] = []
    if thought := message.get("reasoning_content"):
        items.append(reasoning_item(f"rs_{hexes}_{len(items)}", thought))
    logprobs = (choice.get("logprobs") or {}).get("content")
    parts = []
    if text := message.get("content"):
        parts.append(text_part(text, logprobs))
    if refusal := message.get("refusal"):
        parts.append({"type": "refusal", "refusal": refusal})
    calls = message.get("tool_calls") or ()
    if parts:
        whole = "completed" if calls else status  # only what came last can be cut short
        items.append(message_item(f"msg_{hexes}_{len(items)}", parts, whole))
    for call in calls:
        items.append(call_item(f"fc_{hexes}_{len(items)}", call, status))
    return items


CUT_SHORT = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Finish reasons of answers that are not whole, and what the Responses API calls them."""


def reasoning_item(item_id: str, text: str) -> dict[str, Any]:
    """Return reasoning as an item, where every client looks for it: in the summary."""
    summary = [{"type": "summary_text", "text": text}] if text else []
    return {"id": item_id, "type": "reasoning", "summary": summary}


def text_part(text: str, logprobs: Any = None) -> dict[str, Any]:
    """Return visible text as a part of a message."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs or []}


def message_item(item_id: str, parts: list[dict[str, Any]], status: str) -> dict[str, Any]:
    """Return an assistant's message as an item."""
    return {
        "id": item_id,
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": parts,
    }


def call_item(item_id: str, call: Mapping[str, Any], status: str) -> dict[str, Any]:
    """Return a tool call of a chat as an item."""
    function = call["function"]
    return {
        "id": item_id,
        "type": "function_call",
        "status": status,
        "call_id": call.get("id") or "",
        "name": function.get("name") or "",
        "arguments": function.get("arguments") or "",
    }
