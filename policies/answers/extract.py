r"""From the text of a sample to a key that equal answers share; ``None`` abstains.

Order of search, the last match wins: ``\boxed{}``, ``####``, ``<answer>``, "the answer is ...", and for
a text that ends in one, the last number. Numbers are compared as exact fractions: 1,234.50 = 1234.5,
3/4 = 0.75, 12 % = 0.12. Anything unsure abstains: a wrong vote is worse than none.
"""

import re
from fractions import Fraction

_BOXED = re.compile(r"\\boxed\s*\{")
_TAGGED = (
    # Only a number: a level-four heading begins the same way.
    re.compile(r"####[ \t]*([-−$]?\d[\d,./ \teE%]*?)[ \t]*$", re.MULTILINE),
    re.compile(r"<answer>(.*?)</answer>", re.IGNORECASE | re.DOTALL),
    re.compile(r'"answer"\s*:\s*"?([^"\n}]*)'),
)
_SAID = re.compile(
    r"(?:\banswer\b|答案)[\s*]*(?:\b(?:is|be)\b|是|为|[:：=])\s*[:：=]?[\s*]*([^\n]+)",
    re.IGNORECASE,
)
_LATEX = (
    (re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox)\s*\{([^{}]*)\}"), r" \1 "),
    # Not after a digit: that is a mixed number.
    (re.compile(r"(?<![\d}])\\[dt]?frac\s*\{\s*(\d+)\s*\}\s*\{\s*(\d+)\s*\}"), r"\1/\2"),
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
    rf"(?<![A-Za-z\d.,^\\{{(\[√_+*×÷/])(?<!\d[:\-−])(?<![-−][$€£¥])({_NUMBER})"
    r"(?![A-Za-z\d,/^])((?:[^\W\d_]|(?<=[a-z])/(?=[a-z])|[\s.。,，!！*$'\"°²³])*)$"
)
"""A number that ends a text, its unit aside: no part of a word, of a formula or of a date."""

_WORDS = re.compile(r"(?:[^\W\d_]|[\s=≈~:：,，'*$€£¥])*")
_SENTENCE = re.compile(r"[.。!?！？](?:\s|$)")
_OPTION = re.compile(r"(?:(?i:option|choice|选项)\s*)?(?:\(([A-J])\)|([A-J])(?:[.:)、]|$))")
_BOOLEANS = {
    "yes": "true", "true": "true", "是": "true", "对": "true", "是的": "true",
    "no": "false", "false": "false", "否": "false", "不": "false", "不是": "false",
}  # fmt: skip
_WINDOW = 4000
"""Characters from the end that are searched: an answer stands at the end."""
_LONGEST = 64
"""Characters of a marked answer that is neither number, option nor boolean; longer ones are prose."""
_WORDS_BEFORE = 5
"""Words between "the answer is" and its number: more make it a sentence that happens to hold one."""
_WORDS_AFTER = 3
"""Words after the last number of an unmarked text: a unit, no more."""


def answer_key(text: str) -> str | None:
    """Return the canonical key of the answer that ``text`` gives, or ``None`` when unsure."""
    text = text[-_WINDOW:]
    exact = _boxed(text)
    for pattern in _TAGGED if exact is None else ():
        if found := pattern.findall(text):
            exact = found[-1]
            break
    if exact is not None:
        return _canonical(exact, exact=True)
    if said := _SAID.findall(text):
        return _canonical(said[-1], exact=False)
    ending = _ENDING.search(_plain("\n".join(text.strip().splitlines()[-2:])))
    if ending is None or len(ending[2].split()) > _WORDS_AFTER:
        return None
    return _number_key(ending[1])


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


def _canonical(raw: str, *, exact: bool) -> str | None:
    """Return the key of a marked answer; ``exact``: the mark encloses it, so all of it is the answer."""
    value = _plain(raw)
    if not value:
        return None
    if option := _OPTION.match(value):
        return f"mcq:{option[1] or option[2]}"
    sentence = value if exact else _SENTENCE.split(value)[0]
    if truth := _BOOLEANS.get(re.split("[,，]", sentence)[0].strip().lower()):
        return f"bool:{truth}"
    if ending := _ENDING.search(sentence):
        before = sentence[: ending.start()]
        is_result = before.rstrip().endswith(("=", "≈")) and not re.search(
            r"[,;，；]|\bor\b", before
        )
        is_alone = bool(_WORDS.fullmatch(before)) and len(before.split()) <= _WORDS_BEFORE
        if is_result or (is_alone and before.count("=") <= 1):
            return _number_key(ending[1])
    has_digits = any(character.isdigit() for character in value)
    if len(value) > _LONGEST or (has_digits and not exact):
        return None
    return "text:" + " ".join(value.lower().split())


def _plain(raw: str) -> str:
    for pattern, plain in _LATEX:
        raw = pattern.sub(plain, raw)
    return raw.strip(" \t\r\n$*`\"'").rstrip(" \t\r\n$*`\"'。.")


def _number_key(raw: str) -> str | None:
    compact = re.sub(r"[,\s]", "", raw).replace("−", "-")
    percent = compact.endswith("%")
    try:
        value = Fraction(compact.rstrip("%"))
        return f"number:{value / 100 if percent else value}"
    except (ValueError, ZeroDivisionError):
        return None  # no number after all, or one with more digits than Python prints
