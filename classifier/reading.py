"""Reads a text once: normalised code points, their classes, and word and number spans with hashes.

Everything is computed over whole arrays, so that a long text costs little more than a short one.
"""

import unicodedata
from functools import cache
from string import ascii_lowercase
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.symbols import (
    BLANK,
    CLASSES,
    COMPOSES,
    DIGIT,
    END,
    FOLLOWS,
    LETTER,
    OTHER,
    SEPARATES,
    STOPS,
    TABLE_SIZE,
    class_table,
    fold_table,
    form_table,
    kind_table,
)

MOST_POINTS = 2_600
"""Code points read at most; compatible forms may be longer than the text (one sign, 18 letters)."""

_FRONT, _PAD = 1, 4
_FRAME = b"\0%b\0\0\0\0"
_PIECE = 400
_TAGS_FROM = 0xE0000  # tags and variation selectors: invisible
_LATIN, _DIGIT_CLASS, _COMMA_CLASS, _PERIOD_CLASS, _BACKSLASH_CLASS = (
    CLASSES.index(name) for name in ("latin", "digit", "comma", "period", "backslash")
)
_UNCOUNTED = ascii_lowercase.encode() + b" "  # most of any text, and nothing else is Latin ASCII
# Constants are arrays without a dimension: NumPy takes twice as long over a scalar.
_BACKSLASH, _DEL = np.array(92), np.array(127)
_DIGIT, _LETTER = np.array(DIGIT, np.uint8), np.array(LETTER, np.uint8)
_END_TO_BLANK = np.array(END.bit_length() - BLANK.bit_length(), np.uint8)
_SEPARATES_TO_DIGIT = np.array(SEPARATES.bit_length() - DIGIT.bit_length(), np.uint8)
_FOLLOWS = np.array(FOLLOWS)
_PAST_END = np.array(0x94D049BB133111EB, np.uint64)  # any number that no sum is likely to be
_NOWHERE = np.zeros(0, np.int64)
_Signs = tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint8]]
"""Code points and kinds, framed, both ``(n + 5,)``; classes of what is counted."""

_BASE = 0x9E3779B97F4A7C15  # 2**64 / golden ratio: odd, so it has an inverse modulo 2**64


