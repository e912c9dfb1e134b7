import asyncio
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.answers import Clusters
from policies.answers.algebra import equal_expressions
from policies.answers.equivalence import decimals, rounded_alike


async def algebra(a: str, b: str) -> bool:
    return equal_expressions(a, b)


async def partition(keys: list[str]) -> set[frozenset[str]]:
    clusters = Clusters(algebra)
    for key in keys:
        await clusters.representative(key)
    groups: dict[str, set[str]] = {}
    for key in keys:
        groups.setdefault(await clusters.representative(key), set()).add(key)
    return {frozenset(group) for group in groups.values()}


POOL = [
    "number:1/3", "number:3333/10000", "number:33333/100000", "number:6667/20000", "number:1/2", "number:2",
    "number:2000001/1000000", "number:70711/100000", "number:157/50", "number:314159/100000", "number:3927/1250",
    "math:1/2*2^(1/2)", "math:2^(-1/2)", "math:pi", "math:x+1", "math:(x^2-1)*(x-1)^(-1)", "math:2*x",
    "math:(1,2)", "math:⦃1,2⦄", "math:x^2-1=0", "mcq:A", "bool:true", "text:a", "text:x+1",
]  # fmt: skip


@given(
    st.lists(st.sampled_from(POOL), min_size=1, max_size=9, unique=True).flatmap(
        lambda keys: st.tuples(st.just(keys), st.permutations(keys))
    )
)
async def test_the_partition_does_not_depend_on_the_order_of_arrival(
    orders: tuple[list[str], list[str]],
) -> None:
    one, other = orders
    assert await partition(one) == await partition(other)


@given(st.lists(st.sampled_from(POOL), min_size=1, max_size=9))
async def test_the_representative_is_the_first_one_seen(keys: list[str]) -> None:
    clusters = Clusters(algebra)
    seen: list[str] = []
    for key in keys:
        seen.append(key)
        representative = await clusters.representative(key)
        fellows = [
            other for other in seen if await clusters.representative(other) == representative
        ]
        assert representative == fellows[0]
        assert await clusters.representative(representative) == representative


async def test_kinds_never_mix_but_numbers_and_formulas() -> None:
    async def always(_a: str, _b: str) -> bool:
        return True

    clusters = Clusters(always)
    keys = ["mcq:A", "bool:true", "text:1", "json:1", "code:1", "number:1", "math:x"]
    representatives = [await clusters.representative(key) for key in keys]
    assert representatives == [
        "mcq:A",
        "bool:true",
        "text:1",
        "json:1",
        "code:1",
        "number:1",
        "number:1",
    ]


async def test_algebra_is_asked_once_a_pair_and_never_without_need() -> None:
    asked: list[tuple[str, str]] = []

    async def equal(a: str, b: str) -> bool:
        asked.append((a, b))
        return False

    clusters = Clusters(equal)
    for key in ["number:1", "number:2", "mcq:A", "math:x", "math:y", "number:1", "math:x"] * 2:
        await clusters.representative(key)
    assert asked == [("x", "1"), ("x", "2"), ("y", "1"), ("y", "2"), ("x", "y")]


async def test_a_cancelled_question_leaves_no_half_compared_key() -> None:
    begun = asyncio.Event()

    async def equal(_a: str, _b: str) -> bool:
        if not begun.is_set():
            begun.set()
            await asyncio.Event().wait()
        return True

    clusters = Clusters(equal)
    await clusters.representative("math:x")
    task = asyncio.create_task(clusters.representative("math:y"))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await clusters.representative("math:y") == "math:x"


async def test_a_key_that_equals_two_clusters_joins_them() -> None:
    clusters = Clusters(algebra)
    a, b, bridge = "number:70711/100000", "math:2^(-1/2)", "math:1/2*2^(1/2)"
    for order in permutations([a, b, bridge]):
        clusters = Clusters(algebra)
        for key in order:
            await clusters.representative(key)
        assert {await clusters.representative(key) for key in order} == {order[0]}


numbers = st.one_of(
    st.fractions(max_denominator=60),
    st.decimals(-1000, 1000, places=4).map(Fraction),
    st.integers(-50, 50).map(Fraction),
)


@given(numbers, numbers)
def test_rounding_is_reflexive_symmetric_and_close(a: Fraction, b: Fraction) -> None:
    assert rounded_alike(a, a)
    assert rounded_alike(a, b) == rounded_alike(b, a)
    if rounded_alike(a, b):
        assert abs(a - b) <= Fraction(1, 9_999) * max(abs(a), abs(b))


@given(st.fractions(min_value=1, max_denominator=50), st.integers(5, 12))
def test_a_fraction_is_alike_its_own_rounding(value: Fraction, places: int) -> None:
    assert rounded_alike(value, Fraction(round(value, places)))


@given(st.integers(-(10**15), 10**15), st.integers(1, 9))
def test_whole_numbers_and_amounts_of_money_are_never_rounded(value: int, step: int) -> None:
    assert not rounded_alike(Fraction(value), Fraction(value + step))
    assert not rounded_alike(Fraction(value, 100), Fraction(value + step, 100))


@pytest.mark.parametrize(
    ("value", "places"), [("1/3", None), ("1/8", 3), ("7", 0), ("1/10", 1), ("3/25", 2)]
)
def test_decimals_that_write_a_fraction(value: str, places: int | None) -> None:
    assert decimals(Fraction(value)) == places
