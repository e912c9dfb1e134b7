"""Whether two canonical forms ask the same: the gate behind the index of near duplicates. Pure.

The index only proposes; this decides, and says no unless everything that carries an answer is equal token by
token. What two forms may differ in is listed here, each with where it may.
"""

import re

from .paraphrase_rules import TECH

Form = tuple[str, ...]

ARTICLES = frozenset({"a", "the"})

_GENERIC = (
    (re.compile(r"\bdoes a ([a-z]{3,})(?= [a-z]+(?: |$))"), "do "),
    (re.compile(r"^is a ([a-z]{3,})(?= )"), "are "),
    (re.compile(r"^(?:WHAT) a ((?:[a-z]+ )?[a-z]{3,})$"), "WHAT "),
)
"""One of a kind for all of it."""

_KIND = re.compile(r"^(are [a-z]+s) a ([a-z]{3,})$")
_PLACED = re.compile(rf" (?:in|on|with|using) ({TECH})(?= |$)")
_DATED = re.compile(r" in ([12]\d{3})(?= |$)")


def asks_the_same(one: Form, other: Form) -> bool:
    """Return whether an answer to either form answers the other."""
    return one == other or _loosened(one) == _loosened(other)


def _loosened(form: Form) -> str:
    """Return the form without what may differ."""
    if any(" " in piece for piece in form):
        return repr(form)
    told = " ".join(form)
    if form[0] == "HOWTO":
        told = " ".join(piece for piece in form if piece not in ARTICLES)
        told = _last(_PLACED, told)
    told = _last(_DATED, told)
    for rule, start in _GENERIC:
        told = rule.sub(lambda found, start=start: start + plural(found[1]), told, count=1)
    kind = _KIND.match(told)
    return f"{kind[1]} {plural(kind[2])}" if kind else told


def _last(rule: "re.Pattern[str]", told: str) -> str:
    """Return the form with what ``rule`` finds moved to its end, if it is there once."""
    found = rule.findall(told)
    return f"{rule.sub('', told)} in {found[0]}" if len(found) == 1 else told


def plural(noun: str) -> str:
    """Return a regular English plural."""
    if noun.endswith(("s", "x", "ch", "sh")) or (noun[-1] == "o" and noun[-2:-1] not in "aeiou"):
        return f"{noun}es"
    if noun[-1] == "y" and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"
