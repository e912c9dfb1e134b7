"""What each kind of server can do beside answering: facts, frozen; a ``model_list`` entry may correct them.

Sources and their dates are in ``docs/dialects.md``. Knows no request but the shape of its messages.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Messages = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Begun:
    """An assistant's turn so far: what a model is to go on behind.

    Attributes:
        reasoning: What it has thought; may be empty.
        answer: What it has said; ``None`` while it is still thinking.
    """

    reasoning: str = ""
    answer: str | None = ""

    @property
    def text(self) -> str:
        """The turn as a model writes it, thinking and answer in one."""
        if self.answer is None:
            return f"<think>\n{self.reasoning}"
        thought = self.reasoning.strip()
        return (f"<think>\n{thought}\n</think>\n\n" if thought else "") + self.answer


Prefill = Callable[[Messages, Begun], dict[str, Any]]
"""From a conversation and the turn so far to the body fields that make the server go on behind it."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a server can do.

    Attributes:
        prefill: Continues a turn that we hand over, its reasoning closed; ``None`` cannot.
        prefill_thinking: Continues open reasoning, too.
        native_budget: Takes a thinking budget in tokens.
        usage_in_stream: Understands ``stream_options.include_usage``.
        cancel_frees: Stops generating, and billing, when we close the connection.
        stop: Ends visible text at a stop sequence while the model may think.
        logprobs: Alternatives it tells per token at most (``top_logprobs``); 0 tells none.
        seed: Takes ``seed``; what it promises for it differs.
    """

    prefill: Prefill | None = None
    prefill_thinking: bool = False
    native_budget: bool = False
    usage_in_stream: bool = True
    cancel_frees: bool = True
    stop: bool = True
    logprobs: int = 0
    seed: bool = True


def _continued(messages: Messages, begun: Begun) -> dict[str, Any]:
    return {
        "messages": [*messages, {"role": "assistant", "content": begun.text}],
        "continue_final_message": True,
        "add_generation_prompt": False,
    }


def _prefix(messages: Messages, begun: Begun) -> dict[str, Any]:
    return {"messages": [*messages, {"role": "assistant", "content": begun.text, "prefix": True}]}


def _prefix_apart(messages: Messages, begun: Begun) -> dict[str, Any]:
    last: dict[str, Any] = {"role": "assistant", "content": begun.answer or "", "prefix": True}
    if begun.reasoning:
        last["reasoning_content"] = begun.reasoning
    return {"messages": [*messages, last]}


def _partial(messages: Messages, begun: Begun) -> dict[str, Any]:
    return {"messages": [*messages, {"role": "assistant", "content": begun.text, "partial": True}]}


CAPABILITIES: Mapping[str, Capabilities] = {
    "openai": Capabilities(stop=False),
    "openai_responses": Capabilities(stop=False, seed=False),
    "anthropic_budget": Capabilities(native_budget=True, seed=False),
    "anthropic_adaptive": Capabilities(seed=False),
    "gemini_budget": Capabilities(native_budget=True, cancel_frees=False),
    "gemini_level": Capabilities(cancel_frees=False),
    "deepseek": Capabilities(_prefix_apart),
    "dashscope": Capabilities(_partial, native_budget=True),
    "kimi": Capabilities(_partial),
    "xai": Capabilities(stop=False),
    "mistral": Capabilities(_prefix, cancel_frees=False, seed=False),
    "openrouter": Capabilities(),
    "groq": Capabilities(cancel_frees=False),
    "together": Capabilities(),
    "ollama": Capabilities(),
    "vllm": Capabilities(_continued, prefill_thinking=True, native_budget=True, logprobs=20),
    "sglang": Capabilities(_continued, prefill_thinking=True, native_budget=True, logprobs=20),
    "llamacpp": Capabilities(_continued, prefill_thinking=True, native_budget=True, logprobs=20),
    "gpt_oss": Capabilities(),
    "bedrock": Capabilities(native_budget=True, cancel_frees=False, seed=False),
}
"""By dialect. OpenRouter and Together depend on the model behind them, so nothing is claimed for prefill.
OpenAI's models that do not reason take ``stop`` and 20 logprobs: an entry may say so."""


def capabilities_of(
    dialect: str, said: Mapping[str, bool | int | None] | None = None
) -> Capabilities:
    """Return a dialect's capabilities, with what a configuration says otherwise.

    Args:
        dialect: How the server takes a thinking budget.
        said: ``prefill``, ``prefill_thinking``, ``native_budget``, ``usage_in_stream``, ``cancel_frees``, ``stop``,
            ``logprobs``, ``seed``; ``None`` leaves the dialect's own. A dialect without a way to continue uses vLLM's, the most widely copied.
    """
    own = CAPABILITIES[dialect]
    changes: dict[str, Any] = {k: v for k, v in (said or {}).items() if v is not None}
    if "prefill" in changes:
        changes["prefill"] = (own.prefill or _continued) if changes["prefill"] else None
    return replace(own, **changes)
