import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from policies.answers import answer_key, medoid, merge_fields, similarity

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


def unordered(value: object) -> object:
    """The value with equal numbers equal, True no number, and fields in no order."""
    if isinstance(value, dict):
        return frozenset((key, unordered(item)) for key, item in value.items())
    if isinstance(value, list):
        return tuple(map(unordered, value))
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return (type(value).__name__, value)
    return Decimal(str(value))


@given(values, values)
def test_documents_share_a_key_exactly_when_they_are_equal(a: object, b: object) -> None:
    one, other = answer_key(json.dumps(a, indent=1), "json"), answer_key(json.dumps(b), "json")
    assert one is not None
    assert (one == other) == (unordered(a) == unordered(b))
    assert answer_key(one.removeprefix("json:"), "json") == one


def test_fields_are_merged_by_majority() -> None:
    samples = [
        '{"name": "Ann", "age": 31, "tags": ["a"], "home": {"city": "Rome", "zip": 1}}',
        '{"name": "Ann", "age": 30, "tags": ["b"], "home": {"city": "Rome", "zip": 2}}',
        '```json\n{"name": "Anna", "age": 30.0, "tags": ["b"], "home": {"city": "Oslo", "zip": 2}, "odd": 1}\n```',
        "no document",
    ]
    merged = merge_fields(samples)
    assert merged is not None
    assert json.loads(merged) == {"name": "Ann", "age": 30, "tags": ["b"], "home": {"city": "Rome", "zip": 2}}  # fmt: skip


def test_merging_goes_by_shape_first_and_abstains_on_nothing() -> None:
    assert merge_fields(["[1]", "[1.0]", '{"a": 1}']) == "[1]"
    assert merge_fields(['{"a": 1}', "[1]", '{"b": 1}']) == '{"a":1,"b":1}'
    assert merge_fields(["none", ""]) is None
    assert merge_fields([]) is None


@given(st.lists(values, min_size=1, max_size=5))
def test_agreeing_documents_merge_to_themselves(many: list[object]) -> None:
    document = json.dumps(many[0])
    merged = merge_fields([document] * len(many))
    assert merged is not None
    assert unordered(json.loads(merged, parse_float=Decimal)) == unordered(many[0])


@given(st.text(), st.text())
def test_similarity_is_symmetric_and_bounded_and_full_for_the_same(a: str, b: str) -> None:
    assert similarity(a, b) == similarity(b, a)
    assert 0 <= similarity(a, b) <= 1
    assert similarity(a, a) > 0.999


def test_the_medoid_is_the_most_typical_text() -> None:
    texts = [
        "Bananas are yellow because of carotenoids.",
        "The sky is blue because air scatters short wavelengths more.",
        "The sky is blue because short wavelengths are scattered more by air.",
        "The sky looks blue since the air scatters blue light more than red.",
    ]
    assert medoid(texts) in (1, 2)
    assert medoid([texts[0]]) == 0
    assert medoid(["a b c", "a b c", "x"]) == 0
    assert medoid(["光在空气中散射", "香蕉是黄色的", "光在空气里散射"]) in (0, 2)


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_the_medoid_is_one_of_the_texts_and_no_other_order_changes_it(texts: list[str]) -> None:
    first, last = texts[medoid(texts)], texts[::-1][medoid(texts[::-1])]

    def support(text: str) -> float:
        return sum(similarity(text, other) for other in texts)

    assert abs(support(first) - support(last)) < 1e-6
