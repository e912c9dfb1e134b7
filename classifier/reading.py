"""Reads a text once: normalised code points, their classes, and word and number spans with hashes.

Everything is computed over whole arrays, so that a long text costs little more than a short one.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.symbols import (
    CLASSES,
    COMPOSES,
    FOLLOWS,
    TABLE_SIZE,
    class_table,
    fold_table,
    form_table,
    kind_table,
)

MOST_POINTS = 2_600
"""Code points read at most; compatible forms may be longer than the text (one sign, 18 letters)."""

LETTER, DIGIT = 1, 2
"""Kinds of code points; a token is a run of one of them."""

_PAD = 4
_PIECE = 400
_LAST_SPACE, _COMMA, _POINT, _BACKSLASH = 32, 44, 46, 92
_TAGS_FROM = 0xE0000  # tags and variation selectors: invisible
_DIGIT_CLASS, _COMMA_CLASS, _PERIOD_CLASS, _BACKSLASH_CLASS = (
    CLASSES.index(name) for name in ("digit", "comma", "period", "backslash")
)
_BLANKS = (b" ", b"\n")
_NOWHERE = np.zeros(0, np.int64)
_BASE = 0x9E3779B97F4A7C15  # 2**64 / golden ratio: odd, so it has an inverse modulo 2**64


@dataclass(frozen=True, slots=True)
class Reading:
    """A normalised text and its tokens; ``n`` code points, ``t`` tokens.

    Attributes:
        points: Shape ``(n + 4,)``, uint32; the last four are zero.
        size: ``n``.
        is_wide: The text holds more than ASCII.
        is_digit: Shape ``(n,)``, bool.
        separators: Places of points and commas between two digits.
        counts: Number of code points per class of ``classifier.symbols``.
        starts: Shape ``(t,)``: where a token begins; a LaTeX command begins at its backslash.
        lengths: Shape ``(t,)``.
        is_number: Shape ``(t,)``, bool; points and commas between digits belong to the number.
        n_commands: Tokens that are LaTeX commands.
        hashes: Shape ``(t,)``, uint64; equal for equal tokens only, as far as 64 bits can tell.
        ordered: The hashes in ascending order.
        sums: Shape ``(n + 1,)``, uint64: what ``span_hashes`` needs.
    """

    points: NDArray[np.uint32]
    size: int
    is_wide: bool
    is_digit: NDArray[np.bool_]
    separators: NDArray[np.int64]
    counts: NDArray[np.int64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    is_number: NDArray[np.bool_]
    n_commands: int
    hashes: NDArray[np.uint64]
    ordered: NDArray[np.uint64]
    sums: NDArray[np.uint64]

    def span_hashes(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Return the hashes of the given spans; equal to ``word_hash`` of their texts."""
        sums = self.sums
        return np.asarray((sums.take(ends) - sums.take(starts)) * _powers()[1].take(starts))


def read(text: str) -> Reading:
    """Return the reading of any string: lower case, visible, compatible forms, single spaces."""
    codes, kinds, classes = _ascii(text) if text.isascii() else _unicode(text)
    size = codes.size
    points = np.zeros(size + _PAD, np.uint32)
    points[:size] = codes
    counts = np.bincount(classes, minlength=len(CLASSES))
    is_digit = kinds == DIGIT
    separators = _NOWHERE
    if counts[_DIGIT_CLASS] and (counts[_COMMA_CLASS] or counts[_PERIOD_CLASS]):
        separators = _separators(points, is_digit)
    if separators.size:
        kinds = kinds.copy()
        kinds[separators] = DIGIT
    starts, ends, token_kinds = _runs(kinds)
    n_commands = 0
    if counts[_BACKSLASH_CLASS] and starts.size:
        # A negative place is the padding at the end, which is no backslash.
        is_command = (points[starts - 1] == _BACKSLASH) & (token_kinds == LETTER)
        n_commands = int(np.count_nonzero(is_command))
        starts = starts - is_command
    sums = np.zeros(size + 1, np.uint64)
    forward, backward = _powers()
    np.add.accumulate(points[:size] * forward[:size], out=sums[1:])
    hashes = (sums.take(ends) - sums.take(starts)) * backward.take(starts)
    return Reading(
        points=points,
        size=size,
        is_wide=codes.dtype != np.uint8,
        is_digit=is_digit,
        separators=separators,
        counts=counts,
        starts=starts,
        lengths=ends - starts,
        is_number=token_kinds == DIGIT,
        n_commands=n_commands,
        hashes=hashes,
        ordered=np.sort(hashes),
        sums=sums,
    )


