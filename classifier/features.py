"""Turns a text into the numbers that training and serving both read, so that they can't drift.

Two views: a dense vector (sizes, numbers, marks, intents) that carries over to unseen kinds of
question, and hashed n-grams of words and characters that recognise known ones. Language is named
but is no input of its own: most foreign rows of any training set are easy, and a model that sees the
language learns that foreign means easy.
"""

from dataclasses import dataclass
from hashlib import sha256
from math import log1p

import numpy as np
from numpy.typing import NDArray

from classifier.cues import N_INTENTS, count_votes
from classifier.language import detect
from classifier.lexica import INTENTS
from classifier.reading import Reading, read
from classifier.symbols import CLASSES, SCRIPTS

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
_LONG_WORD, _LONGEST_WORD = 9, 40
_SHORTEST_GRAM, _LONGEST_GRAM = 3, 5
_GRAM_HEAD, _GRAM_TAIL = 300, 200
_EAST_ASIAN_WEIGHT = 2.5  # letters an alphabet needs for what one such character says

_MULTIPLIER = np.uint32(0x9E3779B1)  # 2**32 / golden ratio, Knuth's multiplicative hashing
_MIXER = np.uint32(0x85EBCA6B)  # MurmurHash3's first finaliser constant
_TOP_BITS = np.uint32(32 - 15)
_UPPER_HALF = np.uint32(HALF_TABLE)
_MULTIPLIER_64 = np.uint64(0xFF51AFD7ED558CCD)  # the two finaliser constants of its 64-bit kin
_MIXER_64 = np.uint64(0xC4CEB9FE1A85EC53)
_TOP_BITS_64 = np.uint64(64 - 15)
_NUMBER = np.uint64(0xD6E8FEB86659FD93)  # any odd number: keeps the length classes apart

