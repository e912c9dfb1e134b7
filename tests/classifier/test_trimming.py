"""Lines of marks at the ends of an ask are not read; nothing else is lost."""

import time

import pytest

from classifier.features import featurise
from classifier.trimming import MOST_LINES, without_rules


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("=====\n\nWhat is 2+3?\n* * *\n\n-----", "What is 2+3?"),
        (" === \r\n～～～～\nhi\n……\n•••", "hi\n……"),
        ("-----\n-5 + 3 = ?\n", "-5 + 3 = ?"),
        ("....\n..#.\n.##.", "..#.\n.##."),
        ("a\n=====\nb", "a\n=====\nb"),
        ('```\nx = 1\n```\n"""', '```\nx = 1\n```\n"""'),
        ("}\n]]\n--", "}\n]]\n--"),
        ("aaa\n111\n", "aaa\n111"),
    ],
    ids=["both ends", "wide marks", "minus", "grid", "inside", "fences", "few", "letters"],
)
def test_rules_at_the_ends_are_left_out(text: str, left: str) -> None:
    assert without_rules(text) == left


@pytest.mark.parametrize("text", ["", "\n", "=====", "=====\n-----", "\n\n ... \n", "🙂\n🙂"])
def test_a_text_of_nothing_but_marks_stays(text: str) -> None:
    assert without_rules(text) == text


def test_an_ask_between_rules_has_the_features_of_the_ask() -> None:
    ask, framed = featurise("What is 2+3?"), featurise("=====\n\nWhat is 2+3?\n\n" + "~" * 5_000)
    assert framed.dense.tolist() == ask.dense.tolist()
    assert framed.grams.tolist() == ask.grams.tolist()
    assert not framed.truncated


@pytest.mark.parametrize("text", ["===\n" * 250_000, "\n" * 1_000_000, "x\n" + "=" * 1_000_000])
def test_a_megabyte_of_rules_takes_no_time(text: str) -> None:
    began = time.process_time()
    left = without_rules(text)
    assert time.process_time() - began < 0.1
    assert len(text) - len(left) <= MOST_LINES * 2 * 4 or left == "x"
