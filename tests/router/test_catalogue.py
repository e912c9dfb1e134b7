import json
from importlib.resources import files

import pytest

from classifier.types import RUNGS
from policies.routing.expectation import prospects
from router.catalogue import Catalogue, model_key
from router.prices import PriceTable
from router.settings import parse_settings
from tests.fakes import difficulty


@pytest.mark.parametrize(
    ("model", "key"),
    [
        ("openai/gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("anthropic/claude-3-5-sonnet-20241022", "claude-3.5-sonnet"),
        ("openrouter/anthropic/claude-3.5-sonnet", "claude-3.5-sonnet"),
        ("together_ai/meta-llama/Meta-Llama-3.1-70B-Instruct", "llama-3.1-70b"),
        ("hosted_vllm/deepseek-r1", "deepseek-r1"),
        ("openai/gpt-4o-latest", "gpt-4o"),
    ],
)
def test_one_model_has_one_name_whoever_serves_it(model: str, key: str) -> None:
    assert model_key(model) == key
    assert key in Catalogue.load().models


def test_the_shipped_catalogue_is_dated_and_within_bounds() -> None:
    table = json.loads(files("router").joinpath("data/abilities.json").read_text("utf-8"))
    assert table["date"] >= "2026-11-22"
    for name, row in Catalogue.load().models.items():
        assert model_key(name) == name, "a name that nobody would find"
        assert row.rung in RUNGS
        assert -1 <= row.ability <= 1
        assert row.outcomes >= 100


CONFIG = """
model_list:
  - {model_name: a, litellm_params: {model: openai/gpt-4o, api_key: k}}
  - {model_name: b, litellm_params: {model: openai/ours, api_key: k}}
tiers:
  - {name: one, rung: short, models: [a]}
  - {name: two, rung: long, models: [a]}
  - {name: three, rung: short, models: [b]}
  - {name: four, rung: short, models: [a], ability: -0.25}
"""


def test_a_tier_starts_from_its_models_ability_unless_it_is_told() -> None:
    tiers = parse_settings(CONFIG, {}).build_tiers(PriceTable.load())
    known = Catalogue.load().ability("gpt-4o", "short")
    assert known > 0
    assert [tier.ability for tier in tiers] == [known, 0.0, 0.0, -0.25]
    first, _, third, fourth = (each.p_solve for each in prospects(tiers, difficulty(0.5), 20))
    assert first > third == 0.5 > fourth
