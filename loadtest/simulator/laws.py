"""The laws of chance of each simulated tier, and the closed forms that follow from them.

A problem has K steps. A step is *thought* (worked out in the reasoning), *written* (worked out in the visible answer) or
*leapt over* (guessed, because nobody worked it out). Each kind has its own probability of going right, independent
of everything else, so with j thought, w written and l leapt steps, j + w + l = K::

    P(right) = think**j * write**w * leap**l

The first step that goes wrong derails the chain by an offset drawn from `OFFSETS` with `SHARES`, and the chain keeps that
offset to its end. So the law of the final answer is exact whichever step slipped: the truth with P(right), and
truth + OFFSETS[i] with (1 - P(right)) * SHARES[i]. After Snell et al.'s picture of a reasoner as a chain of steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType

OFFSETS = (10, -10, 1, -1, 9)
"""How far a wrong answer is from the truth: the few slips that people make (a lost carry, an off-by-one)."""
SHARES = (0.4, 0.2, 0.15, 0.15, 0.1)
"""How wrong answers are shared out over `OFFSETS`; sums to 1."""


@dataclass(frozen=True, slots=True)
class Law:
    """How one simulated model errs and how long it thinks.

    Attributes:
        think: P(a step goes right) when it is worked out in the reasoning; None for a model that does not reason.
        write: The same when the step is worked out in the visible answer.
        leap: The same when the step is guessed.
        filler_tokens: Mean tokens of musing before each thought step, geometric on 1, 2, ....
        min_thinking_tokens: Reasoning goes on (checking again and again) until it has this many tokens.
    """

    think: float | None
    write: float
    leap: float
    filler_tokens: int
    min_thinking_tokens: int

    def accuracy(self, *, thought: int = 0, written: int = 0, leapt: int = 0) -> float:
        """Return the exact probability of a right answer after so many steps of each kind."""
        think = self.write if self.think is None else self.think
        return float(think**thought * self.write**written * self.leap**leapt)

    def answer_law(
        self, truth: int, *, thought: int = 0, written: int = 0, leapt: int = 0
    ) -> dict[int, float]:
        """Return the exact law of the final answer: value to probability, sums to 1."""
        right = self.accuracy(thought=thought, written=written, leapt=leapt)
        wrong = {truth + o: (1 - right) * share for o, share in zip(OFFSETS, SHARES, strict=True)}
        return {truth: right, **wrong}


LAWS: Mapping[str, Law] = MappingProxyType(
    {
        "sim-short": Law(
            think=None, write=0.90, leap=0.70, filler_tokens=12, min_thinking_tokens=0
        ),
        "sim-distilled": Law(
            think=0.97, write=0.90, leap=0.75, filler_tokens=24, min_thinking_tokens=80
        ),
        "sim-long": Law(
            think=0.995, write=0.93, leap=0.80, filler_tokens=60, min_thinking_tokens=600
        ),
    }
)
"""The served models, cheap to dear."""


def draw_offset(rng: Random) -> int:
    """Draw how far a chain that has just slipped is from the truth."""
    return rng.choices(OFFSETS, SHARES)[0]
