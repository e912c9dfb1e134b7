"""How each kind of server takes a thinking budget: a table of pure functions.

A row turns what a tier wants into request fields. Facts are from the vendors' documentation and server
sources as read in November 2026 (``docs/dialects.md``). What a server cannot be told is enforced by the
guard, which counts every stream anyway.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from policies.types import Budget, Thinking

from .unenforced import OPENAI_REASONS, unenforced


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one call should do.

    Attributes:
        model: The upstream's name for the model.
        thinking: Off also when the budget leaves no token for it.
        tokens: Reasoning tokens; ``None`` is no limit.
        output: Completion tokens, reasoning included; ``None`` is no limit.
        effort: The client's own ``reasoning_effort``, passed on where the tier does not mind.
    """

    model: str
    thinking: Thinking
    tokens: int | None
    output: int | None
    effort: str | None = None


Fields = dict[str, Any]
Dialect = Callable[[Wanted], Fields]

_GPT5_POINT = re.compile(r"gpt-5\.\d")

EFFORTS = ((1024, "low"), (8192, "medium"))
"""Reasoning tokens up to which an effort is asked for; above them ``high``."""


def effort_for(tokens: int | None) -> str:
    """Return the effort whose usual spend stays near ``tokens``."""
    fitting = (word for limit, word in EFFORTS if tokens is not None and tokens <= limit)
    return next(fitting, "high")


def _asked(w: Wanted) -> str:
    """Return the effort to ask for: what the budget allows, never more than the client asked for."""
    return min(
        effort_for(w.tokens),
        _AT_MOST.get(w.effort or "", "high"),
        key=("low", "medium", "high").index,
    )


_AT_MOST = {"none": "low", "minimal": "low", "low": "low", "medium": "medium"}
"""The effort that every server knows, for one of the client's."""


def _openai(w: Wanted) -> Fields:
    fields = _completion_limit(w)
    if not OPENAI_REASONS.search(w.model):
        return fields
    if w.thinking == "off":
        off = "none" if _GPT5_POINT.search(w.model) else "minimal" if "gpt-5" in w.model else "low"
        return fields | {"reasoning_effort": off}
    return fields | _effort(w)


def _effort(w: Wanted, off: str = "low") -> Fields:
    if w.thinking == "provider_default":
        return {"reasoning_effort": w.effort} if w.effort else {}
    return {"reasoning_effort": off if w.thinking == "off" else _asked(w)}


def _completion_limit(w: Wanted) -> Fields:
    return {} if w.output is None else {"max_completion_tokens": w.output}


def _limit(w: Wanted) -> Fields:
    return {} if w.output is None else {"max_tokens": w.output}


def _plain(w: Wanted) -> Fields:
    return _limit(w) | ({"reasoning_effort": w.effort} if w.effort else {})


def _efforts(off: str) -> Dialect:
    return lambda w: _limit(w) | _effort(w, off)


def _template(w: Wanted) -> Fields:
    """Switch thinking in the chat template; Qwen reads one name, DeepSeek and Granite the other."""
    if w.thinking == "provider_default":
        return {}
    on = w.thinking == "on"
    return {"chat_template_kwargs": {"enable_thinking": on, "thinking": on}}


def _vllm(w: Wanted) -> Fields:
    budget = {} if w.tokens is None or w.thinking == "off" else {"thinking_token_budget": w.tokens}
    return _limit(w) | _template(w) | budget


def _sglang(w: Wanted) -> Fields:
    limited = w.tokens is not None and w.thinking != "off"
    budget = {"custom_params": {"thinking_budget": w.tokens}} if limited else {}
    return _limit(w) | _template(w) | budget


def _llamacpp(w: Wanted) -> Fields:
    tokens = 0 if w.thinking == "off" else w.tokens
    if tokens is None:
        return _limit(w) | _template(w)
    # Two builds, two names for the same field.
    budget = {"reasoning_budget_tokens": tokens, "thinking_budget_tokens": tokens}
    return _limit(w) | _template(w) | budget


def _deepseek(w: Wanted) -> Fields:
    if w.thinking == "provider_default":
        return _plain(w)
    if w.thinking == "off":
        return _limit(w) | {"thinking": {"type": "disabled"}}
    return _limit(w) | {"thinking": {"type": "enabled"}, "reasoning_effort": _asked(w)}


_KIMI_ALWAYS_THINKS = re.compile(r"thinking|k2\.7-code")


def _kimi(w: Wanted) -> Fields:
    if "k3" in w.model:  # knows low, high and max: what was to be medium is low
        effort = {name: "low" if word == "medium" else word for name, word in _effort(w).items()}
        return _completion_limit(w) | effort
    if w.thinking == "provider_default" or _KIMI_ALWAYS_THINKS.search(w.model):
        return _completion_limit(w)
    switch = {"type": "disabled" if w.thinking == "off" else "enabled"}
    return _completion_limit(w) | {"thinking": switch}


