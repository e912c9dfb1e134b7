r"""From the text of a sample to a key that equal answers share; ``None`` abstains.

Order of search, the last match wins: ``\boxed{}``, ``####``, ``<answer>``, "the answer is ...", and for
a text that ends in one, the last number. Numbers are compared as exact fractions: 1,234.50 = 1234.5,
3/4 = 0.75, 12 % = 0.12. Anything unsure abstains: a wrong vote is worse than none.
"""

import re
from fractions import Fraction

_BOXED = re.compile(r"\\boxed\s*\{")
_MARKED = (
    re.compile(r"####\s*(.+?)\s*$", re.MULTILINE),
    re.compile(r"<answer>(.*?)</answer>", re.IGNORECASE | re.DOTALL),
    re.compile(
        r"(?:final answer|the answer|answer|答案)\s*(?:is|be|是|为)?\s*[:：=]?\s*\**\s*([^\n]+)",
        re.IGNORECASE,
    ),
)
_NUMBER = re.compile(r"[-−]?\d[\d,]*(?:\.\d+)?(?:\s*/\s*\d+)?(?:[eE][-+]?\d{1,3})?\s*%?")
_OPTION = re.compile(r"^\(?([A-J])\)?(?:[.:)\s]|$)")
_BOOLEANS = {
    "yes": "true", "true": "true", "是": "true", "对": "true",
    "no": "false", "false": "false", "否": "false", "不": "false",
}  # fmt: skip
_WINDOW = 4000
"""Characters from the end that are searched: an answer stands at the end."""
_LONGEST = 64
"""Characters of a marked answer that is neither number, option nor boolean; longer ones are prose."""


def answer_key(text: str) -> str | None:
    """Return the canonical key of the answer that ``text`` gives, or ``None`` when unsure."""
    text = text[-_WINDOW:]
    marked = _boxed(text)
    if marked is None:
        for pattern in _MARKED:
            found = pattern.findall(text)
            if found:
                marked = found[-1]
                break
    if marked is not None:
        return _canonical(marked)
    last_lines = "\n".join(text.strip().splitlines()[-2:])
    numbers = _NUMBER.findall(last_lines)
    return _number_key(numbers[-1]) if numbers else None


def _boxed(text: str) -> str | None:
    starts = list(_BOXED.finditer(text))
    if not starts:
        return None
    start = starts[-1].end()
    depth = 1
    for i in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return text[start:i]
    return None


def _canonical(raw: str) -> str | None:
    value = raw.strip().strip("$*`\"'。.").strip()
    if not value:
        return None
    if option := _OPTION.match(value):
        return f"mcq:{option[1]}"
    if truth := _BOOLEANS.get(value.lower()):
        return f"bool:{truth}"
    numbers = _NUMBER.findall(value)
    if len(numbers) == 1 or (numbers and "=" in value):
        return _number_key(numbers[-1])
    if numbers or len(value) > _LONGEST:
        return None
    return "text:" + " ".join(value.lower().split())


def _number_key(raw: str) -> str | None:
    compact = raw.replace(",", "").replace("−", "-").replace(" ", "")
    percent = compact.endswith("%")
    try:
        value = Fraction(compact.rstrip("%"))
    except (ValueError, ZeroDivisionError):
        return None
    return f"number:{value / 100 if percent else value}"
