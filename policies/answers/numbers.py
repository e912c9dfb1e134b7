"""A text that is a number as a whole, its currency and unit aside, to an exact fraction. Unsure is ``None``."""

import re
from fractions import Fraction

from .numerals import PARTS, SCALES, chinese, english
from .units import unit_named

_DIGITS = (
    r"\d{1,3}(?:,\d{3})+(?:\.\d+)?"  # 1,234.50
    r"|\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?"  # 12,34,567
    r"|\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?:[.,]\d+)?"  # 1 234.5
    r"|\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}"  # 1.234,50 and 1.234.567
    r"|\d+\.?\d*|\.\d+"
)
_SIGN = r"[-−–+]?\s*"
_WHOLE = re.compile(
    r"(?:(?:approximately|about|around|roughly|exactly|约|大约|共)\s*|[≈~=]\s*)?"
    rf"(?P<sign>{_SIGN})(?P<money>(?:US|A|C)?[$€£¥￥]\s*)?"
    rf"(?P<digits>{_DIGITS})"
    r"(?:(?P<mixed>(?:\s+|\s*\+\s*)\d+\s*/\s*\d+)|\s*/\s*(?P<below>\d+(?:\.\d+)?)"
    r"|(?:[eE](?P<exponent>[-+]?\d{1,3}))|\s*(?:\*|×|\\times|\\cdot|x)\s*10\s*\^\s*\{?(?P<power>[-−+]?\d{1,3})\}?)?"
    r"(?P<tail>[\sA-Za-z一-鿿°²³%％‰€£¥$./'\"]*(?:\^\s*\{?[23]\}?)?)"
)
_PERCENT = {"%": 100, "％": 100, "percent": 100, "per cent": 100, "pct": 100, "‰": 1000}
_VULGAR = str.maketrans({"½": " 1/2", "⅓": " 1/3", "⅔": " 2/3", "¼": " 1/4", "¾": " 3/4"})
_MOST_DIGITS = 4000
_TAIL_WORDS = 3
"""Words after a number that may be its unit."""

_LETTERS = frozenset("mgsh")
"""Single letters that are a unit when they stand apart; 5 x is a product."""

_NO_UNIT = frozenset({"and", "or", "to", "out", "not", "pi", "e", "i", "sqrt", "或", "和", *PARTS})

_FACTORS = (
    {"dozen": 12}
    | SCALES
    | {"十": 10, "百": 100, "千": 1000, "万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
)
"""What a word after a number multiplies it by: 3 million, 1.5亿, 3万元."""

_RANGE = re.compile(r"[\d.]+\s*[-−–~/]\s*[\d.]+\s*[-−–~/].*|[\d.]+\s*[-−–~]\s*[\d.]+")


def number(text: str, unit: str | None = None) -> Fraction | None:
    """Return the value of a text that is one number.

    Args:
        text: 1,234.50, 3/4, 2 1/2, 1e-3, 12 %, 3 × 10^8, $5, 42 km, 3 million, twelve, 三百二十五.
        unit: The unit the question asks for. It is stripped; another unit makes the number unsure.
            With ``%`` a bare 12 is 12 %.
    """
    text = text.translate(_VULGAR).strip().rstrip("。")
    if not text or _RANGE.fullmatch(text):
        return None
    found = _WHOLE.fullmatch(text)
    if found is None:
        return in_words(text)
    value = _digits(found)
    if value is None:
        return None
    value = _measured(value, found["tail"], unit, money=found["money"])
    return -value if value is not None and found["sign"].strip() in ("-", "−", "–") else value


def in_words(text: str) -> Fraction | None:
    """Return the value of a number that is written in words, a Chinese measure word aside."""
    value = chinese(text) if not text.isascii() else english(text)
    if value is None and not text.isascii():
        stem = re.sub(r"个?[^\d零〇一二两三四五六七八九十百千万亿半]{1,2}$", "", text)
        value = chinese(stem) if stem != text else None
    return value


def _digits(found: "re.Match[str]") -> Fraction | None:
    written = re.sub(r"[ \u00a0\u202f]", "", found["digits"])
    # Both marks, or groups of three after points: the comma is the decimal one.
    if re.search(r"\.\d{3}(?:,|\.\d{3})|^\d+,\d+$", written) and not re.fullmatch(
        r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", written
    ):
        written = written.replace(".", "").replace(",", ".")
    if len(written) > _MOST_DIGITS:
        return None
    value = Fraction(written.replace(",", "").rstrip("."))
    if found["mixed"]:
        part = Fraction(re.sub(r"[\s+]", "", found["mixed"])) if _proper(found["mixed"]) else None
        return None if part is None or value.denominator != 1 else value + part
    if found["below"]:
        below = Fraction(found["below"])
        return value / below if below else None
    power = found["exponent"] or found["power"]
    return value * Fraction(10) ** int(power.replace("−", "-")) if power else value


def _proper(part: str) -> bool:
    top, bottom = (int(side) for side in re.sub(r"[\s+]", "", part).split("/"))
    return 0 < top < bottom


def _measured(
    value: Fraction, behind: str, unit: str | None, *, money: str | None
) -> Fraction | None:
    """Return ``value`` with what stands behind it taken into account."""
    tail = behind.strip(" .$'\"\n").lower()
    for word, factor in _FACTORS.items():
        if tail.startswith(word) and not (word.isascii() and tail[len(word) :][:1].isalpha()):
            value, tail = value * factor, tail[len(word) :].strip()
    if tail in _PERCENT:
        return value / _PERCENT[tail] if unit in (None, "%") else None
    if unit == "%":
        return None if tail else value / 100
    named = unit_named(tail)
    if unit is not None and (named or money):
        return value if unit == (named or unit_named((money or "").strip()[-1:])) else None
    is_formula = named is None and behind[:1].isascii() and behind[:1].isalpha()  # 5x, 5k
    is_formula |= len(tail) == 1 and tail.isalpha() and tail.isascii() and tail not in _LETTERS
    is_formula |= len(behind) == 1 and behind.isalpha() and behind.isascii()
    if is_formula or len(tail.split()) > _TAIL_WORDS or _NO_UNIT & set(tail.split()):
        return None
    return value
