"""What must arrive on the wire, written down from the vendors' formats as of November 2026 (``docs/dialects.md``).

Never copied from our own output. Each row is one model, asked five ways: to think with 1,500 tokens of 2,000; not
to; as its provider likes; with 50 tokens; with 99,999 of 200,000. Limits on output are in ``limit``, not here.
"""

from dataclasses import dataclass
from typing import Any

from policies.types import Budget, Thinking

Json = dict[str, Any]

ASKED: dict[str, tuple[Thinking, Budget]] = {
    "on": ("on", Budget(thinking=1500, output=2000)),
    "off": ("off", Budget(output=2000)),
    "default": ("provider_default", Budget(output=2000)),
    "small": ("on", Budget(thinking=50, output=2000)),
    "large": ("on", Budget(thinking=99_999, output=200_000)),
}
"""How a model is asked: the tier's ``thinking`` and the budget."""


@dataclass(frozen=True, slots=True)
class Row:
    """One model, and the fields it must get.

    Attributes:
        dialect: How it takes a budget.
        model: litellm's string, as a user writes it.
        limit: Where the output limit stands.
        path: Where the request goes, from the end.
    """

    dialect: str
    model: str
    on: Json
    off: Json
    small: Json
    large: Json
    default: Json
    limit: str = "max_tokens"
    path: str = "/chat/completions"

    def __str__(self) -> str:
        return f"{self.dialect} {self.model}"


def effort(word: str) -> Json:
    return {"reasoning_effort": word}


def claude(tokens: int) -> Json:
    return {"thinking": {"type": "enabled", "budget_tokens": tokens}}


def claude_effort(word: str) -> Json:
    return {"thinking": {"type": "adaptive"}, "output_config": {"effort": word}}


def openai_google(**config: Any) -> Json:
    return {"extra_body": {"google": {"thinking_config": config}}}


def google(**config: Any) -> Json:
    return {"generationConfig": {"thinkingConfig": config}}


def bedrock(fields: Json) -> Json:
    return {"additionalModelRequestFields": fields}


def qwen(tokens: int) -> Json:
    return {"enable_thinking": True, "thinking_budget": tokens}


def template(*, on: bool, **fields: Any) -> Json:
    return {"chat_template_kwargs": {"enable_thinking": on, "thinking": on}} | fields


def llama(*, on: bool, tokens: int) -> Json:
    return template(on=on, reasoning_budget_tokens=tokens, thinking_budget_tokens=tokens)


def seen(**config: Any) -> Json:
    return config | {"includeThoughts": True}


def shown(**config: Any) -> Json:
    return config | {"include_thoughts": True}


def responses(**reasoning: str) -> Json:
    """Nothing is kept by the provider; a summary is asked for wherever there is something to sum up."""
    return {"store": False} | ({"reasoning": reasoning} if reasoning else {})


def summed(word: str) -> Json:
    return responses(effort=word, summary="auto")


NO: Json = {}
OFF: Json = {"thinking": {"type": "disabled"}}
ON: Json = {"thinking": {"type": "enabled"}}
NEW = "max_completion_tokens"

