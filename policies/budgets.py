"""From a tier's ceilings, the client's and the predicted difficulty to one Budget. Clamps, never raises; pure.

``docs/budgets.md`` tells the same with numbers.
"""

from classifier.types import Difficulty

from .types import Budget, Ceilings, SearchPlan, Tier

EFFORT_SHARE = {
    "none": 0.0,
    "minimal": 0.1,
    "low": 0.25,
    "medium": 0.5,
    "high": 1.0,
    "xhigh": 1.0,
    "max": 1.0,
}
"""A client's ``reasoning_effort`` as a share of the tier's thinking ceiling.

The gateways that translate between effort and tokens use .2/.5/.8 of the output limit for low, medium
and high; here the ceiling is the tier's own, so ``high`` may use all of it.
"""

FEWEST_THINKING = 1024
"""A prediction never lowers thinking below this: the least budget that Anthropic's and several other
servers take, and too little to be worth saving on a question that only looks easy."""

PREDICTION_MARGIN = 2
"""A budget is this many times the predicted 90th percentile.

The prediction is for a typical long-CoT model; verbose ones spend about twice as much on the same
question. A cut costs a second call and often the answer, tokens that were not needed cost nothing:
the budget is there to stop the runaway, not the slow.
"""

NO_LIMIT = 1e9
"""Tokens that no request can spend: money that buys so many is no limit."""

SINGLE = SearchPlan()


def smallest(*limits: int | None) -> int | None:
    """Return the smallest limit that is one; ``None`` if none is."""
    real = [limit for limit in limits if limit is not None]
    return min(real) if real else None


def plan_budget(
    tier: Tier,
    ceilings: Ceilings,
    difficulty: Difficulty | None = None,
    *,
    plan: SearchPlan = SINGLE,
    prompt_tokens: int = 0,
    choices: int = 1,
) -> Budget:
    """Return what a request may spend in ``tier``.

    The answer reserve is kept before thinking gets anything, so a thinking model cannot eat the
    answer: ``thinking + answer_reserve <= output`` wherever all three are limited. When a limit is
    too small for both, thinking goes first.

    Args:
        tier: Whose models answer; its limits hold.
        ceilings: The client's limits; they only ever lower.
        difficulty: Lowers the thinking of a tier that has a ceiling on it; ``None`` lowers nothing. It
            leaves ``output`` as it is: what thinking does not use, a long answer may.
        plan: How many samples are planned.
        prompt_tokens: Of one call; they cost money, not tokens of ``total``.
        choices: Answers per call, OpenAI's ``n``.
    """
    thinking = 0 if tier.thinking == "off" else _thinking_limit(tier, ceilings, difficulty)
    # Tier ceilings without a stated output bound still bound the call: thinking plus the reserve.
    own_output = tier.max_output_tokens
    if own_output is None and tier.thinking != "off" and tier.max_thinking_tokens:
        own_output = tier.max_thinking_tokens + tier.answer_reserve_tokens
    total = smallest(
        tier.max_total_tokens,
        None
        if plan.max_tokens is None or thinking is None
        else plan.max_tokens + thinking * plan.n,
        ceilings.max_total_tokens,
        _affordable(tier, ceilings.max_cost_usd, plan.n * prompt_tokens),
    )
    each = None if total is None else max(1, total // choices)
    output = smallest(own_output, ceilings.max_output_tokens, each)
    reserve = tier.answer_reserve_tokens
    if output is not None:
        reserve = min(reserve, output)
        if thinking is None or thinking > output - reserve:
            thinking = output - reserve
    if plan.strategy != "single" and output is not None:
        # Without a total of its own a search may spend every sample's full cap, and no more.
        total = smallest(total, output * plan.n)
    return Budget(
        thinking=thinking,
        answer_reserve=reserve,
        output=output,
        total=total,
        deadline_s=tier.timeout_s,
        calls=plan.n,
        usd=ceilings.max_cost_usd,
    )


def _thinking_limit(tier: Tier, ceilings: Ceilings, difficulty: Difficulty | None) -> int | None:
    share = EFFORT_SHARE.get(ceilings.reasoning_effort or "", 1.0)
    if share == 0.0:
        return 0
    ceiling = smallest(tier.max_thinking_tokens, ceilings.max_thinking_tokens)
    if ceiling is None:
        return None
    limit = int(ceiling * share)
    if difficulty is None or tier.max_thinking_tokens is None:
        return limit
    return min(limit, max(FEWEST_THINKING, PREDICTION_MARGIN * difficulty.thinking_p90))


def _affordable(tier: Tier, usd: float | None, prompt_tokens: int) -> int | None:
    """Return how many completion tokens ``usd`` buys after the prompts, at the dearer of two prices.

    Never less than the answer reserve: what a client cannot afford is routed to a cheaper tier, and in the
    cheapest one an answer costs more than allowed rather than being refused. A tier without a price
    has no limit.
    """
    price = tier.price
    per_token = max(price.output, price.reasoning or 0.0)
    if usd is None or per_token <= 0.0:
        return None
    tokens = (usd * 1e6 - prompt_tokens * price.input) / per_token
    return None if tokens >= NO_LIMIT else int(max(tier.answer_reserve_tokens, tokens))
