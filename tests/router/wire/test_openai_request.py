from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.types import Ceilings, Query, Wishes
from router.errors import InvalidRequestError
from router.wire.openai_request import REFUSED, parse_chat

ASK = [{"role": "user", "content": "hi"}]


def parse(headers: dict[str, str] | None = None, **fields: Any) -> Query:
    return parse_chat({"model": "auto", "messages": ASK} | fields, headers or {})


def blamed(headers: dict[str, str], **fields: Any) -> str:
    """Return the field that a refusal names; a request that is understood blames the whole ``router.``."""
    try:
        parse(headers, **fields)
    except InvalidRequestError as error:
        return error.param or ""
    return "router."


WRONG = [
    ({"model": None}, "model", 'non-empty string, for example "auto"'),
    ({"model": ""}, "model", "non-empty string"),
    ({"model": 3}, "model", "non-empty string"),
    ({"messages": None}, "messages", "non-empty list"),
    ({"messages": []}, "messages", "non-empty list"),
    ({"messages": "hi"}, "messages", "non-empty list"),
    ({"messages": ["hi"]}, "messages[0]", "object with a string role"),
    ({"messages": [*ASK, {"content": "x"}]}, "messages[1]", "object with a string role"),
    ({"messages": [{"role": 1}]}, "messages[0]", "object with a string role"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "string or a list"),
    ({"messages": [{"role": "user", "content": {}}]}, "messages[0].content", "string or a list"),
    ({"stream": "yes"}, "stream", "true or false"),
    ({"stream": 1}, "stream", "true or false"),
    ({"stream_options": []}, "stream_options", "an object"),
    ({"temperature": 2.1}, "temperature", "a number between 0 and 2"),
    ({"temperature": "hot"}, "temperature", "a number"),
    ({"temperature": True}, "temperature", "a number"),
    ({"top_p": -0.1}, "top_p", "a number between 0 and 1"),
    ({"n": 0}, "n", "an integer between 1 and 128"),
    ({"n": 1.5}, "n", "an integer"),
    ({"n": True}, "n", "an integer"),
    ({"max_tokens": 0}, "max_tokens", "an integer of at least 1"),
    ({"max_tokens": "9"}, "max_tokens", "an integer"),
    ({"max_completion_tokens": -1}, "max_completion_tokens", "an integer of at least 1"),
    ({"reasoning_effort": 3}, "reasoning_effort", "a string"),
    ({"reasoning_effort": "huge"}, "reasoning_effort", "one of none, minimal, low, medium, high"),
    ({"router": []}, "router", "an object"),
    ({"router": {"teir": "x"}}, "router.teir", "known: tier, min_tier"),
    ({"router": {"tier": 1}}, "router.tier", "a string"),
    ({"router": {"min_tier": []}}, "router.min_tier", "a string"),
    ({"router": {"strategy": {}}}, "router.strategy", "a string"),
    ({"router": {"cache": True}}, "router.cache", "a string"),
    ({"router": {"cache": "maybe"}}, "router.cache", "one of no-store, no-cache, only-if-cached"),
    ({"router": {"dry_run": "yes"}}, "router.dry_run", "true or false"),
    ({"router": {"dial": 1.01}}, "router.dial", "a number between 0 and 1"),
    ({"router": {"max_cost_usd": -1}}, "router.max_cost_usd", "a number of at least 0"),
    ({"router": {"n": 65}}, "router.n", "an integer between 1 and 64"),
    ({"router": {"max_thinking_tokens": -1}}, "router.max_thinking_tokens", "of at least 0"),
    ({"router": {"max_total_tokens": 0}}, "router.max_total_tokens", "of at least 1"),
    *[({name: "x"}, name, "not accepted") for name in sorted(REFUSED)],
]


