"""One token account per request: reserve before a call, settle after it.

Invariant, at every moment and with any number of concurrent samples: ``spent + reserved <= total``,
but for what a misbehaving upstream generated past its cap, which is kept apart as ``overrun``.
Tokens are integers and mean completion tokens, reasoning included. Knows no model and no clock.
"""

from dataclasses import dataclass

from policies.types import Price, Usage


@dataclass(slots=True)
class Lease:
    """A reserved part of the ledger, for one upstream call.

    Attributes:
        cap: Completion tokens the call may use; ``None`` when the ledger has no limit.
    """

    ledger: "Ledger"
    cap: int | None
    open: bool = True

    def lose(self, usage: Usage, price: Price) -> None:
        """Book an attempt that brought no answer; the lease stays whole for the next one."""
        if self.open:
            self.ledger.lose(usage, price)

    def settle(self, usage: Usage, price: Price) -> None:
        """Close the lease with what was really spent; a second call changes nothing."""
        if self.open:
            self.open = False
            self.ledger.close(self, usage, price)


@dataclass(slots=True)
class Ledger:
    """What one request may spend and has spent upstream.

    Attributes:
        total: Completion tokens for all calls together; ``None`` is no limit.
        held: Tokens of ``total`` that only a final call may use: there is always one more answer.
        usage: Sum over settled calls: what the client is told was spent.
        calls: Calls settled or open.
        reserved: Sum of open caps.
        overrun: Completion tokens upstreams generated past their caps, or in vain when nothing was free for it.
        cost_usd: What the settled calls cost.
        usd: Once they cost this, only a final call may begin; ``None`` is no limit. ``total`` is planned to
            keep within it, but prompts can turn out dearer than estimated: tools and images do.
    """

    total: int | None = None
    held: int = 0
    usage: Usage = Usage()
    calls: int = 0
    reserved: int = 0
    overrun: int = 0
    cost_usd: float = 0.0
    usd: float | None = None

    @property
    def exhausted(self) -> bool:
        """No token or no money is left for another call, but for a final one."""
        return self.available == 0 or self._paid_up

    def binding(self, max_total_tokens: int | None) -> str:
        """Return the name of the limit that lets no further call begin.

        Args:
            max_total_tokens: The limit that was set in tokens; a lower ``total`` is what the money buys.
        """
        bought = self.usd is not None and self.total is not None
        less = max_total_tokens is None or (self.total or 0) < max_total_tokens
        return "max_cost_usd" if self._paid_up or (bought and less) else "max_total_tokens"

    @property
    def _paid_up(self) -> bool:
        return self.usd is not None and 0 < self.cost_usd >= self.usd

    @property
    def spent(self) -> int:
        """Completion tokens of settled calls, without overruns: never more than was leased."""
        return self.usage.completion - self.overrun

    @property
    def available(self) -> int | None:
        """Completion tokens not yet spent nor reserved; ``None`` is no limit."""
        return None if self.total is None else self.total - self.spent - self.reserved

    def limit(self, total: int | None, reserve: int) -> None:
        """Set what all calls may spend, those already made included; ``None`` lifts the limit.

        Half of what is left is held back for a final call, ``reserve`` tokens at the most: a tiny total must
        still let the first call begin. A limit below what is spent and reserved leaves nothing.
        """
        used = self.spent + self.reserved
        self.total = None if total is None else max(total, used)
        self.held = 0 if self.total is None else min(reserve, (self.total - used) // 2)

    def reserve(self, want: int | None, *, floor: int = 1, final: bool = False) -> Lease | None:
        """Reserve up to ``want`` tokens for a call.

        Args:
            want: Cap of the call; ``None`` asks for all that is left.
            floor: The least that makes the call worth starting.
            final: The call that must bring the answer; it may use what is held back.

        Returns:
            A lease of ``min(want, available)``, or ``None`` if that is below ``floor`` or the money is spent.
        """
        left = self.available
        if self._paid_up and not final:
            return None
        if left is None:
            cap = want
        else:
            left -= 0 if final else self.held
            cap = left if want is None else min(want, left)
            if cap < floor:
                return None
        self.reserved += cap or 0
        self.calls += 1
        return Lease(self, cap)

    def lose(self, usage: Usage, price: Price) -> None:
        """Book tokens that no lease covers: out of what is free, and what that does not hold is an overrun."""
        if self.available is not None:
            self.overrun += max(0, usage.completion - max(0, self.available - self.held))
        self.usage += usage
        self.cost_usd += price.usd(usage)

    def close(self, lease: Lease, usage: Usage, price: Price) -> None:
        """Release the lease's cap and book what was spent; leases call this, once each."""
        if lease.cap is not None:
            self.overrun += max(0, usage.completion - lease.cap)
            self.reserved -= lease.cap
        self.usage += usage
        self.cost_usd += price.usd(usage)
