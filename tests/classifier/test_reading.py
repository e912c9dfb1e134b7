"""Reading: tokens are what a plain regular expression finds, and no text takes long."""

import re
import unicodedata
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.benchmark import main, odd_texts
from classifier.cues import N_INTENTS, count_votes
from classifier.features import featurise
from classifier.lexica import INTENTS
from classifier.reading import MOST_POINTS, Reading, read, word_hash
from classifier.symbols import TABLE_SIZE, fold_table

TOKEN = re.compile(r"\\[a-z]+|[^\W\d_]+|\d+(?:[.,]\d+)*")


def _tokens(reading: Reading) -> list[str]:
    text = reading.points[: reading.size].tobytes().decode("utf-32-le")
    spans = zip(reading.starts.tolist(), reading.lengths.tolist(), strict=True)
    return [text[start : start + length] for start, length in spans]


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(codec="ascii"), max_size=120))
def test_tokens_are_those_of_a_regular_expression(text: str) -> None:
    visible = re.sub(r"[\x00-\x08\x0e-\x1f\x7f]", "", text).lower()
    lines = [" ".join(line.split()) for line in visible.split("\n")]
    expected = TOKEN.findall("\n".join(line for line in lines if line))
    assert _tokens(read(text)) == expected


@given(st.lists(st.sampled_from(["prove", "докажите", "café", "सिद्ध", "3.14", "x"]), max_size=8))
def test_a_word_has_one_hash_wherever_it_stands(words: list[str]) -> None:
    reading = read(" ".join(words))
    assert reading.hashes.tolist() == [word_hash(word) for word in words]
    assert (np.diff(reading.ordered) >= 0).all() if len(words) > 1 else True


def test_a_capital_a_wide_form_and_a_final_sigma_are_folded() -> None:
    assert _tokens(read("ＰＲＯＶＥ İ ΛΌΓΟΣ λόγος ½")) == ["prove", "i", "λόγοσ", "λόγοσ", "1", "2"]


MARKED = st.text(
    st.sampled_from("aéе\u0301\u0327\u0308²ﬁकि्\u093cাेে한ᄒ\u1161\u11abＡ①ς🙂 \n"), max_size=12
)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | MARKED)
def test_compatible_forms_are_those_of_nfkc(text: str) -> None:
    form = unicodedata.normalize("NFKC", text)
    places = [min(ord(sign), TABLE_SIZE - 1) for sign in form if ord(sign) < 0xE0000]
    folded = "".join(chr(point) for point in fold_table()[places] if point)
    expected = "\n".join(filter(None, (" ".join(line.split()) for line in folded.split("\n"))))
    reading = read(text)
    assert reading.points[: reading.size].tobytes().decode("utf-32-le") == expected


def test_commands_and_decimals_are_counted() -> None:
    reading = read(r"\frac{1}{2} + 3.5 - 1,200 . \alpha")
    assert reading.n_commands == 2
    assert reading.separators.size == 2
    assert int(reading.is_number.sum()) == 4


@pytest.mark.parametrize(
    ("text", "intent"),
    [("Prove it", "prove"), ("Докажите", "prove"), ("证明这个", "prove"), ("कितने आम", "how_many")],
    ids=["word", "stem", "pair", "with marks"],
)
def test_cues_are_found_in_every_kind_of_script(text: str, intent: str) -> None:
    intents, _ = count_votes(read(text), east_asian=2 if "证" in text else 0)
    assert intents.shape == (N_INTENTS,)
    assert intents[INTENTS.index(intent)] == 1


@pytest.mark.parametrize("name", odd_texts())
def test_no_text_takes_long(name: str) -> None:
    text = odd_texts()[name]
    featurise(text)
    took = []
    for _ in range(5):
        start = perf_counter()
        featurise(text)
        took.append(perf_counter() - start)
    # Alone on a core the best of five is below 0.7 ms; the limit leaves room for a busy machine.
    assert min(took) < 0.01


def test_signs_that_become_many_letters_are_cut() -> None:
    assert read("\ufdfa" * 2_000).size <= MOST_POINTS


def test_the_benchmark_prints_a_table() -> None:
    lines: list[str] = []
    main(lines.append, count=3, rounds=1)
    assert lines[0].startswith("| words | p50 us")
    assert sum(line.startswith("| 300") for line in lines) == 2
    assert all(line.endswith("|\n") for line in lines)
