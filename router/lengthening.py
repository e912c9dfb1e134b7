"""Reasoning that ends before it should is told to go on: budget forcing upwards, as in s1 (arXiv 2501.19393). Pure.

A model that begins to answer before ``min_thinking_tokens`` is stopped, and continues its own reasoning behind
``Wait,``: at most ``wait`` times, under the same ceiling on thinking. When two such extensions have left the stated
answer as it was, it may end: thinking on without a sign of doubt loses as often as it gains.
"""

from dataclasses import dataclass, field

from policies.types import Budget, Tier

WAIT = "Wait,"
"""What takes the place of the reasoning's end, in a paragraph of its own."""

UNCHANGED = 2
"""Extensions in a row without another answer after which the reasoning may end."""

TOO_SHORT = "thought_too_little"
"""Why a stream was cut that is to think on; an answer keeps it as its stop reason where that failed."""

MIN_THINKING = "min_thinking_tokens"
"""Told as not enforced where the model cannot continue its own reasoning."""


def wanted(tier: Tier, budget: Budget) -> bool:
    """Return whether reasoning that ends too early is to go on, in this tier and under this budget."""
    thinks = tier.thinking != "off" and budget.thinking != 0
    return thinks and tier.wait > 0 and tier.min_thinking_tokens > 0


@dataclass(slots=True)
class Lengthening:
    """How far one answer's reasoning has been drawn out.

    Attributes:
        least: Reasoning tokens before which it should not end.
        left: Extensions it may still get.
        thought: Tokens of the parts that have ended.
        text: All of the reasoning, in pieces: what the model continues.
        answers: What was last stated when each part ended; ``None`` is nothing that can be compared.
    """

    least: int
    left: int
    thought: int = 0
    text: list[str] = field(default_factory=list)
    answers: list[str | None] = field(default_factory=list)

    def goes_on(self, tokens: int, answer: str | None) -> bool:
        """Take the end of a part of the reasoning; return whether another one is to follow.

        Args:
            tokens: The part's length.
            answer: Key of the answer that the reasoning stated last.
        """
        self.thought += tokens
        self.answers.append(answer)
        latest = self.answers[-(UNCHANGED + 1) :]
        settled = len(latest) > UNCHANGED and answer is not None and set(latest) == {answer}
        if not 0 < self.thought < self.least or self.left == 0 or settled:
            return False
        self.left -= 1
        return True
