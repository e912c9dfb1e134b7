"""Which stored questions ask the same in other words: buckets in the cache's server, then the gate.

Buckets are sorted sets under one hash tag per tenant, so any Redis or Valkey will do, a cluster too, without a
module, and a look-up is one round trip. There is no index in the process: the answers lie in the server, and so do
those that other workers paid for.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from .minhash import BUCKETS, Wording
from .store import Store

BUCKET_ENTRIES = 16
"""A bucket forgets its oldest; questions that are the same meet in all of theirs."""

MAX_CHECKED = 8


@dataclass(frozen=True, slots=True)
class NearIndex:
    """The buckets of all tenants.

    Attributes:
        store: Where they lie.
        ttl_s: How long an unused bucket is kept; no shorter than any entry.
    """

    store: Store
    ttl_s: int

    async def find(self, wording: Wording) -> list[str]:
        """Return the entries whose question is the same one, those with most in common first."""
        buckets = wording.buckets()

        async def read(client: Any) -> list[list[bytes]]:
            async with client.pipeline(transaction=False) as pipeline:
                for bucket in buckets:
                    pipeline.zrevrange(bucket, 0, BUCKET_ENTRIES - 1)
                found: list[list[bytes]] = await pipeline.execute()
            return found

        found = await self.store.run(read) or []
        counted = Counter(member for members in found for member in members)
        # What is equal but for its framing comes before what shares many words.
        counted.update(found[0] * BUCKETS if found else ())
        entries = (wording.entry(member) for member, _ in counted.most_common(MAX_CHECKED))
        return [entry for entry in entries if entry is not None]

    async def add(self, wording: Wording, entry: str, at: float) -> None:
        """Let other wordings find an entry.

        Args:
            wording: Of its question.
            entry: Its key, without a place.
            at: When it was stored, in seconds since the epoch; the newest stay.
        """
        member = wording.member(entry)

        async def write(client: Any) -> None:
            async with client.pipeline(transaction=False) as pipeline:
                for bucket in wording.buckets():
                    pipeline.zadd(bucket, {member: at})
                    pipeline.zremrangebyrank(bucket, 0, -BUCKET_ENTRIES - 1)
                    pipeline.expire(bucket, self.ttl_s)
                await pipeline.execute()

        await self.store.run(write)
