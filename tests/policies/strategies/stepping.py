"""A search over steps whose laws are known: the reasoner, the verifier and the register in one, in memory.

A step is ``R 17`` if it goes right and ``W3 17`` if it goes wrong towards distractor 3; behind the last one stands
``The answer is 3.``. What is said is a function of the seed, the beginning and the prompt's index, so another
implementation of a strategy meets the same world.
"""

import asyncio
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from statistics import NormalDist
from typing import NoReturn

from policies.ports import Abilities, Prompt, Task
from policies.types import Candidate, SearchPlan

Judge = Callable[[Candidate, bool], float | None]
"""From a candidate, and whether it is only a beginning, to a score."""

_WRONG = re.compile(r"W(\d+)")
_NORMAL = NormalDist()


def is_right(text: str) -> bool:
    """Return whether no step of a text went wrong."""
    return "W" not in text


def answer_of(text: str) -> str:
    """Return the key of a text's answer: ``0`` is the truth."""
    wrong = _WRONG.search(text)
    return wrong[1] if wrong else "0"


def perfect(candidate: Candidate, steps: bool) -> float:
    """Judge without error."""
    return float(is_right(candidate.text))


def blurred(candidate: Candidate, steps: bool) -> float:
    """Judge answers, not without doubt."""
    return 0.8 if is_right(candidate.text) else 0.3


def noisy(mu: float, answers: Judge = perfect) -> Judge:
    """Return a judge whose scores of steps are ``mu`` * right + N(0, 1), independent for every text."""

    def judge(candidate: Candidate, steps: bool) -> float | None:
        if not steps:
            return answers(candidate, steps)
        raw = mu * is_right(candidate.text) + _NORMAL.inv_cdf(Random(candidate.text).random())
        return 1 / (1 + math.exp(mu / 2 - raw))

    return judge


@dataclass
class StepSearch:
    """A search for an answer that is ``steps`` steps away.

    Attributes:
        plan: The strategy's parameters.
        seed: Another world.
        steps: Before the answer.
        p: P(a step goes right).
        shares: Of the distractors 1, 2, ...
        judge: Who scores; ``None`` is nobody.
        ladder: The models of other tiers, where there are any.
        nonces: How many ways there are to say a step.
        early: P(the answer comes instead of a step).
        cut: P(a generation ends by its length).
        broken: P(a call fails).
        calls: The budget covers so many.
        trims: The server cuts white space off the beginnings it goes on behind, so the model says it again.
        turns: A generation takes up to so many turns of the event loop.
    """

    plan: SearchPlan
    seed: int = 0
    steps: int = 6
    p: float = 0.7
    shares: Sequence[float] = (0.4, 0.3, 0.2, 0.1)
    judge: Judge | None = perfect
    ladder: "Sequence[StepSearch]" = ()
    nonces: int = 1 << 30
    early: float = 0.0
    cut: float = 0.0
    broken: float = 0.0
    calls: int | None = None
    trims: bool = False
    turns: int = 0
    name: str = "steps"
    asked: list[Prompt] = field(default_factory=list)
    offers: list[tuple[Candidate, float, float | None]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    running: int = 0

    can = Abilities(prefill=True)
    task = Task("?", ())
    remembered: Sequence[Candidate] = ()

    @property
    def model(self) -> "StepSearch":
        return self

    @property
    def value(self) -> "StepSearch | None":
        return None if self.judge is None else self

    async def generate(self, prompt: Prompt) -> Candidate | None:
        self.asked.append(prompt)
        if self.calls is not None and len(self.asked) > self.calls:
            return None
        self.running += 1
        try:
            for _ in range(self.turns and Random(len(self.asked)).randrange(self.turns)):
                await asyncio.sleep(0)
            if self.trims and (prompt.begun or "").endswith("\n\n"):
                return self._said_again(prompt)
            return self.said(prompt)
        finally:
            self.running -= 1

    def said(self, prompt: Prompt) -> Candidate:
        """Return what is said to a prompt."""
        text = prompt.begun or ""
        rng = Random(f"{self.name} {self.seed} {text} {prompt.index}")
        if rng.random() < self.broken:
            return Candidate("", complete=False, failed=True)
        is_cut = rng.random() < self.cut
        while True:
            if text.count("\n\n") >= self.steps or rng.random() < self.early:
                key = answer_of(text)
                whole = Candidate(f"{text}The answer is {key}.", key=key)
                return replace(whole, complete=not is_cut, ended=not is_cut)
            text += self._step(rng)
            if prompt.stop:
                return Candidate(text, complete=not is_cut, ended=False)
            text += "\n\n"

    def _said_again(self, prompt: Prompt) -> Candidate:
        begun, said = prompt.begun or "", self.said(prompt)
        if prompt.stop:
            return Candidate(begun, ended=False)
        return replace(said, text=f"{begun}\n\n{said.text[len(begun) :]}")

    def _step(self, rng: Random) -> str:
        mark = "R"
        if rng.random() >= self.p:
            (wrong,) = rng.choices(range(1, len(self.shares) + 1), self.shares)
            mark = f"W{wrong}"
        return f"{mark} {rng.randrange(self.nonces)}"

    def open(self, prompt: Prompt) -> NoReturn:
        raise NotImplementedError("steps come whole")

    async def compose(self, text: str, like: Candidate) -> NoReturn:
        raise NotImplementedError("answers are shown as they were generated")

    async def score(
        self, candidates: Sequence[Candidate], *, steps: bool = False
    ) -> list[float | None]:
        assert self.judge is not None
        assert all(candidate.ended is not steps for candidate in candidates)
        return [self.judge(candidate, steps) for candidate in candidates]

    async def objection(self, candidate: Candidate) -> NoReturn:
        raise NotImplementedError("scores are all that trees ask for")

    def offer(
        self, candidate: Candidate, *, weight: float = 0.0, agreement: float | None = None
    ) -> None:
        self.offers.append((candidate, weight, agreement))

    def note(self, progress: str) -> None:
        self.notes.append(progress)

    def stop(self, reason: str) -> None:
        self.reasons.append(reason)

    @property
    def best(self) -> Candidate | None:
        """The offer that stands: of the most weight, the earliest of those."""
        most = max(self.offers, key=lambda offer: offer[1], default=None)
        return None if most is None else most[0]

    @property
    def right(self) -> bool:
        """The truth was found."""
        return self.best is not None and self.best.key == "0"
