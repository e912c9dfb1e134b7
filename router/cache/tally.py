"""What the cache has saved, counted by all processes together on its server: for ``thinkthrift cache stats``.

Counting is a dictionary update; the sums go to the server every `FLUSH_S` seconds while there are any.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .claim import Kept

if TYPE_CHECKING:
    from .store import Store

FLUSH_S = 2.0
KEY = "tt-tally:{all}"
PAID = "paid"


class Tally:
    """The sums of one process on their way to the server.

    Args:
        store: Its server adds them up.
    """

    def __init__(self, store: "Store") -> None:
        self._store = store
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._flushing: asyncio.Task[None] | None = None

    def served(self, how: str, kept: Kept) -> None:
        """Count an answer that was not paid for again, and what that has saved."""
        router = kept.router
        sums, tier = self._sums, router.get("tier") or ""
        sums[f"{how}\0{tier}"] += 1
        sums[f"tokens\0{tier}"] += router.get("upstream_tokens") or 0
        sums[f"usd\0{tier}"] += router.get("cost_usd") or 0.0
        sums[f"seconds\0{tier}"] += kept.took_s
        self._schedule()

    def paid(self) -> None:
        """Count an answer that had to be paid for, and might have been in the cache."""
        self._sums[f"{PAID}\0"] += 1
        self._schedule()

    async def close(self) -> None:
        """Send what is left."""
        if self._flushing is not None:
            self._flushing.cancel()
            await asyncio.wait((self._flushing,))
        await self._flush()

    def _schedule(self) -> None:
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush_later())

    async def _flush_later(self) -> None:
        await asyncio.sleep(FLUSH_S)
        await self._flush()

    async def _flush(self) -> None:
        sums, self._sums = self._sums, defaultdict(float)
        if not sums:
            return

        async def send(client: Any) -> bool:
            async with client.pipeline(transaction=False) as pipeline:
                for name, amount in sums.items():
                    pipeline.hincrbyfloat(KEY, name, amount)
                await pipeline.execute()
            return True

        # Sums that could not be sent are lost: counting twice would be worse.
        await self._store.run(send)


def savings(found: Mapping[bytes, bytes]) -> dict[str, Any]:
    """Return the sums as ``cache stats`` shows them.

    Args:
        found: The hash on the server.
    """
    tiers: dict[str, dict[str, float]] = {}
    paid = served = 0.0
    for raw, amount in found.items():
        name, _, tier = raw.decode("utf-8", "replace").partition("\0")
        value = round(float(amount), 6)
        if name == PAID:
            paid = value
            continue
        tiers.setdefault(tier, {})[name] = int(value) if value.is_integer() else value
        served += value if name in ("hit", "near", "joined") else 0
    asked = paid + served
    return {
        "asked": int(asked),
        "hit_rate": round(served / asked, 4) if asked else None,
        "saved_by_tier": tiers,
    }
