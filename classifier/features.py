"""Turns a text into the numbers that training and serving both read, so that they can't drift.

Two views: a dense vector (sizes, numbers, marks, intents) that carries over to unseen kinds of
question, and hashed n-grams of words and characters that recognise known ones. Language is named
but is no input of its own: most foreign rows of any training set are easy, and a model that sees the
language learns that foreign means easy.
"""

import re
import unicodedata
from dataclasses import dataclass
from hashlib import sha256
from math import log1p
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from classifier.language import detect
from classifier.lexica import INTENTS, pair_cues, stem_cues, word_cues
from classifier.symbols import CLASSES, SCRIPTS, TABLE_SIZE, class_table

HEAD_CHARS = 1_200
TAIL_CHARS = 800
WINDOW_CHARS = HEAD_CHARS + TAIL_CHARS
"""A longer text is read at both ends: the request stands before or after what it is about."""

HALF_TABLE = 1 << 15
TABLE_ROWS = 2 * HALF_TABLE
"""Rows of the n-gram table: words and word pairs below ``HALF_TABLE``, characters above.

Row 0 stands for "no n-gram" and is always zero, so short lists can be padded with it.
"""

_MAX_DIGITS_CLASS = 8
_LONG_WORD = 9
_SHORTEST_GRAM = 3
_EAST_ASIAN_WEIGHT = 2.5  # letters an alphabet needs for what one such character says
_MULTIPLIER = np.uint32(0x9E3779B1)  # 2**32 / golden ratio, Knuth's multiplicative hashing
_MIXER = np.uint32(0x85EBCA6B)  # MurmurHash3's first finaliser constant
_TOP_BITS = np.uint32(32 - 15)

_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\ud800-\udfff]"
)
_TOKEN = re.compile(r"\\[a-z]+|[^\W\d_]+|\d+(?:[.,]\d+)*")
_OPTION = re.compile(r"(?:^|\n)\(?[a-k][.):] ?\S")
_SENTENCE = re.compile(r"[.!?。！？]+(?:\s|$)|[。！？]")

_SIZES = (
    "size of the text",
    "number of words",
    "number of lines",
    "longest line",
    "mean word length",
    "long words",
    "variety of words",
    "one-letter names",
    "numbers",
    "different numbers",
    "longest number",
    "digits per number",
    "decimals",
    "LaTeX commands",
    "answer options",
    "sentences",
    "longest word",
    "Greek letters",
    "Chinese, Japanese or Korean letters",
    "text beyond the window",
)
_COUNTED_MARKS = (
    "question",
    "dollar",
    "backslash",
    "caret",
    "plus",
    "star_slash",
    "equals",
    "less_greater",
    "maths_sign",
)
"""Marks that say something about unseen kinds of question; counting the others taught templates."""


FEATURE_NAMES: tuple[str, ...] = (
    *_SIZES,
    *(f"marks: {mark.replace('_', ' ')}" for mark in _COUNTED_MARKS),
    *(f"words of intent: {intent.replace('_', ' ')}" for intent in INTENTS),
    *(f"share of intent: {intent.replace('_', ' ')}" for intent in INTENTS),
)
"""The dense features in words, in the order of ``Features.dense``."""

_MARK_COLUMNS = np.array([CLASSES.index(mark) for mark in _COUNTED_MARKS])
_N_INTENTS = len(INTENTS)
_HAN, _KANA, _HANGUL, _GREEK, _DIGIT = (
    CLASSES.index(name) for name in ("han", "kana", "hangul", "greek", "digit")
)


@dataclass(frozen=True, slots=True)
class Features:
    """What the model sees of one text.

    Attributes:
        dense: Shape ``(len(FEATURE_NAMES),)``, float32.
        grams: Sorted distinct rows of the n-gram table, int64, in [1, TABLE_ROWS); may be empty.
        language: ISO 639-1 code, ``und`` when unknown; not an input of the model.
        truncated: The text was longer than ``WINDOW_CHARS``.
    """

    dense: NDArray[np.float32]
    grams: NDArray[np.int64]
    language: str
    truncated: bool


def schema() -> str:
    """Return a short hash of everything the model's inputs depend on by name and order."""
    parts = (*FEATURE_NAMES, str(TABLE_ROWS), str(WINDOW_CHARS), "grams: words 1-2, characters 3-5")
    return sha256("\n".join(parts).encode()).hexdigest()[:16]


