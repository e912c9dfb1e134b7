r"""From the text of a sample to a key that equal answers share; ``None`` abstains.

Where the answer stands is ``marks``'; without a mark, a text that ends in a number gives that number. Numbers are
compared as exact fractions: 1,234.50 = 1234.5, 3/4 = \frac34 = 0.75, 12 % = 0.12. Anything unsure abstains: a wrong
vote is worse than none.
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType

from .choices import BOOLEANS, OPTION, choice, chosen_in_prose, truth, truth_in_prose
from .documents import document
from .expressions import Unreadable
from .kinds import Kind
from .latex import half_width
from .marks import WINDOW, Mark, marked, spoken
from .numbers import number
from .programs import program
from .structures import STRUCTURES, spelled, structure
from .terms import Call

_LATEX = (
    (re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox)\s*\{([^{}]*)\}"), r" \1 "),
    # Behind a digit it is a mixed number.
    (re.compile(r"(?<=\d)\s*\\[dt]?frac\s*\{\s*(\d+)\s*\}\s*\{\s*(\d+)\s*\}"), r" \1/\2"),
    (re.compile(r"(?<!})\\[dt]?frac\s*\{\s*(\d+)\s*\}\s*\{\s*(\d+)\s*\}"), r"\1/\2"),
    (re.compile(r"\^\s*(?:\\circ|\{\s*\\circ\s*\})"), "°"),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\\([%$#&])"), r"\1"),
    (re.compile(r"\\[,!;:()\[\]\s]"), " "),
)
"""LaTeX that changes how a value looks and not what it is."""

_DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)"
_NUMBER = (
    rf"[-−]?(?:{_DIGITS}(?:\.\d+)?|\.\d+)(?:\s*/\s*\d+)?(?:[eE][-+]?\d{{1,3}}(?!\d))?(?:\s*%)?"
)
_ENDING = re.compile(
    rf"(?<![A-Za-z\d.,^\\{{(\[√_+*×÷/])(?<!\d[:\-−])(?<!\d\s)(?<![+×÷]\s)(?<!\b[a-zA-Z\d)}}]\s[-−]\s)(?<![-−][$€£¥])({_NUMBER})"
    r"(?![A-Za-z\d,/^])((?:[^\W\d_]|(?<=[a-z])/(?=[a-z])|[\s.。,，!！*$'\"°²³])*)$"
)
"""A number that ends a text, its unit aside: no part of a word, of a formula or of a date."""

_WORDS = re.compile(r"(?:[^\W\d_]|[\s=≈~:：,，'*$€£¥])*")
_LETTER = r"(?<![A-Za-z\\])[A-Za-z](?![A-Za-z(_])"
_EQUATION_FOR_SURE = re.compile(rf"[^=]*(?:\d\s?{_LETTER}|{_LETTER}\s*[\^²³])")
"""Its left side is no name and no calculation: 2x + 4y = 6. But m + n = 113 says what m + n is."""

_EQUATION = re.compile(rf"[^=]*(?:[-+*/\d]\s*{_LETTER}|{_LETTER}\s*[-+*/^²³])")
_SENTENCE = re.compile(r"[.。!?！？](?:\s|$)")
_FORMULA = re.compile(
    r"[\s*]*(?:\$\$?(?P<dollars>[^$]+)\$\$?|\\[(\[](?P<slashes>.+?)\\[)\]])[\s*.。]*", re.DOTALL
)
_LOOKS_LIKE_FORMULA = re.compile(r"[\\^_=<>≤≥√π∞∪±|!\[({\d+*/⦃]")
_END = 300
"""Characters from the end in which the last number of an unmarked text and its unit are looked for."""

_LONGEST = 64
"""Characters of a marked answer that is none of the other kinds; longer ones are prose."""
_LONGEST_KEY = 400
_WORDS_BEFORE = 5
"""Words between "the answer is" and its number: more make it a sentence that happens to hold one."""
_WORDS_AFTER = 3
"""Words after the last number of an unmarked text: a unit, no more."""
_NO_OPTIONS: Mapping[str, str] = MappingProxyType({})


def answer_key(
    text: str,
    kind: Kind = "auto",
    *,
    options: Mapping[str, str] = _NO_OPTIONS,
    unit: str | None = None,
) -> str | None:
    """Return the canonical key of the answer that ``text`` gives, or ``None`` when unsure.

    Args:
        text: A sample, thinking included or not.
        kind: What the question asks for. It says how the answer is read; a number is a ``number:`` key for
            every kind of question that may have one, so that a fraction and a decimal agree.
        options: Of a multiple-choice question, letter to text.
        unit: The unit that the question names: it may be missing, and another one abstains.

    Returns:
        ``kind:canonical``, where kind is one of number, math, mcq, bool, json, code, text.
    """
    if kind == "json":
        found = document(spoken(text))
        return found and f"json:{found}"
    if kind == "code":
        found = program(spoken(text))
        return found and f"code:{found}"
    text = spoken(text)[-WINDOW:]
    mark = marked(text, hashes=kind != "auto")
    if kind == "mcq":
        letter = (
            chosen_in_prose(text, options) if mark is None else choice(_plain(mark.text), options)
        )
        return letter and f"mcq:{letter}"
    if kind == "bool":
        said = truth_in_prose(text) if mark is None else truth(_plain(mark.text))
        return said and f"bool:{said}"
    if kind == "text":
        return _words(_plain(text if mark is None else mark.text))
    if mark is not None:
        return _canonical(mark, kind, unit)
    return _ending(text, kind, unit)


def _canonical(mark: Mark, kind: Kind, unit: str | None) -> str | None:
    """Return the key of a marked answer: option, boolean, number, formula, short text."""
    value = _plain(mark.text)
    if not value:
        return None
    if kind == "auto" and (option := OPTION.match(value)):
        return f"mcq:{option[1] or option[2]}"
    sentence = value if mark.exact else _SENTENCE.split(value)[0]
    if kind == "auto" and (said := BOOLEANS.get(re.split("[,，]", sentence)[0].strip().lower())):
        return f"bool:{said}"
    if bare := _number(sentence, None):
        # In another unit it is no formula either.
        return bare if unit is None else _number(sentence, unit)
    if key := _last_number(sentence, unit, kind, exact=mark.exact):
        return key
    if key := _formula(mark, value, kind):
        return key
    has_digits = any(character.isdigit() for character in value)
    if kind != "auto" or (has_digits and not mark.exact):
        return None
    return _words(value)


def _ending(text: str, kind: Kind, unit: str | None) -> str | None:
    """Return the key of an unmarked text: the number, or for a math question the formula, that ends it."""
    end = "\n".join(text.strip().splitlines()[-2:])
    if len(end) > _END:
        end = end[-_END:].partition(" ")[2] or end  # no number is cut in two
    end = _plain(end)
    ending = _ENDING.search(end)
    if ending is not None and len(ending[2].split()) <= _WORDS_AFTER:
        return _number(ending[0], unit)
    if kind == "auto":
        return None
    last = text.strip().splitlines()[-1:] or [""]
    if key := _number(_plain(last[0]), unit):
        return key
    formulas = re.findall(r"\$\$?[^$]+\$\$?|\\[(\[].+?\\[)\]]", last[0])
    return _formula(Mark((formulas or last)[-1], exact=not formulas), "", kind)


def _last_number(sentence: str, unit: str | None, kind: Kind, *, exact: bool) -> str | None:
    """Return the key of the number that ends a sentence and is what it says, or ``None``."""
    ending = _ENDING.search(sentence)
    if ending is None or (exact and sentence.endswith("!")):
        return None
    before = sentence[: ending.start()]
    equation = _EQUATION if kind == "math" else _EQUATION_FOR_SURE
    is_result = before.rstrip().endswith(("=", "≈")) and not re.search(r"[,;，；]|\bor\b", before)
    is_result &= not equation.match(before)
    is_alone = bool(_WORDS.fullmatch(before)) and len(before.split()) <= _WORDS_BEFORE
    if is_result or (is_alone and before.count("=") <= 1):
        return _number(ending[0], unit)
    return None


def _number(text: str, unit: str | None) -> str | None:
    try:
        value = number(text, unit)
        return None if value is None else f"number:{value}"
    except ValueError:  # more digits than Python prints
        return None


def _formula(mark: Mark, value: str, kind: Kind) -> str | None:
    """Return the key of a formula: for a math question of all that is marked, else of what looks like one."""
    found = None if mark.exact else _FORMULA.fullmatch(mark.text)
    if found:
        raw = found["dollars"] or found["slashes"]
    elif mark.exact and (kind != "auto" or _LOOKS_LIKE_FORMULA.search(value)):
        raw = mark.text
    elif kind in ("math", "number"):
        raw = _SENTENCE.split(mark.text)[0].strip(" *")
    else:
        return None
    try:
        term = structure(raw)
        if kind == "number" and isinstance(term, Call) and term.op in STRUCTURES:
            return None  # one number was asked for
        key = f"number:{term}" if isinstance(term, Fraction) else f"math:{spelled(term)}"
    except (Unreadable, ValueError, ArithmeticError, RecursionError):
        return None
    return key if len(key) <= _LONGEST_KEY or key.startswith("number:") else None


def _words(value: str) -> str | None:
    return None if not value or len(value) > _LONGEST else "text:" + " ".join(value.lower().split())


def _plain(raw: str) -> str:
    raw = half_width(raw)
    for pattern, plain in _LATEX if "\\" in raw or "{,}" in raw else ():
        raw = pattern.sub(plain, raw)
    return raw.strip(" \t\r\n$*`\"'").rstrip(" \t\r\n$*`\"'。.")
