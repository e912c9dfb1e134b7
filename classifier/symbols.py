"""Sorts every Unicode code point into a few dozen classes with one table look-up.

Dense features count classes, not characters: digits, brackets, relation signs, letters per script.
Ranges are those of the Unicode 15 block list.
"""

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
