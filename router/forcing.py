"""How an answer is had from a model whose reasoning was cut: a ladder of calls, each tried until one answers.

    1. continue   the same model goes on behind its own reasoning, closed    where its server can
    2. ask        a second turn hands the reasoning over                     every server understands it
    3. ask below  the same turn, in the cheapest tier                        a model that will not stop thinking

Pure: it says which calls, and makes none. What is left of the reasoning is its tail.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from policies.types import Tier

from .backends.capabilities import Begun, Messages
from .call import World

FORCE_PROMPT = (
    "Reasoning so far (may be incomplete):\n\n{tail}\n\n"
    "The budget for reasoning is used up. Give the final answer now, in the form the question asks for."
)
"""Second turn that makes a cut reasoner answer (the rung that every upstream understands)."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to ask for the answer alone.

    Attributes:
        tier: Who is asked, thinking switched off.
        changes: Body fields that differ from the query's.
        prefill: The model goes on behind its own reasoning.
    """

    tier: Tier
    changes: Mapping[str, Any]
    prefill: bool = False


def rungs(world: World, messages: Messages, tier: Tier, model: str, tail: str) -> Iterator[Rung]:
    """Yield the rungs for a cut answer, best first.

    Args:
        world: Models, and what they have shown of themselves.
        messages: What was asked.
        tier: Whose answer was cut.
        model: The ``model_name`` whose reasoning it is.
        tail: The last of its reasoning; may be empty.
    """
    spec = world.pool.backends[model].spec
    prefill = spec.can.prefill
    if prefill is not None and tail.strip() and world.trust.continues(spec):
        alone = replace(tier, models=(model,), thinking="off")
        yield Rung(alone, prefill(messages, Begun(tail)), prefill=True)
    turn = {"role": "user", "content": FORCE_PROMPT.format(tail=tail or "(none)")}
    for asked in dict.fromkeys((tier, world.cheapest)):
        yield Rung(replace(asked, thinking="off"), {"messages": [*messages, turn]})
