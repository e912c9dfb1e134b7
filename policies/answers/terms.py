"""Terms: numbers, symbols and operations, folded into one cheap form as they are built, and written out again.

Folding collects like terms and equal bases, reduces fractions, takes squares out of roots and counts powers
of i. It is sound and not complete: equal terms may fold differently (``algebra`` decides those), unequal ones
never fold alike.
"""

from collections.abc import Iterable
from fractions import Fraction
from functools import reduce
from math import comb, factorial, isqrt
from typing import NamedTuple, TypeAlias


class Call(NamedTuple):
    """An operation: ``+``, ``*``, ``^``, ``!`` or a function's name."""

    op: str
    args: "tuple[Term, ...]"


Term: TypeAlias = Fraction | str | Call
"""A rational number, a symbol or a constant (pi, e, i, oo), or an operation."""

ZERO, ONE, MINUS, HALF = Fraction(0), Fraction(1), Fraction(-1), Fraction(1, 2)

_MOST_BITS = 4096
"""Of a number that folding may make; larger powers stay as they are written."""

_LARGEST_FACTORIAL = 100
_LARGEST_DIVISOR = 1000
"""Up to here squares are looked for under a root."""


def add(terms: Iterable[Term]) -> Term:
    """Return the sum, like terms collected."""
    collected: dict[Term, Fraction] = {}
    for term in terms:
        for part in term.args if isinstance(term, Call) and term.op == "+" else (term,):
            factor, rest = split(part)
            collected[rest] = collected.get(rest, ZERO) + factor
    parts = [scale(factor, rest) for rest, factor in collected.items() if factor]
    if not parts:
        return ZERO
    return parts[0] if len(parts) == 1 else Call("+", tuple(sorted(parts, key=_order)))


def multiply(factors: Iterable[Term]) -> Term:
    """Return the product, equal bases collected."""
    number = ONE
    powers: dict[Term, Term] = {}
    for factor in factors:
        for part in factor.args if isinstance(factor, Call) and factor.op == "*" else (factor,):
            if isinstance(part, Fraction):
                number *= part
                continue
            base, exponent = part.args if isinstance(part, Call) and part.op == "^" else (part, ONE)
            powers[base] = add((powers.get(base, ZERO), exponent))
    rest: list[Term] = []
    for base, exponent in powers.items():
        factor, term = split(power(base, exponent))
        number *= factor
        if term != ONE:
            rest.extend(term.args if isinstance(term, Call) and term.op == "*" else (term,))
    if not number:
        return ZERO
    body: Term = Call("*", tuple(sorted(rest, key=_order))) if len(rest) > 1 else ONE
    return scale(number, rest[0] if len(rest) == 1 else body)


def power(base: Term, exponent: Term) -> Term:
    """Return ``base`` to the ``exponent``."""
    if exponent == ZERO and base == ZERO:
        raise ZeroDivisionError
    if exponent == ZERO or base == ONE:
        return ONE
    if exponent == ONE:
        return base
    if isinstance(exponent, Fraction):
        folded = _power(base, exponent)
        if folded is not None:
            return folded
    return Call("^", (base, exponent))


def call(name: str, *args: Term) -> Term:
    """Return a function of its arguments."""
    first, whole = args[0], all(isinstance(a, Fraction) and a.denominator == 1 for a in args)
    match name:
        case "!" if whole and isinstance(first, Fraction) and 0 <= first <= _LARGEST_FACTORIAL:
            return Fraction(factorial(int(first)))
        case "binom" if whole and all(0 <= a <= _LARGEST_FACTORIAL for a in _fractions(args)):
            top, bottom = _fractions(args)
            return Fraction(comb(int(top), int(bottom)))
        case "abs" if isinstance(first, Fraction):
            return abs(first)
        case "root":
            return _root(first, args[1])
        case "exp":
            return power("e", first)
        case _:
            return Call(name, args)


def split(term: Term) -> tuple[Fraction, Term]:
    """Return the rational factor of a term, and the rest; a number's rest is 1."""
    if isinstance(term, Fraction):
        return term, ONE
    if isinstance(term, Call) and term.op == "*" and isinstance(term.args[0], Fraction):
        rest = term.args[1:]
        return term.args[0], rest[0] if len(rest) == 1 else Call("*", rest)
    return ONE, term


def scale(factor: Fraction, term: Term) -> Term:
    """Return a rational multiple of a term; of a sum, term by term."""
    if factor == ONE or isinstance(term, Fraction):
        return factor * term if isinstance(term, Fraction) else term
    if isinstance(term, Call) and term.op == "+":
        return add([multiply((factor, part)) for part in term.args])
    own, rest = split(term)
    inner = rest.args if isinstance(rest, Call) and rest.op == "*" else (rest,)
    return rest if factor * own == ONE else Call("*", (factor * own, *inner))


