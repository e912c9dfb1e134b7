"""Sorts every Unicode code point into a few dozen classes with one table look-up.

Dense features count classes, not characters: digits, brackets, relation signs, letters per script.
Ranges are those of the Unicode 15 block list.
"""

import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray

SCRIPTS: tuple[str, ...] = (
    "latin",
    "han",
    "kana",
    "hangul",
    "cyrillic",
    "arabic",
    "devanagari",
    "thai",
    "bengali",
    "tamil",
    "telugu",
    "greek",
    "hebrew",
    "other_script",
)
"""Letter classes, one per script that the language detector tells apart."""

MARKS: tuple[str, ...] = (
    "digit",
    "space",
    "newline",
    "period",
    "comma",
    "question",
    "exclamation",
    "colon",
    "quote",
    "dash",
    "parenthesis",
    "bracket",
    "brace",
    "backslash",
    "dollar",
    "caret",
    "underscore",
    "plus",
    "star_slash",
    "equals",
    "less_greater",
    "bar_hash",
    "at_percent",
    "maths_sign",
    "arrow_box",
    "emoji",
    "other_mark",
)
"""Classes of everything that is not a letter."""

CLASSES: tuple[str, ...] = SCRIPTS + MARKS
"""All classes; the value in the table is the index into this tuple."""

TABLE_SIZE = 0x20000
"""Code points from here on share the last entry (rare Han extensions, tags)."""

_ASCII: dict[str, str] = {
    "newline": "\n\r",
    "space": " \t\x0b\x0c",
    "period": ".",
    "comma": ",;、，；。",
    "question": "?？¿",
    "exclamation": "!！¡",
    "colon": ":：",
    "quote": "\"'`“”‘’«»「」『』",
    "dash": "-–—−",
    "parenthesis": "()（）",
    "bracket": "[]【】",
    "brace": "{}",
    "backslash": "\\",
    "dollar": "$€£¥",
    "caret": "^",
    "underscore": "_",
    "plus": "+±",
    "star_slash": "*/×÷·",
    "equals": "=≠≈≡",
    "less_greater": "<>≤≥",
    "bar_hash": "|#~",
    "at_percent": "@%&°",
}
_RANGES: tuple[tuple[str, int, int], ...] = (
    ("latin", 0xAA, 0x24F),
    ("latin", 0x1E00, 0x1EFF),
    ("greek", 0x370, 0x3FF),
    ("cyrillic", 0x400, 0x52F),
    ("hebrew", 0x590, 0x5FF),
    ("arabic", 0x600, 0x6FF),
    ("arabic", 0x750, 0x77F),
    ("arabic", 0xFB50, 0xFEFC),
    ("devanagari", 0x900, 0x97F),
    ("bengali", 0x980, 0x9FF),
    ("tamil", 0xB80, 0xBFF),
    ("telugu", 0xC00, 0xC7F),
    ("thai", 0xE00, 0xE7F),
    ("hangul", 0x1100, 0x11FF),
    ("hangul", 0x3130, 0x318F),
    ("hangul", 0xAC00, 0xD7AF),
    ("kana", 0x3041, 0x30FF),
    ("han", 0x3400, 0x4DBF),
    ("han", 0x4E00, 0x9FFF),
    ("han", 0xF900, 0xFAFF),
    ("other_script", 0x530, 0x58F),
    ("other_script", 0xA00, 0xB7F),
    ("other_script", 0xC80, 0xDFF),
    ("other_script", 0xE80, 0x10FF),
    ("other_script", 0x1200, 0x1DFF),
    ("arrow_box", 0x2190, 0x21FF),
    ("maths_sign", 0x2200, 0x22FF),
    ("maths_sign", 0x2070, 0x209F),
    ("maths_sign", 0x27C0, 0x27EF),
    ("maths_sign", 0x2980, 0x2AFF),
    ("arrow_box", 0x2300, 0x25FF),
    ("emoji", 0x2600, 0x27BF),
    ("emoji", 0x1F000, 0x1FAFF),
)

_UNSPACED: tuple[tuple[int, int], ...] = ((0xE00, 0x109F), (0x1780, 0x17FF))
"""Thai to Burmese, and Khmer: written without spaces, a mark is the nearest thing to a word's end."""

_INVISIBLE: tuple[tuple[int, int], ...] = (
    (0x0, 0x8),
    (0xE, 0x1F),
    (0x7F, 0x7F),
    (0xAD, 0xAD),
    (0x34F, 0x34F),
    (0x61C, 0x61C),
    (0x180E, 0x180E),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x2069),
    (0xD800, 0xDFFF),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
)

