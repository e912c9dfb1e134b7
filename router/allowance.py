"""What a key may still use: requests this minute, dollars today. Counted in the cache's server, for all replicas.

Without a server each process counts alone. A request is let in while the day's sum is below the limit and
charged when it is settled, so the sum can pass the limit by what is in flight at that moment, and no more.
"""

from collections.abc import Callable

from .cache.store import Store
from .errors import BudgetExceededError, RateLimitedError
from .identity import Identity

MINUTE_S = 60
DAY_S = 86400


class Allowances:
    """The counters of every key.

    Args:
        store: Where replicas share counters.
        wall: Seconds since the epoch, UTC: minutes and days begin at the same moment on every replica.
    """

    def __init__(self, store: Store, wall: Callable[[], float]) -> None:
        self._store = store
        self._wall = wall
        self._own: dict[str, float] = {}

    async def admit(self, identity: Identity) -> None:
        """Count a request.

        Raises:
            RateLimitedError: If the key had its requests for this minute.
            BudgetExceededError: If the key has spent its dollars for today.
        """
        limit = identity.requests_per_minute
        if limit is not None and await self._add(identity, "rpm", 1, MINUTE_S) > limit:
            raise RateLimitedError(
                f"this key may send {limit} requests per minute",
                retry_after_s=self._left_s(MINUTE_S),
            )
        limit_usd = identity.usd_per_day
        if limit_usd is not None:
            spent = await self._add(identity, "usd", 0.0, DAY_S)
            if spent >= limit_usd:
                raise BudgetExceededError(
                    f"this key has spent ${spent:.4f} of its ${limit_usd:g} for today (UTC)",
                    retry_after_s=self._left_s(DAY_S),
                )

    async def charge(self, identity: Identity, cost_usd: float) -> None:
        """Book what a request cost, however it ended."""
        if identity.usd_per_day is not None and cost_usd:
            await self._add(identity, "usd", cost_usd, DAY_S)

    async def _add(self, identity: Identity, kind: str, amount: float, window_s: int) -> float:
        window = int(self._wall() // window_s)
        key = f"tt-allowance:{{{identity.key}}}:{kind}:{window}"
        shared = await self._store.add(key, amount, 2 * window_s)
        if shared is not None:
            return shared
        for old in [
            name for name in self._own if name.startswith(key[: key.rindex(":")]) and name != key
        ]:
            del self._own[old]
        self._own[key] = self._own.get(key, 0.0) + amount
        return self._own[key]

    def _left_s(self, window_s: int) -> float:
        return window_s - self._wall() % window_s
