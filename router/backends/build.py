"""From ``model_list`` to backends: which entry goes direct, which through litellm. Opens nothing."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from policies.types import Price
from router.prices import PriceTable
from router.settings_schema import ModelSettings, Settings

from .capabilities import Capabilities, capabilities_of
from .dialects import dialect_of
from .direct import COMPATIBLE, Connections, DirectBackend
from .litellm_backend import LiteLLMBackend
from .port import Backend, ModelSpec
from .responses_backend import ResponsesBackend
from .reward import RewardEndpoint, score_url

_BARE_OPENAI = ("gpt-", "o1", "o3", "o4", "chatgpt-")
"""Names without a provider prefix that LiteLLM takes for OpenAI's."""

_NOT_SENT = frozenset(
    {
        "model", "api_key", "api_base", "base_url", "api_version", "timeout", "stream_timeout",
        "organization", "custom_llm_provider", "rpm", "tpm", "weight", "order", "tags",
        "max_retries", "num_retries", "max_parallel_requests", "drop_params", "use_in_pass_through",
        "extra_headers", "extra_body", "input_cost_per_token", "output_cost_per_token",
        "input_cost_per_second", "output_cost_per_second", "max_budget", "budget_duration",
    }
)  # fmt: skip
"""``litellm_params`` that are LiteLLM's own business and no part of a request."""


_SERVER = {field.name for field in fields(Capabilities)}
"""What of an entry's ``capabilities`` a backend needs; the rest decides what the model is asked."""


def build_backends(
    settings: Settings, prices: PriceTable, connections: Connections, env: Mapping[str, str]
) -> dict[str, Backend]:
    """Return one backend per ``model_name``: that of its first entry.

    Args:
        settings: The configuration.
        prices: For models without a price of their own.
        connections: Shared by every direct backend.
        env: Where providers' usual key variables are found when an entry gives no ``api_key``.
    """
    return {
        name: _backend(entries[0], prices, connections, env)
        for name, entries in _by_name(settings).items()
    }


def build_twins(
    settings: Settings, prices: PriceTable, connections: Connections, env: Mapping[str, str]
) -> dict[str, list[Backend]]:
    """Return the further deployments of every ``model_name`` that stands in the list more than once.

    A LiteLLM list balances load by repeating a name. Arguments are those of ``build_backends``.
    """
    return {
        name: [_backend(entry, prices, connections, env) for entry in rest]
        for name, (_, *rest) in _by_name(settings).items()
        if rest
    }


def _by_name(settings: Settings) -> dict[str, list[ModelSettings]]:
    found: dict[str, list[ModelSettings]] = {}
    for entry in settings.model_list:
        found.setdefault(entry.model_name, []).append(entry)
    return found


def build_rewards(settings: Settings, connections: Connections) -> dict[str, RewardEndpoint]:
    """Return the reward endpoints that verifiers name, by ``model_name``."""
    verifiers = [tier.search.verifier for tier in settings.tiers]
    named = {v.model for v in verifiers if v is not None and v.kind == "reward"}
    return {
        entry.model_name: _reward(entry, connections)
        for entry in settings.model_list
        if entry.model_name in named and entry.litellm_params.api_base
    }


def _reward(entry: ModelSettings, connections: Connections) -> RewardEndpoint:
    given = entry.litellm_params.call_params()
    headers = dict(given.get("extra_headers") or {})
    if key := given.get("api_key"):
        headers["authorization"] = f"Bearer {key}"
    url = score_url(entry.litellm_params.api_base or "")
    return RewardEndpoint(entry.model_name, url, connections, headers)


def goes_direct(entry: ModelSettings) -> bool:
    """Return whether an entry takes the hot path instead of litellm."""
    provider, _ = split(entry.litellm_params.model)
    known = COMPATIBLE.get(provider)
    return known is not None and bool(known.base_url or entry.litellm_params.api_base)


def split(model: str) -> tuple[str, str]:
    """Return provider and model of a litellm string; no provider is ``openai`` where LiteLLM says so."""
    provider, slash, name = model.partition("/")
    if slash:
        return provider, name
    return ("openai", model) if model.startswith(_BARE_OPENAI) else ("", model)


def _backend(
    entry: ModelSettings, prices: PriceTable, connections: Connections, env: Mapping[str, str]
) -> Backend:
    params = entry.litellm_params
    provider, model = split(params.model)
    direct = goes_direct(entry)
    dialect = entry.dialect or dialect_of(provider, model)
    if dialect == "openai_responses":
        model = model.removeprefix("responses/")
    given = params.call_params()
    said = None if entry.capabilities is None else entry.capabilities.model_dump(include=_SERVER)
    spec = ModelSpec(
        name=entry.model_name,
        model=model if direct else params.model,
        dialect=dialect,
        price=entry.price_in(prices) or Price(),
        timeout_s=params.timeout,
        extra=_sent(given),
        capabilities=capabilities_of(dialect, said),
    )
    if not direct:
        return LiteLLMBackend(
            spec, {k: v for k, v in given.items() if k not in ("model", "timeout")}
        )
    known = COMPATIBLE[provider]
    speaks = ResponsesBackend if dialect == "openai_responses" else DirectBackend
    return speaks(
        spec,
        connections,
        base_url=params.api_base or known.base_url or "",
        api_key=given.get("api_key") or env.get(known.key_variable),
        headers=given.get("extra_headers"),
    )


def _sent(given: Mapping[str, Any]) -> dict[str, Any]:
    extra = {k: v for k, v in given.items() if k not in _NOT_SENT}
    return extra | dict(given.get("extra_body") or {})
