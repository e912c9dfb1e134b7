"""How each kind of server takes a thinking budget: a table of pure functions.

A row turns what a tier wants into request fields. Facts are from the vendors' documentation and server
sources as read in November 2026 (``docs/dialects.md``). What a server cannot be told is enforced by the
guard, which counts every stream anyway.
"""

import re
from collections.abc import Mapping

from policies.types import Budget, Thinking

from .asking import (
    AT_MOST,
    Dialect,
    Fields,
    Wanted,
    asked,
    completion_limit,
    effort_fields,
    limit,
    plain,
)
from .self_hosted import llamacpp, ollama, sglang, vllm
from .unenforced import OPENAI_REASONS, unenforced

_GPT5_POINT = re.compile(r"gpt-5\.\d")


def _openai(w: Wanted) -> Fields:
    fields = completion_limit(w)
    if not OPENAI_REASONS.search(w.model):
        return fields
    if w.thinking == "off":
        off = "none" if _GPT5_POINT.search(w.model) else "minimal" if "gpt-5" in w.model else "low"
        return fields | {"reasoning_effort": off}
    return fields | effort_fields(w)


def _deepseek(w: Wanted) -> Fields:
    if w.thinking == "provider_default":
        return plain(w)
    if w.thinking == "off":
        return limit(w) | {"thinking": {"type": "disabled"}}
    return limit(w) | {"thinking": {"type": "enabled"}, "reasoning_effort": asked(w)}


_KIMI_ALWAYS_THINKS = re.compile(r"thinking|k2\.7-code")


def _kimi(w: Wanted) -> Fields:
    if "k3" in w.model:  # knows low, high and max: what was to be medium is low
        effort = {
            name: "low" if word == "medium" else word for name, word in effort_fields(w).items()
        }
        return completion_limit(w) | effort
    if w.thinking == "provider_default" or _KIMI_ALWAYS_THINKS.search(w.model):
        return completion_limit(w)
    switch = {"type": "disabled" if w.thinking == "off" else "enabled"}
    return completion_limit(w) | {"thinking": switch}


def _xai(w: Wanted) -> Fields:
    # The other models refuse the field.
    if "grok-4.3" in w.model:
        return limit(w) | effort_fields(w, off="none")
    return limit(w) | (effort_fields(w) if "grok-4.5" in w.model else {})


_QWEN_ALWAYS_THINKS = re.compile(r"qwq|-thinking")


def _dashscope(w: Wanted) -> Fields:
    stubborn = w.thinking == "off" and _QWEN_ALWAYS_THINKS.search(w.model)
    if w.thinking == "provider_default" or stubborn:
        return limit(w)
    if w.thinking == "off":
        return limit(w) | {"enable_thinking": False}
    budget = {} if w.tokens is None else {"thinking_budget": w.tokens}
    return limit(w) | {"enable_thinking": True} | budget


def _openrouter(w: Wanted) -> Fields:
    if w.thinking == "provider_default":
        return plain(w)
    if w.thinking == "off":
        return limit(w) | {"reasoning": {"enabled": False}}
    # Effort and max_tokens exclude one another; below 1,024 the budget is refused.
    small = w.tokens is None or w.tokens < 1024
    how = {"effort": asked(w)} if small else {"max_tokens": w.tokens}
    return limit(w) | {"reasoning": how}


_ALWAYS_THINKS_AT_TOGETHER = re.compile(r"deepseek-r1|minimax", re.IGNORECASE)


def _together(w: Wanted) -> Fields:
    if "gpt-oss" in w.model:
        return limit(w) | effort_fields(w)
    if w.thinking == "provider_default" or _ALWAYS_THINKS_AT_TOGETHER.search(w.model):
        return limit(w)
    return limit(w) | {"reasoning": {"enabled": w.thinking == "on"}}


def _groq(w: Wanted) -> Fields:
    if "qwen" in w.model and w.thinking != "provider_default":
        return limit(w) | {"reasoning_effort": "none" if w.thinking == "off" else "default"}
    return limit(w) | (effort_fields(w) if "gpt-oss" in w.model else {})


def _mistral(w: Wanted) -> Fields:
    if w.thinking == "provider_default" or "magistral" in w.model:
        return limit(w)  # Magistral always thinks
    return limit(w) | {"reasoning_effort": "none" if w.thinking == "off" else "high"}


MIN_ANTHROPIC_BUDGET = 1024
_ADAPTIVE = re.compile(r"(?:opus|sonnet)-(?:4-[6-9]|[5-9])|(?:claude)-[5-9]")
"""Claude models that choose how much to think by themselves, and take an effort."""