def _xai(w: Wanted) -> Fields:
    # The other models refuse the field.
    if "grok-4.3" in w.model:
        return _limit(w) | _effort(w, off="none")
    return _limit(w) | (_effort(w) if "grok-4.5" in w.model else {})


def _dashscope(w: Wanted) -> Fields:
    if w.thinking == "provider_default":
        return _limit(w)
    if w.thinking == "off":
        return _limit(w) | {"enable_thinking": False}
    budget = {} if w.tokens is None else {"thinking_budget": w.tokens}
    return _limit(w) | {"enable_thinking": True} | budget


def _openrouter(w: Wanted) -> Fields:
    if w.thinking == "provider_default":
        return _plain(w)
    if w.thinking == "off":
        return _limit(w) | {"reasoning": {"enabled": False}}
    # Effort and max_tokens exclude one another; below 1,024 the budget is refused.
    small = w.tokens is None or w.tokens < 1024
    asked = {"effort": _asked(w)} if small else {"max_tokens": w.tokens}
    return _limit(w) | {"reasoning": asked}


def _together(w: Wanted) -> Fields:
    if "gpt-oss" in w.model or w.thinking == "provider_default":
        return _limit(w) | (_effort(w) if "gpt-oss" in w.model else {})
    return _limit(w) | {"reasoning": {"enabled": w.thinking == "on"}}


def _groq(w: Wanted) -> Fields:
    if "qwen" in w.model and w.thinking != "provider_default":
        return _limit(w) | {"reasoning_effort": "none" if w.thinking == "off" else "default"}
    return _limit(w) | (_effort(w) if "gpt-oss" in w.model else {})


def _mistral(w: Wanted) -> Fields:
    if w.thinking == "provider_default" or "magistral" in w.model:
        return _limit(w)  # Magistral always thinks
    return _limit(w) | {"reasoning_effort": "none" if w.thinking == "off" else "high"}


MIN_ANTHROPIC_BUDGET = 1024
_ADAPTIVE = re.compile(r"(?:opus|sonnet)-(?:4-[6-9]|[5-9])|(?:claude)-[5-9]")
"""Claude models that choose how much to think by themselves, and take an effort."""


def _anthropic_budget(w: Wanted) -> Fields:
    if w.thinking == "provider_default":
        return _limit(w)
    # 1,024 <= budget < max_tokens, else the request is refused: too small a budget means no thinking.
    room = None if w.output is None else w.output - 1
    tokens = w.tokens if w.tokens is not None else 8192
    tokens = tokens if room is None else min(tokens, room)
    if w.thinking == "off" or tokens < MIN_ANTHROPIC_BUDGET:
        return _limit(w) | {"thinking": {"type": "disabled"}}
    return _limit(w) | {"thinking": {"type": "enabled", "budget_tokens": tokens}}


def _anthropic_adaptive(w: Wanted) -> Fields:
    if w.thinking == "provider_default":
        return _limit(w)
    if w.thinking == "off":
        return _limit(w) | {"thinking": {"type": "disabled"}}
    effort = {"effort": _asked(w)}
    return _limit(w) | {"thinking": {"type": "adaptive"}, "output_config": effort}


def _bedrock(w: Wanted) -> Fields:
    if "claude" in w.model:
        return _anthropic_adaptive(w) if _ADAPTIVE.search(w.model) else _anthropic_budget(w)
    return _limit(w) | (_effort(w) if "gpt-oss" in w.model else {})


def _gemini_budget(w: Wanted) -> Fields:
    if w.thinking == "provider_default" or (w.thinking == "on" and w.tokens is None):
        return _limit(w)
    pro = "pro" in w.model  # cannot be switched off; 128 is its minimum
    low, high = (128, 32768) if pro else (0, 24576)
    tokens = 0 if w.thinking == "off" else w.tokens or 0
    if "lite" in w.model and tokens < 512:
        tokens = 0  # its minimum, or nothing
    return _limit(w) | {
        "thinking": {"type": "enabled", "budget_tokens": min(max(tokens, low), high)}
    }


def _gemini_level(w: Wanted) -> Fields:
    return _limit(w) | _effort(w, off="minimal" if "flash" in w.model else "low")


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
    "ollama": _efforts("none"),
    "vllm": _vllm,
    "sglang": _sglang,
    "llamacpp": _llamacpp,
    "gpt_oss": _efforts("low"),
    "bedrock": _bedrock,
}
"""Every dialect of the configuration, by name."""

_BY_PROVIDER = {
    "anthropic": "anthropic_budget",
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
    if provider == "anthropic" and _ADAPTIVE.search(model):
        return "anthropic_adaptive"
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
