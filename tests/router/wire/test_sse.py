from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.wire import sse
from router.wire.sse import EventTooLongError, Splitter, frame

payloads = st.lists(
    st.text(min_size=1).map(lambda t: t.replace("\r", "").replace("\n", "").encode()).filter(bool),
    max_size=8,
)


def split(data: bytes, *cuts: int) -> list[bytes]:
    splitter = Splitter()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    found: list[bytes] = []
    for start, end in pairwise(places):
        found += splitter.feed(data[start:end])
    return found + splitter.rest()


@given(payloads, st.lists(st.integers(0, 400), max_size=6), st.sampled_from([b"\n", b"\r\n"]))
def test_what_is_framed_is_split_again_wherever_the_bytes_are_cut(
    payloads: list[bytes], cuts: list[int], newline: bytes
) -> None:
    data = frame(payloads).replace(b"\n", newline)
    assert split(data, *cuts) == payloads


def test_every_byte_may_come_alone() -> None:
    data = b': hi\r\n\r\ndata:{"a":1}\r\n\r\nevent: x\ndata: two\ndata: lines\n\ndata: [DONE]\n\n'
    assert split(data, *range(len(data))) == [b'{"a":1}', b"two\nlines", b"[DONE]"]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        pytest.param(b"data: a\n\n", [b"a"], id="usual"),
        pytest.param(b"data:a\n\n", [b"a"], id="no space"),
        pytest.param(b"data:  a\n\n", [b" a"], id="one space only is taken"),
        pytest.param(b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"], id="crlf"),
        pytest.param(b": keep-alive\n\ndata: a\n\n", [b"a"], id="comment"),
        pytest.param(b": hello\ndata: a\n\n", [b"a"], id="comment in the event"),
        pytest.param(b"event: ping\n\n", [], id="no data"),
        pytest.param(b"id: 7\nevent: x\ndata: a\nretry: 5\n\n", [b"a"], id="other fields"),
        pytest.param(b"data: a\ndata: b\n\n", [b"a\nb"], id="two lines"),
        pytest.param(b"data: a\n\n\n\ndata: b\n\n", [b"a", b"b"], id="too many blank lines"),
        pytest.param(b"data: a\n\n\ndata: b\n\n", [b"a", b"b"], id="an odd blank line"),
        pytest.param(b"data: a\n\ndata: b", [b"a", b"b"], id="no last blank line"),
        pytest.param(b"data: a\n\ndata: b\n", [b"a", b"b"], id="half of it"),
        pytest.param(b"data: \n\n", [], id="empty"),
        pytest.param(b"", [], id="nothing"),
    ],
)
def test_the_forms_servers_use_are_understood(data: bytes, found: list[bytes]) -> None:
    assert split(data) == found
    assert split(data, *range(len(data))) == found


def test_an_endless_event_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 100)
    splitter = Splitter()
    splitter.feed(b"data: " + b"x" * 90)
    with pytest.raises(EventTooLongError, match="over 100 bytes"):
        splitter.feed(b"x" * 20)


def test_no_payload_frames_to_nothing() -> None:
    assert frame([]) == b""