def _anthropic_budget(w: Wanted) -> Fields:
    if w.thinking == "provider_default":
        return limit(w)
    # 1,024 <= budget < max_tokens, else the request is refused: too small a budget means no thinking.
    room = None if w.output is None else w.output - 1
    tokens = w.tokens if w.tokens is not None else 8192
    tokens = tokens if room is None else min(tokens, room)
    if w.thinking == "off" or tokens < MIN_ANTHROPIC_BUDGET:
        return limit(w) | {"thinking": {"type": "disabled"}}
    return limit(w) | {"thinking": {"type": "enabled", "budget_tokens": tokens}}


def _anthropic_adaptive(w: Wanted) -> Fields:
    if w.thinking == "provider_default":
        return limit(w)
    if w.thinking == "off":
        return limit(w) | {"thinking": {"type": "disabled"}}
    effort = {"effort": asked(w)}
    return limit(w) | {"thinking": {"type": "adaptive"}, "output_config": effort}


def _bedrock(w: Wanted) -> Fields:
    if "claude" in w.model:
        return _anthropic_adaptive(w) if _ADAPTIVE.search(w.model) else _anthropic_budget(w)
    return limit(w) | (effort_fields(w) if "gpt-oss" in w.model else {})


def _gemini_budget(w: Wanted) -> Fields:
    if w.thinking == "provider_default" or (w.thinking == "on" and w.tokens is None):
        return limit(w)
    pro = "pro" in w.model  # cannot be switched off; 128 is its minimum
    low, high = (128, 32768) if pro else (0, 24576)
    tokens = 0 if w.thinking == "off" else w.tokens or 0
    if "lite" in w.model and tokens < 512:
        tokens = 0  # its minimum, or nothing
    tokens = min(max(tokens, low), high)
    shown = {"includeThoughts": True} if tokens else {}
    return limit(w) | {"thinkingConfig": {"thinkingBudget": tokens} | shown}


def _gemini_level(w: Wanted) -> Fields:
    if w.thinking == "provider_default":
        level = AT_MOST.get(w.effort, "high") if w.effort else None
    elif w.thinking == "off":
        level = "minimal" if "flash" in w.model else "low"  # cannot be switched off
    else:
        level = asked(w)
    if level is None:
        return limit(w)
    return limit(w) | {"thinkingConfig": {"thinkingLevel": level, "includeThoughts": True}}


def _gpt_oss(w: Wanted) -> Fields:
    return limit(w) | effort_fields(w)


DIALECTS: Mapping[str, Dialect] = {
    "openai": _openai,
    "openai_responses": _openai,
    "anthropic_budget": _anthropic_budget,
    "anthropic_adaptive": _anthropic_adaptive,
    "gemini_budget": _gemini_budget,
    "gemini_level": _gemini_level,
    "deepseek": _deepseek,
    "dashscope": _dashscope,
    "kimi": _kimi,
    "xai": _xai,
    "mistral": _mistral,
    "openrouter": _openrouter,
    "groq": _groq,
    "together": _together,
    "ollama": ollama,
    "vllm": vllm,
    "sglang": sglang,
    "llamacpp": llamacpp,
    "gpt_oss": _gpt_oss,
    "bedrock": _bedrock,
}
"""Every dialect of the configuration, by name."""

_BY_PROVIDER = {
    "bedrock": "bedrock",
    "dashscope": "dashscope",
    "deepseek": "deepseek",
    "groq": "groq",
    "hosted_vllm": "vllm",
    "llamafile": "llamacpp",
    "mistral": "mistral",
    "moonshot": "kimi",
    "ollama": "ollama",
    "ollama_chat": "ollama",
    "openrouter": "openrouter",
    "together_ai": "together",
    "vllm": "vllm",
    "xai": "xai",
}


def dialect_of(provider: str, model: str) -> str:
    """Return the dialect of a model by its provider, where the configuration names none."""
    if provider == "anthropic" or (provider == "vertex_ai" and "claude" in model):
        return "anthropic_adaptive" if _ADAPTIVE.search(model) else "anthropic_budget"
    if provider == "openai" and model.startswith("responses/"):
        return "openai_responses"
    if provider in ("gemini", "vertex_ai"):
        return "gemini_budget" if "2.5" in model else "gemini_level"
    return _BY_PROVIDER.get(provider, "openai")


def request_fields(
    dialect: str, model: str, thinking: Thinking, budget: Budget, effort: str | None
) -> tuple[Fields, frozenset[str]]:
    """Return the fields that ask an upstream to keep to ``budget``, and what they could not say."""
    how: Thinking = "off" if budget.thinking == 0 else thinking
    fields = DIALECTS[dialect](Wanted(model, how, budget.thinking, budget.output, effort))
    left = unenforced(dialect, model, fields, off=how == "off", tokens=budget.thinking)
    return fields, left