class Reading(NamedTuple):
    """A normalised text and its tokens; ``n`` code points, ``t`` tokens.

    A tuple, because it is made in a quarter of the time a frozen dataclass takes.

    Attributes:
        points: Shape ``(n + 4,)``, int64, as look-ups want it; the last four are zero.
        size: ``n``.
        is_wide: The text holds more than ASCII.
        counts: Number of code points per class of ``classifier.symbols``; in an ASCII text spaces
            are counted with the Latin letters, which saves a look at each.
        n_sentences: End marks before a blank, and Chinese full stops.
        starts: Shape ``(t,)``: where a token begins; a LaTeX command begins at its backslash.
        lengths: Shape ``(t,)``.
        numbers: Which tokens are numbers; points and commas between digits belong to them. Empty
            where ``counts`` knows no digit.
        n_decimals: Numbers that hold a point or comma.
        n_commands: Tokens that are LaTeX commands.
        hashes: Shape ``(t,)``, uint64; equal for equal tokens only, as far as 64 bits can tell.
        ordered: The hashes in ascending order.
        sums: Shape ``(n + 2,)``, uint64: what ``span_hashes`` needs.
    """

    points: NDArray[np.int64]
    size: int
    is_wide: bool
    counts: list[int]
    n_sentences: int
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    numbers: NDArray[np.int64]
    n_decimals: int
    n_commands: int
    hashes: NDArray[np.uint64]
    ordered: NDArray[np.uint64]
    sums: NDArray[np.uint64]

    def span_hashes(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Return the hashes of the given spans; equal to ``word_hash`` of their texts.

        Args:
            starts: Shape ``(spans,)``.
            ends: Shape ``(..., spans)``; a span that ends past the text gets a hash no word has.
        """
        sums = self.sums
        found = sums.take(ends, mode="clip") - sums.take(starts)
        return np.asarray(found * _powers()[1].take(starts))

    def plain(self) -> bytes:
        """Return the text as ASCII, one byte per code point; DEL stands for what is not ASCII."""
        signs: NDArray[np.int64] = np.minimum(self.points[: self.size], _DEL)
        return signs.astype(np.uint8).tobytes()


def read(text: str) -> Reading:
    """Return the reading of any string: lower case, visible, compatible forms, single spaces."""
    is_wide = not text.isascii()
    framed, kinds, classes = _unicode(text) if is_wide else _ascii(text)
    points, size = framed[_FRONT:], framed.size - _FRONT - _PAD
    counts = np.bincount(classes, minlength=len(CLASSES)).tolist()
    counts[_LATIN] += size - classes.size
    runs, separators = kinds, _NOWHERE
    if counts[_DIGIT_CLASS] and (counts[_COMMA_CLASS] or counts[_PERIOD_CLASS]):
        separators = _separators(kinds)
    if separators.size:
        runs = kinds.copy()
        runs[separators + _FRONT] = DIGIT
    # Blanks frame the text, so its first and last code points are at edges, too.
    after = runs[_FRONT:]
    edges = (after != runs[:-1]).nonzero()[0]
    edge_kinds = after.take(edges)
    n_sentences = ((edge_kinds[:-1] >> _END_TO_BLANK) & edge_kinds[1:]).tobytes().count(BLANK)
    if is_wide:
        n_sentences += kinds.tobytes().count(OTHER | STOPS)
    tokens = (edge_kinds <= _LETTER).nonzero()[0]  # the last edge ends the text
    starts, ends = edges.take(tokens), edges[1:].take(tokens)
    is_number = edge_kinds.take(tokens) == _DIGIT
    n_commands = 0
    if counts[_BACKSLASH_CLASS]:
        before = framed.take(starts)  # one place on in the frame is one back in the text
        is_command = (before == _BACKSLASH) > is_number
        n_commands = int(np.count_nonzero(is_command))
        starts = starts - is_command
    forward, backward = _powers()
    sums = framed[: 1 - _PAD].view(np.uint64) * forward[: size + _FRONT + 1]
    np.add.accumulate(sums, out=sums)
    sums[-1] = _PAST_END
    hashes = sums.take(ends)
    hashes -= sums.take(starts)
    hashes *= backward.take(starts)
    ordered = hashes.copy()
    ordered.sort()
    return Reading(
        points,
        size,
        is_wide,
        counts,
        n_sentences,
        starts,
        ends - starts,
        is_number.nonzero()[0] if counts[_DIGIT_CLASS] else _NOWHERE,
        _n_decimals(starts, separators) if separators.size else 0,
        n_commands,
        hashes,
        ordered,
        sums,
    )


def word_hash(word: str) -> int:
    """Return the hash of a normalised word, equal to the one its token gets in any text."""
    total, power = 0, 1
    for character in word:
        total = (total + ord(character) * power) % 2**64
        power = power * _BASE % 2**64
    return total


def _ascii(text: str) -> _Signs:
    """Return code points, kinds and classes of an ASCII text, by byte tables alone."""
    fold, kinds, classes = _ascii_tables()
    raw = text.encode("ascii").translate(fold)
    if b"\0" in raw:
        raw = raw.translate(None, b"\0")
    framed = _FRAME % raw
    found = np.frombuffer(framed.translate(kinds), np.uint8)
    if _is_untidy(found):
        lines = (b" ".join(line.split()) for line in raw.split(b"\n"))
        raw = b"\n".join([line for line in lines if line])
        framed = _FRAME % raw
        found = np.frombuffer(framed.translate(kinds), np.uint8)
    return (
        np.frombuffer(framed, np.uint8).astype(np.int64),
        found,
        np.frombuffer(raw.translate(classes, _UNCOUNTED), np.uint8),
    )


def _unicode(text: str) -> _Signs:
    """Return code points, kinds and classes of any text."""
    points = form_table().take(_points(text[:MOST_POINTS]), mode="clip")
    highest = points[points.argmax()]
    if highest >= COMPOSES:
        points = _composed(text)
    elif highest >= FOLLOWS:
        follows = points & _FOLLOWS
        if np.count_nonzero(follows[1:] & follows[:-1]):
            points = _composed(text)
        else:
            points ^= follows
    if np.count_nonzero(points) < points.size:
        points = points[points > 0]
    framed = _framed(points)
    kinds = kind_table().take(framed)
    if _is_untidy(kinds):
        tidy = points.tobytes().decode("utf-32-le")
        lines = (" ".join(line.split()) for line in tidy.split("\n"))
        framed = _framed(_points("\n".join([line for line in lines if line])))
        kinds = kind_table().take(framed)
    return framed, kinds, class_table().take(framed[_FRONT:-_PAD])


def _framed(points: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Return code points between zeros, as the integers a look-up wants."""
    framed = np.zeros(_FRONT + points.size + _PAD, np.int64)
    framed[_FRONT:-_PAD] = points
    return framed


def _composed(text: str) -> NDArray[np.uint32]:
    """Return the folded code points of a text in which signs merge, change places or fall apart."""
    points = _points(_compatible(text))
    if points.max() >= TABLE_SIZE:
        points = np.where(points >= _TAGS_FROM, 0, np.minimum(points, TABLE_SIZE - 1))
    return fold_table().take(points)


def _compatible(text: str) -> str:
    """Return compatible forms (NFKC), piece by piece.

    One piece at a time, because stacked accents take time quadratic in their number, and some signs
    become 18 letters: what is beyond ``MOST_POINTS`` need not be computed.
    """
    if len(text) <= _PIECE:
        return unicodedata.normalize("NFKC", text)[:MOST_POINTS]
    pieces, size = [], 0
    for start in range(0, len(text), _PIECE):
        pieces.append(unicodedata.normalize("NFKC", text[start : start + _PIECE]))
        size += len(pieces[-1])
        if size >= MOST_POINTS:
            break
    return "".join(pieces)[:MOST_POINTS]


def _is_untidy(kinds: NDArray[np.uint8]) -> bool:
    """Return whether two blanks stand together, or one next to the frame."""
    last = 1 - _PAD
    return BLANK in (kinds[1:last] & kinds[: last - 1]).tobytes()


def _points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _separators(kinds: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the places of points and commas between two digits."""
    between = kinds[:-2] & kinds[2:] & (kinds[1:-1] >> _SEPARATES_TO_DIGIT) & _DIGIT
    return between.view(np.bool_).nonzero()[0]  # the frame makes up for the digit before


def _n_decimals(starts: NDArray[np.int64], separators: NDArray[np.int64]) -> int:
    """Return the number of tokens that hold a separator."""
    holders = starts.searchsorted(separators, "right")
    return 1 + int(np.count_nonzero(holders[1:] != holders[:-1]))


@cache
def _powers() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the powers of the base, from -1 up, and of its inverse, from 0 up, modulo 2**64.

    The place before the text is in the frame: it has a power too, but nothing to multiply.
    """
    inverse = pow(_BASE, -1, 2**64)
    tables = []
    for base, power in ((_BASE, inverse), (inverse, 1)):
        powers = [power]
        while len(powers) < MOST_POINTS + 2:
            powers.append(powers[-1] * base % 2**64)
        tables.append(np.array(powers, np.uint64))
    return tables[0], tables[1]


@cache
def _ascii_tables() -> tuple[bytes, bytes, bytes]:
    """Return tables for ``bytes.translate``: folded bytes (0 where invisible), kinds, classes."""
    size = 128
    folded = fold_table()[:size].astype(np.uint8).tobytes()
    kinds, classes = kind_table()[:size].tobytes(), class_table()[:size].tobytes()
    filler = bytes(256 - size)
    return folded + filler, kinds + filler, classes + filler
