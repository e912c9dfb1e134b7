from typing import Any

import pytest

from policies.routing.fitness import Abilities
from router.abilities import AbilityTable, abilities_of
from router.abilities_update import select_abilities
from router.settings_schema import ModelSettings

TABLE = AbilityTable(
    "2026-11-22",
    "by hand",
    {"openai/gpt-4o": Abilities(tools=True, images=True, max_input_tokens=128_000)},
)


def entry(model: str, **more: Any) -> ModelSettings:
    """Return a ``model_list`` entry."""
    told = {"model_name": "m", "litellm_params": {"model": model}} | more
    return ModelSettings.model_validate(told)


def test_the_table_tells_of_a_model_and_its_dated_snapshots() -> None:
    for name in ("openai/gpt-4o", "gpt-4o", "openrouter/openai/gpt-4o", "openai/gpt-4o-2024-11-20"):
        assert abilities_of(entry(name), TABLE).images is True


def test_the_configuration_wins_over_the_table() -> None:
    informed = entry("gpt-4o", model_info={"supports_vision": False, "max_input_tokens": 8000})
    known = abilities_of(informed, TABLE)
    assert (known.images, known.tools, known.max_input_tokens) == (False, True, 8000)
    own = entry("gpt-4o", model_info={"supports_vision": False}, capabilities={"images": True})
    assert abilities_of(own, TABLE).images is True


@pytest.mark.parametrize(("told", "can"), [(0, False), (5, True)])
def test_a_number_of_alternatives_says_whether_there_are_any(told: int, can: bool) -> None:
    known = abilities_of(entry("gpt-4o", capabilities={"logprobs": told}), TABLE)
    assert known.logprobs is can


def test_a_server_that_answers_once_is_not_asked_for_more() -> None:
    known = abilities_of(entry("anthropic/claude-sonnet-4-5"), TABLE)
    assert (known.choices, known.logprobs) == (False, False)


def test_of_a_model_that_nobody_knows_nothing_is_known() -> None:
    assert abilities_of(entry("hosted_vllm/my-own"), TABLE) == Abilities()


def test_the_shipped_table_holds_what_it_is_for() -> None:
    table = AbilityTable.load()
    assert "MIT" in table.source
    assert len(table.models) > 100
    assert table.find("gpt-4o-mini").images is True
    assert table.find("deepseek/deepseek-reasoner").tools is False


def test_what_a_map_does_not_say_is_not_known() -> None:
    row = {
        "litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-6,
        "output_cost_per_token": 1e-6, "supports_vision": False, "max_input_tokens": 5,
    }  # fmt: skip
    assert select_abilities({"gpt-9": row}) == {
        "openai/gpt-9": {"images": False, "max_input_tokens": 5}
    }
