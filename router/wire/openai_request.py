"""OpenAI chat completions, the request side: a JSON body and headers to a Query.

The checks are explicit and few, because this is the hot path: what upstreams check themselves (the shape
of tools, of response formats ...) is left to them; what routing reads is checked here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from classifier.types import Ask
from policies.budgets import EFFORT_SHARE
from policies.types import Ceilings, Query, Wishes
from router.errors import InvalidRequestError

from .directives import CACHE_DIRECTIVES, is_directive

MAX_SAMPLES = 64
"""Of a search; more is a typing error rather than a wish."""

REFUSED = frozenset(
    {
        "api_base", "api_key", "api_type", "api_version", "aws_access_key_id",
        "aws_secret_access_key", "aws_session_token", "azure_ad_token", "base_url",
        "custom_llm_provider", "deployment_id", "extra_headers", "extra_query", "fallbacks",
        "litellm_credential_name", "mock_response", "num_retries", "organization", "user_config",
        "vertex_credentials",
    }
)  # fmt: skip
"""Fields that would steer where a request is sent or with whose key, by us or by a gateway that is our upstream:
never from a client."""

_WRAPPERS = frozenset({"extra_body", "litellm_params", "model_kwargs", "optional_params"})
"""Objects whose fields other gateways take for the request's own."""

LONGEST_INTEGER = 18
"""Digits of a number in a header: as many as fit a 64-bit integer, as in JSON."""

LARGEST_SEED = 2**63 - 1

NO_WISHES = Wishes()
_WISHES = ("tier", "min_tier", "max_tier", "dial", "strategy", "n")

_ROUTER_KEYS = (
    "tier", "min_tier", "max_tier", "dial", "max_cost_usd", "max_thinking_tokens",
    "max_total_tokens", "strategy", "n", "cache", "dry_run", "progress",
)  # fmt: skip


def parse_chat(
    body: Any,
    overrides: Mapping[str, str],
    *,
    tenant: str = "",
    tiers: tuple[str, ...] | None = None,
) -> Query:
    """Return the Query of a chat completion request.

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
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise InvalidRequestError(
            'model must be a non-empty string, for example "auto"', param="model"
        )
    _refuse(body)
    messages = _messages(body)
    stream = _typed(body, "stream", bool) or False
    options = _typed(body, "stream_options", dict) or {}
    _typed(body, "response_format", dict)
    wanted = _router(body.get("router"), overrides)
    for name, low, high in (("temperature", 0, 2), ("top_p", 0, 1)):
        _number(body, name, low, high)
    _integer(body, "n", 1, 128)
    _integer(body, "seed", -LARGEST_SEED - 1, LARGEST_SEED)
    limits = [_integer(body, name, 1, None) for name in ("max_tokens", "max_completion_tokens")]
    effort = _typed(body, "reasoning_effort", str)
    if effort is not None and effort not in EFFORT_SHARE:
        known = ", ".join(EFFORT_SHARE)
        raise InvalidRequestError(
            f"reasoning_effort must be one of {known}", param="reasoning_effort"
        )
    return Query(
        body={
            k: v
            for k, v in body.items()
            if k not in ("model", "router", "stream", "stream_options")
        },
        model=model,
        ask=ask_of(messages, has_tools=bool(body.get("tools"))),
        stream=stream,
        include_usage=bool(options.get("include_usage")),
        wishes=Wishes(**{name: wanted[name] for name in _WISHES if name in wanted})
        if wanted
        else NO_WISHES,
        ceilings=Ceilings(
            max_output_tokens=min((limit for limit in limits if limit is not None), default=None),
            max_thinking_tokens=wanted.get("max_thinking_tokens"),
            max_total_tokens=wanted.get("max_total_tokens"),
            max_cost_usd=wanted.get("max_cost_usd"),
            reasoning_effort=effort,
        ),
        cache=wanted.get("cache"),
        dry_run=bool(wanted.get("dry_run")),
        progress=bool(wanted.get("progress")),
        session=overrides.get("session_id", ""),
        tenant=tenant,
        tiers=tiers,
    )


def _refuse(body: Mapping[str, Any]) -> None:
    """Raise if a request says where to send it, however deep it is wrapped."""
    places = [("", body)]
    while places:
        prefix, fields = places.pop()
        if refused := REFUSED.intersection(fields):
            name = prefix + min(refused)
            raise InvalidRequestError(f"{name} is not accepted in a request", param=name)
        places += [
            (f"{prefix}{name}.", fields[name])
            for name in _WRAPPERS.intersection(fields)
            if isinstance(fields[name], dict)
        ]


def _messages(body: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise InvalidRequestError("messages must be a non-empty list", param="messages")
    for i, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise InvalidRequestError(
                f"messages[{i}] must be an object with a string role", param=f"messages[{i}]"
            )
        if not isinstance(message.get("content"), str | list | None):
            raise InvalidRequestError(
                f"messages[{i}].content must be a string or a list of parts",
                param=f"messages[{i}].content",
            )
    return messages


def ask_of(messages: Sequence[Mapping[str, Any]], *, has_tools: bool) -> Ask:
    """Return the last human ask: never the system prompt, tool output or an assistant's words."""
    human = [message for message in messages if message["role"] == "user"]
    content = human[-1].get("content") if human else messages[-1].get("content")
    has_images = False
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict)]
        has_images = any(part.get("type") == "image_url" for part in parts)
        content = "\n".join(
            str(part["text"]) for part in parts if isinstance(part.get("text"), str)
        )
    return Ask(
        content or "", n_turns=max(1, len(human)), has_tools=has_tools, has_images=has_images
    )


