"""What a tier is expected to achieve and to spend on a query: the numbers every policy argues with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from classifier.calibration import shifted
from classifier.types import Difficulty, Rung
from policies.strategies import completed
from policies.strategies.chances import expected_calls, expected_success
from policies.strategies.choose import choose
from policies.types import Expected, SearchPlan, Tier, Usage, Wishes

NO_WISHES = Wishes()

EVEN = 0.5

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
        p_solve: Probability in [0, 1] that one answer of it is correct.
        expected: What it is expected to spend, all calls of its strategy together.
        usd: What that costs by the tier's real price: 0 where the price is 0 or unknown.
        calls: Calls it is expected to make.
    """

    tier: Tier
    p_solve: float
    expected: Expected
    usd: float
    calls: float = 1.0


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
        p_solve = shifted(difficulty.p_solve[tier.rung], tier.ability)
        plan = plan_for(tier, wishes, p_solve)
        calls = expected_calls(plan, p_solve)
        # The careful figure of a vote is below that of one answer for hard questions; nobody is worse off for it there.
        p_solve = max(p_solve, expected_success(plan, p_solve))
        usage = foresee(tier, difficulty.thinking_p50, prompt_tokens, calls=calls, choices=choices)
        expected = _priced(tier, usage)
        found.append(Prospect(tier, p_solve, expected, tier.price.usd(usage), calls))
    return found


def plan_for(tier: Tier, wishes: Wishes, p_solve: float | None = None) -> SearchPlan:
    """Return the tier's own strategy and samples, or what the client wishes in their place.

    Args:
        tier: The tier.
        wishes: The client's.
        p_solve: Probability that one answer of the tier is right: what ``auto`` chooses by. ``None``, for a query
            that was not scored, is an even chance.
    """
    own = tier.search
    strategy, n = wishes.strategy or own.strategy, wishes.n or own.n
    if wishes.n is not None and wishes.strategy is None and strategy == "single" and n > 1:
        strategy = "vote"  # asking for samples without a strategy means: let them vote
    if strategy == "single":
        n = 1
    elif wishes.n is not None:
        n = max(n, 2)
    elif strategy != own.strategy:
        n = 1  # the tier's number is meant for its own strategy; this one has its own
    plan = own if (strategy, n) == (own.strategy, own.n) else replace(own, strategy=strategy, n=n)
    return completed(choose(plan, EVEN if p_solve is None else p_solve))


def expect(tier: Tier, long_thinking: int, prompt_tokens: int) -> Expected:
    """Return what ``tier`` is expected to spend where a long-CoT model thinks ``long_thinking`` tokens.

    Total cost: price times predicted tokens, thinking included, times the calls of the strategy; not
    the list price per token. No cache hit is reckoned with: what the cache answers is never decided.
    """
    return _priced(tier, foresee(tier, long_thinking, prompt_tokens, calls=tier.search.n))


def foresee(
    tier: Tier, long_thinking: int, prompt_tokens: int, *, calls: float, choices: int = 1
) -> Usage:
    """Return the tokens of all calls together: every sample of a search, every choice of a call."""
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
        prompt=round(prompt_tokens * calls),
        completion=round(completion * answers),
        reasoning=round(thinking * answers),
    )


def _priced(tier: Tier, usage: Usage) -> Expected:
    cost = tier.price.usd(usage)
    if cost == 0.0:
        cost = usage.completion * NOMINAL_OUTPUT_USD[tier.rung] / 1e6
    return Expected(tokens=usage.completion, cost_usd=cost)
