"""Features: any text is read, form does not pass for content, languages are named."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.cues import FIRST_MULTIPLIER, lexicon
from classifier.features import FEATURE_NAMES, TABLE_ROWS, WINDOW_CHARS, featurise, schema
from classifier.lexica import STEM_WORDS

ODD = [
    "",
    " \n\t",
    "\x00",
    "\ud800",
    "😀" * 500,
    "x" * 1_000_000,
    "²½ﬁ",
    "#",
    "漢" * 3_000,
    "\u200b" * 9,
]


@pytest.mark.parametrize("text", ODD, ids=[repr(text[:6]) for text in ODD])
def test_any_text_gives_finite_features_of_one_shape(text: str) -> None:
    features = featurise(text)
    assert features.dense.shape == (len(FEATURE_NAMES),)
    assert np.isfinite(features.dense).all()
    assert features.truncated == (len(text) > WINDOW_CHARS)


@pytest.mark.parametrize(
    ("text", "lines", "longest", "options"),
    [
        ("", 0, 0, 0),
        ("one line", 1, 8, 0),
        ("Which?\na) one\n(b) two\nc. three\nD: four", 5, 8, 4),
        ("a) first\r\n\n\n  b)second  ", 2, 8, 2),
        ("a)\nb)\n(c)", 3, 3, 0),
        ("l) no\nab) no\n1) no\na - no", 4, 6, 0),
        ("哪个？\na) 一\nb) étude\né) non", 4, 8, 2),
    ],
    ids=["empty", "one", "options", "untidy", "nothing behind", "other marks", "beyond ASCII"],
)
def test_lines_and_answer_options_are_counted(
    text: str, lines: int, longest: int, options: int
) -> None:
    dense = dict(zip(FEATURE_NAMES, np.expm1(featurise(text).dense).tolist(), strict=True))
    counted = [dense[name] for name in ("number of lines", "longest line", "answer options")]
    assert counted == pytest.approx([lines, longest, options], abs=1e-4)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400))
def test_ngram_rows_are_sorted_distinct_and_inside_the_table(text: str) -> None:
    grams = featurise(text).grams
    assert (np.diff(grams) > 0).all()
    assert grams.size == 0 or (grams[0] >= 1 and grams[-1] < TABLE_ROWS)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(codec="ascii"), max_size=200))
def test_case_and_invisible_characters_change_nothing(text: str) -> None:
    plain, changed = featurise(text), featurise(text.upper().replace("A", "A\u200b"))
    assert np.array_equal(plain.dense, changed.dense)
    assert np.array_equal(plain.grams, changed.grams)


def test_a_number_counts_by_its_length_not_its_value() -> None:
    assert np.array_equal(featurise("17 apples").grams, featurise("23 apples").grams)
    assert not np.array_equal(featurise("17 apples").grams, featurise("2345 apples").grams)


def test_both_ends_of_a_long_text_are_read() -> None:
    filler = "lorem ipsum " * 1_000
    plain = set(featurise(filler).grams.tolist())
    assert set(featurise(f"zebra {filler}").grams.tolist()) - plain
    assert set(featurise(f"{filler} zebra").grams.tolist()) - plain


def test_the_same_intent_has_the_same_feature_in_every_language() -> None:
    column = FEATURE_NAMES.index("words of intent: prove")
    asks = ["Prove it.", "证明这个", "Докажите это", "Démontrer cela", "Beweise das", "証明せよ"]
    assert [featurise(ask).dense[column] > 0 for ask in asks] == [True] * len(asks)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What is the capital of France?", "en"),
        ("法国的首都是哪里？", "zh"),
        ("フランスの首都はどこですか？", "ja"),
        ("프랑스의 수도는 어디인가요?", "ko"),
        ("¿Cuál es la capital de Francia?", "es"),
        ("Quelle est la capitale de la France ?", "fr"),
        ("Was ist die Hauptstadt von Frankreich?", "de"),
        ("Какая столица у Франции и где она?", "ru"),
        ("ما هي عاصمة فرنسا؟", "ar"),
        ("फ्रांस की राजधानी क्या है?", "hi"),
        ("Qual é a capital da França?", "pt"),
        ("Qual è la capitale della Francia?", "it"),
        ("12345", "und"),
    ],
    ids=lambda value: value if len(value) < 4 else "text",
)
def test_the_language_is_named(text: str, language: str) -> None:
    assert featurise(text).language == language


def test_the_schema_changes_with_a_list_of_words(monkeypatch: pytest.MonkeyPatch) -> None:
    before = schema()
    monkeypatch.setitem(STEM_WORDS, "prove", "докаж доказ")
    assert schema() != before


def test_no_search_for_a_multiplier_delays_the_first_ask() -> None:
    found = int(lexicon().multiplier)
    assert found == FIRST_MULTIPLIER, f"the lexica changed: set FIRST_MULTIPLIER to {found:#X}"
