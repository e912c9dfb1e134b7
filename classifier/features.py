"""Turns a text into the numbers that training and serving both read, so that they can't drift.

Two views: a dense vector (sizes, numbers, marks, intents) that carries over to unseen kinds of
question, and hashed n-grams of words and characters that recognise known ones. Language is named
but is no input of its own: most foreign rows of any training set are easy, and a model that sees the
language learns that foreign means easy.
"""

import re
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from math import log1p

import numpy as np
from numpy.typing import NDArray

from classifier.cues import N_INTENTS, count_votes
from classifier.language import MARKED_LETTERS, detect
from classifier.lexica import INTENTS, pair_cues, stem_cues, stopword_languages, word_cues
from classifier.reading import Reading, read
from classifier.symbols import CLASSES, DIGIT, SCRIPTS, TABLE_SIZE, kind_table
from classifier.trimming import without_rules

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
_LONG_WORD, _ONE_LETTER, _LONGEST_WORD = np.array(9), np.array(1), 40
_SHORTEST_GRAM, _LONGEST_GRAM = 3, 5
_BOTH_ENDS = np.r_[:300, -200:0]  # places that character sequences are taken from in a long text
_EAST_ASIAN_WEIGHT = 2.5  # letters an alphabet needs for what one such character says

# Constants are arrays without a dimension: NumPy takes twice as long over a scalar.
_MULTIPLIER = np.array(0x9E3779B1, np.uint32)  # 2**32 / golden ratio: multiplicative hashing
_MIXER = np.array(0x85EBCA6B, np.uint32)  # MurmurHash3's first finaliser constant
_TOP_BITS = np.array(32 - 15, np.uint32)
_UPPER_HALF = np.array(HALF_TABLE, np.uint32)
_MULTIPLIER_64 = np.array(0xFF51AFD7ED558CCD, np.uint64)  # the constants of its 64-bit kin
_MIXER_64 = np.array(0xC4CEB9FE1A85EC53, np.uint64)
_TOP_BITS_64 = np.array(64 - 15, np.uint64)
_NUMBER = 0xD6E8FEB86659FD93  # any odd number: keeps the length classes apart
_NUMBERS = np.arange(_MAX_DIGITS_CLASS + 1, dtype=np.uint64) * np.uint64(_NUMBER) * _MIXER_64
"""Mixed hash of a number by its length; the longest ones share the last."""

_OPTION = re.compile(rb"\n\(?[a-k][).:] ?[!-\x7f]")  # a line such as "a) x", "(b) x", "c. x"

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

_SIZES_END, _MARKS_END = len(_SIZES), len(_SIZES) + len(_COUNTED_MARKS)
_MARK_COLUMNS = [CLASSES.index(mark) for mark in _COUNTED_MARKS]
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
    """Return a short hash of what the model's inputs mean: names, their order, lists of words."""
    parts = (
        *FEATURE_NAMES,
        str(TABLE_ROWS),
        str(WINDOW_CHARS),
        "grams: words 1-2, characters 3-5; spans",
        "lines of marks at the ends: not read",
        *CLASSES,
        *(repr(votes) for votes in (word_cues(), stem_cues(), pair_cues(), stopword_languages())),
        repr(MARKED_LETTERS),
    )
    return sha256("\n".join(parts).encode()).hexdigest()[:16]