_NEWLINE, _SPACE, _BRACKET, _ZERO = 10, 32, 40, np.uint32(48)
_FIRST_OPTION, _LAST_OPTION, _OPTION_MARKS = ord("a"), ord("k"), (41, 46, 58)
_END_MARKS, _FULL_STOP = (33, 46, 63), 0x3002
_NO_BREAKS = np.zeros(0, np.int64)

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
    "share of small words",
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
_HAN, _KANA, _HANGUL, _GREEK, _DIGIT, _NEWLINES = (
    CLASSES.index(name) for name in ("han", "kana", "hangul", "greek", "digit", "newline")
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
    parts = (
        *FEATURE_NAMES,
        str(TABLE_ROWS),
        str(WINDOW_CHARS),
        "grams: words 1-2, characters 3-5; spans",
    )
    return sha256("\n".join(parts).encode()).hexdigest()[:16]


def featurise(text: str) -> Features:
    """Return the features of any string; no content and no length makes it fail."""
    truncated = len(text) > WINDOW_CHARS
    beyond = log1p(len(text) - WINDOW_CHARS) if truncated else 0.0
    if truncated:
        text = f"{text[:HEAD_CHARS]}\n{text[-TAIL_CHARS:]}"
    reading = read(text)
    counts = reading.counts.tolist()
    east_asian = counts[_HAN] + counts[_KANA] + counts[_HANGUL]
    names = ~reading.is_number if counts[_DIGIT] else None
    intents, languages = count_votes(reading, east_asian)
    dense = np.empty(len(FEATURE_NAMES), np.float32)
    breaks = _NO_BREAKS
    if counts[_NEWLINES]:
        breaks = (reading.points == _NEWLINE).nonzero()[0]
    lengths = reading.lengths if names is None else reading.lengths[names]
    dense[: len(_SIZES)] = [
        log1p(reading.size + (_EAST_ASIAN_WEIGHT - 1) * east_asian),
        *_word_sizes(reading, lengths, breaks),
        *_number_sizes(reading),
        log1p(reading.n_commands),
        log1p(_options(reading.points, breaks) if breaks.size else 0),
        log1p(_sentences(reading)),
        log1p(min(int(lengths.max()), _LONGEST_WORD)) if lengths.size else 0.0,
        log1p(counts[_GREEK]),
        log1p(east_asian),
        beyond,
        # A heap of hard words asks nothing: sentences hold small words, whatever their language.
        min(float(languages.max()) / max(lengths.size, 1), 1.0),
    ]
    n_words = max(lengths.size + east_asian // 2, 1)
    marks_end = len(_SIZES) + len(_COUNTED_MARKS)
    dense[len(_SIZES) : marks_end] = reading.counts[_MARK_COLUMNS]
    dense[marks_end:-N_INTENTS] = intents
    np.log1p(dense[len(_SIZES) : -N_INTENTS], out=dense[len(_SIZES) : -N_INTENTS])
    dense[-N_INTENTS:] = intents / n_words
    return Features(
        dense=dense,
        grams=_grams(reading, east_asian),
        language=detect(languages, counts[: len(SCRIPTS)]),
        truncated=truncated,
    )


def _word_sizes(
    reading: Reading, lengths: NDArray[np.int64], breaks: NDArray[np.int64]
) -> tuple[float, ...]:
    """Return sizes of words and lines."""
    n_tokens, longest_line = reading.starts.size, reading.size
    if breaks.size:
        edges = np.concatenate([[-1], breaks, [reading.size]])
        longest_line = int((edges[1:] - edges[:-1]).max()) - 1
    ordered = reading.ordered
    different = int(np.count_nonzero(ordered[1:] != ordered[:-1])) + 1
    return (
        log1p(n_tokens),
        log1p(breaks.size + 1 if reading.size else 0),
        log1p(longest_line),
        min(int(lengths.sum()) / max(lengths.size, 1), 20.0),
        log1p(int(np.count_nonzero(lengths >= _LONG_WORD))),
        different / n_tokens if n_tokens else 0.0,
        log1p(int(np.count_nonzero(lengths == 1))),
    )


def _number_sizes(reading: Reading) -> tuple[float, ...]:
    """Return how many numbers there are, how varied and how long."""
    if not reading.counts[_DIGIT]:
        return (0.0,) * 5
    numbers = reading.is_number.nonzero()[0]
    lengths = reading.lengths[numbers]
    decimals: set[int] = set()
    if reading.separators.size:
        decimals.update(reading.starts.searchsorted(reading.separators, "right").tolist())
    return (
        log1p(numbers.size),
        log1p(len(set(reading.hashes[numbers].tolist()))),
        log1p(int(lengths.max())),
        min(int(lengths.sum()) / numbers.size, 12.0),
        log1p(len(decimals)),
    )


def _options(points: NDArray[np.uint32], breaks: NDArray[np.int64]) -> int:
    """Return the number of lines that begin like an answer option: ``a)``, ``(b) x``, ``c.``.

    Args:
        points: The text and its padding: three places after any line's first are there.
        breaks: Places of the line ends.
    """
    at = np.zeros(breaks.size + 1, np.int64)
    at[1:] = breaks + 1
    at += points.take(at) == _BRACKET
    marks = points.take(at + 1)
    at = at[(marks == _OPTION_MARKS[0]) | (marks == _OPTION_MARKS[1]) | (marks == _OPTION_MARKS[2])]
    if not at.size:
        return 0
    letters, third = points.take(at), points.take(at + 2)
    third = np.where(third == _SPACE, points.take(at + 3), third)
    is_letter = (letters >= _FIRST_OPTION) & (letters <= _LAST_OPTION)
    return int(np.count_nonzero(is_letter & (third > _SPACE)))


def _sentences(reading: Reading) -> int:
    """Return the number of sentence ends: marks before a blank, and every Chinese full stop."""
    points, size = reading.points, reading.size
    if not size:
        return 0
    before_blanks = points[(points[1 : size + 1] <= _SPACE).nonzero()[0]]
    ends = np.bincount(np.minimum(before_blanks, _END_MARKS[-1] + 1), minlength=_END_MARKS[-1] + 1)
    found: int = sum(ends[list(_END_MARKS)].tolist())
    return found + (int(np.count_nonzero(points == _FULL_STOP)) if reading.is_wide else 0)


def _grams(reading: Reading, east_asian: int) -> NDArray[np.int64]:
    """Return the distinct table rows of words, word pairs and character 3- to 5-grams.

    A number stands for its length, a digit for any digit: "17 apples" and "23 apples" are alike.
    East Asian texts add pairs of characters, their nearest thing to words.
    """
    words, points, digits = reading.hashes, reading.points[: reading.size], reading.is_digit
    if points.size > _GRAM_HEAD + _GRAM_TAIL:
        points = np.concatenate([points[:_GRAM_HEAD], points[-_GRAM_TAIL:]])
        digits = np.concatenate([digits[:_GRAM_HEAD], digits[-_GRAM_TAIL:]])
    if reading.counts[_DIGIT]:
        numbers = np.minimum(reading.lengths, _MAX_DIGITS_CLASS).astype(np.uint64) * _NUMBER
        words = np.where(reading.is_number, numbers, words)
        points = np.where(digits, _ZERO, points)
    sequences = _sequences(points, 2 if east_asian else _SHORTEST_GRAM)
    n_words = words.size
    n_pairs = max(n_words - 1, 0)
    rows = np.zeros(n_words + n_pairs + sequences.size + 1, np.uint16)
    rows[:n_words] = (words * _MIXER_64) >> _TOP_BITS_64
    pairs = words[:-1] * _MULTIPLIER_64 + words[1:]
    rows[n_words : n_words + n_pairs] = (pairs * _MIXER_64) >> _TOP_BITS_64
    rows[n_words + n_pairs : -1] = ((sequences * _MIXER) >> _TOP_BITS) | _UPPER_HALF
    # A stable sort of 16-bit numbers is a radix sort: the fastest way to drop doubles. The zero at
    # the end comes first and goes with them.
    rows.sort(kind="stable")
    return rows[1:].compress(rows[1:] != rows[:-1]).astype(np.int64)


def _sequences(points: NDArray[np.uint32], shortest: int) -> NDArray[np.uint32]:
    """Return unmixed hashes of all runs of ``shortest`` to ``_LONGEST_GRAM`` code points."""
    found, rolled = [points[:0]], points
    for n in range(2, min(_LONGEST_GRAM, points.size) + 1):
        rolled = rolled[:-1] * _MULTIPLIER + points[n - 1 :]
        if n >= shortest:
            found.append(rolled)
    return np.concatenate(found)
