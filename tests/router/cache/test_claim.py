"""What may answer a request: equal spellings share, changes do not, and cheap answers never pass for dear ones."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.types import Query, Wishes
from router.cache.claim import Claim, Kept, claim
from router.wire.directives import max_age_s
from router.wire.openai_request import parse_chat

TIERS = ("short", "distilled", "long")


def claim_of(query: Query, **changes: Any) -> Claim:
    given_: dict[str, Any] = {"secret": b"s" * 32, "versions": ("1",), "tiers": TIERS}
    return claim(query, **(given_ | {"drifting": False, "begun": 0.0} | changes))


def asked(text: str, headers: dict[str, str] | None = None, tenant: str = "t") -> Claim:
    query = parse_chat(json.loads(text), headers or {}, tenant=tenant)
    if query.model.startswith("auto:"):  # what `admit` does
        tier = query.model.removeprefix("auto:")
        query = replace(query, wishes=replace(query.wishes, tier=tier))
    return claim_of(query)


BASE: dict[str, Any] = {
    "model": "auto",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Is  5 > 3 ?\n"},
    ],
}

extras = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.sampled_from([0, 1]),
        "top_p": st.sampled_from([0.5, 1]),
        "seed": st.integers(0, 3),
        "max_tokens": st.integers(1, 3),
        "stop": st.sampled_from([["a"], ["a", "b"]]),
        "tools": st.just([{"type": "function", "function": {"name": "f", "parameters": {}}}]),
        "response_format": st.just({"type": "json_object"}),
        "reasoning_effort": st.sampled_from(["low", "high"]),
        "vendor": st.just({"x": [1, None, {"y": 2}]}),
        "router": st.fixed_dictionaries(
            {}, optional={"dial": st.sampled_from([0, 1]), "max_total_tokens": st.just(900)}
        ),
    },
)

SAME: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "stream": lambda b: b | {"stream": True, "stream_options": {"include_usage": True}},
    "user": lambda b: b | {"user": "me", "metadata": {"a": "b"}, "store": False},
    "defaults": lambda b: b | {"n": 1, "presence_penalty": 0.0, "logit_bias": None},
    "no tools": lambda b: b if "tools" in b else b | {"tools": [], "tool_choice": "auto"},
    "floats": lambda b: b | {"temperature": float(b["temperature"])} if "temperature" in b else b,
    "limit": lambda b: (
        {k: v for k, v in b.items() if k != "max_tokens"}
        | ({"max_completion_tokens": b["max_tokens"]} if "max_tokens" in b else {})
    ),
    "stop": lambda b: b | {"stop": "a"} if b.get("stop") == ["a"] else b,
    "parts": lambda b: (
        b
        | {
            "messages": [
                m | {"content": [{"type": "text", "text": m["content"]}], "name": None}
                for m in b["messages"]
            ]
        }
    ),
    "directive": lambda b: b | {"router": b.get("router", {}) | {"cache": "no-cache"}},
    "order": lambda b: dict(reversed(b.items())),
}

CHANGED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "word": lambda b: (
        b | {"messages": [b["messages"][0], {"role": "user", "content": "Is 5 < 3 ?"}]}
    ),
    "space in content": lambda b: (
        b | {"messages": [b["messages"][0], {"role": "user", "content": "Is 5 > 3 ?\n"}]}
    ),
    "role": lambda b: b | {"messages": [b["messages"][0] | {"role": "user"}, b["messages"][1]]},
    "one less": lambda b: b | {"messages": b["messages"][1:]},
    "one more": lambda b: b | {"messages": [*b["messages"], {"role": "user", "content": "?"}]},
    "seed": lambda b: b | {"seed": 77},
    "top_p": lambda b: b | {"top_p": 0.123},
    "limit": lambda b: b | {"max_tokens": 4},
    "stop": lambda b: b | {"stop": ["z"]},
    "tools": lambda b: b | {"tools": [{"type": "function", "function": {"name": "g"}}]},
    "format": lambda b: b | {"response_format": {"type": "json_schema", "json_schema": {}}},
    "vendor": lambda b: b | {"vendor": {"x": [1, 2, {"y": 2}]}},
    "model": lambda b: b | {"model": "some-model"},
    "dial": lambda b: b | {"router": b.get("router", {}) | {"dial": 0.77}},
    "strategy": lambda b: b | {"router": b.get("router", {}) | {"strategy": "vote", "n": 3}},
    "ceiling": lambda b: b | {"router": b.get("router", {}) | {"max_thinking_tokens": 5}},
}


def spelled(body: dict[str, Any], rng: random.Random) -> str:
    """Return the body as JSON with whitespace and escapes as they may come."""
    return json.dumps(body, indent=rng.choice([None, 0, 3]), ensure_ascii=rng.random() < 0.5)


@given(extras, st.sets(st.sampled_from(sorted(SAME))), st.randoms(use_true_random=False))
def test_equal_spellings_share_an_answer(
    extra: dict[str, Any], how: set[str], rng: random.Random
) -> None:
    body = other = BASE | extra
    for name in sorted(how):
        other = SAME[name](other)
    assert asked(spelled(other, rng)).key == asked(json.dumps(body)).key


@given(extras, st.sampled_from(sorted(CHANGED)), st.sets(st.sampled_from(sorted(SAME))))
def test_what_may_change_the_answer_never_shares(
    extra: dict[str, Any], change: str, how: set[str]
) -> None:
    body = other = BASE | extra
    other = CHANGED[change](other)
    for name in sorted(how):
        other = SAME[name](other)
    assert asked(json.dumps(other)).key != asked(json.dumps(body)).key


def test_headers_and_the_body_say_the_same() -> None:
    by_body = asked(json.dumps(BASE | {"router": {"dial": 0.5, "tier": "long"}}))
    by_header = asked(json.dumps(BASE), {"dial": "0.5", "tier": "long"})
    by_name = asked(json.dumps(BASE | {"model": "auto:long", "router": {"dial": 0.5}}))
    assert by_body == by_header == by_name


def test_the_policy_and_the_versions_are_a_part_of_the_key() -> None:
    query = parse_chat(BASE, {})
    keys = {
        claim_of(query).key,
        claim_of(query, versions=("2",)).key,
        claim_of(replace(query, wishes=Wishes(policy="quality"))).key,
        claim_of(replace(query, tenant="other")).key,
    }
    assert len(keys) == 4


def test_no_word_of_a_request_is_in_its_keys() -> None:
    made = asked(json.dumps(BASE | {"router": {"tier": "long"}}), tenant="acme")
    for key in (made.key, made.record, made.place_key(2)):
        assert not set(key) - set("0123456789abcdef.:{}-answerflight")
        assert "acme" not in key


def needs(place: int) -> Any:
    return lambda: place


def kept(place: int, needed: int = 0, asked_: list[Any] | None = None) -> Kept:
    return Kept({}, {}, place, needed, asked_)


@pytest.mark.parametrize("asked_for", range(3))
@pytest.mark.parametrize("answered_by", range(3))
def test_a_forced_tier_takes_its_own_or_a_dearer_tiers_answer(
    asked_for: int, answered_by: int
) -> None:
    made = claim_of(parse_chat(BASE | {"router": {"tier": TIERS[asked_for]}}, {}))
    assert made.places == list(range(asked_for, 3))

    def never() -> int:
        raise AssertionError("a forced request is not gauged")

    assert made.admits(kept(answered_by), never) == (answered_by >= asked_for)


def test_a_free_request_takes_a_cheap_answer_only_if_it_needs_no_dearer_one() -> None:
    made = claim_of(parse_chat(BASE, {}))
    for answered_by in range(3):
        for needed in range(3):
            assert made.admits(kept(answered_by), needs(needed)) == (answered_by >= needed)


def test_the_same_ask_is_not_gauged_again() -> None:
    made = claim_of(parse_chat(BASE, {}))

    def never() -> int:
        raise AssertionError("decided before")

    assert made.admits(kept(0, 0, made.asked), never)
    assert not made.admits(kept(1, 2, made.asked), never), "a fallback answered for a dearer tier"
    assert made.admits(kept(2, 0), never), "nothing is dearer"
    drifting = claim_of(parse_chat(BASE, {}), drifting=True)
    assert not drifting.admits(kept(0, 0, made.asked), needs(1))


def test_what_was_forced_is_no_prediction() -> None:
    forced = claim_of(parse_chat(BASE | {"router": {"tier": "short"}}, {}))
    free = claim_of(parse_chat(BASE, {}))
    assert forced.asked is None
    assert not free.admits(kept(0, 0, forced.asked), needs(2))


def test_a_key_that_may_not_use_a_tier_gets_no_answer_of_it() -> None:
    query = parse_chat(BASE, {}, tiers=("short", "long"))
    assert claim_of(query).places == [0, 2]
    bounded = replace(query, wishes=Wishes(min_tier="distilled"))
    assert claim_of(bounded).places == [2]
    assert claim_of(bounded).asked != claim_of(query).asked


def test_flights_are_shared_by_those_who_ask_for_the_same_tiers_only() -> None:
    wishes = [{}, {"tier": "short"}, {"tier": "long"}, {"min_tier": "long"}, {"max_tier": "long"}]
    claims = [claim_of(parse_chat(BASE | {"router": wish}, {})) for wish in wishes]
    claims.append(claim_of(parse_chat(BASE, {}, tiers=("long",))))
    assert len({made.key for made in claims}) == 1
    assert len({made.record for made in claims}) == len(claims)
    streamed = claim_of(parse_chat(BASE | {"stream": True}, {}))
    assert streamed.record == claims[0].record


def test_an_age_is_read_from_its_directive_only() -> None:
    assert max_age_s("max-age=60") == 60
    assert max_age_s("max-age=0") == 0
    for other in (None, "no-store", "max-age=-1", "max-age=x", "max-age=1e9", "max-age=9999999999"):
        assert max_age_s(other) is None
