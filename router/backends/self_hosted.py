"""The dialects of servers that one runs oneself, from their sources (``docs/dialects.md``). Pure."""

from .asking import Fields, Wanted, effort_fields, limit


def _template(w: Wanted) -> Fields:
    """Switch thinking in the chat template; Qwen reads one name, DeepSeek and Granite the other."""
    if w.thinking == "provider_default":
        return {}
    on = w.thinking == "on"
    return {"chat_template_kwargs": {"enable_thinking": on, "thinking": on}}


def vllm(w: Wanted) -> Fields:
    """Give the budget at the top level: inside the template's arguments it is ignored without a word."""
    budget = {} if w.tokens is None or w.thinking == "off" else {"thinking_token_budget": w.tokens}
    return limit(w) | _template(w) | budget


def sglang(w: Wanted) -> Fields:
    """Give the budget to the sampler; the template's own is only a hint."""
    limited = w.tokens is not None and w.thinking != "off"
    budget = {"custom_params": {"thinking_budget": w.tokens}} if limited else {}
    return limit(w) | _template(w) | budget


def llamacpp(w: Wanted) -> Fields:
    """Give the budget under both of its names; 0 also switches off."""
    tokens = 0 if w.thinking == "off" else w.tokens
    if tokens is None:
        return limit(w) | _template(w)
    # Two builds, two names for the same field.
    budget = {"reasoning_budget_tokens": tokens, "thinking_budget_tokens": tokens}
    return limit(w) | _template(w) | budget


def ollama(w: Wanted) -> Fields:
    """Speak to its ``/v1``; its own API calls the same ``think``."""
    # gpt-oss cannot be silenced, and takes no effort that it does not know.
    return limit(w) | effort_fields(w, off="low" if "gpt-oss" in w.model else "none")