def featurise(text: str) -> Features:
    """Return the features of any string; no content and no length makes it fail."""
    text = without_rules(text)
    truncated = len(text) > WINDOW_CHARS
    beyond = log1p(len(text) - WINDOW_CHARS) if truncated else 0.0
    if truncated:
        text = f"{text[:HEAD_CHARS]}\n{text[-TAIL_CHARS:]}"
    reading = read(text)
    counts = reading.counts
    east_asian = counts[_HAN] + counts[_KANA] + counts[_HANGUL]
    intents, languages = count_votes(reading, east_asian)
    hints = languages.tolist()
    n_words = reading.lengths.size - reading.numbers.size
    *word_sizes, longest = _word_sizes(reading, n_words)
    *line_sizes, options = _line_sizes(reading)
    dense = np.empty(len(FEATURE_NAMES), np.float32)
    dense[:_MARKS_END] = [
        log1p(reading.size + (_EAST_ASIAN_WEIGHT - 1) * east_asian),
        log1p(reading.starts.size),
        *line_sizes,
        *word_sizes,
        *_number_sizes(reading),
        log1p(reading.n_commands),
        options,
        log1p(reading.n_sentences),
        log1p(min(longest, _LONGEST_WORD)),
        log1p(counts[_GREEK]),
        log1p(east_asian),
        beyond,
        # A heap of hard words asks nothing: sentences hold small words, whatever their language.
        min(max(hints) / max(n_words, 1), 1.0),
        *[counts[mark] for mark in _MARK_COLUMNS],
    ]
    dense[_MARKS_END:-N_INTENTS] = intents
    counted = dense[_SIZES_END:-N_INTENTS]
    np.log1p(counted, out=counted)
    np.divide(intents, max(n_words + east_asian // 2, 1), out=dense[-N_INTENTS:])
    return Features(
        dense=dense,
        grams=_grams(reading, east_asian),
        language=detect(hints, counts[: len(SCRIPTS)]),
        truncated=truncated,
    )


def _line_sizes(reading: Reading) -> tuple[float, float, float]:
    """Return how many lines there are, how long the longest is, how many are answer options."""
    if not reading.counts[_NEWLINES]:
        return log1p(1 if reading.size else 0), log1p(reading.size), 0.0
    text = b"\n" + reading.plain()
    lines = text.split(b"\n")
    return log1p(len(lines) - 1), log1p(max(map(len, lines))), log1p(len(_OPTION.findall(text)))


def _word_sizes(reading: Reading, n_words: int) -> tuple[float, ...]:
    """Return sizes of words, and last the length of the longest one."""
    n_tokens = reading.starts.size
    ordered = reading.ordered
    different = int(np.count_nonzero(ordered[1:] != ordered[:-1])) + 1
    lengths = reading.lengths
    if reading.numbers.size:
        lengths = lengths.copy()
        lengths[reading.numbers] = 0  # no word: it adds to no sum and is never the longest
    return (
        min(int(np.add.reduce(lengths)) / max(n_words, 1), 20.0),
        log1p(int(np.count_nonzero(lengths >= _LONG_WORD))),
        different / n_tokens if n_tokens else 0.0,
        log1p(int(np.count_nonzero(lengths == _ONE_LETTER))),
        int(lengths[lengths.argmax()]) if n_tokens else 0,
    )


def _number_sizes(reading: Reading) -> tuple[float, ...]:
    """Return how many numbers there are, how varied and how long."""
    numbers = reading.numbers
    if not reading.counts[_DIGIT]:
        return (0.0,) * 5
    lengths = reading.lengths.take(numbers).tolist()
    return (
        log1p(len(lengths)),
        log1p(len(set(reading.hashes.take(numbers).tolist()))),
        log1p(max(lengths)),
        min(sum(lengths) / len(lengths), 12.0),
        log1p(reading.n_decimals),
    )


def _grams(reading: Reading, east_asian: int) -> NDArray[np.int64]:
    """Return the distinct table rows of words, word pairs and character 3- to 5-grams.

    A number stands for its length, a digit for any digit: "17 apples" and "23 apples" are alike.
    East Asian texts add pairs of characters, their nearest thing to words.
    """
    n_words, n_pairs = reading.hashes.size, max(reading.hashes.size - 1, 0)
    hashes = np.empty(n_words + n_pairs, np.uint64)
    words = np.multiply(reading.hashes, _MIXER_64, out=hashes[:n_words])
    points = reading.points[: reading.size]
    if reading.size > _BOTH_ENDS.size:
        points = np.asarray(points.take(_BOTH_ENDS))
    signs = points.astype(np.uint32)
    if reading.counts[_DIGIT]:
        words[reading.numbers] = _NUMBERS.take(reading.lengths.take(reading.numbers), mode="clip")
        signs = _without_digits().take(points)
    sequences = _sequences(signs, 2 if east_asian else _SHORTEST_GRAM)
    np.multiply(words[:-1], _MULTIPLIER_64, out=hashes[n_words:])
    hashes[n_words:] += words[1:]
    hashes >>= _TOP_BITS_64
    rows = np.zeros(hashes.size + sequences.size + 1, np.uint16)
    rows[: hashes.size] = hashes
    rows[hashes.size : -1] = sequences
    # A stable sort of 16-bit numbers is a radix sort: the fastest way to drop doubles. The zero at
    # the end comes first and goes with them.
    rows.sort(kind="stable")
    return rows[1:].compress(rows[1:] != rows[:-1]).astype(np.int64)


@cache
def _without_digits() -> NDArray[np.uint32]:
    """Return code point -> itself, or 0 for any digit."""
    table = np.arange(TABLE_SIZE, dtype=np.uint32)
    table[kind_table() == DIGIT] = ord("0")
    return table


def _sequences(points: NDArray[np.uint32], shortest: int) -> NDArray[np.uint32]:
    """Return table rows of all runs of ``shortest`` to ``_LONGEST_GRAM`` code points."""
    # Mixing is a multiplication, so code points can be mixed before they are rolled up.
    mixed = points * _MIXER
    found, rolled = [mixed[:0]], mixed
    for n in range(2, min(_LONGEST_GRAM, points.size) + 1):
        rolled = rolled[:-1] * _MULTIPLIER
        rolled += mixed[n - 1 :]
        if n >= shortest:
            found.append(rolled)
    hashes = np.concatenate(found)
    hashes >>= _TOP_BITS
    hashes |= _UPPER_HALF
    return hashes
