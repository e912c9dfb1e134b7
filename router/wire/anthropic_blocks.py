"""Anthropic Messages, the request side: content blocks to chat messages. Pure.

Two things stay on the chat messages that only Claude understands, for backends that speak to Claude:
``cache_control`` of a block, and an assistant's ``thinking_blocks`` with their signatures.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from router.errors import InvalidRequestError

ERROR_PREFIX = "Error: "
"""How a tool message says ``is_error``, for which chat has no field."""


def is_text(value: Any) -> bool:
    """Return whether ``value`` is a string that says something."""
    return isinstance(value, str) and bool(value)


def chat_messages(system: Any, messages: Any) -> list[dict[str, Any]]:
    """Return the conversation in chat's shape: a system message, then every turn.

    A tool result is a message of its own, before the rest of its turn; its images, which tool messages do
    not take, go with the rest.

    Raises:
        InvalidRequestError: Naming the block that is malformed or that chat cannot say.
    """
    if not isinstance(messages, list) or not messages:
        raise InvalidRequestError("messages must be a non-empty list", param="messages")
    said = [] if system in (None, "", []) else [_system(system)]
    for i, message in enumerate(messages):
        at = f"messages[{i}]"
        role = message.get("role") if isinstance(message, dict) else None
        if not isinstance(role, str) or role not in _TURNS:
            raise _wrong(at, "must be an object with a role of user or assistant")
        content = message.get("content")
        if isinstance(content, str):
            said.append({"role": role, "content": content})
        elif isinstance(content, list):
            said += _TURNS[role](_blocks(content, f"{at}.content"))
        else:
            raise _wrong(f"{at}.content", "must be a string or a list of blocks")
    if messages[-1]["role"] == "assistant":
        raise _wrong("messages", "must end with a user turn: prefill is not supported here")
    return said


Block = tuple[str, dict[str, Any], str]
"""Type, the block, and where it stands."""


def _blocks(content: Sequence[Any], at: str) -> list[Block]:
    for i, block in enumerate(content):
        if not isinstance(block, dict) or not is_text(block.get("type")):
            raise _wrong(f"{at}[{i}]", "must be an object with a type")
    return [(block["type"], block, f"{at}[{i}]") for i, block in enumerate(content)]


def _system(system: Any) -> dict[str, Any]:
    if isinstance(system, str):
        return {"role": "system", "content": system}
    if not isinstance(system, list):
        raise _wrong("system", "must be a string or a list of text blocks")
    parts = [_part(block, ("text",)) for block in _blocks(system, "system")]
    return {"role": "system", "content": _shortest(parts)}


def _user(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    for kind, block, at in blocks:
        if kind == "tool_result":
            result, images = _tool_result(block, at)
            results.append(result)
            parts += images
        else:
            parts.append(_part((kind, block, at), tuple(_PARTS)))
    return results + ([{"role": "user", "content": _shortest(parts)}] if parts else [])


def _assistant(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    texts: list[str] = []
    calls: list[dict[str, Any]] = []
    thoughts: list[dict[str, Any]] = []
    for kind, block, at in blocks:
        if kind == "text":
            texts.append(_text(block, at)["text"])
        elif kind == "tool_use":
            calls.append(_tool_use(block, at))
        elif kind in ("thinking", "redacted_thinking"):
            thoughts.append(block)
        else:
            raise _unknown(kind, at, ("text", "tool_use", "thinking", "redacted_thinking"))
    text = "".join(texts)
    message: dict[str, Any] = {"role": "assistant", "content": None if calls and not text else text}
    if calls:
        message["tool_calls"] = calls
    if thoughts:
        message["thinking_blocks"] = thoughts
    return [message]


def _instruction(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    return [{"role": "system", "content": _shortest([_part(b, ("text",)) for b in blocks])}]


_TURNS: Mapping[str, Callable[[Sequence[Block]], list[dict[str, Any]]]] = {
    "user": _user,
    "assistant": _assistant,
    "system": _instruction,
}


def _tool_use(block: Mapping[str, Any], at: str) -> dict[str, Any]:
    if not (is_text(block.get("id")) and is_text(block.get("name"))):
        raise _wrong(at, "must have an id and a name")
    if not isinstance(block.get("input"), dict):
        raise _wrong(f"{at}.input", "must be an object")
    arguments = orjson.dumps(block["input"]).decode()
    function = {"name": block["name"], "arguments": arguments}
    return {"id": block["id"], "type": "function", "function": function}


def _tool_result(block: Mapping[str, Any], at: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the tool message, and the images that it cannot hold."""
    if not is_text(block.get("tool_use_id")):
        raise _wrong(f"{at}.tool_use_id", "must be the id of a tool_use block")
    content = block.get("content") or ""
    parts: list[dict[str, Any]] = []
    if isinstance(content, list):
        parts = [_part(b, tuple(_PARTS)) for b in _blocks(content, f"{at}.content")]
        content = "\n".join(part["text"] for part in parts if part["type"] == "text")
    elif not isinstance(content, str):
        raise _wrong(f"{at}.content", "must be a string or a list of blocks")
    if block.get("is_error"):
        content = ERROR_PREFIX + content
    message = {"role": "tool", "tool_call_id": block["tool_use_id"], "content": content}
    return message, [part for part in parts if part["type"] != "text"]


def _part(block: Block, known: Sequence[str]) -> dict[str, Any]:
    kind, said, at = block
    if kind not in known:
        raise _unknown(kind, at, known)
    part = _PARTS[kind](said, at)
    return part | ({"cache_control": said["cache_control"]} if said.get("cache_control") else {})


def _text(block: Mapping[str, Any], at: str) -> dict[str, Any]:
    if not isinstance(block.get("text"), str):
        raise _wrong(f"{at}.text", "must be a string")
    return {"type": "text", "text": block["text"]}


def _image(block: Mapping[str, Any], at: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": _address(block, at)}}


def _document(block: Mapping[str, Any], at: str) -> dict[str, Any]:
    if block.get("citations") not in (None, {"enabled": False}):
        raise _wrong(f"{at}.citations", "cannot be served here")
    source = block.get("source")
    if isinstance(source, dict) and source.get("type") == "text":
        words = [block.get("title"), block.get("context"), source.get("data")]
        return {"type": "text", "text": "\n\n".join(str(word) for word in words if word)}
    name = block.get("title") or "document.pdf"
    return {"type": "file", "file": {"filename": name, "file_data": _address(block, at)}}


_PARTS: Mapping[str, Callable[[Mapping[str, Any], str], dict[str, Any]]] = {
    "text": _text,
    "image": _image,
    "document": _document,
}


def _address(block: Mapping[str, Any], at: str) -> str:
    """Return a source as an address, a data URL for what is sent along."""
    source = block.get("source")
    source = source if isinstance(source, dict) else {}
    if source.get("type") == "base64" and is_text(source.get("data")):
        return f"data:{source.get('media_type')};base64,{source['data']}"
    if source.get("type") == "url" and is_text(source.get("url")) and block["type"] == "image":
        return str(source["url"])
    raise _wrong(f"{at}.source", "must be base64 data, or the url of an image")


def _shortest(parts: list[dict[str, Any]]) -> Any:
    """Return the parts, or the text where it is all there is."""
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        return parts[0]["text"]
    return parts


def _unknown(kind: str, at: str, known: Sequence[str]) -> InvalidRequestError:
    return _wrong(at, f"of type {kind!r} cannot be translated; known here: {', '.join(known)}")


def _wrong(param: str, what: str) -> InvalidRequestError:
    return InvalidRequestError(f"{param} {what}", param=param)