def symbols(term: Term) -> frozenset[str]:
    """Return the free symbols of a term."""
    if isinstance(term, str):
        return frozenset() if term in ("pi", "e", "i", "oo") else frozenset({term})
    if isinstance(term, Fraction):
        return frozenset()
    return reduce(frozenset.union, map(symbols, term.args), frozenset())


def written(term: Term) -> str:
    """Return the term in plain notation, which reads back as the same term."""
    if isinstance(term, Fraction | str):
        return str(term)
    match term.op:
        case "+":
            return "+".join(map(written, term.args)).replace("+-", "-")
        case "*":
            text = "*".join(_within(a, "*") for a in term.args)
            return "-" + text.removeprefix("-1*") if text.startswith("-1*") else text
        case "^":
            return "^".join(_within(a, "^") for a in term.args)
        case "!":
            return _within(term.args[0], "^") + "!"
        case name:
            return f"{name}({','.join(map(written, term.args))})"


def _within(term: Term, op: str) -> str:
    text = written(term)
    if isinstance(term, str) or (isinstance(term, Call) and term.op not in ("+", "*", "^", "!")):
        return text
    is_plain = isinstance(term, Fraction) and (op == "*" or text.isdigit())
    is_tighter = isinstance(term, Call) and op == "*" and term.op in ("^", "!")
    return text if is_plain or is_tighter else f"({text})"


def _order(term: Term) -> tuple[bool, str]:
    return isinstance(term, Fraction), written(split(term)[1])


def _fractions(args: tuple[Term, ...]) -> list[Fraction]:
    return [a for a in args if isinstance(a, Fraction)]


def _power(base: Term, exponent: Fraction) -> Term | None:
    if isinstance(base, Fraction):
        return _number_power(base, exponent)
    if exponent.denominator != 1:
        return None
    if base == "i":
        return (ONE, "i", MINUS, Call("*", (MINUS, "i")))[int(exponent) % 4]
    if isinstance(base, Call) and base.op == "*":
        return multiply([power(factor, exponent) for factor in base.args])
    if isinstance(base, Call) and base.op == "^":
        return power(base.args[0], multiply((base.args[1], exponent)))
    return None


def _number_power(base: Fraction, exponent: Fraction) -> Term | None:
    if not base:
        if exponent < 0:
            raise ZeroDivisionError
        return ZERO
    if exponent.denominator == 1:
        bits = max(base.numerator.bit_length(), base.denominator.bit_length())
        return base**exponent.numerator if bits * abs(exponent) <= _MOST_BITS else None
    if base < 0:
        is_root = exponent == HALF
        return multiply(("i", power(-base, HALF))) if is_root else None
    root = _exact_root(base, exponent.denominator)
    if root is not None:
        return _number_power(root, Fraction(exponent.numerator))
    if exponent.denominator != 2 or abs(exponent.numerator) > _LARGEST_DIVISOR:  # noqa: PLR2004
        return None
    whole, odd = divmod(exponent.numerator, 2)
    outside, inside = _surd(base)
    raised = _number_power(base, Fraction(whole))
    if not odd or not isinstance(raised, Fraction):
        return None
    return scale(raised * outside, Call("^", (inside, HALF)))


def _surd(value: Fraction) -> tuple[Fraction, Fraction]:
    """Return (a, b) with sqrt(value) = a sqrt(b), b whole and free of small squares."""
    inside, outside = value.numerator * value.denominator, 1
    for divisor in range(2, min(_LARGEST_DIVISOR, isqrt(inside)) + 1):
        while inside % (divisor * divisor) == 0:
            inside //= divisor * divisor
            outside *= divisor
    return Fraction(outside, value.denominator), Fraction(inside)


def _root(value: Term, degree: Term) -> Term:
    if not isinstance(degree, Fraction) or degree.denominator != 1 or degree < 1:
        return power(value, power(degree, MINUS))
    if isinstance(value, Fraction) and value < 0 and degree % 2:  # the real root, as it is meant
        return scale(MINUS, power(-value, 1 / degree))
    return power(value, 1 / degree)


def _exact_root(value: Fraction, degree: int) -> Fraction | None:
    if value.numerator.bit_length() > _MOST_BITS or value.denominator.bit_length() > _MOST_BITS:
        return None
    top, bottom = (_whole_root(n, degree) for n in (value.numerator, value.denominator))
    return None if top is None or bottom is None else Fraction(top, bottom)


def _whole_root(n: int, degree: int) -> int | None:
    if degree >= n.bit_length():  # a root of 2 or more has more bits than n when it is raised again
        return n if n <= 1 else None
    low, high = 0, 1 << (n.bit_length() // degree + 1)
    while low < high:
        middle = (low + high) // 2
        if middle**degree < n:
            low = middle + 1
        else:
            high = middle
    return low if low**degree == n else None
