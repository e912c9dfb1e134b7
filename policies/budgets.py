"""From a tier's ceilings and the client's to one Budget. Clamps, never raises; pure."""

from .types import Budget, Ceilings, Tier

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


def smallest(*limits: int | None) -> int | None:
    """Return the smallest limit that is one; ``None`` if none is."""
    real = [limit for limit in limits if limit is not None]
    return min(real) if real else None


def plan_budget(tier: Tier, ceilings: Ceilings) -> Budget:
    """Return what a request may spend in ``tier``.

    The answer reserve is kept before thinking gets anything, so a thinking model cannot eat the
    answer: ``thinking + answer_reserve <= output`` wherever all three are limited. When a limit is
    too small for both, thinking goes first.
    """
    thinking = 0 if tier.thinking == "off" else _thinking_ceiling(tier, ceilings)
    # Tier ceilings without a stated output bound still bound the call: thinking plus the reserve.
    own_output = tier.max_output_tokens
    if own_output is None and tier.thinking != "off" and tier.max_thinking_tokens:
        own_output = tier.max_thinking_tokens + tier.answer_reserve_tokens
    total = smallest(tier.max_total_tokens, ceilings.max_total_tokens)
    output = smallest(own_output, ceilings.max_output_tokens, total)
    reserve = tier.answer_reserve_tokens
    if output is not None:
        reserve = min(reserve, output)
        if thinking is None or thinking > output - reserve:
            thinking = output - reserve
    return Budget(
        thinking=thinking,
        answer_reserve=reserve,
        output=output,
        total=total,
        deadline_s=tier.timeout_s,
    )


def _thinking_ceiling(tier: Tier, ceilings: Ceilings) -> int | None:
    ceiling = smallest(tier.max_thinking_tokens, ceilings.max_thinking_tokens)
    share = EFFORT_SHARE.get(ceilings.reasoning_effort or "", 1.0)
    if share == 0.0:
        return 0
    return None if ceiling is None else int(ceiling * share)
