"""Answers larger than a formula: sets, tuples, intervals and unions of them, matrices, equations, inequalities.

``structure`` reads one; ``spelled`` writes it so that equal ones are spelled alike wherever that is cheap.
A structure is a term whose operation is a bracket pair, ``∪`` or a relation (``≔`` names a value: x = 1, y = 2).
"""

import re
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate, pairwise

from .expressions import NAMES, Unreadable, read
from .latex import tidy
from .terms import MINUS, ZERO, Call, Term, add, multiply, scale, split, symbols, written

BRACKETS = ("()", "[]", "(]", "[)")
RELATIONS = ("=", "≠", "<", "≤", "≔")
STRUCTURES = frozenset({*BRACKETS, *RELATIONS, "{}", "∪"})
"""The operations that make a structure of a term."""

_TURNED = {">": "<", "≥": "≤"}
_MATRIX = re.compile(
    r"^\(?\s*\\begin\{([pbBvV]?matrix|array)\}(?:\{[lcr| ]*\})?(.*?)\\end\{\1\}\s*\)?$", re.DOTALL
)
_DELTA = {**dict.fromkeys("([{⦃", 1), **dict.fromkeys(")]}⦄", -1)}
_NAMED = re.compile(
    r"^[a-zA-Z](?:_\{?\w+\}?)?'*(?:\s*\(\s*[a-zA-Z](?:\s*,\s*[a-zA-Z])*\s*\))?$|^\\?[a-z]+$"
    r"|^\(\s*[a-zA-Z](?:\s*,\s*[a-zA-Z])+\s*\)$"
)
_WORDS = re.compile(
    r"\b(?:no|is|if|so|to|of|we)\b|(?<![\\a-zA-Z])[a-zA-Z]{3,}|(?<![\\a-zA-Z])[A-Z]{2,}"
)
_SYMBOL = re.compile(r"(?<![\\a-zA-Z])[a-zA-Z](?![a-zA-Z])")
_MATRICES = ("matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "array")
_KNOWN_WORDS = NAMES | {"and", "or", "begin", "end", *_MATRICES}
_NOT_ONE_READING = re.compile(r"\d+\s*[-–]\s*\d+(?:\s*[-–/]\s*\d+)?|\d+/\d+/\d+|n/a", re.IGNORECASE)
_LONGEST = 500
_DEEPEST = 20


@lru_cache(maxsize=1024)  # samples repeat each other's answers
def structure(text: str) -> Term:
    """Return what ``text`` writes, typesetting aside; raises Unreadable."""
    text = text.strip()
    words = [w for w in _WORDS.findall(text.replace("\\text", " ")) if w not in _KNOWN_WORDS]
    if len(text) > _LONGEST or max(_depths(text)) > _DEEPEST or _NOT_ONE_READING.fullmatch(text):
        raise Unreadable(text)
    plain = tidy(text)
    if words and any(word in plain for word in words):
        raise Unreadable(text)
    return _alternatives(plain)


def spelled(term: Term) -> str:
    """Return a structure in one line; ``structure`` reads it back as the same one."""
    if not isinstance(term, Call):
        return written(term)
    inner = ",".join(map(spelled, term.args))
    if term.op in BRACKETS:
        return term.op[0] + inner + term.op[1]
    if term.op == "{}":
        return f"⦃{inner}⦄"
    if term.op == "∪":
        return "∪".join(map(spelled, term.args))
    if term.op in RELATIONS:
        return term.op.join(map(spelled, term.args))
    return written(term)


def set_of(items: list[Term]) -> Term:
    """Return the set of the items; a set of one is that one."""
    unique = sorted(set(items), key=spelled)
    return unique[0] if len(unique) == 1 else Call("{}", tuple(unique))


def _alternatives(text: str) -> Term:
    """Several answers side by side, or one."""
    if re.search("[<>≤≥]", text) and len(set(_SYMBOL.findall(text)) - {"e", "i"}) > 1:
        return _single(text)  # x < 1 or y > 3 is no set of numbers
    parts = [part for part in _cut(text, r"\bor\b|或") if part.strip()]
    if len(parts) > 1:
        read_parts = [_alternatives(part) for part in parts]
        are_intervals = all(isinstance(p, Call) and p.op in BRACKETS for p in read_parts)
        return _union(read_parts) if are_intervals else set_of(read_parts)
    parts = _cut(text, r",|;|\band\b|和|且")
    if len(parts) == 1:
        return _single(text)
    # "1, 2, and 3" leaves nothing between the comma and the word.
    if any(not part.strip() for part in parts[:1] + parts[-1:]):
        raise Unreadable(text)
    return _listed([part.strip() for part in parts if part.strip()])


def _listed(parts: list[str]) -> Term:
    names = [_name(part) for part in parts]
    if any(re.search(r"[<>≤≥]", part) for part in parts):
        return _between([_single(part) for part in parts])
    if len({name for name in names if name}) > 1:  # x = 1, y = 2
        equations = [Call("≔", (read(_sides(part)[0]), _single(part))) for part in parts]
        return Call("{}", tuple(sorted(equations, key=spelled)))
    return set_of([_single(part) for part in parts])  # x = 1, x = 2; x = 1, 2; 1, 2


def _single(text: str) -> Term:
    text = text.strip()
    if found := _MATRIX.match(text):
        return _matrix(found)
    members = _cut(text, "∈")
    if len(members) == 2 and _NAMED.match(members[0].strip()):  # noqa: PLR2004
        return _single(members[1])
    given = _cut(text, "≔")
    if len(given) == 2:  # noqa: PLR2004
        return Call("≔", (read(given[0]), _single(given[1])))
    sides = _sides(text)
    if len(sides) > 1:
        return _relation(text, sides)
    united = _cut(text, "∪")
    if len(united) > 1:
        return _union([_single(part) for part in united])
    if text[:1] in ("(", "[", "⦃", "{") and _closes_at_end(text):
        return _bracketed(text)
    if "±" in text:
        if text.count("±") > 1:
            raise Unreadable(text)
        return set_of([read(text.replace("±", sign)) for sign in "+-"])
    return read(text)


def _bracketed(text: str) -> Term:
    inner, pair = text[1:-1], text[0] + text[-1]
    parts = _cut(inner, ",|;")
    if pair in ("⦃⦄", "{}"):
        if pair == "{}" and len(parts) == 1:  # a group
            return _single(inner)
        return set_of([_alternatives(part) for part in parts]) if inner.strip() else Call("{}", ())
    if len(parts) == 1 and not inner.lstrip().startswith("["):
        return _alternatives(inner) if pair == "()" else read(text)
    if pair not in BRACKETS:
        raise Unreadable(text)
    if pair == "[]" and all(part.strip().startswith("[") for part in parts):
        rows = [_cut(part.strip()[1:-1], ",") for part in parts]
        return Call("[]", tuple(Call("[]", tuple(map(read, row))) for row in rows))
    return Call(pair, tuple(_single(part) for part in parts))


def _union(parts: list[Term]) -> Term:
    """Intervals and points; points alone are a set."""
    flat: set[Term] = set()
    for part in parts:
        flat |= set(part.args) if isinstance(part, Call) and part.op in ("∪", "{}") else {part}
    if not any(isinstance(part, Call) and part.op in BRACKETS for part in flat):
        return set_of(list(flat))
    return Call("∪", tuple(sorted(flat, key=spelled)))


def _matrix(found: "re.Match[str]") -> Term:
    if found[1] in ("vmatrix", "Vmatrix"):  # a determinant, a norm
        raise Unreadable(found[0])
    rows = [row for row in found[2].split("⏎") if row.strip()]
    cells = [[read(tidy(cell)) for cell in row.split("&")] for row in rows]
    if len({len(row) for row in cells}) != 1:
        raise Unreadable(found[0])
    return Call("[]", tuple(Call("[]", tuple(row)) for row in cells))


def _relation(text: str, sides: list[str]) -> Term:
    signs = re.findall(r"[=<>≤≥≠≈]", text)
    if "≈" in signs:
        exact = text.partition("≈")[0].strip()
        return _single(exact or text.partition("≈")[2])
    if set(signs) == {"="}:
        return _equation(sides)
    terms = [read(side) for side in sides]
    if len(signs) == 1:
        return _inequality(signs[0], *terms)
    if len(signs) > 2 or "≠" in signs or "=" in signs:  # noqa: PLR2004
        raise Unreadable(text)
    return _between(
        [_inequality(sign, *two) for sign, two in zip(signs, pairwise(terms), strict=True)]
    )


def _equation(sides: list[str]) -> Term:
    first, last = sides[0].strip(), sides[-1].strip()
    if _NAMED.match(first) or "begin" in last:
        value = _alternatives(last)
        if re.sub(r"\W.*", "", first) not in symbols(value):
            return value
    if len(sides) > 2:  # noqa: PLR2004 - a calculation: what it comes to stands last
        return _single(last)
    left, right = read(first), read(last)
    difference = add((left, multiply((MINUS, right))))
    if solved := _solved(difference):  # 2x = 6
        return solved[1]
    return Call("=", (_unit_lead(difference, signed=True), ZERO))


def _solved(difference: Term) -> tuple[Fraction, Term] | None:
    """Return factor and value of the only symbol where ``difference`` is 0; ``None`` if it is not that easy."""
    is_sum = isinstance(difference, Call) and difference.op == "+"
    parts = difference.args if isinstance(difference, Call) and is_sum else (difference,)
    free = [part for part in parts if symbols(part)]
    factor, name = split(free[0]) if len(free) == 1 else (ZERO, ZERO)
    if not isinstance(name, str):
        return None
    return factor, scale(-1 / factor, add(part for part in parts if part not in free))


def _inequality(sign: str, left: Term, right: Term) -> Term:
    """An interval where one symbol is bounded by a number, else ``difference < 0``."""
    if sign in _TURNED:
        sign, left, right = _TURNED[sign], right, left
    difference = add((left, multiply((MINUS, right))))
    solved = _solved(difference)
    if sign == "≠" or solved is None:
        return Call(sign, (_unit_lead(difference, signed=sign == "≠"), ZERO))
    factor, bound = solved
    if factor > 0:
        return Call("(]" if sign == "≤" else "()", (multiply((MINUS, "oo")), bound))
    return Call("[)" if sign == "≤" else "()", (bound, "oo"))


def _between(parts: list[Term]) -> Term:
    """The interval that a lower and an upper bound leave."""
    lower = [p for p in parts if isinstance(p, Call) and p.op in BRACKETS and p.args[1] == "oo"]
    upper = [p for p in parts if isinstance(p, Call) and p.op in BRACKETS and p not in lower]
    if len(parts) != 2 or len(lower) != 1 or len(upper) != 1:  # noqa: PLR2004
        raise Unreadable("not one lower and one upper bound")
    return Call(lower[0].op[0] + upper[0].op[1], (lower[0].args[0], upper[0].args[1]))


def _unit_lead(term: Term, *, signed: bool) -> Term:
    """Return a multiple of ``term`` whose first coefficient is 1, or 1 in size if the sign matters."""
    lead = split(term.args[0] if isinstance(term, Call) and term.op == "+" else term)[0]
    if isinstance(term, Fraction):
        raise Unreadable("a relation between numbers")
    return scale(1 / (lead if signed else abs(lead)), term)


def _name(part: str) -> str | None:
    sides = _sides(part)
    is_named = len(sides) == 2 and _NAMED.match(sides[0].strip())  # noqa: PLR2004
    return sides[0].strip() if is_named else None


def _sides(text: str) -> list[str]:
    return _cut(text, "[=<>≤≥≠≈]")


def _cut(text: str, separator: str) -> list[str]:
    """Split outside brackets."""
    depths = _depths(text)
    cuts, begin = [], 0
    for found in re.finditer(separator, text):
        if depths[found.start()] == 0:
            cuts.append(text[begin : found.start()])
            begin = found.end()
    return [*cuts, text[begin:]]


def _depths(text: str) -> list[int]:
    """Return how many brackets are open before each character, and at the end."""
    return list(accumulate((_DELTA.get(character, 0) for character in text), initial=0))


def _closes_at_end(text: str) -> bool:
    """Whether the bracket that opens the text closes it."""
    return 0 not in _depths(text)[1:-1] and _depths(text)[-1] == 0
