"""What each kind of server can do beside answering: facts, frozen; a ``model_list`` entry may correct them.

Sources and their dates are in ``docs/dialects.md``. Knows no request but the shape of its messages.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Messages = Sequence[Mapping[str, Any]]
Prefill = Callable[[Messages, str], dict[str, Any]]
"""From a conversation and its reasoning so far to the body fields that make the server go on behind it."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a server can do.

    Attributes:
        prefill: Continues an answer whose reasoning we hand over, closed; ``None`` cannot.
        native_budget: Takes a thinking budget in tokens.
        usage_in_stream: Understands ``stream_options.include_usage``.
        cancel_frees: Stops generating, and billing, when we close the connection.
    """

    prefill: Prefill | None = None
    native_budget: bool = False
    usage_in_stream: bool = True
    cancel_frees: bool = True


def closed(reasoning: str) -> str:
    """Return reasoning as a model writes it, ended: what follows is the answer."""
    return f"<think>\n{reasoning.strip()}\n</think>\n\n"


def _continued(messages: Messages, reasoning: str) -> dict[str, Any]:
    last = {"role": "assistant", "content": closed(reasoning)}
    return {
        "messages": [*messages, last],
        "continue_final_message": True,
        "add_generation_prompt": False,
    }


def _prefix(messages: Messages, reasoning: str) -> dict[str, Any]:
    last = {"role": "assistant", "content": closed(reasoning), "prefix": True}
    return {"messages": [*messages, last]}


def _prefix_apart(messages: Messages, reasoning: str) -> dict[str, Any]:
    last = {"role": "assistant", "content": "", "reasoning_content": reasoning, "prefix": True}
    return {"messages": [*messages, last]}


def _partial(messages: Messages, reasoning: str) -> dict[str, Any]:
    last = {"role": "assistant", "content": closed(reasoning), "partial": True}
    return {"messages": [*messages, last]}


CAPABILITIES: Mapping[str, Capabilities] = {
    "openai": Capabilities(),
    "openai_responses": Capabilities(),
    "anthropic_budget": Capabilities(native_budget=True),
    "anthropic_adaptive": Capabilities(),
    "gemini_budget": Capabilities(native_budget=True, cancel_frees=False),
    "gemini_level": Capabilities(cancel_frees=False),
    "deepseek": Capabilities(_prefix_apart),
    "dashscope": Capabilities(_partial, native_budget=True),
    "kimi": Capabilities(_partial),
    "xai": Capabilities(),
    "mistral": Capabilities(_prefix, cancel_frees=False),
    "openrouter": Capabilities(),
    "groq": Capabilities(cancel_frees=False),
    "together": Capabilities(),
    "ollama": Capabilities(),
    "vllm": Capabilities(_continued, native_budget=True),
    "sglang": Capabilities(_continued, native_budget=True),
    "llamacpp": Capabilities(_continued, native_budget=True),
    "gpt_oss": Capabilities(),
    "bedrock": Capabilities(native_budget=True, cancel_frees=False),
}
"""By dialect. OpenRouter and Together depend on the model behind them, so nothing is claimed for prefill."""


def capabilities_of(dialect: str, said: Mapping[str, bool | None] | None = None) -> Capabilities:
    """Return a dialect's capabilities, with what a configuration says otherwise.

    Args:
        dialect: How the server takes a thinking budget.
        said: ``prefill``, ``native_budget``, ``usage_in_stream``, ``cancel_frees``; ``None`` leaves the
            dialect's own. A dialect without a way to continue uses vLLM's, the most widely copied.
    """
    own = CAPABILITIES[dialect]
    changes: dict[str, Any] = {k: v for k, v in (said or {}).items() if v is not None}
    if "prefill" in changes:
        changes["prefill"] = (own.prefill or _continued) if changes["prefill"] else None
    return replace(own, **changes)
