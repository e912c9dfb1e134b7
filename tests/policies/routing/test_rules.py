import re
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.types import Ask
from policies.routing import decide
from policies.routing.patterns import MOST_CHARACTERS, found, safe_pattern
from policies.routing.rules import Rule, Span, When
from policies.types import Query
from tests.fakes import difficulty, query

from .ladder import LADDER, LONG, SHORT

HARD, EASY = difficulty(0.05, 0.3, 0.95), difficulty(0.99, 0.99, 0.99)


def asked(text: str = "Hello", **fields: Any) -> Query:
    told = {
        name: fields.pop(name) for name in ("n_turns", "has_tools", "has_images") if name in fields
    }
    return replace(query(text, **fields), ask=Ask(text, **told))


@pytest.mark.parametrize(
    ("when", "holds", "does_not"),
    [
        pytest.param(When(tools=True), asked(has_tools=True), asked(), id="tools"),
        pytest.param(When(images=False), asked(), asked(has_images=True), id="no images"),
        pytest.param(When(turns=Span(3)), asked(n_turns=3), asked(n_turns=2), id="turns"),
        pytest.param(When(length=Span(most=5)), asked("12345"), asked("123456"), id="length"),
        pytest.param(
            When(matches=safe_pattern(r"\bsql\b")), asked("An SQL one"), asked("mysqls"), id="regex"
        ),
        pytest.param(When(tenant=("a",)), asked(tenant="a"), asked(tenant="b"), id="tenant"),
        pytest.param(When(user=("u1",)), asked(body={"user": "u1"}), asked(), id="user"),
        pytest.param(
            When(metadata=(("route", "till"),)),
            asked(body={"metadata": {"route": "till"}}),
            asked(body={"metadata": "till"}),
            id="metadata",
        ),
        pytest.param(
            When(any_of=(When(tools=True), When(images=True))),
            asked(has_images=True),
            asked(),
            id="any",
        ),
        pytest.param(
            When(all_of=(When(tools=True), When(images=True))),
            asked(has_images=True, has_tools=True),
            asked(has_images=True),
            id="all",
        ),
        pytest.param(When(none_of=(When(tools=True),)), asked(), asked(has_tools=True), id="none"),
    ],
)
def test_a_condition_holds_where_it_says(when: When, holds: Query, does_not: Query) -> None:
    assert when.holds(holds, None)
    assert not when.holds(does_not, None)


def test_language_and_domain_come_from_the_score() -> None:
    chinese = replace(HARD, language="zh", domain={"math": 0.4, "code": 0.6})
    assert When(language=("zh", "ja"), domain=("code",)).holds(asked(), chinese)
    assert not When(domain=("math",)).holds(asked(), chinese)
    assert not When(language=("zh",)).holds(asked(), None), "nothing was scored"


def test_the_first_rule_that_holds_decides_and_says_so() -> None:
    rules = (
        Rule("tools go up", When(tools=True), "long"),
        Rule("short asks", When(length=Span(most=10)), "short"),
        Rule("everything", When(length=Span()), "long"),
    )
    routing = replace(LADDER, rules=rules)
    first = decide(routing, EASY, asked(has_tools=True))
    assert (first.tier, first.cause) == (LONG, "rule")
    assert first.reason == 'The rule "tools go up" sends this to long.'
    assert decide(routing, HARD, asked("Why?")).tier is SHORT
    assert decide(routing, EASY, asked("Why not, my friend?")).tier is LONG
    assert decide(routing, None, asked(has_tools=True)).cause == "rule", "no score is needed"


def test_a_rule_bows_to_the_request_and_to_the_keys_tiers() -> None:
    routing = replace(LADDER, rules=(Rule("all up", When(length=Span()), "long"),))
    assert decide(routing, EASY, asked(wishes={"tier": "short"})).cause == "forced"
    bound = decide(routing, EASY, asked(tiers=("short", "distilled")))
    assert bound.reason == (
        'The rule "all up" sends this to long; distilled is the nearest one allowed.'
    )
    dear = decide(routing, EASY, asked(ceilings={"max_cost_usd": 1e-9}))
    assert (dear.tier, dear.cause) == (SHORT, "budget")


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(a+)+$", "inside a repeat"),
        ("(a|aa)*b", "inside a repeat"),
        ("(?:x{1,3}){2,}", "inside a repeat"),
        (r"(a)\1", "back-references"),
        (r"(?P<q>a)(?P=q)", "back-references"),
        ("(?=a)b", "look-around"),
        ("(?<!a)b", "look-around"),
        (".*a.*b", "too many ways"),
        (r"\s*\w+x", "too many ways"),
        ("(a|b)" * 20, "too many ways"),
        ("a{0,100}b{0,100}", "too many ways"),
        ("(", "not a regular expression"),
    ],
)
def test_a_pattern_that_could_hang_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        safe_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"\b(prove|derive|show that)\b",
        r"colou?r",
        r"^(please )?translate\b",
        r"[A-Z]{2,5}-\d+",
        r"(?:ab){3}",
        r"foo\s+bar",
        r"[]x]+",
        r"\(\d{1,3}\)",
        "证明|求证",
    ],
)
def test_a_pattern_of_every_day_is_allowed(pattern: str) -> None:
    assert isinstance(safe_pattern(pattern), re.Pattern)


pieces = st.sampled_from(["a", "b", ".", r"\w", "[ab]", "(a)", "(?:ab)", "(a|b)", "a?", "a*", "b+"])
repeats = st.sampled_from(["", "", "?", "*", "+", "{2}", "{1,9}", "{3,}"])


@given(st.lists(st.tuples(pieces, repeats), max_size=6))
def test_what_is_allowed_ends_soon_on_the_worst_text(parts: list[tuple[str, str]]) -> None:
    try:
        pattern = safe_pattern("".join(piece + repeat for piece, repeat in parts) + "!")
    except ValueError:
        return
    begun = time.perf_counter()
    for text in ("a" * 2000, "ab" * 1000):
        found(pattern, text)
    assert time.perf_counter() - begun < 1.0


def test_a_long_text_is_searched_at_both_ends() -> None:
    filler = "x" * (2 * MOST_CHARACTERS)
    pattern = safe_pattern("needle")
    assert found(pattern, "needle" + filler)
    assert found(pattern, filler + "needle")
    assert not found(pattern, filler + "needle" + filler)
