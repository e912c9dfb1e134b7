"""The allowance of the whole server, paced: who has spent how much of it, and what that does to the dial.

Every replica adds what it is about to spend to one counter in the cache's server and corrects it when the request ends,
so each knows the sum of all without asking; the price is its own, worked out from that shared sum by ``policies.routing.paced``.
A request is let in while the sum before it is below the allowance: what is booked passes it by one request at most, and what is
spent by what requests in flight cost beyond what was expected of them. While the counter cannot be reached each replica keeps to
its part of what was left, and passes that by one request at most.
"""

from collections.abc import Callable
from dataclasses import dataclass

from policies.routing import Purse
from policies.routing.paced import Allowance, Pace, advance, purse
from policies.types import Decision

from .cache.store import Store
from .errors import BudgetExceededError


@dataclass(frozen=True, slots=True)
class Booking:
    """What is booked for a request: an amount, in the window of that number."""

    window: int
    amount: float


class Pacing:
    """One replica's part in the pacing.

    Args:
        store: Where replicas share the counter.
        wall: Seconds since the epoch, UTC: windows begin at the same moment on every replica.
        allowance: What may be spent per window, all replicas together.
        replicas: How many share it.
    """

    def __init__(
        self, store: Store, wall: Callable[[], float], allowance: Allowance, replicas: int = 1
    ) -> None:
        self._store = store
        self._wall = wall
        self._allowance = allowance
        self._replicas = replicas
        self._window = -1
        self._known = 0.0
        self._alone = 0.0
        self._pace = Pace()
        self._turn()

    def purse(self) -> Purse:
        """Return what a decision needs to know; as this replica knows it by now."""
        self._turn()
        return purse(self._allowance, self._pace)

    def expected(self, decision: Decision) -> float:
        """Return what a decision is expected to spend, in the allowance's unit; 0 if it was not scored."""
        expected = decision.expected.get(decision.tier.name)
        if expected is None:
            return 0.0
        return expected.cost_usd if self._allowance.unit == "usd" else float(expected.tokens)

    async def reserve(self, amount: float) -> Booking:
        """Book what a request is expected to spend; return what ``settle`` needs to correct it.

        Raises:
            BudgetExceededError: If the allowance of this window was spent before; nothing is booked then.
        """
        at_s = self._turn()
        window = self._window
        if await self._add(window, amount) >= self._allowance.amount:
            await self._add(window, -amount)
            raise BudgetExceededError(
                f"this server has spent its {self._said()}; it goes on when the next window begins",
                retry_after_s=self._allowance.window_s - at_s,
            )
        return Booking(window, amount)

    async def settle(self, booking: Booking, *, usd: float, tokens: int) -> None:
        """Put what a request spent in the place of what was booked for it."""
        spent = usd if self._allowance.unit == "usd" else float(tokens)
        if spent != booking.amount:
            await self._add(booking.window, spent - booking.amount)

    async def _add(self, window: int, amount: float) -> float:
        """Add to the window's sum and return what it was before, as far as this replica knows."""
        # The braces are a hash tag: on a cluster all windows of the counter lie on one node.
        key = f"tt-pace:{{{self._allowance.unit}}}:{self._allowance.window_s:.0f}:{window}"
        ttl_s = int(2 * self._allowance.window_s)
        if window != self._window:  # it began in a window that is over
            await self._store.add(key, amount, ttl_s)
            return 0.0
        # What was spent while the counter could not be reached goes in with the first call that gets through.
        owed, self._alone = self._alone, 0.0
        shared = await self._store.add(key, owed + amount, ttl_s)
        at_s = self._turn()
        if window != self._window:
            return 0.0
        if shared is None:
            self._alone += owed + amount
            before = self._sum() - amount * self._replicas
        else:
            self._known = shared
            before = shared - amount
        self._pace = advance(self._allowance, self._pace, max(at_s, self._pace.at_s), self._sum())
        return before

    def _sum(self) -> float:
        """Return what everybody has spent; replicas out of reach are taken to spend as this one does."""
        return self._known + self._alone * self._replicas

    def _turn(self) -> float:
        """Begin a new window if it is time; return the seconds into the present one.

        A new window has nothing spent, and the price that the last one ended with.
        """
        number, at_s = divmod(self._wall(), self._allowance.window_s)
        if number != self._window:
            self._window, self._known, self._alone = int(number), 0.0, 0.0
            self._pace = Pace(at_s=at_s, price=self._pace.price)
        return at_s

    def _said(self) -> str:
        amount, per = self._allowance.amount, f"{self._allowance.window_s / 3600:g} h (UTC)"
        if self._allowance.unit == "usd":
            return f"${amount:g} per {per}"
        return f"{amount:g} tokens per {per}"
