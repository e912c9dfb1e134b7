"""What the simulated reasoner is asked: a problem whose every law is in its own text.

``Problem(id=17, p=0.7).question()`` is a question that ends in ``[[lab id=17 p=0.7]]``; whoever is sent it, over
whatever path, reads the laws there, so no test has to carry them around its subject. After Snell et al.'s picture of a
reasoner as a chain of steps (arXiv 2408.03314). It knows nothing of prompts or of time.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from math import log
from random import Random
from typing import Any

_MARK = re.compile(r"\[\[lab((?: \w+=-?[\d.e-]+)*)\]\]")


@dataclass(frozen=True)
class Problem:
    """A problem and the laws by which it is solved.

    Attributes:
        id: Tells problems with equal laws apart.
        steps: K, the steps of a solution.
        p: P(a step goes right), given that all before it did.
        write: The same for a reasoner that writes its steps down because it may not think; below 0: as ``p``.
        guess: P(a step that nobody worked out is guessed right).
        distractors: M, the wrong answers there are.
        dom: Share of the first of them, the dominant one; the others share the rest evenly.
        tau: P(a step that goes wrong is a trap, one that verifiers like).
        delta: How much more than the truth they like it.
        mu: Quality of a verifier: scores are ``mu`` * right + N(0, 1), and ``mu + delta`` + N(0, 1) for a trap.
        tokens: Mean tokens of a step beyond its first three (``step 3: tag``); at least 1.
        geometric: 1 draws them geometrically on 1, 2, ...; 0 makes every step the mean.
        drag: Factor on ``tokens`` once the chain is wrong; above 1, long chains are wrong more often.
        rounds: Checks after the last step (overthinking): each mends a wrong answer with ``fix`` and breaks a right
            one with ``spoil``. A revision on demand follows the same law.
        fix: See ``rounds``.
        spoil: See ``rounds``.
        flip: P(asked in the middle for its answer, a finished chain says another one).
        mute: P(the final line names no value).
        plan: An outline in the prompt makes ``p`` 1 - (1 - p)(1 - ``plan``).
        conf: A token's confidence is 8 + ``conf`` * (the chain is on track) + N(0, 1), the noise common to a step.
        think: 1 puts the steps into the reasoning, 0 into the visible answer.
    """

    id: int = 0
    steps: int = 6
    p: float = 0.7
    write: float = -1.0
    guess: float = 0.0
    distractors: int = 7
    dom: float = 0.4
    tau: float = 0.0
    delta: float = 0.5
    mu: float = 2.0
    tokens: int = 7
    geometric: int = 0
    drag: float = 1.0
    rounds: int = 0
    fix: float = 0.0
    spoil: float = 0.0
    flip: float = 0.0
    mute: float = 0.0
    plan: float = 0.0
    conf: float = 2.0
    think: int = 0

    @cached_property
    def mark(self) -> str:
        """What stands in the question: every law that is not the default."""
        told = ((f.name, getattr(self, f.name), f.default) for f in fields(self))
        return "[[lab" + "".join(f" {k}={v:g}" for k, v, usual in told if v != usual) + "]]"

    def question(self) -> str:
        """Return the question to ask."""
        return f"What is the value of x? {self.mark}"

    @property
    def truth(self) -> int:
        """The right answer."""
        return self.answer(0)

    def answer(self, belief: int) -> int:
        """Return the value of a belief: 0 is the truth, 1 ... M the distractors."""
        return 1000 * (self.id % 9000 + 1) + 7 * belief

    def belief(self, value: int) -> int | None:
        """Return the belief of a value, or ``None`` for one that no chain of ours can give."""
        belief, rest = divmod(value - self.answer(0), 7)
        return belief if rest == 0 and 0 <= belief <= self.distractors else None

    def distract(self, rng: Random) -> int:
        """Draw a wrong belief."""
        if self.distractors == 1 or rng.random() < self.dom:
            return 1
        return 2 + int(rng.random() * (self.distractors - 1))

    def length(self, rng: Random, *, wrong: bool) -> int:
        """Draw the tokens of a step beyond its first three."""
        mean = self.tokens * self.drag if wrong else self.tokens
        if not self.geometric:
            return round(mean)
        return 1 if mean <= 1 else 1 + int(log(1 - rng.random()) / log(1 - 1 / mean))

    @cached_property
    def law(self) -> tuple[float, ...]:
        """P(each belief) of one whole chain without checks that says its answer; the truth comes first."""
        right = self.p**self.steps
        others = self.distractors - 1
        shares = [self.dom, *[(1 - self.dom) / others] * others] if others else [1.0]
        return (right, *((1 - right) * share for share in shares))

    def by(self, skill: Mapping[str, Any]) -> "Problem":
        """Return the problem as a reasoner of other laws meets it; the question and its answers stay the same."""
        return replace(self, **skill) if skill else self


@cache
def _parse(told: str) -> Problem:
    kinds = {f.name: f.type for f in fields(Problem)}
    laws: dict[str, Any] = {}
    for pair in told.split():
        name, _, value = pair.partition("=")
        if name not in kinds:
            raise ValueError(f"no law {name!r} in a lab problem; there are {', '.join(kinds)}")
        laws[name] = int(value) if kinds[name] is int else float(value)
    return Problem(**laws)


def without_marks(text: str) -> str:
    """Return a text without the laws in it, whose names are words, too."""
    return _MARK.sub("", text)


def find_problem(text: str) -> Problem | None:
    """Return the last problem that a text holds, or ``None``; raises ValueError on a law that is not known."""
    found = _MARK.findall(text)
    return _parse(found[-1]) if found else None
