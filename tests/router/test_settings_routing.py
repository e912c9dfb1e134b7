from typing import Any

import pytest

from policies.routing import decide
from router.bootstrap import build_routing
from router.errors import ConfigError
from router.prices import PriceTable
from router.settings import parse_settings
from tests.fakes import difficulty, query

BASE = """
model_list:
  - {model_name: a, litellm_params: {model: openai/ours, api_key: k}, price: {output: 1}}
tiers:
  - {name: short, rung: short, models: [a], thinking: off}
  - {name: long, rung: long, models: [a], thinking: on}
routing: """


def routing_of(section: str) -> Any:
    return build_routing(parse_settings(BASE + section, {}), PriceTable.load())


def test_every_parameter_reaches_its_policy() -> None:
    routing = routing_of(
        """{policy: quality, epsilon: 0.9, pinned_tier: long, boundaries: [0.9], explore: 0.25,
        guarantee: {loss: 0.02, confidence: 0.9, limit: 0.1},
        rules: [{name: code, when: {any_of: [{matches: 'def \\\\w'}, {domain: [code]}]}, tier: long}]}"""
        .replace("\\\\", "\\")
    )  # fmt: skip
    score = difficulty(0.2, 0.5, 0.9)
    assert decide(routing, score, query()).tier.name == "short"
    pinned = query(wishes={"policy": "pinned"})
    assert decide(routing, score, pinned).tier.name == "long"
    promised = decide(routing, score, query(wishes={"policy": "guaranteed"}))
    assert "a loss of at most 2 % at 90 % confidence allows 10.0 here" in promised.reason
    assert decide(routing, score, query("def f(): ...")).reason == (
        'The rule "code" sends this to long.'
    )
    assert routing.explore == 0.25


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ("{policy: guaranteed}", "routing.policy: guaranteed needs routing.guarantee.limit; run"),
        ("{policy: paced}", "routing.policy: paced needs routing.pace, for example"),
        ("{policy: threshold, shares: {long: 0.3}}", "routing.shares: needs the boundaries"),
        ("{pinned_tier: lnog}", 'routing.pinned_tier: no tier "lnog"; did you mean "long"?'),
        ("{shares: {lnog: 0.1}}", 'routing.shares.lnog: no tier "lnog"; did you mean "long"?'),
        ("{pace: {per: day}}", "routing.pace: Value error, give either usd or tokens"),
        (
            "{rules: [{when: {tools: true}, tier: lnog}]}",
            'routing.rules[0].tier: no tier "lnog"; did you mean "long"?',
        ),
        (
            "{rules: [{when: {tool: true}, tier: long}]}",
            'unknown key "tool" in routing.rules[0].when; did you mean "tools"?',
        ),
        (
            "{rules: [{when: {matches: '(a+)+$'}, tier: long}]}",
            "routing.rules[0].when.matches: a repeat or a choice inside a repeat is not allowed",
        ),
        (
            "{rules: [{when: {}, tier: long}]}",
            "routing.rules[0].when: is empty and would hold for every request; give a condition",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(section: str, problem: str) -> None:
    with pytest.raises(ConfigError) as error:
        routing_of(section)
    (line,) = error.value.problems
    assert line.startswith(problem.replace("Value error, ", ""))
