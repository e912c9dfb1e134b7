"""Arithmetic questions of graded difficulty, their truth, and the reading of answers to them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

MOST_STEPS = 10

_ANSWER = re.compile(r"answer is[^\d-]{0,12}(-?\d+)")
_NUMBER = re.compile(r"-?\d+")
_OPERATIONS: tuple[tuple[str, Callable[[int, int], int]], ...] = (
    ("add", lambda value, operand: value + operand),
    ("subtract", lambda value, operand: value - operand),
    ("multiply by", lambda value, operand: value * operand),
)


@dataclass(frozen=True, slots=True)
class Band:
    """Questions of so many steps."""

    name: str
    least: int
    most: int


BANDS = (Band("easy", 1, 3), Band("middling", 4, 6), Band("hard", 7, MOST_STEPS))


@dataclass(frozen=True, slots=True)
class Question:
    """An arithmetic question and its truth."""

    text: str
    value: int
    steps: int


def make_questions(n: int, seed: int) -> list[Question]:
    """Return `n` different questions, evenly of 1 to `MOST_STEPS` steps."""
    rng = Random(seed)
    made: dict[str, Question] = {}
    while len(made) < n:
        steps = len(made) % MOST_STEPS + 1
        value = rng.randint(2, 99)
        words = [f"Start with {value}"]
        for _ in range(steps):
            word, apply = rng.choice(_OPERATIONS)
            operand = rng.randint(2, 3) if word == "multiply by" else rng.randint(2, 99)
            value = apply(value, operand)
            words.append(f"{word} {operand}")
        text = ", ".join(words) + ". What is the result?"
        made.setdefault(text, Question(text, value, steps))
    return list(made.values())


def said_value(text: str) -> int | None:
    """Return the number that an answer states."""
    found = _ANSWER.findall(text) or _NUMBER.findall(text)
    return int(found[-1]) if found else None
