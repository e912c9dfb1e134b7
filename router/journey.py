"""One request on its way through the pipeline."""

from dataclasses import dataclass
from typing import Any

from policies.types import Decision, Query

from .admission import Admitted
from .cache.claim import Claim, Kept
from .pacing import Booking, Pacing
from .sessions import Sessions
from .spend import Spending


@dataclass(slots=True)
class Journey:
    """One request on its way: what the steps leave for one another."""

    decision_id: str
    query: Query
    begun: float
    cache: str = "bypass"
    key: Claim | None = None
    kept: Kept | None = None
    waited_s: float = 0.0
    admitted: Admitted | None = None
    decision: Decision | None = None
    shadow: Decision | None = None
    spending: Spending | None = None
    booked: Booking | None = None
    overhead_s: float | None = None
    told: dict[str, Any] | None = None
    ended: bool = False

    @property
    def cost_usd(self) -> float:
        """What the request has cost upstream by now."""
        return 0.0 if self.spending is None else self.spending.ledger.cost_usd

    async def settle(self, pacing: Pacing | None, sessions: Sessions | None) -> None:
        """Once the answer is out: correct what was booked for it, and note where its conversation has come to."""
        if sessions is not None and self.told:
            await sessions.note(self.query, self.told["tier"], self.told["cause"])
        booked, self.booked = self.booked, None
        if pacing is not None and booked is not None:
            tokens = 0 if self.spending is None else self.spending.ledger.usage.completion
            await pacing.settle(booked, usd=self.cost_usd, tokens=tokens)
