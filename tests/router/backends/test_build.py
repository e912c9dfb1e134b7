from typing import Any

import pytest

from policies.types import Price
from router.backends.build import build_backends, build_twins
from router.backends.capabilities import CAPABILITIES
from router.backends.direct import Connections, DirectBackend
from router.backends.litellm_backend import LiteLLMBackend
from router.backends.responses_backend import ResponsesBackend
from router.errors import ConfigError
from router.prices import PriceTable
from router.settings import Settings, parse_settings

PRICES = PriceTable("2026-01-01", "test", {"openai/gpt-5-nano": Price(0.05, 0.4)})

CONFIG = """
model_list:
  - model_name: nano
    litellm_params: {model: openai/gpt-5-nano}
  - model_name: local
    litellm_params: {model: openai/r1, api_base: "http://127.0.0.1:9/v1"}
    capabilities: {%s}
  - model_name: responses
    litellm_params: {model: openai/responses/gpt-5.5}
  - model_name: claude
    litellm_params: {model: anthropic/claude-opus-5}
tiers:
  - {name: short, models: [nano], thinking: off}
  - {name: long, models: [local, claude], thinking: on, stop_when_converged: %s}
"""


def settings(capabilities: str = "", settle: str = "true") -> Settings:
    return parse_settings(CONFIG % (capabilities, settle), {})


def built(capabilities: str = "") -> dict[str, Any]:
    return dict(build_backends(settings(capabilities), PRICES, Connections(), {}))


def test_an_entry_goes_direct_where_it_can() -> None:
    backends = built()
    assert isinstance(backends["nano"], DirectBackend)
    assert isinstance(backends["local"], DirectBackend)
    assert isinstance(backends["claude"], LiteLLMBackend)
    assert backends["claude"].spec.dialect == "anthropic_adaptive"
    assert isinstance(backends["responses"], ResponsesBackend)
    asked = (backends["responses"].spec.model, backends["responses"].spec.dialect)
    assert asked == ("gpt-5.5", "openai_responses")
    assert backends["nano"].spec.price == Price(0.05, 0.4)


def test_capabilities_are_the_dialects_unless_the_entry_says_otherwise() -> None:
    assert built()["local"].spec.can == CAPABILITIES["openai"]
    told = built("prefill: true, native_budget: on, usage_in_stream: false, logprobs: 5")[
        "local"
    ].spec.can
    assert told.prefill is CAPABILITIES["vllm"].prefill
    assert (told.native_budget, told.usage_in_stream, told.cancel_frees) == (True, False, True)
    assert (told.logprobs, told.stop, told.seed) == (5, False, True)


def test_a_tier_is_told_whether_settled_reasoning_is_cut() -> None:
    assert [tier.stop_when_converged for tier in settings().build_tiers(PRICES)] == [False, True]
    assert not settings(settle="false").build_tiers(PRICES)[1].stop_when_converged


@pytest.mark.parametrize(
    ("capabilities", "settle", "said"),
    [
        (
            "prefil: true",
            "true",
            'unknown key "prefil" in model_list[1].capabilities; did you mean "prefill"?',
        ),
        ("prefill: maybe", "true", "capabilities.prefill: must be true or false"),
        ("", "often", "stop_when_converged: must be true or false"),
    ],
)
def test_what_is_neither_true_nor_false_is_refused(
    capabilities: str, settle: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(capabilities, settle)
    assert said in str(caught.value)


def test_a_name_that_stands_twice_is_two_deployments_as_in_litellm() -> None:
    twice = CONFIG.replace(
        "  - model_name: responses",
        "  - model_name: local\n"
        '    litellm_params: {model: openai/r1, api_base: "http://127.0.0.1:10/v1"}\n'
        "    price: {output: 2}\n"
        "  - model_name: responses",
    )
    found = parse_settings(twice % ("", "true"), {})
    connections = Connections()
    twins = build_twins(found, PRICES, connections, {})
    assert {name: len(rest) for name, rest in twins.items()} == {"local": 1}
    assert twins["local"][0].spec.price == Price(output=2)
    assert build_backends(found, PRICES, connections, {})["local"].spec.price == Price()
