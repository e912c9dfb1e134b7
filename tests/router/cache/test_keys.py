import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.cache.keys import MAX_DEPTH, cache_key, canonical, pattern, tenant_tag
from router.errors import InvalidRequestError

SECRET = b"0123456789abcdef"
BODY: dict[str, Any] = {
    "model": "auto",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is the capital of France?"},
    ],
    "temperature": 0.5,
    "max_tokens": 100,
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def key(body: dict[str, Any], *, tenant: str = "t", versions: tuple[str, ...] = ()) -> str:
    return cache_key(SECRET, tenant=tenant, body=body, versions=versions)


def meaning(value: object) -> str:
    """What a JSON text means, by another route than the code under test."""

    def number(text: str) -> Any:
        parsed = float(text) if set(text) & set(".eE") else int(text)
        return parsed if parsed != int(parsed) else {"n": int(parsed)}

    loaded = json.loads(json.dumps(value), parse_float=number, parse_int=number)
    return json.dumps(loaded, sort_keys=True)


def shuffled(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict):
        names = list(value)
        rng.shuffle(names)
        return {name: shuffled(value[name], rng) for name in names}
    if isinstance(value, list):
        return [shuffled(inner, rng) for inner in value]
    return value


@given(json_values, st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(value: object, rng: random.Random) -> None:
    body = {**BODY, "x": value}
    assert key(shuffled(body, rng)) == key(body)


@given(json_values, json_values)
def test_two_values_share_a_key_exactly_if_they_mean_the_same(one: object, other: object) -> None:
    same = key({**BODY, "x": [one]}) == key({**BODY, "x": [other]})
    assert same == (meaning(one) == meaning(other))


@given(st.integers(-(10**6), 10**6))
def test_a_whole_number_is_the_same_as_integer_and_as_float(number: int) -> None:
    assert key({**BODY, "seed": number}) == key({**BODY, "seed": float(number)})
    assert key({**BODY, "x": {"y": [number]}}) == key({**BODY, "x": {"y": [float(number)]}})


@given(st.text(), st.text())
def test_different_text_never_shares_a_key(one: str, other: str) -> None:
    asked = [{**BODY, "messages": [{"role": "user", "content": text}]} for text in (one, other)]
    assert (key(asked[0]) == key(asked[1])) == (one == other)


@given(st.text(), st.text())
def test_tenants_never_share_a_key_whatever_they_are_called(one: str, other: str) -> None:
    assert (key(BODY, tenant=one) == key(BODY, tenant=other)) == (one == other)
    assert (tenant_tag(SECRET, one) == tenant_tag(SECRET, other)) == (one == other)


odd = [
    "",
    "*",
    "a|b",
    "a",
    "b",
    "{x}",
    "x",
    "?",
    "[a]",
    "a\0b",
    "Ａ",
    "A",
    "é",
    "e\u0301",
    "\ud800",
]


@pytest.mark.parametrize("tenant", odd, ids=ascii)
def test_an_odd_tenant_has_a_plain_key_and_a_pattern_of_its_own(tenant: str) -> None:
    made = key(BODY, tenant=tenant)
    assert made.startswith(pattern(SECRET, tenant).removesuffix("*"))
    assert made.startswith(pattern(SECRET, None).removesuffix("*"))
    assert not set(made) - set("abcdef0123456789tanswer:{}.")
    assert sum(made.startswith(pattern(SECRET, other)[:-1]) for other in odd) == 1


@given(st.lists(st.text(max_size=3), max_size=3), st.lists(st.text(max_size=3), max_size=3))
def test_versions_are_kept_apart_in_order(one: list[str], other: list[str]) -> None:
    assert (key(BODY, versions=tuple(one)) == key(BODY, versions=tuple(other))) == (one == other)


def test_a_tenant_cannot_pose_as_a_version() -> None:
    assert key(BODY, tenant="a", versions=("b",)) != key(BODY, tenant="ab")


def test_another_secret_gives_other_keys() -> None:
    other = cache_key(b"another-secret-16", tenant="t", body=BODY)
    assert not set(other.split(".")) & set(key(BODY).split("."))
    with pytest.raises(ValueError, match="16 at least"):
        cache_key(b"short", tenant="t", body=BODY)
    assert cache_key(b"x" * 100, tenant="t", body=BODY) != cache_key(
        b"x" * 101, tenant="t", body=BODY
    )


@pytest.mark.parametrize(
    "extra",
    [
        {"stream": True},
        {"stream": False},
        {"stream_options": {"include_usage": True}},
        {"metadata": {"trace": "1"}},
        {"store": True},
        {"user": "u1"},
        {"n": 1},
        {"n": 1.0},
        {"n": None},
        {"presence_penalty": 0},
        {"frequency_penalty": 0.0},
        {"logprobs": False},
        {"logit_bias": {}},
        {"stop": None},
        {"stop": []},
        {"tools": []},
        {"response_format": {"type": "text"}},
        {"router": {}},
        {"router": None},
        {"router": {"cache": "no-cache", "dry_run": True, "tier": None}},
    ],
    ids=str,
)
def test_what_does_not_change_the_answer_does_not_change_the_key(extra: dict[str, Any]) -> None:
    assert key({**BODY, **extra}) == key(BODY)


@pytest.mark.parametrize(
    "extra",
    [
        {"model": "auto:long"},
        {"messages": BODY["messages"][1:]},
        {"messages": BODY["messages"][::-1]},
        {"messages": [{**BODY["messages"][0], "role": "user"}, BODY["messages"][1]]},
        {"messages": [BODY["messages"][0], {**BODY["messages"][1], "name": "x"}]},
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"tool_choice": "none"},
        {"response_format": {"type": "json_object"}},
        {"temperature": 0.6},
        {"temperature": None},
        {"top_p": 1},
        {"seed": 1},
        {"seed": 2},
        {"seed": "1"},
        {"seed": True},
        {"max_tokens": 101},
        {"max_completion_tokens": 100},
        {"stop": "x"},
        {"stop": ["x", "y"]},
        {"n": 2},
        {"n": True},
        {"logprobs": True},
        {"logprobs": 0},
        {"logit_bias": {"1": 1}},
        {"reasoning_effort": "low"},
        {"unknown_vendor_field": 1},
        {"presence_penalty": False},
        {"router": {"tier": "long"}},
        {"router": {"dial": 0.3}},
        {"router": {"max_cost_usd": 1}},
        {"router": {"strategy": "vote", "n": 3}},
        {"router": "odd"},
    ],
    ids=str,
)
def test_what_may_change_the_answer_changes_the_key(extra: dict[str, Any]) -> None:
    assert key({**BODY, **extra}) != key(BODY)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"stop": "x"}, {"stop": ["x"]}),
        ({"max_tokens": 7}, {"max_tokens": None, "max_completion_tokens": 7}),
        ({"router": {"tier": "long"}}, {"router": {"cache": "no-store", "tier": "long"}}),
        (
            {"messages": [{"role": "assistant", "content": "x"}]},
            {"messages": [{"role": "assistant", "content": "x", "refusal": None}]},
        ),
    ],
    ids=str,
)
def test_two_spellings_of_one_request_share_a_key(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert key({**BODY, **one}) == key({**BODY, **other})


def test_a_null_inside_a_schema_is_not_lost() -> None:
    tools = [[{"function": {"parameters": schema}}] for schema in ({"const": None}, {})]
    assert key({**BODY, "tools": tools[0]}) != key({**BODY, "tools": tools[1]})


def test_odd_numbers_and_odd_text_have_keys_of_their_own() -> None:
    odd_values: list[Any] = [
        float("nan"), float("inf"), float("-inf"), None, "nan", 2**63, 2**64, -(2**70), 10**400,
        "\ud800", "\\ud800", [], {}, [[]], "", 0, -1,
    ]  # fmt: skip
    keys = [key({**BODY, "x": [value]}) for value in odd_values]
    assert len(set(keys)) == len(keys)


def test_a_body_nested_too_deeply_is_refused_as_a_bad_request() -> None:
    deep: Any = "x"
    for _ in range(MAX_DEPTH + 1):
        deep = [deep]
    with pytest.raises(InvalidRequestError, match="nested"):
        key({**BODY, "x": deep})
    assert key({**BODY, "x": deep[0][0]})


def test_making_a_key_leaves_the_request_alone() -> None:
    body = {**BODY, "n": 1, "stop": "x", "router": {"cache": "no-store"}}
    before = json.dumps(body)
    canonical(body)
    assert json.dumps(body) == before
