import re
from pathlib import Path

import pytest

from policies.types import Budget
from router.backends.capabilities import CAPABILITIES, Begun, capabilities_of
from router.backends.dialects import request_fields
from router.settings_schema import DIALECTS

ASKED = [{"role": "user", "content": "6 * 7?"}]
TEXT = "<think>\n6 * 7 is 42\n</think>\n\n"
CONTINUED = {
    "messages": [*ASKED, {"role": "assistant", "content": TEXT}],
    "continue_final_message": True,
    "add_generation_prompt": False,
}
PREFIX = {"messages": [*ASKED, {"role": "assistant", "content": TEXT, "prefix": True}]}
PARTIAL = {"messages": [*ASKED, {"role": "assistant", "content": TEXT, "partial": True}]}
APART = {
    "messages": [
        *ASKED,
        {"role": "assistant", "content": "", "reasoning_content": "6 * 7 is 42", "prefix": True},
    ]
}

GOLDEN = {
    "vllm": CONTINUED, "sglang": CONTINUED, "llamacpp": CONTINUED, "deepseek": APART, "mistral": PREFIX,
    "kimi": PARTIAL, "dashscope": PARTIAL,
}  # fmt: skip


def test_every_dialect_has_its_capabilities() -> None:
    assert set(CAPABILITIES) == set(DIALECTS)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_reasoning_is_handed_over_as_each_server_wants_it(dialect: str) -> None:
    prefill = CAPABILITIES[dialect].prefill
    said = None if prefill is None else prefill(ASKED, Begun("6 * 7 is 42"))
    assert said == GOLDEN.get(dialect)
    assert ASKED == [{"role": "user", "content": "6 * 7?"}]


def test_reasoning_is_closed_whatever_white_space_it_ended_in() -> None:
    assert Begun("\n\n6 * 7 is 42 \n").text == TEXT


def test_a_turn_without_reasoning_is_its_answer_and_an_open_thought_stays_open() -> None:
    assert Begun(answer="First, ").text == "First, "
    assert Begun("6 * 7", answer=None).text == "<think>\n6 * 7"


MODELS = {
    "anthropic_budget": "claude-sonnet-4-5", "bedrock": "claude-sonnet-4-5", "gemini_budget": "gemini-2.5-flash",
    "openai": "gpt-5", "openai_responses": "gpt-5",
}  # fmt: skip


@pytest.mark.parametrize("dialect", sorted(set(DIALECTS) - {"openrouter", "groq"}))
def test_who_takes_a_native_budget_is_told_one_and_nobody_else(dialect: str) -> None:
    budget = Budget(thinking=2000, output=4000)
    _, left = request_fields(dialect, MODELS.get(dialect, "m"), "on", budget, None)
    assert ("thinking_tokens" not in left) is CAPABILITIES[dialect].native_budget


def test_the_configuration_corrects_what_a_dialect_says() -> None:
    assert capabilities_of("openai") == CAPABILITIES["openai"]
    assert capabilities_of("vllm", {"prefill": None}) == CAPABILITIES["vllm"]
    assert capabilities_of("vllm", {"prefill": False}).prefill is None
    assert capabilities_of("openai", {"prefill": True}).prefill is CAPABILITIES["vllm"].prefill
    assert capabilities_of("mistral", {"prefill": True}).prefill is CAPABILITIES["mistral"].prefill
    slow = capabilities_of("vllm", {"native_budget": False, "usage_in_stream": False})
    assert capabilities_of("openai", {"logprobs": 20, "stop": True}).logprobs == 20
    assert (slow.native_budget, slow.usage_in_stream, slow.cancel_frees) == (False, False, True)


def page() -> list[list[str]]:
    """Return the cells of every row of ``docs/dialects.md`` that begins with names."""
    text = (Path(__file__).parents[3] / "docs" / "dialects.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_the_page_has_every_dialect_twice() -> None:
    names = [name for row in page() for name in re.findall(r"`(\w+)`", row[0])]
    assert sorted(names) == sorted(2 * DIALECTS)


@pytest.mark.parametrize(
    "row", [row for row in page() if len(row) == 10], ids=lambda row: str(row[0])
)
def test_the_page_says_what_the_code_does(row: list[str]) -> None:
    for name in re.findall(r"`(\w+)`", row[0]):
        can = CAPABILITIES[name]
        facts = (
            can.prefill is not None, can.prefill_thinking, can.native_budget, can.usage_in_stream,
            can.cancel_frees, can.stop, can.logprobs, can.seed,
        )  # fmt: skip
        assert tuple(row[1:9]) == tuple(_said(fact) for fact in facts)


def _said(fact: bool | int) -> str:
    return str(fact) if type(fact) is int else "yes" if fact else "no"
