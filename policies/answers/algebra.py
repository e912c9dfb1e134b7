"""Whether two formulas are equal, by computer algebra: slow, and for hostile input without end.

Call it only where it can be killed (``router.algebra``). Nothing is evaluated as code: formulas are read by our own
grammar, and sympy is given objects. What could explode while it is built is refused; the rest is up to the killer.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from .equivalence import decimals, rounded_alike
from .expressions import Unreadable
from .structures import STRUCTURES, structure
from .terms import Call, Term, symbols

_DIGITS = 60
"""Precision of the numeric checks."""

_AGREE = 30
"""Digits that two values must share."""

_FAINT, _FAINTEST = Fraction(1, 10**50), Fraction(1, 10**400)
"""Between these a value that is compared with 0 is taken for what rounding left of it."""

_POINTS = (
    "1.3718264915 0.7310585786 2.2360679775 0.4142135624 1.8477590651 0.2679491924",
    "-0.6457513111 1.9319516526 -1.2599210499 2.6457513111 -0.3819660113 0.8660254038",
    "2.7639320225 -1.4422495703 0.5857864376 -2.3027756377 0.1458980338 -1.7320508076",
    "0.3090169944 0.1583844403 0.8284271247 3.1231056256 2.0907324966 1.1180339887",
)
"""Values for the symbols, negative ones among them: sqrt(x^2) is not x. No simple relation holds between them."""

_CHECKS = 3
_MOST_BITS = 20_000
_LARGEST_FACTORIAL = 2_500
_LARGEST_EXPONENT = 300
"""Of a power of a formula: (x + 1)^300 is a point to evaluate, its expansion is not asked for."""

_NAMES = {
    "ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "floor": "floor", "ceil": "ceiling",
    "abs": "Abs", "binom": "binomial",
    **{name: name for name in ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh")},
}  # fmt: skip


def equal_expressions(a: str, b: str) -> bool:
    """Return whether two answers are equal: formulas, numbers, sets, tuples, intervals, matrices, equations.

    Unreadable input is not equal to anything. Symmetric. A decimal equals a constant that it is rounded from.
    """
    try:
        return _equal(structure(a), structure(b))
    except (Unreadable, ArithmeticError, ValueError, TypeError, RecursionError, MemoryError):
        return False


def _equal(a: Term, b: Term) -> bool:
    if a == b:
        return True
    if _is_structure(a) or _is_structure(b):
        return _equal_structures(a, b) or _solves(a, b) or _solves(b, a)
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return rounded_alike(a, b)
    return _equal_terms(a, b)


def _is_structure(term: Term) -> bool:
    return isinstance(term, Call) and term.op in STRUCTURES


def _equal_structures(a: Term, b: Term) -> bool:
    if (
        not isinstance(a, Call)
        or not isinstance(b, Call)
        or a.op != b.op
        or len(a.args) != len(b.args)
    ):
        return False
    if a.op in ("{}", "∪"):
        left = list(b.args)
        for one in a.args:
            other = next((other for other in left if _equal(one, other)), None)
            if other is None:
                return False
            left.remove(other)
        return True
    if a.op in ("=", "≠", "<", "≤"):
        return _proportional(a.args[0], b.args[0], signed=a.op in ("=", "≠"))
    return all(map(_equal, a.args, b.args))


def _proportional(a: Term, b: Term, *, signed: bool) -> bool:
    """Whether one side of ``... = 0`` is a constant multiple of the other, a positive one unless ``signed``."""
    if symbols(a) != symbols(b):
        return False
    ratios = [_value(a, values) / _value(b, values) for values in _assignments(symbols(a))]
    is_constant = bool(ratios[0].is_finite) and all(_close(ratios[0], ratio) for ratio in ratios)
    return is_constant and (signed or bool(ratios[0].is_positive))


def _solves(equation: Term, value: Term) -> bool:
    """Whether ``equation`` is linear in one symbol more than ``value`` has, and ``value`` is what it comes to."""
    if not isinstance(equation, Call) or equation.op != "=" or _is_structure(value):
        return False
    unknown = symbols(equation.args[0]) - symbols(value)
    if len(unknown) != 1:
        return False
    import sympy  # noqa: PLC0415

    difference = _built(equation.args[0])
    symbol = sympy.Symbol(*unknown)
    slope = sympy.diff(difference, symbol)
    if symbol in slope.free_symbols or slope == 0:
        return False
    rest = difference.subs(symbol, _built(value))
    return _vanishes(rest, frozenset(str(s) for s in rest.free_symbols))


def _equal_terms(a: Term, b: Term) -> bool:
    exact = next((term for term in (a, b) if not isinstance(term, Fraction)), a)
    number = next((term for term in (a, b) if isinstance(term, Fraction)), None)
    if number is not None and not symbols(exact) and decimals(number):
        value = _value(exact, {})
        if value.is_real:
            return rounded_alike(number, Fraction(str(value)) + Fraction(1, 3 * 10**_DIGITS))
    free = symbols(a) | symbols(b)
    compared = 0
    for values in _assignments(free):
        one, other = _value(a, values), _value(b, values)
        if not (one.is_finite and other.is_finite):
            continue
        if not _close(one, other):
            return False
        compared += 1
        if compared == _CHECKS or not free:
            return True
    return compared == 0 and _simplifies(a, b)


def _vanishes(expression: Any, free: frozenset[str]) -> bool:
    import sympy  # noqa: PLC0415

    values = list(_assignments(free))
    return all(
        abs(expression.evalf(_DIGITS, subs={sympy.Symbol(k): v for k, v in point.items()}))
        < Fraction(1, 10**_AGREE)
        for point in values
    )


def _simplifies(a: Term, b: Term) -> bool:
    """The last resort, where no point has a finite value."""
    import sympy  # noqa: PLC0415

    return bool(sympy.simplify(_built(a) - _built(b)) == 0)


def _assignments(free: frozenset[str]) -> Iterator[dict[str, Any]]:
    import sympy  # noqa: PLC0415

    names = sorted(free)
    for point in _POINTS:
        values = point.split()
        if len(names) > len(values):
            raise Unreadable("too many symbols")
        yield {name: sympy.Rational(value) for name, value in zip(names, values, strict=False)}


def _value(term: Term, values: dict[str, Any]) -> Any:
    import sympy  # noqa: PLC0415

    expression = _built(term)
    return expression.evalf(
        _DIGITS, subs={sympy.Symbol(name): value for name, value in values.items()}
    )


def _close(a: Any, b: Any) -> bool:
    """Whether two values share ``_AGREE`` digits: relative, for 1/2004! is not 1/2006!."""
    if a == b:
        return True
    size = max(abs(a), abs(b))
    if a == 0 or b == 0:  # what cancels leaves a last digit or none
        return bool(_FAINTEST < size < _FAINT)
    return bool(size.is_finite and abs(a - b) <= size / 10**_AGREE)


def _built(term: Term) -> Any:
    """Return the sympy object of a term; raises Unreadable for what would explode as it is built."""
    import sympy  # noqa: PLC0415

    if isinstance(term, Fraction):
        return sympy.Rational(term.numerator, term.denominator)
    if isinstance(term, str):
        constants = {"pi": sympy.pi, "e": sympy.E, "i": sympy.I, "oo": sympy.oo}
        return constants.get(term, sympy.Symbol(term))
    args = [_built(argument) for argument in term.args]
    match term.op:
        case "+":
            return sympy.Add(*args)
        case "*":
            return sympy.Mul(*args)
        case "^":
            return _power(*args)
        case "!":
            _refuse_large(args[0], _LARGEST_FACTORIAL)
            return sympy.factorial(args[0])
        case "log":
            # Without a base it is some base's, and no usual one: the laws of logarithms hold in all.
            base = args[1] if len(args) > 1 else sympy.Rational("3.6180339887")
            return sympy.log(args[0]) / sympy.log(base)
        case name:
            for argument in args if name == "binom" else ():
                _refuse_large(argument, _LARGEST_FACTORIAL)
            return getattr(sympy, _NAMES[name])(*args)


def _power(base: Any, exponent: Any) -> Any:
    import sympy  # noqa: PLC0415

    if exponent.is_Rational:
        if base.is_Rational:
            bits = max(int(base.p).bit_length(), int(base.q).bit_length())
            if bits * abs(exponent) > _MOST_BITS:
                raise Unreadable("a power too large")
        else:
            _refuse_large(exponent, _LARGEST_EXPONENT)
    elif not exponent.free_symbols and not base.free_symbols:
        _refuse_large(exponent.evalf(15), _LARGEST_EXPONENT)
    return sympy.Pow(base, exponent)


def _refuse_large(value: Any, limit: int) -> None:
    if value.is_number and not abs(value) <= limit:
        raise Unreadable("a number too large")
