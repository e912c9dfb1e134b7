"""What requests look like, as JSON Schema for ``/openapi.json``, and the words schemas are made of. Pure.

A request's schema says what our parsers check and no more: what they leave to upstreams may be anything.
"""

from collections.abc import Mapping
from typing import Any

from policies.budgets import EFFORT_SHARE
from policies.strategies import STRATEGIES

from .admission import AUTO
from .wire.anthropic_request import THINKING
from .wire.completions import MOST_LOGPROBS
from .wire.openai_request import LARGEST_SEED, MAX_SAMPLES, REFUSED
from .wire.responses_items import ROLES

Schema = dict[str, Any]


def shape(required: str = "", /, **properties: Schema) -> Schema:
    """Return the schema of an object; ``required`` are names in one string."""
    named = {"required": required.split()} if required else {}
    return {"type": "object", "properties": properties, **named}


def number(low: float, high: float | None = None, kind: str = "number") -> Schema:
    """Return the schema of a number within bounds."""
    return {"type": kind, "minimum": low} | ({} if high is None else {"maximum": high})


def integer(low: int, high: int | None = None) -> Schema:
    """Return the schema of an integer within bounds."""
    return number(low, high, "integer")


def listed(items: Schema, **more: int) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items, **more}


def or_null(schema: Schema) -> Schema:
    """Return the schema of what may also be null."""
    return {"anyOf": [schema, {"type": "null"}]}


