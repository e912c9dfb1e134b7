from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from router.wire.think_tags import ThinkTags, split_whole

CASES = {
    "tags": ("<think>\nadd them\n</think>\n\nIt is 5.", "add them\n", "It is 5."),
    "no tags": ("It is 5.", "", "It is 5."),
    "white space first": ("  <think>hm</think>5", "hm", "5"),
    "never closed": ("<think>hm", "hm", ""),
    "nothing thought": ("<think></think>\n\n5", "", "5"),
    "a tag further on is text": ("Use <think> like <think>this</think>.", "", None),
    "a second tag is text": ("<think>a</think>b <think>c</think>", "a", "b <think>c</think>"),
    "only the start of a tag": ("<thin", "", "<thin"),
    "a close tag broken off": ("<think>a</thi", "a</thi", ""),
}


def split_in_pieces(text: str, cuts: list[int]) -> tuple[str, str]:
    tags = ThinkTags()
    thought = answer = ""
    bounds = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    for start, end in pairwise(bounds):
        more_thought, more_answer = tags.feed(text[start:end])
        thought, answer = thought + more_thought, answer + more_answer
    more_thought, more_answer = tags.rest()
    return thought + more_thought, answer + more_answer


@pytest.mark.parametrize(("text", "thought", "answer"), CASES.values(), ids=CASES)
def test_a_message_is_split_at_its_tags(text: str, thought: str, answer: str | None) -> None:
    assert split_whole(text) == (thought, text if answer is None else answer)


@pytest.mark.parametrize("text", [text for text, _, _ in CASES.values()], ids=CASES)
@given(cuts=st.lists(st.integers(0, 200), max_size=8))
def test_where_a_stream_is_cut_changes_nothing(text: str, cuts: list[int]) -> None:
    assert split_in_pieces(text, cuts) == split_in_pieces(text, [])


@given(text=st.text(alphabet="ab<>/think\n ", max_size=60), cuts=st.lists(st.integers(0, 99)))
def test_a_text_without_an_opening_tag_comes_back_whole(text: str, cuts: list[int]) -> None:
    assume(not text.lstrip().startswith("<think>"))
    assert split_in_pieces(text, cuts) == ("", text)


def test_a_missing_opening_tag_is_seen_in_a_whole_text() -> None:
    assert split_whole("so it is 5\n</think>\n\n5") == ("so it is 5\n", "5")