def _router(given: Any, overrides: Mapping[str, str]) -> dict[str, Any]:
    """Return the routing wishes of the ``router`` object and the headers, checked."""
    if given is None and not overrides:
        return {}
    wanted: dict[str, Any] = {
        k: _from_header(k, v) for k, v in overrides.items() if k in _ROUTER_KEYS
    }
    if given is not None:
        if not isinstance(given, dict):
            raise InvalidRequestError("router must be an object", param="router")
        for key in given:
            if key not in _ROUTER_KEYS:
                known = ", ".join(_ROUTER_KEYS)
                raise InvalidRequestError(
                    f"unknown key router.{key}; known: {known}", param=f"router.{key}"
                )
        wanted |= given
    wanted = {k: v for k, v in wanted.items() if v is not None}
    for name in ("tier", "min_tier", "max_tier", "strategy", "cache"):
        _typed(wanted, name, str, "router.")
    for name in ("dry_run", "progress"):
        _typed(wanted, name, bool, "router.")
    _number(wanted, "dial", 0, 1, "router.")
    _number(wanted, "max_cost_usd", 0, None, "router.")
    _integer(wanted, "n", 1, MAX_SAMPLES, "router.")
    _integer(wanted, "max_thinking_tokens", 0, None, "router.")
    _integer(wanted, "max_total_tokens", 1, None, "router.")
    if not is_directive(wanted.get("cache", CACHE_DIRECTIVES[0])):
        raise InvalidRequestError(
            f"router.cache must be one of {', '.join(CACHE_DIRECTIVES)}", param="router.cache"
        )
    return wanted


def _from_header(name: str, text: str) -> Any:
    """Return the header's text as the type the body's key has; what does not parse is checked later."""
    if name in ("dry_run", "progress"):
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    if name in ("n", "max_thinking_tokens", "max_total_tokens"):
        return int(text) if text.isdecimal() and len(text) <= LONGEST_INTEGER else text
    if name in ("dial", "max_cost_usd"):
        try:
            return float(text)
        except ValueError:
            return text
    return text


def _typed(body: Mapping[str, Any], name: str, kind: type, prefix: str = "") -> Any:
    value = body.get(name)
    if value is not None and not isinstance(value, kind):
        word = {bool: "true or false", dict: "an object", str: "a string"}[kind]
        raise InvalidRequestError(f"{prefix}{name} must be {word}", param=prefix + name)
    return value


def _number(
    body: Mapping[str, Any], name: str, low: float, high: float | None, prefix: str = ""
) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= (float("inf") if high is None else high):
        bound = f"between {low} and {high}" if high is not None else f"of at least {low}"
        raise InvalidRequestError(f"{prefix}{name} must be a number {bound}", param=prefix + name)
    return float(value)


def _integer(
    body: Mapping[str, Any], name: str, low: int, high: int | None, prefix: str = ""
) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < low or (high is not None and value > high):
        bound = f"between {low} and {high}" if high is not None else f"of at least {low}"
        raise InvalidRequestError(f"{prefix}{name} must be an integer {bound}", param=prefix + name)
    return int(value)
