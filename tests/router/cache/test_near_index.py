"""The index of near duplicates, on a real Valkey: what asks the same is found, and nothing can be read from it."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from router.cache.keys import cache_key
from router.cache.minhash import BANDS, BUCKETS, DIGEST_BYTES, Wording
from router.cache.near import wording
from router.cache.near_index import BUCKET_ENTRIES, NearIndex
from router.cache.redis_store import RedisStore
from tests.fakes import query
from tests.router.cache.fresh_pairs import fresh_paraphrases, fresh_traps
from tests.router.cache.held_out_pairs import paraphrases, traps
from tests.router.cache.minimal_pairs import Pair, different, same
from tests.router.cache.test_near import meets

SECRET = b"s" * 32
TTL_S = 500


def key(text: str, tenant: str = "t") -> str:
    return cache_key(SECRET, tenant=tenant, body=query(text).body)


def worded(text: str, tenant: str = "t", secret: bytes = SECRET) -> Wording:
    asked = wording(
        query(text), lambda other: cache_key(secret, tenant=tenant, body=other.body), secret
    )
    assert asked is not None, text
    return asked


def has_a_wording(text: str) -> bool:
    return wording(query(text), lambda other: key(""), SECRET) is not None


@pytest.fixture
async def index(valkey: str, clean: Redis) -> AsyncIterator[NearIndex]:
    store = RedisStore(valkey, secret=SECRET, clock=time.monotonic)
    assert await store.ready()
    yield NearIndex(store, TTL_S)
    await store.close()


async def test_what_asks_the_same_is_found_among_all_the_rest(index: NearIndex) -> None:
    """The index costs no hit: it proposes whatever the gate would accept."""
    pairs = [*same(), *paraphrases(), *fresh_paraphrases()]
    pairs = [pair for pair in pairs if all(map(has_a_wording, pair))]
    for at, text in enumerate({one for one, _ in pairs}):
        await index.add(worded(text), key(text), at)
    accepted = [pair for pair in pairs if meets(*pair)]
    lost = [
        (one, other) for one, other in accepted if key(one) not in await index.find(worded(other))
    ]
    assert lost == []


@pytest.mark.parametrize("pairs", [different(), traps(), fresh_traps()], ids=["400", "140", "80"])
async def test_no_trap_is_found(index: NearIndex, pairs: list[Pair]) -> None:
    pairs = [pair for pair in pairs if all(map(has_a_wording, pair))]
    for at, (one, _) in enumerate(pairs):
        await index.add(worded(one), key(one), at)
    assert [pair for pair in pairs if key(pair[0]) in await index.find(worded(pair[1]))] == []


async def test_nothing_of_a_question_can_be_read_or_compared(
    index: NearIndex, clean: Redis
) -> None:
    text = "What is the PIN of Zebediah?"
    await index.add(worded(text, "acme"), key(text, "acme"), 1)
    keys: Any = await clean.keys("*")
    assert len(keys) == BUCKETS
    assert len({bucket.partition(b"}")[0] for bucket in keys}) == 1, "one slot of a cluster"
    stored = b"".join([await clean.dump(bucket) or b"" for bucket in keys] + keys)
    assert not [word for word in (b"PIN", b"pin", b"Zebediah", b"acme") if word in stored]
    other = key("anything else", "acme")
    members = [worded(text, "acme").member(entry) for entry in (key(text, "acme"), other)]
    assert members[0][DIGEST_BYTES:] != members[1][DIGEST_BYTES:], "equal forms do not look equal"
    assert worded(text, "acme", b"x" * 32).entry(members[0]) is None


async def test_a_crowd_of_like_questions_pushes_none_out(index: NearIndex) -> None:
    ask = (
        "Translate the following sentence of my letter into French and explain it: we met {} cats."
    )
    texts = [ask.format(n) for n in range(20, 20 + 10 * BUCKET_ENTRIES)]
    for at, text in enumerate(texts):
        await index.add(worded(text), key(text), at)
    for text in texts:
        assert await index.find(worded(text)) == [key(text)]


async def test_tenants_do_not_meet(index: NearIndex) -> None:
    text = "What is the capital of Peru?"
    await index.add(worded(text, "a"), key(text, "a"), 1)
    assert await index.find(worded("What's the capital of Peru?", "a")) == [key(text, "a")]
    assert await index.find(worded("What's the capital of Peru?", "b")) == []


async def test_a_bucket_is_bounded_and_goes_with_its_tenant(index: NearIndex, clean: Redis) -> None:
    asked = worded("What is the capital of Peru?")
    entries = [key(str(i)) for i in range(BUCKET_ENTRIES + 5)]
    for at, entry in enumerate([*entries, entries[-1]]):
        await index.add(asked, entry, at)
    for bucket in asked.buckets():
        assert await clean.zcard(bucket) == BUCKET_ENTRIES
        assert 0 < await clean.ttl(bucket) <= TTL_S
    assert set(await index.find(asked)) <= set(entries[-BUCKET_ENTRIES:])
    assert await index.store.purge("other") == 0
    assert await index.store.purge("t") == BUCKETS
    assert await index.find(asked) == []


async def test_what_is_no_bucket_is_a_miss(index: NearIndex, clean: Redis) -> None:
    asked = worded("What is the capital of Peru?")
    await clean.set(asked.buckets()[0], b"x")
    await clean.zadd(asked.buckets()[1], {b"short": 1, b"l" * 50: 2})
    assert await index.find(asked) == []
    await index.add(asked, key("x"), 1)
    away = RedisStore("redis://127.0.0.1:1", secret=SECRET, clock=time.monotonic)
    assert await NearIndex(away, TTL_S).find(asked) == []
    await away.close()


@given(st.binary(max_size=120))
def test_any_bytes_stand_for_no_entry(member: bytes) -> None:
    assert worded("What is the capital of Peru?").entry(member) is None


@given(
    st.lists(
        st.sampled_from(["red", "green", "blue", "tea", "cup", "hat", "sun"]),
        min_size=3,
        max_size=6,
    )
)
def test_framing_makes_no_difference_to_the_buckets(words: list[str]) -> None:
    told = " ".join(words)
    buckets = worded(f"Is {told}?").buckets()
    assert buckets == worded(f"Hi, is {told}").buckets()
    assert len(set(buckets)) == BUCKETS


def test_buckets_are_shared_by_as_many_words_as_are() -> None:
    """Broder 1997: hashes agree as often as sets overlap; here as bands of two."""
    shared = 0
    for i in range(60):
        words = [f"w{i}x{j}" for j in range(8)]
        one, other = (worded(" ".join([*words[:6], odd, *words[6:]])) for odd in ("tea", "sun"))
        shared += len({*one.buckets()} & {*other.buckets()})
    # 14 of 20 shingles are shared, so a band of two is with a probability of 0.49.
    assert abs(shared / 60 / BANDS - 0.49) < 0.08
    far = worded("who painted all these doors in York so badly")
    assert not {*far.buckets()} & {*one.buckets()}