# An OpenAI-compatible endpoint gets the same, from us directly and through litellm.
#                               think 1,500          do not          50              99,999               default
CHAT = [
    Row("openai", "openai/gpt-4o", NO, NO, NO, NO, NO, NEW),
    Row("openai", "openai/o3", effort("medium"), effort("low"), effort("low"), effort("high"), NO, NEW),
    Row("openai", "openai/gpt-5-nano", effort("medium"), effort("minimal"), effort("low"), effort("high"), NO, NEW),
    Row("openai", "openai/gpt-5.1", effort("medium"), effort("none"), effort("low"), effort("high"), NO, NEW),
    Row("deepseek", "deepseek/deepseek-chat", ON | effort("medium"), OFF, ON | effort("low"), ON | effort("high"), NO),
    Row("dashscope", "dashscope/qwen3-max", qwen(1500), {"enable_thinking": False}, qwen(50), qwen(99_999), NO),
    Row("dashscope", "dashscope/qwq-plus", qwen(1500), NO, qwen(50), qwen(99_999), NO),
    Row("kimi", "moonshot/kimi-k2.6", ON, OFF, ON, ON, NO, NEW),
    Row("kimi", "moonshot/kimi-k2-thinking", NO, NO, NO, NO, NO, NEW),
    Row("kimi", "moonshot/kimi-k3", effort("low"), effort("low"), effort("low"), effort("high"), NO, NEW),
    Row("xai", "xai/grok-4.3", effort("medium"), effort("none"), effort("low"), effort("high"), NO),
    Row("xai", "xai/grok-4.5", effort("medium"), effort("low"), effort("low"), effort("high"), NO),
    Row("xai", "xai/grok-4-fast", NO, NO, NO, NO, NO),
    Row("mistral", "mistral/mistral-medium-3.5", effort("high"), effort("none"), effort("high"), effort("high"), NO),
    Row("mistral", "mistral/magistral-medium-latest", NO, NO, NO, NO, NO),
    Row("openrouter", "openrouter/qwen/qwen3", {"reasoning": {"max_tokens": 1500}}, {"reasoning": {"enabled": False}},
        {"reasoning": {"effort": "low"}}, {"reasoning": {"max_tokens": 99_999}}, NO),
    Row("groq", "groq/qwen/qwen3-32b", effort("default"), effort("none"), effort("default"), effort("default"), NO),
    Row("groq", "groq/openai/gpt-oss-20b", effort("medium"), effort("low"), effort("low"), effort("high"), NO),
    Row("together", "together_ai/Qwen/Qwen3.5-9B", {"reasoning": {"enabled": True}}, {"reasoning": {"enabled": False}},
        {"reasoning": {"enabled": True}}, {"reasoning": {"enabled": True}}, NO),
    Row("together", "together_ai/openai/gpt-oss-20b", effort("medium"), effort("low"), effort("low"), effort("high"), NO),
    Row("vllm", "hosted_vllm/r1", template(on=True, thinking_token_budget=1500), template(on=False),
        template(on=True, thinking_token_budget=50), template(on=True, thinking_token_budget=99_999), NO),
    Row("sglang", "openai/qwen3", template(on=True, custom_params={"thinking_budget": 1500}), template(on=False),
        template(on=True, custom_params={"thinking_budget": 50}),
        template(on=True, custom_params={"thinking_budget": 99_999}), NO),
    Row("llamacpp", "llamafile/qwen3", llama(on=True, tokens=1500), llama(on=False, tokens=0), llama(on=True, tokens=50),
        llama(on=True, tokens=99_999), NO),
    Row("gpt_oss", "hosted_vllm/gpt-oss-120b", effort("medium"), effort("low"), effort("low"), effort("high"), NO),
]  # fmt: skip

# Endpoints that only one of the two paths reaches: OpenAI's form of a vendor with an API of its own ...
DIRECT = [
    Row("anthropic_budget", "openai/claude-sonnet-4-5", claude(1500), OFF, OFF, claude(99_999), NO),
    Row("anthropic_adaptive", "openai/claude-opus-4-7", claude_effort("medium"), OFF, claude_effort("low"),
        claude_effort("high"), NO),
    Row("gemini_budget", "openai/gemini-2.5-flash", openai_google(**shown(thinking_budget=1500)),
        openai_google(thinking_budget=0), openai_google(**shown(thinking_budget=50)),
        openai_google(**shown(thinking_budget=24_576)), NO),
    Row("gemini_level", "openai/gemini-3-pro", openai_google(**shown(thinking_level="medium")),
        openai_google(**shown(thinking_level="low")), openai_google(**shown(thinking_level="low")),
        openai_google(**shown(thinking_level="high")), NO),
    Row("ollama", "ollama/qwen3:8b", effort("medium"), effort("none"), effort("low"), effort("high"), NO),
    Row("ollama", "ollama/gpt-oss:20b", effort("medium"), effort("low"), effort("low"), effort("high"), NO),
    Row("bedrock", "openai/openai.gpt-oss-20b-1:0", effort("medium"), effort("low"), effort("low"), effort("high"), NO),
]  # fmt: skip

