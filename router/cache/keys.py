"""Cache keys: equal for requests that must get the same answer, different for all others. Pure.

A key looks like ``tt:{<tenant>.<request>}:answer``. Both parts are keyed hashes, so neither a prompt
nor a tenant's name can be read from or tried against a key. The braces are a cluster's hash tag:
whatever else is stored for a request one day (a lease, a live stream) lies in the same slot, while
requests spread over all slots.

What does not count as a difference:

- the order of keys; ``1`` and ``1.0``; a parameter that is null, or at its default in `DEFAULTS`;
- how the answer is delivered (``stream``) and what only the provider's bookkeeping sees
  (``metadata``, ``store``, ``user``, ...): see `BOOKKEEPING`. One tenant's users share answers;
- ``max_tokens`` for ``max_completion_tokens``, one stop string for a list of one, a text for a list of
  one text part;
- in ``router``: ``cache`` and ``dry_run``. Headers ``x-router-*`` must be merged into ``router``
  before, or they would not count at all.

Everything else does, unknown fields included. ``temperature`` and ``top_p`` have no default here:
self-hosted servers take theirs from the model's own configuration.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import orjson

from router.errors import InvalidRequestError

PREFIX = "tt"
ANSWERS = f"{PREFIX}:{{*}}:answer*"
"""SCAN pattern of everybody's answers; flights and pools lie beside them under the same hash tags."""
MIN_SECRET_BYTES = 16
MAX_DEPTH = 200
"""Nesting a body may have; orjson itself stops at 254."""

BOOKKEEPING = frozenset(
    {
        "stream",
        "stream_options",
        "metadata",
        "store",
        "user",
        "safety_identifier",
        "prompt_cache_key",
        "prompt_cache_retention",
        "router",  # added back without what does not change the answer
    }
)

DEFAULTS: Mapping[str, tuple[Any, ...]] = {
    "n": (1,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "logprobs": (False,),
    "logit_bias": ({},),
    "stop": ([],),
    "tools": ([],),
    "functions": ([],),
    "parallel_tool_calls": (True,),
    "tool_choice": ("auto",),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "service_tier": ("auto",),
}

ROUTER_BOOKKEEPING = frozenset({"cache", "dry_run"})

MAX_INT64 = 2**63 - 1


def cache_key(
    secret: bytes, *, tenant: str, body: Mapping[str, Any], versions: Sequence[str] = ()
) -> str:
    """Return the key under which the answer to ``body`` is kept.

    Args:
        secret: Keys the hashes; at least `MIN_SECRET_BYTES`.
        tenant: Whose answers they are; any text.
        body: The request as parsed from JSON, with the ``x-router-*`` headers merged in.
        versions: What else an answer depends on: policy, artefact, configuration.

    Raises:
        InvalidRequestError: The body is nested too deeply.
    """
    hasher = blake2b(digest_size=32, key=_key(secret), person=b"tt-request")
    for part in (tenant, *versions):
        _feed(hasher, part.encode("utf-8", "surrogatepass"))
    # No length starts like a JSON text, so the list of versions cannot run into the body.
    hasher.update(canonical(body))
    return f"{PREFIX}:{{{tenant_tag(secret, tenant)}.{hasher.hexdigest()}}}:answer"


def tenant_tag(secret: bytes, tenant: str) -> str:
    """Return the keyed hash that starts every key of a tenant."""
    data = tenant.encode("utf-8", "surrogatepass")
    return blake2b(data, digest_size=16, key=_key(secret), person=b"tt-tenant").hexdigest()


def pattern(secret: bytes, tenant: str | None) -> str:
    """Return the SCAN pattern of a tenant's keys; of everybody's if ``tenant`` is ``None``."""
    return f"{PREFIX}:{{*" if tenant is None else f"{PREFIX}:{{{tenant_tag(secret, tenant)}.*"


def canonical(body: Mapping[str, Any]) -> bytes:
    """Return one text for all spellings of the same request.

    Raises:
        InvalidRequestError: The body is nested too deeply.
    """
    request = {
        name: _plain(value, 1)
        for name, value in body.items()
        if value is not None and name not in BOOKKEEPING
    }
    for name in request.keys() & DEFAULTS.keys():
        if any(_same(request[name], default) for default in DEFAULTS[name]):
            del request[name]
    _unify(request, body)
    try:
        return orjson.dumps(request, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        # Lone surrogates and the like, which other JSON parsers let through.
        return b"json:" + json.dumps(request, sort_keys=True, default=repr).encode()


def _unify(request: dict[str, Any], body: Mapping[str, Any]) -> None:
    """Bring the spellings that differ by more than a default to one."""
    if "max_tokens" not in request and "max_completion_tokens" in request:
        request["max_tokens"] = request.pop("max_completion_tokens")
    if isinstance(request.get("stop"), str):
        request["stop"] = [request["stop"]]
    messages = request.get("messages")
    if isinstance(messages, list):
        request["messages"] = [
            _message(message) if isinstance(message, dict) else message for message in messages
        ]
    overrides = body.get("router")
    if isinstance(overrides, Mapping):
        kept = {
            name: _plain(value, 2)
            for name, value in overrides.items()
            if value is not None and name not in ROUTER_BOOKKEEPING
        }
        if kept:
            request["router"] = kept
    elif overrides is not None:
        request["router"] = _plain(overrides, 1)


def _message(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a message in its shortest spelling."""
    content = message.get("content")
    if isinstance(content, list) and len(content) == 1:
        (part,) = content
        if isinstance(part, dict) and part.keys() == {"type", "text"} and part["type"] == "text":
            message = {**message, "content": part["text"]}
    if None in message.values():
        # SDKs that send an earlier answer back add `"refusal": null` and its like.
        return {name: value for name, value in message.items() if value is not None}
    return message


def _plain(value: Any, depth: int) -> Any:
    """Return ``value`` with every number in the one form that stands for it."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int or kind is float:
        return _number(value)
    if depth > MAX_DEPTH:
        raise InvalidRequestError(f"the body is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, Mapping):
        return {name: _plain(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, depth + 1) for inner in value]
    return value


def _number(value: float) -> Any:
    if isinstance(value, float):
        if not value.is_integer():
            # NaN and infinity would all become null.
            return value if value - value == 0 else {"number": repr(value)}
        value = int(value)
    return value if -MAX_INT64 <= value <= MAX_INT64 else {"number": hex(value)}


def _same(value: Any, default: Any) -> bool:
    # In Python False == 0 and True == 1; in a request they are not the same.
    return isinstance(value, bool) == isinstance(default, bool) and bool(value == default)


def _key(secret: bytes) -> bytes:
    if len(secret) < MIN_SECRET_BYTES:
        raise ValueError(f"the cache secret has {len(secret)} bytes; {MIN_SECRET_BYTES} at least")
    return secret if len(secret) <= blake2b.MAX_KEY_SIZE else blake2b(secret).digest()


def _feed(hasher: "blake2b", part: bytes) -> None:
    # Lengths keep ("ab", "c") and ("a", "bc") apart.
    hasher.update(len(part).to_bytes(8, "big"))
    hasher.update(part)
