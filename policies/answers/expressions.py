"""Reads formulas, in LaTeX or plain, into terms: our own small grammar, on a whitelist of names.

Nothing is evaluated as code. What the grammar does not know, or what two readers would read differently
(x/2y, x2, 01), is ``Unreadable``: it abstains.
"""

import re
from fractions import Fraction

from .terms import MINUS, Term, add, call, multiply, power

_FUNCTIONS = "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh ln log exp sqrt abs floor ceil binom root"
FUNCTIONS = frozenset(_FUNCTIONS.split())
_ARGUMENTS = {"binom": (2,), "root": (2,), "log": (1, 2)}
"""How many arguments a function takes, if not one."""

_LOGARITHMS = frozenset({"ln", "log"})
_GREEK = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho sigma tau "
    "upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega"
)
_CONSTANTS = {
    "pi": "pi",
    "infty": "oo",
    "infinity": "oo",
    "inf": "oo",
    "oo": "oo",
    "e": "e",
    "i": "i",
}
_SAME = {
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "lg": "log",
    "tg": "tan",
    "dbinom": "binom",
}
NAMES = frozenset({*FUNCTIONS, *_GREEK.split(), *_CONSTANTS, *_SAME, "frac", "operatorname"})
"""Every name of more than one letter that a formula may hold."""

_LONGEST_FIRST = "|".join(sorted(NAMES, key=len, reverse=True))
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?|\.\d+)"
    rf"|(?P<name>\\?(?:{_LONGEST_FIRST})(?![a-zA-Z])|[a-zA-Z])(?P<below>_(?:\{{\w+\}}|\w))?"
    r"|(?P<sign>[-+*/^!(){}\[\]|,°_]))"
)
_LONGEST = 500
_DEEPEST = 40

_OPENS = {"(": ")", "{": "}", "[": "]"}


class Unreadable(ValueError):  # noqa: N818 - it is an outcome, not a fault
    """The text is no formula that has one reading."""


def read(text: str) -> Term:
    """Return the term that ``text`` writes; raises Unreadable."""
    try:
        reader = _Reader(_tokens(text))
        term = reader.sum()
    except (ZeroDivisionError, OverflowError, RecursionError) as error:
        raise Unreadable(text) from error
    if reader.next:
        raise Unreadable(text)
    return term


def _tokens(text: str) -> list[tuple[str, str]]:
    if len(text) > _LONGEST:
        raise Unreadable("too long")
    tokens: list[tuple[str, str]] = []
    at, text = 0, text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise Unreadable(text)
        at = found.end()
        if found["number"]:
            if re.match(r"0\d", found["number"]):  # a date, a code
                raise Unreadable(text)
            tokens.append(("number", found["number"]))
        elif found["name"]:
            name = found["name"].lstrip("\\")
            tokens.append(("name", _SAME.get(name, name)))
            if found["below"]:
                tokens.append(("below", found["below"].strip("_{}")))
        else:
            tokens.append((found["sign"], found["sign"]))
    return tokens


