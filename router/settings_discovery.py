"""Builds tiers from the provider keys in the environment, for a start without a config file.

The first provider found, in the order of `PROVIDERS`, gets all three tiers. Models of the others can
be called by name; they are not put into the tiers, because a tier spreads its load over its models,
and nobody asked for that. Model choices are opinions of November 2026: short answers from the
provider's cheapest good model with thinking off, then a middle and a top model with thinking.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import ConfigError
from .settings import settings_from
from .settings_schema import Settings

LOCAL_MODEL = "qwen3:8b"
"""What a local Ollama is asked for when nobody says otherwise."""

NOTHING_FOUND = (
    "no provider found. Do one of these: "
    "set OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY, DEEPSEEK_API_KEY or "
    "OPENROUTER_API_KEY; start Ollama (port 11434, or set OLLAMA_HOST) or vLLM (port 8000, or set "
    "VLLM_BASE_URL); write a file and pass --config FILE; or try `thinkthrift demo`, which needs "
    "nothing"
)


@dataclass(frozen=True, slots=True)
class Discovery:
    """Settings made from the environment, and the providers they were made from.

    Attributes:
        settings: The settings.
        found: Names of every provider found; the first one has the tiers.
    """

    settings: Settings
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider with a key in the environment, and its models, cheap to dear."""

    name: str
    key: str
    models: tuple[str, str, str]


PROVIDERS = (
    Provider(
        "OpenAI", "OPENAI_API_KEY", ("openai/gpt-5.4-nano", "openai/gpt-5.4-mini", "openai/gpt-5.4")
    ),
    Provider(
        "Anthropic",
        "ANTHROPIC_API_KEY",
        ("anthropic/claude-haiku-4-5", "anthropic/claude-sonnet-5", "anthropic/claude-opus-5"),
    ),
    Provider(
        "Gemini",
        "GEMINI_API_KEY",
        ("gemini/gemini-2.5-flash-lite", "gemini/gemini-2.5-flash", "gemini/gemini-2.5-pro"),
    ),
    Provider(
        "DeepSeek",
        "DEEPSEEK_API_KEY",
        ("deepseek/deepseek-v4-flash", "deepseek/deepseek-v4-flash", "deepseek/deepseek-v4-pro"),
    ),
    Provider(
        "OpenRouter",
        "OPENROUTER_API_KEY",
        (
            "openrouter/google/gemini-2.5-flash-lite",
            "openrouter/google/gemini-2.5-flash",
            "openrouter/google/gemini-2.5-pro",
        ),
    ),
)

LADDER: tuple[Mapping[str, Any], ...] = (
    {"name": "short", "rung": "short", "thinking": "off", "max_output_tokens": 4096},
    {"name": "medium", "rung": "distilled", "thinking": "on", "max_thinking_tokens": 4096},
    {"name": "long", "rung": "long", "thinking": "on", "max_thinking_tokens": 16384},
)


def discover_settings(
    env: Mapping[str, str],
    *,
    probe: Callable[[str], bool],
    served_models: Callable[[str], Sequence[str]] = lambda _: (),
) -> Discovery:
    """Return settings for the providers that the environment gives access to.

    Args:
        env: The environment; ``OLLAMA_MODEL`` and ``VLLM_MODEL`` choose the local models.
        probe: Says whether a URL answers; called for local servers only.
        served_models: Ids at an OpenAI-compatible ``/v1/models`` address. vLLM serves one model
            under a name nobody can guess, so without this or ``VLLM_MODEL`` it is not used.

    Raises:
        ConfigError: Nothing was found; the message says what to do.
    """
    ladders = [*_hosted(env), *_local(env, probe, served_models)]
    if not ladders:
        raise ConfigError([NOTHING_FOUND])
    entries: dict[str, dict[str, Any]] = {}
    for _, ladder in ladders:
        for entry in ladder:
            entries.setdefault(entry["model_name"], entry)
    _, chosen = ladders[0]
    document = {
        "model_list": list(entries.values()),
        "tiers": [
            {**rung, "models": [entry["model_name"]]}
            for rung, entry in zip(LADDER, chosen, strict=True)
        ],
    }
    return Discovery(settings_from(document, env), tuple(name for name, _ in ladders))


Ladder = tuple[str, list[dict[str, Any]]]


def _hosted(env: Mapping[str, str]) -> Iterator[Ladder]:
    for provider in PROVIDERS:
        if env.get(provider.key):
            yield (
                provider.name,
                [_entry(model, api_key=f"os.environ/{provider.key}") for model in provider.models],
            )


def _local(
    env: Mapping[str, str],
    probe: Callable[[str], bool],
    served_models: Callable[[str], Sequence[str]],
) -> Iterator[Ladder]:
    ollama = ollama_address(env)
    if probe(f"{ollama}/api/version"):
        model = env.get("OLLAMA_MODEL") or _preferred(served_models(f"{ollama}/v1/models"))
        # One local model serves all tiers: switching models would reload gigabytes per request.
        yield "Ollama", [_entry(f"ollama_chat/{model}", api_base=ollama, price={})] * 3
    vllm = (env.get("VLLM_BASE_URL") or "http://127.0.0.1:8000/v1").rstrip("/")
    if probe(f"{vllm}/models"):
        model = env.get("VLLM_MODEL") or next(iter(served_models(f"{vllm}/models")), "")
        if model:
            yield "vLLM", [_entry(f"hosted_vllm/{model}", api_base=vllm, price={})] * 3


def _preferred(models: Sequence[str]) -> str:
    return LOCAL_MODEL if LOCAL_MODEL in models or not models else models[0]


def _entry(
    model: str,
    *,
    api_key: str | None = None,
    api_base: str | None = None,
    price: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    given = {"model": model, "api_key": api_key, "api_base": api_base}
    params = {name: value for name, value in given.items() if value is not None}
    # The prefix stays on OpenRouter's names: the same model may also be there directly.
    name = model if model.startswith("openrouter/") else model.partition("/")[2]
    return {"model_name": name, "litellm_params": params, "price": price}


def ollama_address(env: Mapping[str, str]) -> str:
    """Return Ollama's base URL; ``OLLAMA_HOST`` may be a host, ``host:port`` or a URL."""
    host = (env.get("OLLAMA_HOST") or "127.0.0.1").rstrip("/")
    if "://" not in host:
        host = f"http://{host}"
    scheme, _, authority = host.partition("://")
    # 0.0.0.0 is where a server listens, not where a client connects.
    authority = authority.replace("0.0.0.0", "127.0.0.1", 1)  # noqa: S104
    return f"{scheme}://{authority}" if ":" in authority else f"{scheme}://{authority}:11434"
