"""What of a Messages request only Claude understands, brought into the words of the server that is asked. Pure.

Chat clients' own messages never come here: they go to the upstream as they are.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from .port import ModelSpec

WANTS_REASONING_BACK = frozenset({"deepseek", "kimi"})
"""Servers that refuse a tool result unless the reasoning before its call comes back with it."""


def fitted(spec: ModelSpec, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body whose messages and tools ``spec``'s server understands.

    Claude gets ``cache_control`` and those ``thinking_blocks`` that Claude has signed; nobody else does. The
    reasoning of earlier turns goes back in words where the server insists on it.
    """
    claude = spec.dialect.startswith("anthropic") or "claude" in spec.model
    fits = {"messages": [_message(spec, message, claude=claude) for message in body["messages"]]}
    if "tools" in body and not claude:
        fits["tools"] = _uncached(body["tools"])
    return {**body, **fits}


def _message(spec: ModelSpec, message: Mapping[str, Any], *, claude: bool) -> dict[str, Any]:
    fits = {name: value for name, value in message.items() if name != "thinking_blocks"}
    thoughts = message.get("thinking_blocks") or ()
    if claude:
        if signed := [b for b in thoughts if b.get("signature") or b.get("data")]:
            fits["thinking_blocks"] = signed
        return fits
    if isinstance(fits.get("content"), list):
        fits["content"] = _uncached(fits["content"])
    if thoughts and spec.dialect in WANTS_REASONING_BACK:
        words = [block["thinking"] for block in thoughts if block.get("thinking")]
        fits["reasoning_content"] = "\n".join(words)
    return fits


def _uncached(parts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in part.items() if k != "cache_control"} for part in parts]
