r"""Where in a text the answer stands: behind the thinking, in the last mark that it carries.

Order of search, the last match of the first kind wins: ``\boxed{}``, ``####``, ``<answer>``, an ``answer`` field,
"the answer is ...". A ``\boxed{`` that never closes was cut short: there is no answer.
"""

import re
from typing import NamedTuple

WINDOW = 4000
"""Characters from the end that are searched: an answer stands at the end."""

_THINKING = re.compile(r"</?(?:think|thinking|thought|reasoning)>|◁/?think▷")
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
_BRACE = re.compile(r"\\?[{}]")
_TAGGED = (
    # Only a number: a level-four heading begins the same way.
    ("####", re.compile(r"####[ \t]*([-−$]?\d[\d,./ \teE%]*?)[ \t]*$", re.MULTILINE)),
    ("<answer>", re.compile(r"<answer>(.*?)</answer>", re.IGNORECASE | re.DOTALL)),
    ('"answer"', re.compile(r'"answer"\s*:\s*"?([^"\n}]*)')),
)
"""What a text must hold for the pattern to match, in lower case, and the pattern."""

_HASHES = re.compile(r"####[ \t]*(\S[^\n]{0,200})\s*\Z")
_SAID = re.compile(
    r"(?:\banswer\b|答案)[\s*]*(?:\b(?:is|be)\b|是|为|[:：=])\s*[:：=]?[\s*]*"
    r"((?:\$\$|\\\[)(?:(?!\$\$|\\\])[\s\S]){1,300}(?:\$\$|\\\])|[^\n]+)",
    re.IGNORECASE,
)


class Mark(NamedTuple):
    """A marked answer.

    Attributes:
        text: What the mark holds.
        exact: The mark encloses it, so all of it is the answer; else a sentence goes on behind it.
    """

    text: str
    exact: bool


def spoken(text: str) -> str:
    """Return the part of the text behind its thinking; empty while the thinking goes on."""
    if "think" in text or "<reasoning>" in text or "<thought>" in text:
        end = 0
        for found in _THINKING.finditer(text):
            end = found.end() if "/" in found[0] else -1
        # An opening tag that never closes: no answer was given yet.
        return "" if end < 0 else text[end:]
    return text


def marked(text: str, *, hashes: bool = False) -> Mark | None:
    """Return the marked answer of a text; ``hashes``: a last line ``#### ...`` may hold more than a number."""
    if "box" in text and (boxes := list(_BOXED.finditer(text))):
        return Mark(_closed(text, boxes[-1].end()), exact=True)
    lower = text.lower()
    for sign, pattern in _TAGGED:
        if sign in lower and (found := pattern.findall(text)):
            return Mark(found[-1], exact=True)
    if hashes and (last := _HASHES.search(text)):
        return Mark(last[1], exact=True)
    if ("answer" in lower or "答案" in text) and (said := _SAID.findall(text)):
        return Mark(said[-1], exact=False)
    return None


def _closed(text: str, start: int) -> str:
    """Return the text from ``start`` to its closing brace; empty when there is none."""
    depth = 1
    for brace in _BRACE.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return text[start : brace.start()]
    return ""