class _Reader:
    """Recursive descent over tokens; every method leaves off behind what it read."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens[::-1]
        self._depth = 0

    @property
    def next(self) -> str:
        """The kind of the next token; empty at the end."""
        return self._tokens[-1][0] if self._tokens else ""

    def _take(self, kind: str = "") -> str:
        if not self._tokens or (kind and self.next != kind):
            raise Unreadable(f"expected {kind or 'more'}")
        return self._tokens.pop()[1]

    def sum(self) -> Term:
        """A sum, up to what is no part of it."""
        terms = [self._product()]
        while self.next in ("+", "-"):
            terms.append(self._product())
        return add(terms)

    def _product(self) -> Term:
        """A product with its sign."""
        factors: list[Term] = []
        while self.next in ("+", "-"):
            factors += [MINUS] if self._take() == "-" else []
        factors.append(self._factor())
        divided = False
        while self.next in ("*", "/") or self._begins_factor():
            if self.next == "*":
                self._take()
                divided = False
                factors.append(self._signed())
            elif self.next == "/":
                self._take()
                below = self._signed()
                # 3/2 \sqrt 2 has one reading; x/2y and 1/xy have two.
                divided = not all(isinstance(f, Fraction) for f in (*factors, below))
                factors.append(power(below, MINUS))
            elif divided or self.next == "number":
                raise Unreadable("which product is divided?")
            else:
                factors.append(self._factor())
        return multiply(factors)

    def _signed(self) -> Term:
        if self.next == "-":
            self._take()
            return multiply((MINUS, self._factor()))
        return self._factor()

    def _begins_factor(self) -> bool:
        return self.next in ("number", "name", "(", "{", "[")

    def _factor(self) -> Term:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Unreadable("too deep")
        term = self._raised()
        self._depth -= 1
        return term

    def _raised(self) -> Term:
        term = self._atom()
        while self.next in ("!", "°"):
            mark = self._take()
            term = call("!", term) if mark == "!" else multiply((term, "pi", Fraction(1, 180)))
        if self.next == "^":
            self._take()
            return power(term, self._exponent())
        return term

    def _exponent(self) -> Term:
        if self.next == "-":
            self._take()
            return multiply((MINUS, self._factor()))
        return self._factor()

    def _atom(self) -> Term:
        kind, text = self.next, self._take()
        if kind == "number":
            return self._number(text)
        if kind in _OPENS:
            term = self.sum()
            self._take(_OPENS[kind])
            return term
        if kind == "|":
            term = self.sum()
            self._take("|")
            return call("abs", term)
        if kind == "name":
            return self._named(text)
        raise Unreadable(text)

    def _number(self, text: str) -> Term:
        value = Fraction(text)
        if self._tokens and self._tokens[-1] == ("name", "frac"):
            part = self._atom()
            is_mixed = isinstance(part, Fraction) and value.denominator == 1
            return add((value, part)) if is_mixed else multiply((value, part))
        return value

    def _named(self, name: str) -> Term:
        if name == "frac":
            top = self._argument()
            return multiply((top, power(self._argument(), MINUS)))
        if name == "operatorname":
            self._take("{")
            name = self._take("name")
            self._take("}")
            if name not in FUNCTIONS:
                raise Unreadable(name)
        if name in FUNCTIONS:
            return self._function(name)
        below = f"_{{{self._take()}}}" if self.next == "below" else ""
        if self.next == "number":  # x2
            raise Unreadable(name)
        return name + below if below else _CONSTANTS.get(name, name)

    def _argument(self) -> Term:
        """One argument of a command: a group, or a single character."""
        if self.next != "number":
            return self._atom()
        text = self._take()
        if not text.isdigit():
            raise Unreadable(text)
        if len(text) > 1:
            self._tokens.append(("number", text[1:]))
        return Fraction(text[0])

    def _function(self, name: str) -> Term:
        if name == "sqrt":
            return self._root()
        if name == "binom" and self.next == "{":
            return call(name, self._argument(), self._argument())
        base = self._base() if name == "log" else None
        exponent = None
        if self.next == "^":
            self._take()
            exponent = self._exponent()
            if exponent == MINUS:  # an inverse function, or one over it?
                raise Unreadable(name)
        arguments = self._arguments(name)
        if len(arguments) not in _ARGUMENTS.get(name, (1,)) or (base and len(arguments) > 1):
            raise Unreadable(name)
        term = call(name, *arguments, *([] if base is None else [base]))
        return term if exponent is None else power(term, exponent)

    def _base(self) -> Term | None:
        if self.next == "below":
            return read(self._take())
        return None

    def _root(self) -> Term:
        degree: Term = Fraction(2)
        if self.next == "[":
            self._take()
            degree = self.sum()
            self._take("]")
        return call("root", self._argument(), degree)

    def _arguments(self, name: str) -> list[Term]:
        if self.next == "(":
            self._take()
            arguments = [self.sum()]
            while self.next == ",":
                self._take()
                arguments.append(self.sum())
            self._take(")")
            return arguments
        factors = [self._factor()]
        while self._begins_factor() and not (
            self.next == "name" and self._tokens[-1][1] in FUNCTIONS
        ):
            factors.append(self._factor())
        if self.next == "/" and (name not in _LOGARITHMS or len(factors) > 1):
            raise Unreadable("where does the argument end?")
        return [multiply(factors)]