@pytest.mark.parametrize(
    ("fields", "param", "says"),
    WRONG,
    ids=[f"{param}-{i}" for i, (_, param, _) in enumerate(WRONG)],
)
def test_a_wrong_field_is_named_and_what_it_must_be(
    fields: dict[str, Any], param: str, says: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse(**fields)
    assert caught.value.param == param
    assert says in str(caught.value)
    assert param in str(caught.value)


@pytest.mark.parametrize("body", [None, [], "x", 3])
def test_a_body_that_is_no_object_is_refused(body: Any) -> None:
    with pytest.raises(InvalidRequestError, match="JSON object"):
        parse_chat(body, {})


HEADERS = {
    "tier": ("long", Wishes(tier="long")),
    "min_tier": ("short", Wishes(min_tier="short")),
    "max_tier": ("long", Wishes(max_tier="long")),
    "dial": ("0.25", Wishes(dial=0.25)),
    "strategy": ("vote", Wishes(strategy="vote")),
    "n": ("7", Wishes(n=7)),
    "max_cost_usd": ("0.5", Ceilings(max_cost_usd=0.5)),
    "max_thinking_tokens": ("0", Ceilings(max_thinking_tokens=0)),
    "max_total_tokens": ("900", Ceilings(max_total_tokens=900)),
}


@pytest.mark.parametrize("name", sorted(HEADERS))
def test_a_header_says_what_the_body_would(name: str) -> None:
    text, expected = HEADERS[name]
    value = getattr(expected, name)
    by_header, by_body = parse({name: text}), parse(router={name: value})
    assert by_header == by_body
    assert expected in (by_header.wishes, by_header.ceilings)


@pytest.mark.parametrize(("text", "dry"), [("true", True), ("1", True), ("False", False)])
def test_a_dry_run_is_asked_for_by_header(text: str, dry: bool) -> None:
    assert parse({"dry_run": text}).dry_run is dry


@pytest.mark.parametrize(
    "headers",
    [{"n": "x"}, {"n": "-1"}, {"n": "9" * 5000}, {"n": ""}, {"dial": "nan"}, {"dial": "x"},
     {"max_cost_usd": "-inf"}, {"dry_run": "maybe"}, {"max_total_tokens": "1.5"}, {"cache": "x"}],
    ids=str,
)  # fmt: skip
def test_a_header_that_does_not_parse_is_refused_like_the_body(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse(headers)
    assert caught.value.param == f"router.{next(iter(headers))}"


def test_the_body_wins_over_headers_and_unknown_headers_are_somebody_elses() -> None:
    query = parse({"tier": "short", "dial": "0.1", "trace_id": "7"}, router={"tier": "long"})
    assert query.wishes == Wishes(tier="long", dial=0.1)


@given(st.dictionaries(st.sampled_from([*sorted(HEADERS), "cache", "dry_run"]), st.text()))
def test_any_header_is_understood_or_refused(headers: dict[str, str]) -> None:
    assert blamed(headers).startswith("router.")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.floats(-2, 3) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
)


@given(
    st.dictionaries(
        st.sampled_from(["model", "messages", "stream", "n", "router", "max_tokens", "tools"]),
        json_values,
    )
)
def test_any_json_is_understood_or_refused(fields: dict[str, Any]) -> None:
    assert blamed({}, **fields)


def test_the_body_keeps_what_is_the_upstreams_and_loses_what_is_ours() -> None:
    query = parse(
        router={"dial": 0.2}, stream=True, stream_options={"include_usage": True}, seed=7,
        temperature=0, vendor_extra={"a": 1}, max_tokens=90, max_completion_tokens=80,
    )  # fmt: skip
    assert query.body == {
        "messages": ASK, "seed": 7, "temperature": 0, "vendor_extra": {"a": 1}, "max_tokens": 90,
        "max_completion_tokens": 80,
    }  # fmt: skip
    assert (query.stream, query.include_usage) == (True, True)
    assert query.ceilings.max_output_tokens == 80


@pytest.mark.parametrize(
    ("messages", "text", "turns", "images"),
    [
        pytest.param(ASK, "hi", 1, False, id="one"),
        pytest.param(
            [{"role": "system", "content": "long rules"}, *ASK,
             {"role": "assistant", "content": "yes?"}, {"role": "user", "content": "why"},
             {"role": "tool", "content": "12 pages"}],
            "why", 2, False, id="the last human ask",
        ),
        pytest.param(
            [{"role": "user", "content": [{"type": "text", "text": "see"},
                                          {"type": "image_url", "image_url": {}},
                                          {"type": "text", "text": "this"}, 5]}],
            "see\nthis", 1, True, id="parts",
        ),
        pytest.param([{"role": "system", "content": "do"}], "do", 1, False, id="no user"),
        pytest.param([{"role": "user", "content": None}], "", 1, False, id="nothing said"),
    ],
)  # fmt: skip
def test_only_the_last_human_ask_is_scored(
    messages: list[dict[str, Any]], text: str, turns: int, images: bool
) -> None:
    ask = parse(messages=messages, tools=[{"type": "function"}]).ask
    assert (ask.text, ask.n_turns, ask.has_images, ask.has_tools) == (text, turns, images, True)