def featurise(text: str) -> Features:
    """Return the features of any string; no content and no length makes it fail."""
    truncated = len(text) > WINDOW_CHARS
    beyond = log1p(len(text) - WINDOW_CHARS) if truncated else 0.0
    if truncated:
        text = f"{text[:HEAD_CHARS]}\n{text[-TAIL_CHARS:]}"
    lines = normalised_lines(text)
    clean = "\n".join(lines)
    points = np.frombuffer(clean.encode("utf-32-le", "surrogatepass"), np.uint32)
    classes = class_table()[np.minimum(points, TABLE_SIZE - 1)]
    counts = np.bincount(classes, minlength=len(CLASSES))
    tokens = _TOKEN.findall(clean)
    east_asian = int(counts[_HAN] + counts[_KANA] + counts[_HANGUL])
    numbers = [token for token in tokens if token[0].isdigit()] if counts[_DIGIT] else []
    names = [token for token in tokens if not token[0].isdigit()] if numbers else tokens
    intents = _intents(names, clean if east_asian else "")
    sizes = [*_sizes(clean, lines, tokens, names), *_number_sizes(numbers)]
    sizes += _structure_sizes(clean, lines, names)
    sizes += [log1p(counts[_GREEK]), log1p(east_asian), beyond]
    sizes[0] = log1p(points.size + (_EAST_ASIAN_WEIGHT - 1) * east_asian)
    grams = _grams(tokens, np.where(classes == _DIGIT, np.uint32(48), points), east_asian)
    letters = dict(zip(SCRIPTS, counts[: len(SCRIPTS)].tolist(), strict=True))
    return Features(
        dense=_dense(sizes, counts, intents, max(len(names) + east_asian // 2, 1)),
        grams=grams,
        language=detect(clean, names, letters),
        truncated=truncated,
    )


def normalised_lines(text: str) -> list[str]:
    """Return the text's non-empty lines: lower case, visible, compatible forms, single spaces."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    text = _INVISIBLE.sub("", text).lower()
    return [line for line in (" ".join(raw.split()) for raw in text.split("\n")) if line]


def _intents(words: list[str], east_asian_text: str) -> NDArray[np.int64]:
    """Return the number of cue words per intent, shape ``(len(INTENTS),)``."""
    whole, stems = word_cues(), stem_cues()
    hits = [whole[word] for word in words if word in whole]
    if not all(map(str.isascii, words)):
        for word in words:
            # Stems have three to five letters; the longest that is known counts.
            for length in (5, 4, 3, 2):
                if word[:length] in stems and not word.isascii():
                    hits.append(stems[word[:length]])
                    break
    if east_asian_text:
        pairs = pair_cues()
        for start in range(len(east_asian_text) - 1):
            cue = pairs.get(east_asian_text[start : start + 2])
            if cue is not None:
                hits.append(cue)
    return np.bincount(np.array(hits, np.int64), minlength=_N_INTENTS)


def _sizes(clean: str, lines: list[str], tokens: list[str], names: list[str]) -> list[float]:
    """Return sizes of text, words and lines; the first entry is filled in by the caller."""
    lengths = [len(name) for name in names]
    n_names = max(len(names), 1)
    return [
        0.0,
        log1p(len(tokens)),
        log1p(len(lines)),
        log1p(max(map(len, lines), default=0)),
        min(sum(lengths) / n_names, 20.0),
        log1p(sum(length >= _LONG_WORD for length in lengths)),
        len(set(tokens)) / max(len(tokens), 1),
        log1p(lengths.count(1)),
    ]


def _number_sizes(numbers: list[str]) -> list[float]:
    """Return how many numbers there are, how varied and how long."""
    digits = [len(number) for number in numbers]
    return [
        log1p(len(numbers)),
        log1p(len(set(numbers))),
        log1p(max(digits, default=0)),
        min(sum(digits) / max(len(digits), 1), 12.0),
        log1p(sum("." in number or "," in number for number in numbers)),
    ]


def _structure_sizes(clean: str, lines: list[str], names: list[str]) -> list[float]:
    """Return LaTeX commands, answer options, sentences and the longest word."""
    commands = sum(name[0] == "\\" for name in names) if "\\" in clean else 0
    return [
        log1p(commands),
        log1p(len(_OPTION.findall(clean)) if len(lines) > 1 else 0),
        log1p(len(_SENTENCE.findall(clean))),
        log1p(min(max(map(len, names), default=0), 40)),
    ]


def _dense(
    sizes: list[float], counts: NDArray[np.int64], intents: NDArray[np.int64], n_words: int
) -> NDArray[np.float32]:
    """Return the dense vector: sizes, log counts of marks and intents, shares of intents."""
    dense = np.empty(len(FEATURE_NAMES), np.float32)
    dense[: len(_SIZES)] = sizes
    dense[len(_SIZES) : -2 * _N_INTENTS] = np.log1p(counts[_MARK_COLUMNS])
    dense[-2 * _N_INTENTS : -_N_INTENTS] = np.log1p(intents)
    dense[-_N_INTENTS:] = intents / n_words
    return dense


def _grams(tokens: list[str], points: NDArray[np.uint32], east_asian: int) -> NDArray[np.int64]:
    """Return the distinct table rows of words, word pairs and character 3- to 5-grams.

    A number stands for its length, a digit for any digit: "17 apples" and "23 apples" are alike.
    East Asian texts add pairs of characters, their nearest thing to words.
    """
    present = np.zeros(TABLE_ROWS, np.bool_)
    if tokens:
        words = np.array([crc32(_shape(token)) for token in tokens], np.uint32)
        present[(words * _MIXER) >> _TOP_BITS] = True
        present[((words[:-1] * _MULTIPLIER + words[1:]) * _MIXER) >> _TOP_BITS] = True
    characters = present[HALF_TABLE:]
    rolled = points
    for n in range(2, 6):
        if points.size < n:
            break
        rolled = rolled[:-1] * _MULTIPLIER + points[n - 1 :]
        if n >= _SHORTEST_GRAM or east_asian:
            characters[(rolled * _MIXER) >> _TOP_BITS] = True
    present[0] = False
    return np.flatnonzero(present)


def _shape(token: str) -> bytes:
    """Return the bytes to hash for a word, or the length class of a number."""
    if token[0].isdigit():
        return b"#%d" % min(len(token), _MAX_DIGITS_CLASS)
    return token.encode()