def optional(fields: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return fields that may be null, which is the same as leaving them out."""
    return {name: or_null(schema) for name, schema in fields.items()}


def ref(name: str) -> Schema:
    """Return a reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


TEXT: Schema = {"type": "string"}
SAID: Schema = {"type": "string", "minLength": 1}
FLAG: Schema = {"type": "boolean"}
OBJECT: Schema = {"type": "object"}
COUNT = integer(0)
AMOUNT = number(0)
SHARES: Schema = {"type": "object", "additionalProperties": number(0, 1)}
TEXT_OR_PARTS: Schema = {"type": ["string", "array"]}

ROUTER: dict[str, Schema] = {
    "tier": TEXT,
    "min_tier": TEXT,
    "max_tier": TEXT,
    "dial": number(0, 1),
    "max_cost_usd": AMOUNT,
    "max_thinking_tokens": COUNT,
    "max_total_tokens": integer(1),
    "strategy": {"type": "string", "enum": [AUTO, *sorted(STRATEGIES)]},
    "n": integer(1, MAX_SAMPLES),
    "cache": {
        "type": "string",
        "pattern": "^(no-store|no-cache|only-if-cached|max-age=[0-9]{1,9})$",
    },
    "dry_run": FLAG,
    "progress": FLAG,
}
"""Keys of the ``router`` object; each is a header as well."""


def _any_of(*others: Schema, **kinds: Schema) -> Schema:
    """Return the schema of a text, or of a list of objects that their ``type`` tells apart."""
    typed = [
        shape(
            " ".join(["type", *schema.get("required", ())]),
            **{"type": {"const": kind}, **schema["properties"]},
        )
        for kind, schema in kinds.items()
    ]
    return {"anyOf": [SAID, listed({"anyOf": [*others, *typed]}, minItems=1)]}


_TEXT_BLOCK = shape("text", text=TEXT)
_SOURCE = shape("source", source=shape("type", type={"enum": ["base64", "url", "text"]}))
_TURNS = {
    "user": _any_of(
        text=_TEXT_BLOCK,
        image=_SOURCE,
        document=_SOURCE,
        tool_result=shape("tool_use_id", tool_use_id=SAID, content=TEXT_OR_PARTS),
    ),
    "assistant": _any_of(
        text=_TEXT_BLOCK,
        tool_use=shape("id name input", id=SAID, name=SAID, input=OBJECT),
        thinking=shape(),
        redacted_thinking=shape(),
    ),
    "system": _any_of(text=_TEXT_BLOCK),
}
_TURN: Schema = {
    "anyOf": [
        shape("role content", role={"const": role}, content=content)
        for role, content in _TURNS.items()
    ]
}
_PARTS = _any_of(
    input_text=_TEXT_BLOCK,
    output_text=_TEXT_BLOCK,
    refusal=shape("refusal", refusal=TEXT),
    input_image=shape("image_url", image_url=SAID),
    input_file=shape("file_data", file_data=SAID),
    input_audio=shape("input_audio", input_audio=OBJECT),
)
_ITEMS = _any_of(
    shape(
        "role content",
        type={"enum": ["message", None]},
        role={"enum": [*ROLES]},
        content=_PARTS,
    ),
    function_call=shape("call_id name arguments", call_id=TEXT, name=TEXT, arguments=TEXT),
    function_call_output=shape("call_id output", call_id=TEXT, output=_PARTS),
    reasoning=shape(),
)

_EFFORT: Schema = {"type": "string", "enum": [*EFFORT_SHARE]}
_TUNED = {
    "router": ref("Router"),
    "stream": FLAG,
    "temperature": number(0, 2),
    "top_p": number(0, 1),
}
_CHAT = {
    **_TUNED,
    "max_tokens": integer(1),
    "max_completion_tokens": integer(1),
    "n": integer(1, 128),
    "reasoning_effort": _EFFORT,
    "response_format": OBJECT,
    "seed": integer(-LARGEST_SEED - 1, LARGEST_SEED),
    "stream_options": OBJECT,
}
_COUNTED = {
    "metadata": OBJECT,
    "output_config": shape(effort=or_null(_EFFORT)),
    "stop_sequences": listed(SAID),
    "system": _TURNS["system"],
    "thinking": shape("type", type={"enum": [*THINKING, "disabled"]}, budget_tokens=integer(1)),
    "tool_choice": shape("type", type={"enum": ["auto", "any", "none", "tool"]}, name=SAID),
    "tools": listed(shape("name input_schema", name=SAID, input_schema=OBJECT)),
}
_RESPONSES = {
    **_TUNED,
    "include": listed(TEXT),
    "instructions": TEXT,
    "max_output_tokens": integer(1),
    "previous_response_id": TEXT,
    "reasoning": shape(effort=or_null(_EFFORT)),
    "store": FLAG,
    "text": OBJECT,
    "tool_choice": {"type": ["string", "object"]},
    "tools": listed(shape("type name", type={"const": "function"}, name=TEXT)),
}
_MESSAGE = shape("role", role=TEXT, content={"type": ["string", "array", "null"]})


def _request(required: str, may: Mapping[str, Schema], /, **must: Schema) -> Schema:
    """Return the schema of a request; fields that would steer where it is sent are refused."""
    fields = shape(f"model {required}", model=SAID, **must, **optional(may))
    return {**fields, "propertyNames": {"not": {"enum": sorted(REFUSED)}}}


def _verdict(said: str, left_out: str, schema: Schema) -> Schema:
    named = {"decision_id": TEXT, said: schema, left_out: {"type": "null"}}
    return {**shape(f"decision_id {said}", **named), "additionalProperties": False}


REQUESTS: dict[str, Schema] = {
    "ChatRequest": _request("messages", _CHAT, messages=listed(_MESSAGE, minItems=1)),
    "MessagesRequest": _request(
        "messages max_tokens",
        {**_TUNED, **_COUNTED},
        messages=listed(_TURN, minItems=1),
        max_tokens=integer(1),
    ),
    "CountTokensRequest": _request("messages", _COUNTED, messages=listed(_TURN, minItems=1)),
    "ResponsesRequest": {
        **_request("", _RESPONSES, input=_ITEMS),
        "anyOf": [{"required": ["input"]}, {"required": ["previous_response_id"]}],
    },
    "CompletionRequest": _request(
        "prompt",
        {**_CHAT, "logprobs": integer(0, MOST_LOGPROBS), "best_of": {"const": 1}},
        prompt={"anyOf": [SAID, listed(SAID, minItems=1, maxItems=1)]},
    ),
    "EmbeddingsRequest": _request(
        "input", {}, input={"anyOf": [SAID, {"type": "array", "minItems": 1}]}
    ),
    "FeedbackRequest": {
        "oneOf": [
            _verdict("correct", "rating", FLAG),
            _verdict("rating", "correct", number(0, 1)),
        ]
    },
    "Router": {**shape(**optional(ROUTER)), "additionalProperties": False},
}
