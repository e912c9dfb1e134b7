"""What a routing policy is given and what it gives back."""

from dataclasses import dataclass
from typing import Protocol

from classifier.types import Difficulty
from policies.types import SearchPlan

from .expectation import Prospect


@dataclass(frozen=True, slots=True)
class Purse:
    """What an allowance says at this moment; made by the pacing of the server.

    Attributes:
        price: What money (or a token) counts for beyond its face value: a shift of the dial's log-odds,
            0 where nothing is short.
        left: What is left in its unit for all but the cheapest tier.
        unit: ``usd`` or ``tokens``.
    """

    price: float
    left: float
    unit: str = "usd"


@dataclass(frozen=True, slots=True)
class Situation:
    """One query as every policy sees it.

    Attributes:
        prospects: The tiers that may answer, cheap to dear; at least one.
        every: All tiers of the server, cheap to dear.
        difficulty: The score.
        dial: 0 cheapest ... 1 best.
        dialed: The request set the dial; what is configured for the server's own dial does not hold.
        typical_usd: What one answer of the dearest tier costs on a typical hard question.
        searchable: Several samples of this query can be compared; not with tools, or with choices.
        purse: What is left to spend; ``None`` where no allowance is kept.
    """

    prospects: tuple[Prospect, ...]
    every: tuple[Prospect, ...]
    difficulty: Difficulty
    dial: float
    typical_usd: float
    dialed: bool = False
    searchable: bool = True
    purse: Purse | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a policy sends the query.

    Attributes:
        index: Into ``Situation.prospects``.
        reason: One sentence for a person.
        plan: In place of the tier's own search; ``None`` keeps that.
    """

    index: int
    reason: str
    plan: SearchPlan | None = None


class RoutingPolicy(Protocol):
    """A policy: its parameters are its fields, its law is one pure call."""

    def __call__(self, situation: Situation, /) -> Choice:
        """Return the choice for one query."""
        ...
