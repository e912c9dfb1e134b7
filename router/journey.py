"""One request on its way through the pipeline."""

from dataclasses import dataclass
from typing import Any

from policies.types import Decision, Query

from .admission import Admitted
from .cache.claim import Claim, Kept
from .pacing import Booking, Pacing
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

    async def settle(self, pacing: Pacing | None) -> None:
        """Correct what was booked for the request on the server's own allowance."""
        if pacing is not None and self.booked is not None:
            tokens = 0 if self.spending is None else self.spending.ledger.usage.completion
            await pacing.settle(self.booked, usd=self.cost_usd, tokens=tokens)
