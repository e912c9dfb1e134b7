import pytest

from policies.types import Price
from router.prices import PriceTable
from router.settings import parse_settings, warnings

PRICES = PriceTable("2026-01-01", "test", {"openai/gpt-5-nano": Price(0.05, 0.4)})

MINIMAL = """
model_list:
  - {model_name: a, litellm_params: {model: openai/a}, price: {input: 1, output: 1}}
  - {model_name: b, litellm_params: {model: openai/b}, price: {input: 2, output: 2}}
tiers:
  - {name: cheap, models: [a]}
  - {name: dear, models: [b]}
"""


def test_a_good_ladder_has_no_warnings() -> None:
    assert warnings(parse_settings(MINIMAL, {}), PRICES) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("input: 1, output: 1", "input: 9, output: 9", "not ordered cheap to dear"),
        ("input: 1, output: 1", "input: 9, output: 9", '"cheap" is dominated'),
        ("models: [b]", "models: [a]", "do the same"),
        (", price: {input: 2, output: 2}", "", 'model "b" has no known price'),
        ("[a]", "[a], thinking: off, max_thinking_tokens: 5", "does nothing"),
        ("[a]", "[a], max_output_tokens: 1000, max_thinking_tokens: 900", "cut earlier"),
        ("[a]", "[a], wait: 2", "wait does nothing without min_thinking_tokens"),
        ("[a]", "[a], min_thinking_tokens: 2", "min_thinking_tokens does nothing without wait"),
        ("\nmodel", "\ncache: {url: off}\nlog: {redis_stream: s}\nmodel", "there is no server"),
        ("\nmodel", "\nlog: {prompts: on}\nmodel", "log.prompts does nothing"),
    ],
)
def test_what_is_probably_not_meant_is_a_warning(old: str, new: str, expected: str) -> None:
    settings = parse_settings(MINIMAL.replace(old, new), {})
    assert any(expected in line for line in warnings(settings, PRICES))