RESPONSES = ("max_output_tokens", "/v1/responses")
DIRECT += [
    Row("openai_responses", "openai/responses/gpt-5.5", summed("medium"), responses(effort="none"), summed("low"),
        summed("high"), responses(summary="auto"), *RESPONSES),
    Row("openai_responses", "openai/gpt-5-nano", summed("medium"), summed("minimal"), summed("low"),
        summed("high"), responses(summary="auto"), *RESPONSES),
    Row("openai_responses", "openai/gpt-4o", responses(), responses(), responses(), responses(), responses(), *RESPONSES),
]  # fmt: skip

# ... and that API itself, through litellm.
ANTHROPIC = ("max_tokens", "/v1/messages")
GOOGLE = ("generationConfig.max_output_tokens", ":generateContent")
OLLAMA = ("options.num_predict", "/api/chat")
CONVERSE = ("inferenceConfig.maxTokens", "/converse")
NATIVE = [
    Row("anthropic_budget", "anthropic/claude-sonnet-4-5", claude(1500), OFF, OFF, claude(99_999), NO, *ANTHROPIC),
    Row("anthropic_adaptive", "anthropic/claude-opus-4-7", claude_effort("medium"), OFF, claude_effort("low"),
        claude_effort("high"), NO, *ANTHROPIC),
    Row("gemini_budget", "gemini/gemini-2.5-flash", google(**seen(thinkingBudget=1500)), google(thinkingBudget=0),
        google(**seen(thinkingBudget=50)), google(**seen(thinkingBudget=24_576)), NO, *GOOGLE),
    Row("gemini_budget", "gemini/gemini-2.5-pro", google(**seen(thinkingBudget=1500)), google(**seen(thinkingBudget=128)),
        google(**seen(thinkingBudget=128)), google(**seen(thinkingBudget=32_768)), NO, *GOOGLE),
    Row("gemini_budget", "gemini/gemini-2.5-flash-lite", google(**seen(thinkingBudget=1500)), google(thinkingBudget=0),
        google(thinkingBudget=0), google(**seen(thinkingBudget=24_576)), NO, *GOOGLE),
    Row("gemini_level", "gemini/gemini-3-pro-preview", google(**seen(thinkingLevel="medium")),
        google(**seen(thinkingLevel="low")), google(**seen(thinkingLevel="low")), google(**seen(thinkingLevel="high")),
        NO, *GOOGLE),
    Row("gemini_level", "gemini/gemini-3-flash-preview", google(**seen(thinkingLevel="medium")),
        google(**seen(thinkingLevel="minimal")), google(**seen(thinkingLevel="low")), google(**seen(thinkingLevel="high")),
        NO, *GOOGLE),
    Row("ollama", "ollama_chat/qwen3:8b", {"think": True}, {"think": False}, {"think": True}, {"think": True}, NO, *OLLAMA),
    Row("ollama", "ollama_chat/gpt-oss:20b", {"think": "medium"}, {"think": "low"}, {"think": "low"}, {"think": "high"},
        NO, *OLLAMA),
    Row("bedrock", "bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0", bedrock(claude(1500)), bedrock(OFF), bedrock(OFF),
        bedrock(claude(99_999)), NO, *CONVERSE),
    Row("bedrock", "bedrock/anthropic.claude-opus-4-7", bedrock(claude_effort("medium")), bedrock(OFF),
        bedrock(claude_effort("low")), bedrock(claude_effort("high")), NO, *CONVERSE),
    Row("bedrock", "bedrock/openai.gpt-oss-20b-1:0", bedrock(effort("medium")), bedrock(effort("low")),
        bedrock(effort("low")), bedrock(effort("high")), NO, *CONVERSE),
]  # fmt: skip
