from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.routing.fitness import CONTEXT, WORDS, Abilities, Needs, fit, needs_of
from policies.types import Tier
from tests.fakes import query, tier

FEATURES = sorted(WORDS)
LADDER = (tier("short", "a", "b"), tier("long", "c"))

knowledge = st.builds(
    lambda told, window: Abilities(
        **dict(zip(FEATURES, told, strict=True)), max_input_tokens=window
    ),
    st.lists(st.sampled_from([True, False, None]), min_size=len(FEATURES), max_size=len(FEATURES)),
    st.none() | st.integers(1, 10_000),
)
needs = st.builds(Needs, st.frozensets(st.sampled_from(FEATURES)), st.integers(0, 20_000))
ladders = st.lists(
    st.lists(st.sampled_from("abcde"), min_size=1, max_size=3, unique=True), min_size=1, max_size=4
).map(lambda rows: tuple(tier(f"t{i}", *models) for i, models in enumerate(rows)))


def models(tiers: tuple[Tier, ...], names: Any) -> set[str]:
    return {model for each in tiers if each.name in names for model in each.models}


@given(ladders, st.dictionaries(st.sampled_from("abcde"), knowledge), needs)
def test_a_model_that_lacks_something_is_never_asked_for_it(
    ladder: tuple[Tier, ...], abilities: dict[str, Abilities], needed: Needs
) -> None:
    names = [each.name for each in ladder]
    found = fit(ladder, names, abilities, needed)
    tiers, able = (ladder, names) if found is None else (found.tiers, list(found.names))
    for model in models(tiers, able):
        known = abilities.get(model, Abilities())
        assert not [feature for feature in needed.features if getattr(known, feature) is False]
    assert [each.name for each in tiers] == names


@given(ladders, st.dictionaries(st.sampled_from("abcde"), knowledge), needs)
def test_nobody_is_left_only_if_everybody_is_known_to_lack_something(
    ladder: tuple[Tier, ...], abilities: dict[str, Abilities], needed: Needs
) -> None:
    names = [each.name for each in ladder]
    found = fit(ladder, names, abilities, needed)
    if found is None or found.names:
        return
    assert found.lacks
    for model in models(ladder, names):
        known = abilities[model]
        lacking = any(getattr(known, feature) is False for feature in needed.features)
        window = known.max_input_tokens
        assert lacking or (window is not None and window < needed.tokens)


@given(ladders, needs)
def test_what_nobody_knows_keeps_nobody_out(ladder: tuple[Tier, ...], needed: Needs) -> None:
    assert fit(ladder, [each.name for each in ladder], {}, needed) is None


def test_a_tier_keeps_the_models_that_can() -> None:
    found = fit(
        LADDER, ["short", "long"], {"a": Abilities(tools=False)}, Needs(frozenset({"tools"}))
    )
    assert found is not None
    assert found.names == ("short", "long")
    assert [each.models for each in found.tiers] == [("b",), ("c",)]


@pytest.mark.parametrize(
    ("may", "names"),
    [(["short", "long"], ("long",)), (["short"], None)],
    ids=["preferred to what nobody knows", "nobody better may be asked"],
)
def test_images_go_where_they_are_known_to_be_taken(may: list[str], names: Any) -> None:
    found = fit(LADDER, may, {"c": Abilities(images=True)}, Needs(frozenset({"images"})))
    assert (None if found is None else found.names) == names


@pytest.mark.parametrize(
    ("tokens", "names"),
    [(790, None), (1000, ("long",)), (9000, ("long",))],
    ids=["fits", "may not fit", "does not fit"],
)
def test_a_long_prompt_goes_where_it_fits(tokens: int, names: Any) -> None:
    windows = {name: Abilities(max_input_tokens=1000) for name in "ab"}
    found = fit(LADDER, ["short", "long"], windows, Needs(tokens=tokens))
    assert (None if found is None else found.names) == names
    if found is not None:
        assert found.lacks == (CONTEXT,)


def test_a_prompt_that_may_not_fit_is_tried_where_nothing_is_longer() -> None:
    windows = {name: Abilities(max_input_tokens=1000) for name in "abc"}
    assert fit(LADDER, ["short", "long"], windows, Needs(tokens=1000)) is None
    found = fit(LADDER, ["short", "long"], windows, Needs(tokens=9000))
    assert found is not None
    assert found.names == ()


@pytest.mark.parametrize(
    ("body", "features"),
    [
        ({}, set()),
        ({"tools": [{"type": "function"}]}, {"tools"}),
        ({"functions": [{"name": "f"}]}, {"tools"}),
        ({"tools": []}, set()),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, {"json_schema"}),
        ({"response_format": {"type": "json_object"}}, set()),
        ({"logprobs": True}, {"logprobs"}),
        ({"n": 3}, {"choices"}),
        ({"modalities": ["text", "audio"]}, {"audio"}),
    ],
    ids=str,
)
def test_what_a_body_needs(body: dict[str, Any], features: set[str]) -> None:
    assert needs_of(query(body=body)).features == features


@pytest.mark.parametrize(
    ("kind", "feature"),
    [("image_url", "images"), ("input_audio", "audio"), ("file", "files")],
)
def test_an_earlier_message_counts_too(kind: str, feature: str) -> None:
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "see"}, {"type": kind, kind: {}}]},
        {"role": "assistant", "content": "ok"},
        {"role": "user", "content": "And now?"},
    ]
    assert needs_of(query(body={"messages": messages})).features == {feature}


def test_tools_are_a_part_of_the_prompt() -> None:
    tools = [{"type": "function", "function": {"name": "f", "description": "x" * 4000}}]
    assert needs_of(query(body={"tools": tools})).tokens > 1000


def test_a_forced_tier_that_may_be_able_is_asked() -> None:
    known = {"a": Abilities(images=False), "c": Abilities(images=True)}
    found = fit(LADDER, ["short", "long"], known, Needs(frozenset({"images"})), forced="short")
    assert found is not None
    assert found.names == ("short", "long")
    assert [each.models for each in found.tiers] == [("b",), ("c",)]


def test_a_forced_tier_that_is_known_to_be_unable_is_not() -> None:
    known = {name: Abilities(images=False) for name in "ab"}
    found = fit(LADDER, ["short", "long"], known, Needs(frozenset({"images"})), forced="short")
    assert found is not None
    assert found.names == ("long",)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
parts = st.fixed_dictionaries({}, optional={"type": anything, "text": anything}) | anything


@given(
    st.lists(parts, max_size=3),
    st.dictionaries(
        st.sampled_from(["tools", "functions", "response_format", "logprobs", "n", "modalities"]),
        anything,
    ),
)
def test_odd_bodies_have_needs_too(content: list[Any], fields: dict[str, Any]) -> None:
    messages = [{"role": "user", "content": content}]
    assert needs_of(query(body={"messages": messages} | fields)).features <= set(WORDS)
