import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.cache.values import HEADER_BYTES, decode, encode


@given(st.binary(max_size=5000))
def test_what_was_encoded_comes_back(value: bytes) -> None:
    assert decode(encode(value)) == value


def test_long_answers_are_compressed_where_that_pays() -> None:
    assert len(encode(b"word " * 1000)) < 200
    assert len(encode(b"short")) == 5 + HEADER_BYTES


@given(st.binary(max_size=200))
def test_foreign_bytes_are_a_miss(stored: bytes) -> None:
    assert decode(stored) is None


@given(st.binary(min_size=1, max_size=3000), st.data())
def test_a_damaged_value_is_a_miss(value: bytes, data: st.DataObject) -> None:
    stored = bytearray(encode(value))
    place = data.draw(st.integers(0, len(stored) - 1))
    stored[place] ^= data.draw(st.integers(1, 255))
    assert decode(bytes(stored)) is None
    assert decode(encode(value)[:-1]) is None


@pytest.mark.parametrize("stored", [None, "text", 3, b"", b"tt1"], ids=repr)
def test_what_is_no_value_is_a_miss(stored: object) -> None:
    assert decode(stored) is None


def test_a_value_that_would_grow_past_the_limit_is_a_miss() -> None:
    bomb = b"tt1z" + zlib.crc32(b"").to_bytes(4, "big") + zlib.compress(b"\0" * 50_000_000)
    assert decode(bomb, max_bytes=1000) is None
    assert decode(encode(b"x" * 1001), max_bytes=1000) is None
    assert decode(encode(b"x" * 1000), max_bytes=1000) == b"x" * 1000
