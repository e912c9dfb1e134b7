"""Numbers written in words: Chinese numerals and English number words.

Only a text that is a number from its first character to its last is read; anything else is ``None``.
"""

import re
from fractions import Fraction

_DIGITS = dict(zip("零〇一二三四五六七八九", (0, *range(10)), strict=True)) | dict(
    zip("两兩壹贰叁肆伍陆柒捌玖", (2, 2, *range(1, 10)), strict=True)
)
_PLACES = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_MYRIADS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_CHINESE = re.compile("[" + "".join([*_DIGITS, *_PLACES, *_MYRIADS]) + r"负負点點分之又半一\d.]+")
_MEASURED = re.compile(r"(\d+(?:\.\d+)?)([十百千万亿萬億]{1,2})")

_TO_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TO_HUNDRED = "twenty thirty forty fifty sixty seventy eighty ninety"
_ONES = {word: value for value, word in enumerate(_TO_TWENTY.split())}
_TENS = {word: 10 * value for value, word in enumerate(_TO_HUNDRED.split(), 2)}
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
"""What a scale word after a number multiplies it by."""

PARTS = {
    "half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fifth": 5, "fifths": 5,
    "sixth": 6, "sixths": 6, "seventh": 7, "sevenths": 7, "eighth": 8, "eighths": 8, "ninth": 9, "ninths": 9,
    "tenth": 10, "tenths": 10,
}  # fmt: skip
"""The denominators that are words."""


def chinese(text: str) -> Fraction | None:
    """Return the value of a Chinese numeral: 三百二十五, 一点五, 百分之二十, 三分之一, 3万, 两千."""
    if not _CHINESE.fullmatch(text) or text.isascii():
        return None
    if text[0] in "负負":
        value = chinese(text[1:])
        return None if value is None or value < 0 else -value
    if text == "一半":
        return Fraction(1, 2)
    if "分之" in text:
        return _parts(text)
    if found := _MEASURED.fullmatch(text):
        factor = 1
        for place in found[2]:
            factor *= (_PLACES | _MYRIADS)[place]
        return Fraction(found[1]) * factor
    whole, point, decimals = text.replace("點", "点").partition("点")
    value = _whole(whole)
    if value is None or not point:
        return value
    if not decimals or any(digit not in _DIGITS for digit in decimals):
        return None
    return value + Fraction("0." + "".join(str(_DIGITS[digit]) for digit in decimals))


def _parts(text: str) -> Fraction | None:
    """Return 三分之一, 百分之二十, 一又二分之一."""
    mixed, _, rest = text.rpartition("又")
    below, _, above = rest.partition("分之")
    bottom = {"百": Fraction(100), "千": Fraction(1000)}.get(below) or _value(below)
    top, whole = _value(above), _value(mixed) if mixed else Fraction(0)
    if not bottom or top is None or whole is None:
        return None
    return whole + top / bottom


def _value(text: str) -> Fraction | None:
    """Return the value of a numeral in either script."""
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return Fraction(text)
    return chinese(text)


def _whole(text: str) -> Fraction | None:
    if not text or any(c not in _DIGITS and c not in _PLACES and c not in _MYRIADS for c in text):
        return None
    if all(character in _DIGITS for character in text):
        # 二〇二四 is read digit by digit; two digits side by side are "three or five".
        return Fraction("".join(str(_DIGITS[c]) for c in text)) if len(text) != 2 else None  # noqa: PLR2004
    total = section = 0
    digit: int | None = None
    place, limit, last = 1, 10**9, 1
    for character in text:
        if character in _DIGITS:
            if digit:  # no place between two digits
                return None
            digit = _DIGITS[character]
            place = 1 if digit == 0 else place
        elif character in _PLACES:
            place = _PLACES[character]
            # Only ten may stand without a digit: 十二, 一千零十.
            if place >= limit or (not digit and place != 10):  # noqa: PLR2004
                return None
            section += (digit or 1) * place
            digit, limit = None, place
        else:
            place, section = _MYRIADS[character], section + (digit or 0)
            if not section and not total:
                return None
            # 一万亿 multiplies what stands before it; 一亿两千万 adds to it.
            total = (total + section) * place if place > last else total + section * place
            section, digit, last, limit = 0, None, place, 10**9
    # 二百五 is 250: a last digit without its place stands one place below the one before it.
    return Fraction(total + section + (digit or 0) * max(1, place // 10))


def english(text: str) -> Fraction | None:
    """Return the value of English number words: twelve, minus three, two thirds, one hundred and five."""
    words = text.lower().replace("-", " ").split()
    if words and words[0] in ("minus", "negative"):
        value = english(" ".join(words[1:]))
        return None if value is None or value < 0 else -value
    if words and words[-1] in PARTS and len(words) in (1, 2):
        top = 1 if words[:-1] in ([], ["a"]) else _ONES.get(words[0])
        # "third" alone is a rank, "half" alone is a number.
        is_rank = len(words) == 1 and words[0] != "half"
        return None if top is None or is_rank else Fraction(top, PARTS[words[-1]])
    total = current = 0
    before = ""
    for word in words:
        if word in _ONES and before not in _ONES and not (before in _TENS and _ONES[word] > 9):  # noqa: PLR2004
            current += _ONES[word]
        elif word in _TENS and before not in _ONES and before not in _TENS:
            current += _TENS[word]
        elif word == "hundred" and 0 < current < 100:  # noqa: PLR2004
            current *= 100
        elif word in SCALES and current:
            total, current = total + current * SCALES[word], 0
        elif not (word == "and" and before in ("hundred", *SCALES)):
            return None
        before = word
    return Fraction(total + current) if words and before != "and" else None
