"""Whether two canonical forms ask the same: the gate behind the index of near duplicates. Pure.

The index only proposes; this decides, and says no unless everything that carries an answer is equal token by
token. What two forms may differ in is listed here, each with where it may.
"""

import re
from collections.abc import Sequence

from .paraphrase_rules import FILLERS, TECH, TWINS

Form = tuple[str, ...]

_NOUN = re.compile(r"[a-z]{3,}")

_GENERIC = (
    (re.compile(r"\bdoes a ([a-z]{3,})(?= [a-z]+(?: |$))"), "do "),
    (re.compile(r"^is a ([a-z]{3,})(?= )"), "are "),
    (re.compile(r"^<what> a ([a-z]{3,})$"), "<what> "),
)
"""One of a kind for all of it."""

_KIND = re.compile(r"^(are [a-z]+s) a ([a-z]{3,})$")
_PLACED = re.compile(rf" (?:in|on) ({TECH})(?= |$)")
_ARTICLE = re.compile(r"\b(?:a|the) ")
_BEFORE_MANY = re.compile(r"\bthe (?=[a-z]+[^su ]s\b)")

MAX_SPARE = 3
"""Forms that ask the same differ in length by no more."""

MAX_LOOSE_TOKENS = 20
"""Longer forms must be equal: to look further costs more, and is hardly ever of use."""


def asks_the_same(one: Form, other: Form) -> bool:
    """Return whether an answer to either form answers the other."""
    if one == other:
        return True
    left, right = loosened(one), loosened(other)
    short = max(len(one), len(other)) <= MAX_LOOSE_TOKENS
    return left == right or (short and _one_word_apart(left.split(" "), right.split(" ")))


def kin(form: Form) -> set[str]:
    """Return the words that a form asking the same may have."""
    words = {*form, *FILLERS, "a", "the", "in", "on", "do", "does", "is", "are"}
    for piece in form:
        if _NOUN.fullmatch(piece):
            words |= {plural(piece), piece[:-1], piece[:-2], f"{piece[:-3]}y"}
        words |= TWINS.get(piece, frozenset())
    return words


def _one_word_apart(left: Sequence[str], right: Sequence[str]) -> bool:
    """Return whether one word is another for the same, or a filler more; never two, as meanings drift."""
    if len(left) > len(right):
        left, right = right, left
    at = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), len(left))
    if len(left) == len(right):
        return left[at + 1 :] == right[at + 1 :] and right[at] in TWINS.get(left[at], frozenset())
    exact = any(piece[:1].isdigit() for piece in left)
    return left[at:] == right[at + 1 :] and right[at] in FILLERS and not exact


def loosened(form: Form) -> str:
    """Return the form without what may differ anywhere; not to be shown, only to be compared."""
    if len(form) > MAX_LOOSE_TOKENS or any(" " in piece for piece in form):
        return repr(form)
    told = " ".join(form)
    if form[0] == "<howto>":
        # What something is done to is the same thing with either article, and things need none.
        told = _BEFORE_MANY.sub("", _ARTICLE.sub("the ", told))
        placed = _PLACED.findall(told)
        if len(placed) == 1:
            told = f"{_PLACED.sub('', told)} in {placed[0]}"
    for rule, start in _GENERIC:
        found = rule.search(told)
        if found:
            told = f"{told[: found.start()]}{start}{plural(found[1])}{told[found.end() :]}"
    kind = _KIND.match(told)
    return f"{kind[1]} {plural(kind[2])}" if kind else told


def plural(noun: str) -> str:
    """Return a regular English plural."""
    if noun.endswith(("s", "x", "ch", "sh")) or (noun[-1] == "o" and noun[-2:-1] not in "aeiou"):
        return f"{noun}es"
    if noun[-1] == "y" and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"
