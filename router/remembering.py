"""What a search takes over from earlier searches for the same question, and what it leaves to later ones."""

from typing import Any

from policies.types import Candidate, SearchPlan

from .cache.pools import PooledSample, Pools
from .generation import SAMPLE_TEMPERATURE
from .session import Session


async def take_over(pools: Pools | None, session: Session, key: str | None) -> list[Candidate]:
    """Return earlier samples as candidates, in the order they were drawn; new ones get other seeds.

    Args:
        pools: Where they are kept; ``None`` is nowhere.
        session: The search's.
        key: Of the question's pool; ``None`` if nothing may be kept of it.
    """
    if pools is None or key is None or session.query.cache == "no-cache":
        return []
    found = []
    for sample in await pools.load(key):
        completion = _completion(sample)
        candidate = Candidate(
            text=sample.text,
            reasoning=sample.reasoning,
            key=await session.key(sample.text),
            weight=sample.weight,
            model=session.tier,
            id=len(session.completions) + 1,
        )
        session.keep(candidate, completion, sample.model)
        session.seeds_used = max(session.seeds_used, sample.seed - session.first_seed + 1)
        found.append(candidate)
    session.skipped = max(0, session.seeds_used - len(found))
    return found


async def leave_behind(pools: Pools | None, session: Session, key: str | None) -> None:
    """Keep the samples that this search has drawn."""
    if pools is None or key is None or not session.drawn:
        return
    temperature = session.query.body.get("temperature", SAMPLE_TEMPERATURE)
    await pools.add(
        key,
        [
            PooledSample(
                seed=seed,
                key=candidate.key,
                weight=candidate.weight,
                tokens=candidate.tokens,
                text=candidate.text,
                reasoning=candidate.reasoning,
                model=session.sources[candidate.id],
                temperature=temperature,
                finish="stop" if candidate.complete else "length",
            )
            for seed, candidate in session.drawn
        ],
    )


def arm_of(tier: str, plan: SearchPlan) -> str:
    """Return who samples and how, as a part of a pool's key: strategies that sample alike share a pool."""
    return f"{tier}:{plan.arm or ''}"


def _completion(sample: PooledSample) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": sample.text, "refusal": None}
    if sample.reasoning:
        message["reasoning_content"] = sample.reasoning
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": sample.finish}
    return {
        "id": "",
        "object": "chat.completion",
        "created": 0,
        "model": sample.model,
        "choices": [choice],
    }
