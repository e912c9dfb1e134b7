"""Reads arithmetic out of a question and lays it out as steps, each one operation.

The grammar, all integers::

    expression = term (("+" | "-") term)*
    term       = factor ("*" factor)*
    factor     = number | "-" factor | "(" expression ")"
    chain      = "Start with" number ("," operation number)+

Operators may be words (plus, minus, times, multiplied by; 加, 减, 乘以) or signs (x, ×, −), a chain may be Chinese
(从5开始，加7，乘以3), and "the sum of 3 and 4" is understood. Division, powers and decimals are not in the grammar: such a
question is no arithmetic question here, rather than a wrongly computed one. It knows nothing of models.
"""

import re
from dataclasses import dataclass

MAX_STEPS = 64
MAX_DEPTH = 32
MAX_DIGITS = 12
MAX_QUESTION_CHARS = 20_000

_WORDS = (
    (re.compile(r"（"), "("),
    (re.compile(r"）"), ")"),
    (re.compile(r"(?<=\d),(?=\d{3}(?!\d))"), ""),
    (re.compile(r"(?:sum of|add)\s+(\d+)\s+and\s+(\d+)", re.IGNORECASE), r"(\1 + \2)"),
    (re.compile(r"product of\s+(\d+)\s+and\s+(\d+)", re.IGNORECASE), r"(\1 * \2)"),
    (re.compile(r"difference (?:of|between)\s+(\d+)\s+and\s+(\d+)", re.IGNORECASE), r"(\1 - \2)"),
    (
        re.compile(
            r"\bmultiplied by\b|\btimes\b|乘以|乘|(?<=[\d)])\s*[x×·]\s*(?=[\d(])", re.IGNORECASE
        ),
        "*",
    ),
    (re.compile(r"\bplus\b|加上|加", re.IGNORECASE), "+"),
    (re.compile(r"\bminus\b|减去|减|[−–]", re.IGNORECASE), "-"),
)
# Signs outside the grammar are in the class on purpose: "7 / 2 + 1" must fail as a whole, not be read as "2 + 1".
_RUN = re.compile(r"[\d(\-][\d+\-*/÷^%().\t ]*")
_LEXEME = re.compile(r"\s*(?:(\d+)|(.))")
_START = re.compile(
    r"(?:start(?:ing)?|begin(?:ning)?) with\s+(-?\d+)|从\s*(\d+)\s*开始", re.IGNORECASE
)
_OPERATION = re.compile(
    r"(?P<add>\badd|\bplus|加上|加)|(?P<subtract>\bsubtract|\bminus|\btake away|减去|减)"
    r"|(?P<multiply>\bmultiply(?:\s+it)?\s+by|\btimes|乘以|乘)",
    re.IGNORECASE,
)
_SYMBOLS = {"add": "+", "subtract": "-", "multiply": "*"}


@dataclass(frozen=True, slots=True)
class Operand:
    """A number of the question, or the result of an earlier step.

    Attributes:
        value: The true value.
        step: 1-based index of the step that gave it; None for a number of the question.
    """

    value: int
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One operation and its true result."""

    left: Operand
    symbol: str
    right: Operand
    value: int


@dataclass(frozen=True, slots=True)
class Problem:
    """An arithmetic question as `K = len(steps)` operations in the order in which they are done; K is at least 1."""

    steps: tuple[Step, ...]

    @property
    def value(self) -> int:
        """The true answer."""
        return self.steps[-1].value


class _NotArithmeticError(Exception):
    """The text is outside the grammar; never leaves this module."""


def read_problem(question: str) -> Problem | None:
    """Return the arithmetic problem in a question, or None; of several expressions, the one with most steps."""
    text = question[:MAX_QUESTION_CHARS]
    chain = _read_chain(text)
    if chain is not None:
        return chain
    for pattern, replacement in _WORDS:
        text = pattern.sub(replacement, text)
    problems = [problem for run in _runs(text) if (problem := _read_expression(run)) is not None]
    return max(problems, key=lambda problem: len(problem.steps), default=None)


def _runs(text: str) -> list[str]:
    """Return the pieces of the text that could be an expression."""
    runs = []
    for match in _RUN.finditer(text):
        before = text[match.start() - 1 : match.start()]
        if before.isascii() and (before.isalnum() or before in ("_", ".")) and before:
            continue  # part of a name or of a decimal
        runs += re.split(r"\.(?:\s+|$)", match.group())
    return [run for run in runs if any(symbol in run for symbol in "+-*")]


def _read_expression(run: str) -> Problem | None:
    """Parse one run as a whole."""
    parser = _Parser(run)
    try:
        parser.expression(0)
        if parser.peek() or not parser.steps:
            return None
    except _NotArithmeticError:
        return None
    return Problem(tuple(parser.steps))


def _read_chain(text: str) -> Problem | None:
    """Parse "Start with 5, add 7, multiply by 3"."""
    start = _START.search(text)
    if start is None:
        return None
    current = Operand(int(start.group(1) or start.group(2)))
    steps: list[Step] = []
    for match in _OPERATION.finditer(text, start.end()):
        number = re.compile(r"\s*(\d{1,12})(?!\d|\.\d)").match(text, match.end())
        if number is None or len(steps) == MAX_STEPS:
            return None
        right = Operand(int(number.group(1)))
        value = _apply(_SYMBOLS[str(match.lastgroup)], current.value, right.value)
        steps.append(Step(current, _SYMBOLS[str(match.lastgroup)], right, value))
        current = Operand(value, len(steps))
    return Problem(tuple(steps)) if steps else None


def _apply(symbol: str, left: int, right: int) -> int:
    if symbol == "+":
        return left + right
    return left - right if symbol == "-" else left * right


class _Parser:
    """Recursive descent over one run; collects the steps as it returns from them."""

    def __init__(self, run: str) -> None:
        self.steps: list[Step] = []
        self._lexemes = [number or sign for number, sign in _LEXEME.findall(run.strip())]
        self._at = 0

    def peek(self) -> str:
        """Return the next lexeme, empty at the end."""
        return self._lexemes[self._at] if self._at < len(self._lexemes) else ""

    def expression(self, depth: int) -> Operand:
        """Parse a sum."""
        left = self._term(depth)
        while self.peek() in ("+", "-"):
            left = self._operation(self._take(), left, self._term(depth))
        return left

    def _term(self, depth: int) -> Operand:
        left = self._factor(depth)
        while self.peek() == "*":
            left = self._operation(self._take(), left, self._factor(depth))
        return left

    def _factor(self, depth: int) -> Operand:
        lexeme = self._take()
        if depth > MAX_DEPTH:
            raise _NotArithmeticError
        if lexeme.isdigit() and len(lexeme) <= MAX_DIGITS:
            return Operand(int(lexeme))
        if lexeme == "-":
            inner = self._factor(depth + 1)
            is_number = inner.step is None
            return Operand(-inner.value) if is_number else self._operation("-", Operand(0), inner)
        if lexeme != "(":
            raise _NotArithmeticError
        inner = self.expression(depth + 1)
        if self._take() != ")":
            raise _NotArithmeticError
        return inner

    def _operation(self, symbol: str, left: Operand, right: Operand) -> Operand:
        if len(self.steps) == MAX_STEPS:
            raise _NotArithmeticError
        value = _apply(symbol, left.value, right.value)
        self.steps.append(Step(left, symbol, right, value))
        return Operand(value, len(self.steps))

    def _take(self) -> str:
        lexeme = self.peek()
        self._at += 1
        return lexeme