_JAMO: tuple[tuple[int, int], ...] = ((0x1161, 0x1175), (0x11A8, 0x11C2))
"""Korean vowels and finals: they merge with what stands before by a rule, not by a table."""


@cache
def class_table() -> NDArray[np.uint8]:
    """Return code point -> index into ``CLASSES``, shape ``(TABLE_SIZE,)``."""
    index = {name: position for position, name in enumerate(CLASSES)}
    table = np.full(TABLE_SIZE, index["other_mark"], np.uint8)
    for name, first, last in _RANGES:
        table[first : last + 1] = index[name]
    table[ord("a") : ord("z") + 1] = index["latin"]
    table[ord("A") : ord("Z") + 1] = index["latin"]
    table[ord("0") : ord("9") + 1] = index["digit"]
    for start in (0x660, 0x6F0, 0x966, 0x9E6, 0xE50):  # decimal digits of other scripts
        table[start : start + 10] = index["digit"]
    for name, characters in _ASCII.items():
        for character in characters:
            table[ord(character)] = index[name]
    return table


DIGIT, LETTER, BLANK, END, OTHER, SEPARATES, STOPS = 1, 2, 4, 8, 16, 32, 64
"""Kinds of code points: a token is a run of one of the first two; END before a blank ends a sentence.

``SEPARATES`` is added for a point and a comma, which between two digits belong to a number, and
``STOPS`` for the Chinese full stop, which needs no blank.
"""


@cache
def kind_table() -> NDArray[np.uint8]:
    """Return code point -> kind; marks that belong to a letter are letters.

    For folded code points only; 0 is a blank, so that padding parts words as a space does.
    """
    table = np.full(TABLE_SIZE, OTHER, np.uint8)
    for point in range(TABLE_SIZE):
        category = unicodedata.category(chr(point))
        if category[0] in "LM":
            table[point] = LETTER
        elif category == "Nd":
            table[point] = DIGIT
    for first, last in _UNSPACED:
        for point in range(first, last + 1):
            if unicodedata.category(chr(point))[0] == "M":
                table[point] = OTHER
    table[[0, ord("\n"), ord(" ")]] = BLANK
    table[[ord(mark) for mark in ".!?"]] = END
    table[[ord(mark) for mark in ".,"]] |= SEPARATES
    table[ord("。")] |= STOPS
    return table


@cache
def fold_table() -> NDArray[np.uint32]:
    """Return code point -> its lower case; 0 for what is invisible, a space for any blank.

    One code point stays one: a capital that lower-cases to several keeps the first.
    """
    table = np.arange(TABLE_SIZE, dtype=np.uint32)
    for point in range(TABLE_SIZE):
        character = chr(point)
        if character.isspace():
            table[point] = ord(" ")
        elif character.isupper():
            table[point] = ord(character.lower()[0])
    for first, last in _INVISIBLE:
        table[first : last + 1] = 0
    table[ord("\n")] = ord("\n")
    table[ord("ς")] = ord("σ")
    return table


FOLLOWS, COMPOSES = np.uint32(1 << 30), np.uint32(1 << 31)
"""Flags of ``form_table``: one such mark alone stays as it is; the sign may merge or fall apart."""


@cache
def form_table() -> NDArray[np.uint32]:
    """Return code point -> ``fold_table`` of its compatible form (NFKC), with a flag.

    Without a flag NFKC works sign by sign, and one look-up does both; so it does with ``FOLLOWS``
    (a mark above, below or behind) unless two such marks stand together, for they may change places.
    ``COMPOSES`` marks what turns into several signs, may merge with the sign before it, or is past
    the table: only NFKC itself can tell.
    """
    table = fold_table().copy()
    merging = _merging()
    for point in range(0x80, TABLE_SIZE):
        form = chr(point)
        if not unicodedata.is_normalized("NFKC", form):
            form = unicodedata.normalize("NFKC", form)
        if len(form) > 1 or ord(form) >= TABLE_SIZE or {form, chr(point)} & merging:
            table[point] = COMPOSES
            continue
        follows = unicodedata.combining(form) or unicodedata.combining(chr(point))
        table[point] = fold_table()[ord(form)] | (FOLLOWS if follows else 0)
    table[-1] = COMPOSES
    return table


def _merging() -> set[str]:
    """Return the signs that may merge with the one before them."""
    found = {chr(point) for first, last in _JAMO for point in range(first, last + 1)}
    for point in range(0x80, TABLE_SIZE):
        parts = unicodedata.decomposition(chr(point)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):  # noqa: PLR2004 - a pair
            found.add(chr(int(parts[1], 16)))
    return found
