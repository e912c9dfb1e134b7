"""What a tier is expected to achieve and to spend on a query: the numbers every policy argues with."""

from collections.abc import Sequence
from dataclasses import dataclass

from classifier.types import Difficulty, Rung
from policies.types import Expected, Tier, Usage

ANSWER_TOKENS = 250
"""Visible tokens of a typical answer: the mean of ordinary chat models on everyday and benchmark
questions alike (data study, part 9: 120-300)."""

THINKING_SHARE: dict[Rung, float] = {"short": 0.0, "distilled": 0.35, "long": 1.0}
"""Reasoning tokens by rung, as a share of what a long-CoT model is predicted to spend.

Distilled reasoners spend about a third (recorded outcomes: 1,200 tokens where long ones spend 4,500).
"""

TYPICAL_THINKING = 4500
"""Reasoning tokens of a long-CoT model on a typical benchmark question (recorded outcomes)."""

TYPICAL_PROMPT = 100
"""Prompt tokens of such a question."""

NOMINAL_OUTPUT_USD: dict[Rung, float] = {"short": 0.6, "distilled": 4.4, "long": 12.0}
"""USD per million output tokens when a tier's price is unknown or zero, as for local models: the
order of the tiers then still means something. Never used to bill."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """A tier with what is expected of it.

    Attributes:
        tier: The tier.
        p_solve: Probability in [0, 1] that it answers correctly.
        expected: What it is expected to spend.
    """

    tier: Tier
    p_solve: float
    expected: Expected


def prospects(tiers: Sequence[Tier], difficulty: Difficulty, prompt_tokens: int) -> list[Prospect]:
    """Return one prospect per tier, in the tiers' order."""
    return [
        Prospect(
            tier,
            difficulty.p_solve[tier.rung],
            expect(tier, difficulty.thinking_p50, prompt_tokens),
        )
        for tier in tiers
    ]


def expect(tier: Tier, long_thinking: int, prompt_tokens: int) -> Expected:
    """Return what ``tier`` is expected to spend where a long-CoT model thinks ``long_thinking`` tokens.

    Total cost: price times predicted tokens, thinking included, times the calls of the strategy; not
    the list price per token.
    """
    share = 0.0 if tier.thinking == "off" else THINKING_SHARE[tier.rung]
    thinking = int(share * long_thinking)
    if tier.max_thinking_tokens is not None:
        thinking = min(thinking, tier.max_thinking_tokens)
    completion = thinking + ANSWER_TOKENS
    if tier.max_output_tokens is not None:
        completion = min(completion, tier.max_output_tokens)
    calls = tier.search.n
    usage = Usage(
        prompt=prompt_tokens * calls, completion=completion * calls, reasoning=thinking * calls
    )
    cost = tier.price.usd(usage)
    if cost == 0.0:
        cost = usage.completion * NOMINAL_OUTPUT_USD[tier.rung] / 1e6
    return Expected(tokens=usage.completion, cost_usd=cost)
