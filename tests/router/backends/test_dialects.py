from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.types import Budget, Thinking
from router.backends.dialects import DIALECTS, dialect_of, request_fields
from router.backends.sampling import not_sampled
from router.settings_schema import DIALECTS as NAMES

LIMIT = {"max_tokens": 2000}
COMPLETION = {"max_completion_tokens": 2000}
TEMPLATE_ON = {"chat_template_kwargs": {"enable_thinking": True, "thinking": True}}
TEMPLATE_OFF = {"chat_template_kwargs": {"enable_thinking": False, "thinking": False}}
DISABLED = {"thinking": {"type": "disabled"}}


def enabled(tokens: int) -> dict[str, Any]:
    return {"thinking": {"type": "enabled", "budget_tokens": tokens}}


def effort(word: str) -> dict[str, Any]:
    return {"reasoning_effort": word}


def google(how: int | str) -> dict[str, Any]:
    name = "thinkingBudget" if isinstance(how, int) else "thinkingLevel"
    return {"thinkingConfig": {name: how} | ({"includeThoughts": True} if how else {})}


# For each dialect and model: what 1,500 thinking tokens of 2,000 ask for, thinking off, and the provider's default.
GOLDEN: list[tuple[str, str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("openai", "gpt-4o", COMPLETION, COMPLETION, COMPLETION),
    ("openai", "o3", COMPLETION | effort("medium"), COMPLETION | effort("low"), COMPLETION),
    ("openai", "gpt-5-nano", COMPLETION | effort("medium"), COMPLETION | effort("minimal"), COMPLETION),
    ("openai", "gpt-5.1", COMPLETION | effort("medium"), COMPLETION | effort("none"), COMPLETION),
    ("openai_responses", "gpt-5.5", COMPLETION | effort("medium"), COMPLETION | effort("none"), COMPLETION),
    ("anthropic_budget", "claude-sonnet-4-5", LIMIT | enabled(1500), LIMIT | DISABLED, LIMIT),
    ("anthropic_adaptive", "claude-opus-4-7",
     LIMIT | {"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}}, LIMIT | DISABLED, LIMIT),
    ("gemini_budget", "gemini-2.5-flash", LIMIT | google(1500), LIMIT | google(0), LIMIT),
    ("gemini_budget", "gemini-2.5-pro", LIMIT | google(1500), LIMIT | google(128), LIMIT),
    ("gemini_level", "gemini-3-pro", LIMIT | google("medium"), LIMIT | google("low"), LIMIT),
    ("gemini_level", "gemini-3-flash", LIMIT | google("medium"), LIMIT | google("minimal"), LIMIT),
    ("deepseek", "deepseek-chat", LIMIT | {"thinking": {"type": "enabled"}} | effort("medium"), LIMIT | DISABLED, LIMIT),
    ("dashscope", "qwen3-max", LIMIT | {"enable_thinking": True, "thinking_budget": 1500},
     LIMIT | {"enable_thinking": False}, LIMIT),
    ("dashscope", "qwq-plus", LIMIT | {"enable_thinking": True, "thinking_budget": 1500}, LIMIT, LIMIT),
    ("kimi", "kimi-k2.6", COMPLETION | {"thinking": {"type": "enabled"}}, COMPLETION | DISABLED, COMPLETION),
    ("kimi", "kimi-k2-thinking", COMPLETION, COMPLETION, COMPLETION),
    ("kimi", "kimi-k3", COMPLETION | effort("low"), COMPLETION | effort("low"), COMPLETION),
    ("xai", "grok-4.3", LIMIT | effort("medium"), LIMIT | effort("none"), LIMIT),
    ("xai", "grok-4.5", LIMIT | effort("medium"), LIMIT | effort("low"), LIMIT),
    ("xai", "grok-4-fast", LIMIT, LIMIT, LIMIT),
    ("mistral", "mistral-medium-3.5", LIMIT | effort("high"), LIMIT | effort("none"), LIMIT),
    ("mistral", "magistral-medium", LIMIT, LIMIT, LIMIT),
    ("openrouter", "qwen/qwen3", LIMIT | {"reasoning": {"max_tokens": 1500}},
     LIMIT | {"reasoning": {"enabled": False}}, LIMIT),
    ("groq", "qwen/qwen3-32b", LIMIT | effort("default"), LIMIT | effort("none"), LIMIT),
    ("groq", "openai/gpt-oss-20b", LIMIT | effort("medium"), LIMIT | effort("low"), LIMIT),
    ("groq", "llama-3.3-70b", LIMIT, LIMIT, LIMIT),
    ("together", "Qwen/Qwen3.5", LIMIT | {"reasoning": {"enabled": True}}, LIMIT | {"reasoning": {"enabled": False}}, LIMIT),
    ("together", "deepseek-ai/DeepSeek-R1", LIMIT, LIMIT, LIMIT),
    ("together", "openai/gpt-oss-20b", LIMIT | effort("medium"), LIMIT | effort("low"), LIMIT),
    ("ollama", "qwen3:8b", LIMIT | effort("medium"), LIMIT | effort("none"), LIMIT),
    ("ollama", "gpt-oss:20b", LIMIT | effort("medium"), LIMIT | effort("low"), LIMIT),
    ("vllm", "r1-distill", LIMIT | TEMPLATE_ON | {"thinking_token_budget": 1500}, LIMIT | TEMPLATE_OFF,
     LIMIT | {"thinking_token_budget": 1500}),
    ("sglang", "qwen3", LIMIT | TEMPLATE_ON | {"custom_params": {"thinking_budget": 1500}}, LIMIT | TEMPLATE_OFF,
     LIMIT | {"custom_params": {"thinking_budget": 1500}}),
    ("llamacpp", "qwen3", LIMIT | TEMPLATE_ON | {"reasoning_budget_tokens": 1500, "thinking_budget_tokens": 1500},
     LIMIT | TEMPLATE_OFF | {"reasoning_budget_tokens": 0, "thinking_budget_tokens": 0},
     LIMIT | {"reasoning_budget_tokens": 1500, "thinking_budget_tokens": 1500}),
    ("gpt_oss", "gpt-oss-120b", LIMIT | effort("medium"), LIMIT | effort("low"), LIMIT),
    ("bedrock", "bedrock/anthropic.claude-sonnet-4-5", LIMIT | enabled(1500), LIMIT | DISABLED, LIMIT),
    ("bedrock", "bedrock/anthropic.claude-opus-4-7",
     LIMIT | {"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}}, LIMIT | DISABLED, LIMIT),
    ("bedrock", "bedrock/openai.gpt-oss-20b", LIMIT | effort("medium"), LIMIT | effort("low"), LIMIT),
    ("bedrock", "bedrock/meta.llama3", LIMIT, LIMIT, LIMIT),
]  # fmt: skip

# What cannot be said, where something cannot: tokens (T) when thinking is on, and that it is to be off (O).
UNENFORCED = {
    ("openai", "o3"): "TO", ("openai", "gpt-5-nano"): "TO", ("openai", "gpt-5.1"): "T",
    ("openai_responses", "gpt-5.5"): "T", ("anthropic_adaptive", "claude-opus-4-7"): "T",
    ("gemini_budget", "gemini-2.5-pro"): "O", ("gemini_level", "gemini-3-pro"): "TO",
    ("gemini_level", "gemini-3-flash"): "TO", ("deepseek", "deepseek-chat"): "T", ("kimi", "kimi-k2.6"): "T",
    ("kimi", "kimi-k2-thinking"): "TO", ("kimi", "kimi-k3"): "TO", ("xai", "grok-4.3"): "T",
    ("xai", "grok-4.5"): "TO", ("xai", "grok-4-fast"): "TO", ("mistral", "mistral-medium-3.5"): "T",
    ("mistral", "magistral-medium"): "TO", ("groq", "qwen/qwen3-32b"): "T", ("groq", "openai/gpt-oss-20b"): "TO",
    ("together", "Qwen/Qwen3.5"): "T", ("together", "openai/gpt-oss-20b"): "TO", ("ollama", "qwen3:8b"): "T",
    ("gpt_oss", "gpt-oss-120b"): "TO", ("dashscope", "qwq-plus"): "O", ("ollama", "gpt-oss:20b"): "TO",
    ("together", "deepseek-ai/DeepSeek-R1"): "TO", ("bedrock", "bedrock/anthropic.claude-opus-4-7"): "T",
    ("bedrock", "bedrock/openai.gpt-oss-20b"): "TO",
}  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "model", "on", "off", "default"), GOLDEN, ids=[f"{row[0]} {row[1]}" for row in GOLDEN]
)  # fmt: skip
def test_every_dialect_says_it_its_own_way(
    dialect: str, model: str, on: dict[str, Any], off: dict[str, Any], default: dict[str, Any]
) -> None:
    budget = Budget(thinking=1500, output=2000)
    left = UNENFORCED.get((dialect, model), "")
    left_on = frozenset({"thinking_tokens"} if "T" in left else ())
    left_off = frozenset({"thinking_off"} if "O" in left else ())
    assert request_fields(dialect, model, "on", budget, None) == (on, left_on)
    assert request_fields(dialect, model, "off", budget, None) == (off, left_off)
    none = Budget(thinking=0, output=2000)
    assert request_fields(dialect, model, "on", none, None) == (off, left_off)
    assert request_fields(dialect, model, "provider_default", budget, None)[0] == default


@pytest.mark.parametrize("how", ["on", "provider_default"])
@pytest.mark.parametrize("row", GOLDEN, ids=[f"{row[0]} {row[1]}" for row in GOLDEN])
def test_without_a_wish_nothing_is_left_unenforced(row: Any, how: Thinking) -> None:
    assert request_fields(row[0], row[1], how, Budget(), None)[1] == frozenset()


@pytest.mark.parametrize(
    ("dialect", "model", "thinking", "left"),
    [("gemini_budget", "gemini-2.5-pro", 50, {"thinking_tokens"}),  # its minimum is 128
     ("gemini_budget", "gemini-2.5-flash-lite", 300, set()),  # which means off: stricter
     ("openrouter", "m", 1000, {"thinking_tokens"}),  # below its minimum only an effort can be asked for
     ("anthropic_budget", "claude-sonnet-4-5", 900, set()), ("vllm", "m", 1, set())],
)  # fmt: skip
def test_a_budget_that_a_server_raises_is_not_enforced(
    dialect: str, model: str, thinking: int, left: set[str]
) -> None:
    budget = Budget(thinking=thinking)
    assert request_fields(dialect, model, "on", budget, None)[1] == left


def test_every_dialect_of_the_configuration_is_known_and_tested() -> None:
    assert set(DIALECTS) == set(NAMES) == {row[0] for row in GOLDEN}


models = st.sampled_from(GOLDEN).map(lambda row: row[:2])
tokens = st.none() | st.integers(0, 100_000)
efforts = st.none() | st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"])
RANK = {word: i for i, word in enumerate(["none", "minimal", "low", "medium", "high"])}


@given(models, tokens, tokens, efforts, st.sampled_from(["on", "off", "provider_default"]))
def test_a_field_in_tokens_is_inside_what_its_server_takes(
    row: tuple[str, str], thinking: int | None, output: int | None, client: str | None, how: Thinking
) -> None:  # fmt: skip
    dialect, model = row
    fields = request_fields(dialect, model, how, Budget(thinking=thinking, output=output), client)[
        0
    ]
    asked = fields.get("thinking", {})
    if asked.get("type") == "enabled" and dialect in ("anthropic_budget", "bedrock"):
        assert asked["budget_tokens"] >= 1024
        assert output is None or asked["budget_tokens"] < output
        assert thinking is None or asked["budget_tokens"] <= thinking
    if config := fields.get("thinkingConfig", {}) if dialect == "gemini_budget" else {}:
        low, high = (128, 32768) if "pro" in model else (0, 24576)
        assert low <= config["thinkingBudget"] <= high
    reasoning = fields.get("reasoning", {})
    assert len(reasoning) <= 1
    assert reasoning.get("max_tokens", 1024) >= 1024
    assert not (fields.keys() >= {"max_tokens", "max_completion_tokens"})


@given(models, tokens, efforts.filter(bool))
def test_an_effort_is_never_above_the_clients(
    row: tuple[str, str], thinking: int | None, client: str
) -> None:
    fields = request_fields(*row, "on", Budget(thinking=thinking), client)[0]
    asked = fields.get("reasoning_effort") or fields.get("output_config", {}).get("effort")
    asked = asked or fields.get("reasoning", {}).get("effort")
    asked = asked or fields.get("thinkingConfig", {}).get("thinkingLevel")
    if asked in RANK and row[0] != "mistral":  # which knows none and high only
        assert RANK[asked] <= max(RANK.get(client, 4), RANK["low"])


@pytest.mark.parametrize(
    ("model", "thinking", "sent"),
    [("gemini-2.5-flash-lite", 300, 0), ("gemini-2.5-flash-lite", 512, 512),
     ("gemini-2.5-pro", 50, 128), ("gemini-2.5-pro", 99_999, 32768),
     ("gemini-2.5-flash", 99_999, 24576)],
)  # fmt: skip
def test_a_gemini_budget_is_clamped_to_its_model(model: str, thinking: int, sent: int) -> None:
    fields, _ = request_fields("gemini_budget", model, "on", Budget(thinking=thinking), None)
    assert fields == google(sent)


@pytest.mark.parametrize(
    ("thinking", "output", "sent"),
    [(1023, 5000, DISABLED), (1024, 1024, DISABLED), (1024, 1025, enabled(1024)),
     (9000, 3000, enabled(2999)), (None, None, enabled(8192))],
)  # fmt: skip
def test_an_anthropic_budget_lies_between_1024_and_max_tokens(
    thinking: int | None, output: int | None, sent: dict[str, Any]
) -> None:
    budget = Budget(thinking=thinking, output=output)
    fields, _ = request_fields("anthropic_budget", "claude-sonnet-4-5", "on", budget, None)
    assert {k: v for k, v in fields.items() if k != "max_tokens"} == sent


def test_below_openrouters_minimum_an_effort_is_asked_for() -> None:
    fields, _ = request_fields("openrouter", "m", "on", Budget(thinking=1000), None)
    assert fields == {"reasoning": {"effort": "low"}}


@pytest.mark.parametrize(
    ("provider", "model", "dialect"),
    [
        ("openai", "gpt-5", "openai"), ("anthropic", "claude-sonnet-4-5", "anthropic_budget"),
        ("anthropic", "claude-sonnet-4-6", "anthropic_adaptive"),
        ("anthropic", "claude-opus-5", "anthropic_adaptive"), ("gemini", "gemini-2.5-pro", "gemini_budget"),
        ("vertex_ai", "gemini-3-pro", "gemini_level"),
        ("vertex_ai", "claude-opus-4-7", "anthropic_adaptive"), ("openai", "responses/gpt-5.5", "openai_responses"), ("hosted_vllm", "x", "vllm"),
        ("ollama_chat", "x", "ollama"), ("moonshot", "kimi-k3", "kimi"), ("unheard", "of", "openai"),
    ],
)  # fmt: skip
def test_a_dialect_follows_from_the_provider(provider: str, model: str, dialect: str) -> None:
    assert dialect_of(provider, model) == dialect


@pytest.mark.parametrize(
    ("dialect", "model", "how", "refused"),
    [
        ("openai", "gpt-4o", "on", set()),
        ("openai", "gpt-5", "on", {"temperature"}),
        ("openai", "gpt-5.1", "off", set()),
        ("openai", "o3", "provider_default", {"temperature"}),
        ("anthropic_budget", "claude-sonnet-4-5", "on", {"temperature", "seed"}),
        ("anthropic_budget", "claude-sonnet-4-5", "off", {"seed"}),
        ("mistral", "mistral-small", "off", {"seed"}),
        ("kimi", "kimi-k2.6", "on", {"temperature"}),
        ("vllm", "r1", "on", set()),
    ],
)  # fmt: skip
def test_samples_differ_only_in_what_their_server_takes(
    dialect: str, model: str, how: Thinking, refused: set[str]
) -> None:
    fields, _ = request_fields(dialect, model, how, Budget(thinking=2000), None)
    assert not_sampled(dialect, model, fields) == refused
