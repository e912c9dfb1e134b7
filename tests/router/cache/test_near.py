"""Paraphrases share an answer; minimal pairs never do; and what clients judge wrong is not shared again."""

import time
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from policies.types import Query
from router.cache.keys import cache_key
from router.cache.minhash import Wording
from router.cache.near import ENTRY_WEIGHT, PRIOR_ERROR, Votes, expected_error, wording
from router.cache.near_gate import MAX_SPARE, asks_the_same, kin
from router.cache.paraphrase import canonical_form
from router.cache.redis_store import RedisStore
from tests.fakes import query
from tests.router.cache.fresh_pairs import fresh_paraphrases, fresh_traps
from tests.router.cache.held_out_pairs import paraphrases, traps
from tests.router.cache.minimal_pairs import Pair, different, same

SECRET = b"s" * 32
ENTRY = "tt:{tenant.entry}:answer"


def meets(one: str, other: str) -> bool:
    forms = canonical_form(one), canonical_form(other)
    return forms[0] is not None and forms[1] is not None and asks_the_same(forms[0], forms[1])


@pytest.mark.parametrize(
    ("pairs", "count"),
    [(different(), 400), (traps(), 140), (fresh_traps(), 80)],
    ids=["with the rules", "second", "third"],
)
def test_no_minimal_pair_asks_the_same(pairs: list[Pair], count: int) -> None:
    assert len({frozenset(pair) for pair in pairs}) == count
    assert [pair for pair in pairs if meets(*pair) or meets(*reversed(pair))] == []


@pytest.mark.parametrize(
    ("pairs", "count", "least"),
    [(same(), 200, 0.85), (paraphrases(), 110, 0.5), (fresh_paraphrases(), 60, 0.65)],
    ids=["with the rules", "second", "third"],
)
def test_many_paraphrases_do(pairs: list[Pair], count: int, least: float) -> None:
    assert len({frozenset(pair) for pair in pairs}) == count
    assert sum(meets(*pair) for pair in pairs) / count >= least


@given(st.sampled_from([*same(), *paraphrases(), *fresh_paraphrases()]))
def test_what_the_gate_lets_through_is_made_of_kindred_words(pair: Pair) -> None:
    """Otherwise the index could not open a sealed form that the gate would accept."""
    one, other = (canonical_form(text) for text in pair)
    if one is not None and other is not None and asks_the_same(one, other):
        assert set(other) <= kin(one)
        assert set(one) <= kin(other)
        assert asks_the_same(other, one)
        assert abs(len(one) - len(other)) <= MAX_SPARE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Is the sea good for a kid?", "Is the ocean good for a child?"),
        ("Is it exactly 5 metres?", "Is it 5 metres?"),
        ("Is it actually, exactly noon?", "Is it noon?"),
    ],
)
def test_two_small_differences_or_one_beside_a_number_are_too_many(one: str, other: str) -> None:
    assert not meets(one, other)
    assert meets("Is the sea good for a dog?", "Is the ocean good for a dog?")


@given(st.text(max_size=40))
def test_any_text_has_a_form_or_none_and_is_like_itself(text: str) -> None:
    form = canonical_form(text)
    assert form is None or all(form)
    assert canonical_form(f"  {text} ") == form


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_different_numbers_never_meet(one: int, other: int) -> None:
    asked = [f"What is the square of {n}?" for n in (one, other)]
    assert meets(*asked) == (one == other)


@given(st.text("abXY 0159.,!?-+*/()=<>^%'\"`", max_size=30))
def test_arithmetic_is_kept_mark_by_mark(text: str) -> None:
    """A form may drop the marks that end a sentence, the word "the" and spaces, and nothing else."""
    form = canonical_form(f"what is {text} zz")
    if form is not None and form[0] == "<what>":
        kept = "".join(form[1:]).lower()
        lost = [c for c in text.lower() if c.isdigit() and kept.count(c) < text.count(c)]
        assert not lost


def key_of(asked: Query) -> str:
    return cache_key(SECRET, tenant=asked.tenant, body=asked.body)


def worded(asked: Query) -> Wording | None:
    return wording(asked, key_of, SECRET)


def test_only_the_last_wording_may_differ() -> None:
    one, other = (
        query(text) for text in ("What is the capital of Peru?", "Tell me the capital of Peru")
    )
    told = worded(one)
    assert told is not None
    assert told == worded(other)
    system = {"messages": [{"role": "system", "content": "x"}, *one.body["messages"]]}
    differs = worded(query(body=system))
    assert differs is not None
    assert differs.form == told.form
    assert not set(differs.buckets()) & set(told.buckets())
    assert worded(query("hm")) is None
    assert worded(query("What is the capital of Peru?", body={"tools": [{}]})) is None
    assert worded(query("What is this?\n\n    x = 1")) is None


def test_the_error_to_expect_moves_with_judgements() -> None:
    assert expected_error(0, 0, ENTRY_WEIGHT) == pytest.approx(PRIOR_ERROR)
    assert expected_error(0, 1, ENTRY_WEIGHT) > 0.04
    assert expected_error(100, 1, ENTRY_WEIGHT) < 0.02


@pytest.fixture
async def votes(valkey: str, clean: Redis) -> AsyncIterator[Votes]:
    store = RedisStore(valkey, secret=b"s" * 32, clock=time.monotonic)
    await store.ready()
    yield Votes(store, max_error=0.02)
    await store.close()


async def test_an_entry_judged_wrong_is_not_shared_again(votes: Votes) -> None:
    other = "tt:{tenant.other}:answer"
    assert await votes.allow(ENTRY)
    await votes.served("d_1", ENTRY)
    assert await votes.judge("d_1", correct=False)
    assert not await votes.judge("d_1", correct=False), "a judgement counts once"
    assert not await votes.judge("d_unknown", correct=False)
    assert not await votes.allow(ENTRY)
    assert await votes.allow(other), "one mistake is not everybody's"
    for i in range(2, 5):
        await votes.served(f"d_{i}", f"tt:{{tenant.{i}}}:answer")
        await votes.judge(f"d_{i}", correct=False)
    assert not await votes.allow(other), "a gate that does not fit this tenant"
    assert await votes.allow("tt:{neighbour.entry}:answer")


async def test_a_stricter_bound_needs_fewer_mistakes(votes: Votes) -> None:
    assert not await Votes(votes.store, max_error=0.001).allow(ENTRY)
    away = RedisStore("redis://127.0.0.1:1", secret=b"s" * 32, clock=time.monotonic)
    assert not await Votes(away, 0.5).allow(ENTRY), "what cannot be known is not shared"
    await away.close()
