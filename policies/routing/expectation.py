"""What a tier is expected to achieve and to spend on a query: the numbers every policy argues with."""

from collections.abc import Sequence
from dataclasses import dataclass

from classifier.types import Difficulty, Rung
from policies.types import Expected, SearchPlan, Tier, Usage, Wishes

NO_WISHES = Wishes()

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
        usd: What that costs by the tier's real price: 0 where the price is 0 or unknown.
    """

    tier: Tier
    p_solve: float
    expected: Expected
    usd: float


def prospects(
    tiers: Sequence[Tier],
    difficulty: Difficulty,
    prompt_tokens: int,
    *,
    wishes: Wishes = NO_WISHES,
    choices: int = 1,
) -> list[Prospect]:
    """Return one prospect per tier, in the tiers' order.

    Args:
        tiers: The tiers.
        difficulty: The score.
        prompt_tokens: Of one call.
        wishes: The client's strategy and samples replace every tier's own.
        choices: Answers per call, OpenAI's ``n``.
    """
    found = []
    for tier in tiers:
        calls = plan_for(tier, wishes).n
        usage = foresee(tier, difficulty.thinking_p50, prompt_tokens, calls=calls, choices=choices)
        expected = _priced(tier, usage)
        found.append(Prospect(tier, difficulty.p_solve[tier.rung], expected, tier.price.usd(usage)))
    return found


def plan_for(tier: Tier, wishes: Wishes) -> SearchPlan:
    """Return the tier's own strategy and samples, or what the client wishes in their place."""
    strategy = wishes.strategy or tier.search.strategy
    n = wishes.n or tier.search.n
    if wishes.n is not None and wishes.strategy is None and strategy == "single" and n > 1:
        strategy = "vote"  # asking for samples without a strategy means: let them vote
    return SearchPlan(strategy, 1 if strategy == "single" else max(n, 2))


def expect(tier: Tier, long_thinking: int, prompt_tokens: int) -> Expected:
    """Return what ``tier`` is expected to spend where a long-CoT model thinks ``long_thinking`` tokens.

    Total cost: price times predicted tokens, thinking included, times the calls of the strategy; not
    the list price per token.
    """
    return _priced(tier, foresee(tier, long_thinking, prompt_tokens, calls=tier.search.n))


def foresee(
    tier: Tier, long_thinking: int, prompt_tokens: int, *, calls: int, choices: int = 1
) -> Usage:
    """Return the tokens of all calls together: every sample of a search, every choice of a call.

    A search that stops early spends less: this is what it spends when its samples disagree.
    """
    share = 0.0 if tier.thinking == "off" else THINKING_SHARE[tier.rung]
    thinking = int(share * long_thinking)
    if tier.max_thinking_tokens is not None:
        thinking = min(thinking, tier.max_thinking_tokens)
    completion = thinking + ANSWER_TOKENS
    if tier.max_output_tokens is not None:
        completion = min(completion, tier.max_output_tokens)
        thinking = min(thinking, completion)
    answers = calls * choices
    return Usage(
        prompt=prompt_tokens * calls, completion=completion * answers, reasoning=thinking * answers
    )


def _priced(tier: Tier, usage: Usage) -> Expected:
    cost = tier.price.usd(usage)
    if cost == 0.0:
        cost = usage.completion * NOMINAL_OUTPUT_USD[tier.rung] / 1e6
    return Expected(tokens=usage.completion, cost_usd=cost)
