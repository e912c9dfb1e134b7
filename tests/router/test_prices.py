from hashlib import sha256
from importlib.resources import files

import pytest

from policies.types import Price
from router.prices import PriceTable
from router.prices_update import select


@pytest.fixture(scope="module")
def table() -> PriceTable:
    return PriceTable.load()


def test_the_shipped_table_is_dated_sourced_and_plausible(table: PriceTable) -> None:
    assert len(table.date) == len("2026-01-01")
    assert "MIT" in table.source
    assert 60 <= len(table.prices) <= 200
    for name, price in table.prices.items():
        assert 0 < price.input <= 200, name
        assert price.input / 2 <= price.output <= 1000, name
        assert price.cached_input is None or 0 < price.cached_input <= price.input, name


def test_the_table_is_told_apart_by_date_and_hash(table: PriceTable) -> None:
    raw = files("router").joinpath("data/prices.json").read_bytes()
    assert table.sha256 == sha256(raw).hexdigest()
    assert table.version == f"{table.date}-{table.sha256[:8]}"
    assert PriceTable.load() is table


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ("gpt-5-nano", "openai/gpt-5-nano"),
        ("openai/gpt-5-nano", "openai/gpt-5-nano"),
        ("openai/gpt-5-nano-2025-08-07", "openai/gpt-5-nano"),
        ("claude-haiku-4-5-20251001", "anthropic/claude-haiku-4-5"),
        ("gemini/gemini-2.5-pro", "gemini/gemini-2.5-pro"),
        ("openrouter/google/gemini-2.5-pro", "gemini/gemini-2.5-pro"),
        ("openrouter/anthropic/claude-sonnet-4.5", "anthropic/claude-sonnet-4-5"),
        ("openrouter/openai/gpt-5-nano", "openai/gpt-5-nano"),
        ("groq/openai/gpt-oss-20b", "groq/openai/gpt-oss-20b"),
    ],
)
def test_a_price_is_found_under_every_usual_spelling(
    table: PriceTable, asked: str, listed: str
) -> None:
    assert table.find(asked) == table.prices[listed]


def test_a_snapshot_with_its_own_price_keeps_it(table: PriceTable) -> None:
    assert table.find("gpt-4o-2024-05-13") == Price(5.0, 15.0)
    assert table.find("gpt-4o-2024-11-20") == table.find("gpt-4o")


@pytest.mark.parametrize(
    "model", ["", "/", "nobody/knows", "hosted_vllm/gpt-5-nano", "ollama/llama3", "azure/gpt-4o"]
)
def test_what_is_not_known_has_no_price(table: PriceTable, model: str) -> None:
    assert table.find(model) is None


def test_the_update_takes_text_models_and_converts_to_millions() -> None:
    entry = {"mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}
    selected = select(
        {
            "gpt-x": {
                **entry,
                "litellm_provider": "openai",
                "output_cost_per_reasoning_token": 3e-6,
            },
            "gpt-x-2026-01-01": {
                **entry,
                "litellm_provider": "openai",
                "output_cost_per_reasoning_token": 3e-6,
            },
            "gpt-x-audio": {**entry, "litellm_provider": "openai"},
            "elsewhere/x": {**entry, "litellm_provider": "elsewhere"},
            "xai/free": {**entry, "litellm_provider": "xai", "input_cost_per_token": 0},
            "dashscope/tiered": {"mode": "chat", "litellm_provider": "dashscope"},
        }
    )
    assert selected == {"openai/gpt-x": {"input": 1.0, "output": 2.0, "reasoning": 3.0}}
