"""Every pair of the table, through the very path a vote takes: keys, clusters, and algebra in its own processes."""

from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio

from policies.answers import Clusters, Kind, answer_key
from router.algebra import AlgebraPool
from tests.policies.answers import pairs

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[AlgebraPool]:
    # The verdicts are under test here and not the limit, and the machine may be busy.
    pool = AlgebraPool(workers=1, limit_s=20)
    yield pool
    await pool.close()


def key_of(
    answer: str, kind: Kind, options: Mapping[str, str] | None = None, unit: str | None = None
) -> str | None:
    text = answer if kind in ("json", "code") else rf"Therefore \boxed{{{answer}}}."
    return answer_key(text, kind, options=options or {}, unit=unit)


Pairs = list[tuple[str, str]]
EQUAL: list[tuple[Kind, Pairs]] = [
    ("number", pairs.NUMBERS),
    ("math", pairs.FORMULAS),
    ("math", pairs.STRUCTURES),
    ("mcq", pairs.CHOICES),
    ("bool", pairs.BOOLEANS),
    ("json", pairs.DOCUMENTS),
    ("code", pairs.PROGRAMS),
    ("text", pairs.TEXTS),
    ("auto", pairs.NUMBERS),
]
UNEQUAL: list[tuple[Kind, Pairs]] = [
    ("number", pairs.DIFFERENT_NUMBERS),
    ("math", pairs.DIFFERENT_FORMULAS),
    ("auto", pairs.DIFFERENT_STRUCTURES),
    ("mcq", pairs.DIFFERENT_CHOICES),
    ("bool", pairs.DIFFERENT_BOOLEANS),
    ("json", pairs.DIFFERENT_DOCUMENTS),
    ("code", pairs.DIFFERENT_PROGRAMS),
    ("text", pairs.DIFFERENT_TEXTS),
    ("auto", pairs.DIFFERENT_NUMBERS),
]


def rows(tables: list[tuple[Kind, Pairs]]) -> list[tuple[Kind, str, str]]:
    return [(kind, *pair) for kind, table in tables for pair in table]


@pytest.mark.parametrize(("kind", "a", "b"), rows(EQUAL))
async def test_equal_answers_share_a_representative(
    pool: AlgebraPool, kind: Kind, a: str, b: str
) -> None:
    options = pairs.CAPITALS if kind == "mcq" else None
    one, other = key_of(a, kind, options), key_of(b, kind, options)
    assert one is not None
    assert other is not None
    clusters = Clusters(pool.equal)
    assert await clusters.representative(one) == await clusters.representative(other)


@pytest.mark.parametrize(("kind", "a", "b"), rows(UNEQUAL))
async def test_different_answers_do_not(pool: AlgebraPool, kind: Kind, a: str, b: str) -> None:
    options = pairs.CAPITALS if kind == "mcq" else None
    one, other = key_of(a, kind, options), key_of(b, kind, options)
    assert one is not None
    assert other is not None
    clusters = Clusters(pool.equal)
    assert await clusters.representative(one) != await clusters.representative(other)


@pytest.mark.parametrize(("a", "b", "unit"), pairs.UNITS)
async def test_the_unit_that_was_asked_for_may_be_missing(a: str, b: str, unit: str) -> None:
    assert key_of(a, "number", unit=unit) == key_of(b, "number", unit=unit) is not None


@pytest.mark.parametrize(("answer", "unit"), pairs.WRONG_UNITS)
async def test_another_unit_abstains(answer: str, unit: str) -> None:
    assert key_of(answer, "number", unit=unit) is None


@pytest.mark.parametrize("answer", pairs.NO_CHOICES)
async def test_no_option_or_more_than_one_abstains(answer: str) -> None:
    assert key_of(answer, "mcq", pairs.CAPITALS) is None


async def test_the_table_is_as_large_as_it_says() -> None:
    tables = [table for table in vars(pairs).values() if isinstance(table, list)]
    assert sum(len(set(table)) for table in tables) >= 300