def word_hash(word: str) -> int:
    """Return the hash of a normalised word, equal to the one its token gets in any text."""
    total, power = 0, 1
    for character in word:
        total = (total + ord(character) * power) % 2**64
        power = power * _BASE % 2**64
    return total


def _ascii(text: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Return code points, kinds and classes of an ASCII text, by byte tables alone."""
    fold, kinds, classes = _ascii_tables()
    raw = text.encode("ascii").translate(fold)
    if b"\0" in raw:
        raw = raw.translate(None, b"\0")
    if _has_idle_blanks(raw):
        lines = (b" ".join(line.split()) for line in raw.split(b"\n"))
        raw = b"\n".join([line for line in lines if line])
    return (
        np.frombuffer(raw, np.uint8),
        np.frombuffer(raw.translate(kinds), np.uint8),
        np.frombuffer(raw.translate(classes), np.uint8),
    )


def _has_idle_blanks(raw: bytes) -> bool:
    """Return whether two blanks stand together, or one at an end; ``_is_untidy`` for bytes."""
    if b"  " in raw or raw[:1] in _BLANKS or raw[-1:] in _BLANKS:
        return True
    return b"\n" in raw and (b"\n\n" in raw or b" \n" in raw or b"\n " in raw)


def _unicode(text: str) -> tuple[NDArray[np.uint32], NDArray[np.uint8], NDArray[np.uint8]]:
    """Return code points, kinds and classes of any text."""
    points = form_table().take(_points(text[:MOST_POINTS]), mode="clip")
    highest = points.max()
    if highest >= FOLLOWS:
        if highest >= COMPOSES or (points[1:] & points[:-1] & FOLLOWS).any():
            points = _composed(text)
        else:
            points &= ~FOLLOWS
    if not points.all():
        points = points[points > 0]
    if _is_untidy(points):
        tidy = points.tobytes().decode("utf-32-le")
        lines = (" ".join(line.split()) for line in tidy.split("\n"))
        points = _points("\n".join([line for line in lines if line]))
    return points, kind_table().take(points), class_table().take(points)


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
        return unicodedata.normalize("NFKC", text)
    pieces, size = [], 0
    for start in range(0, len(text), _PIECE):
        pieces.append(unicodedata.normalize("NFKC", text[start : start + _PIECE]))
        size += len(pieces[-1])
        if size >= MOST_POINTS:
            break
    return "".join(pieces)[:MOST_POINTS]


def _is_untidy(codes: NDArray[Any]) -> bool:
    """Return whether two blanks stand together, or one at an end."""
    if not codes.size:
        return False
    blank = codes <= _LAST_SPACE
    return bool(blank[0] or blank[-1] or (blank[1:] & blank[:-1]).any())


def _points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _separators(points: NDArray[np.uint32], is_digit: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the places of points and commas between two digits."""
    between = (is_digit[:-2] & is_digit[2:]) > is_digit[1:-1]
    places = between.nonzero()[0] + 1
    marks = points.take(places)
    return np.asarray(places[(marks == _COMMA) | (marks == _POINT)])


def _runs(
    kinds: NDArray[np.uint8],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    """Return start, end and kind of every run of letters or digits."""
    framed = np.zeros(kinds.size + 2, np.uint8)
    framed[1:-1] = kinds
    after = framed[1:]
    edges = (after != framed[:-1]).nonzero()[0]
    run_kinds = after.take(edges)
    tokens = run_kinds.nonzero()[0]  # the last edge ends the text; it opens no token
    return edges.take(tokens), edges.take(tokens + 1), run_kinds.take(tokens)


@cache
def _powers() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the powers of the base and of its inverse modulo 2**64."""
    inverse = pow(_BASE, -1, 2**64)
    tables = []
    for base in (_BASE, inverse):
        powers, power = [], 1
        for _ in range(MOST_POINTS + 2):
            powers.append(power)
            power = power * base % 2**64
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
