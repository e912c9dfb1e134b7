"""Samples that searches have paid for, kept for the next search of the same question.

A repeated question starts from the samples there are: if they agree enough nothing is sampled, otherwise
the search tops them up (``search.md`` B.6). Seeds are kept, so none is drawn twice.

A pool is a hash on the cache's server: one field per sample, named for what makes it a vote of its own. Its
key carries the tenant's keyed hash as every other key does; pools never cross tenants.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any

import orjson

from policies.types import Query

from .keys import cache_key
from .store import NullStore, Store
from .values import decode, encode

MOST_SAMPLES = 64
"""In one pool; a vote gains nothing from more (arXiv 2606.28661)."""

MOST_BYTES = 256 * 1024
"""Of one sample, as JSON."""

_ADD = """
local kept = 0
for i = 3, #ARGV, 2 do
  if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[1]) then break end
  kept = kept + redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1])
end
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return kept
"""
"""pool; most samples, s to live, (vote, sample)... -> how many are new"""


@dataclass(frozen=True, slots=True)
class PooledSample:
    """One sample of a search.

    Attributes:
        seed: It was drawn with.
        key: Canonical form of its answer; ``None`` abstains from votes.
        weight: In a vote.
        tokens: Completion tokens it cost, reasoning included.
        text: The visible answer.
        reasoning: The reasoning before it, if the model shows any.
        model: ``model_name`` that gave it.
        temperature: It was drawn at; ``None`` is the model's own.
        finish: ``finish_reason``; only ``stop`` is kept.
        tools: It calls tools; never kept.
    """

    seed: int
    key: str | None
    weight: float
    tokens: int
    text: str
    reasoning: str = ""
    model: str = ""
    temperature: float | None = None
    finish: str = "stop"
    tools: bool = False

    @property
    def vote(self) -> bytes:
        """What makes it a vote of its own: model and seed; at temperature 0 the model and what it said."""
        if self.temperature == 0:
            said = self.key if self.key is not None else self.text
            digest = blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
            return orjson.dumps([self.model, "same", digest])
        return orjson.dumps([self.model, "seed", str(self.seed)])

    @property
    def lasting(self) -> bool:
        """It is whole, and stands by itself."""
        return self.finish == "stop" and not self.tools and bool(self.text.strip())


@dataclass(frozen=True, slots=True)
class Pools:
    """The pools of all questions.

    Attributes:
        store: Its server keeps them; a failure is an empty pool.
        secret: Keys the hashes.
        versions: What every sample depends on: configuration and artefact.
        ttl_s: Seconds a pool is kept after the last addition.
        sampled: Also keep samples for an explicit temperature above 0.
    """

    store: Store
    secret: bytes
    versions: tuple[str, ...] = ()
    ttl_s: int = 86400
    sampled: bool = False

    def key(self, query: Query, arm: str) -> str | None:
        """Return the key of a question's pool; ``None`` if nothing may be kept of it.

        How many samples are wanted and what they may cost in all is no part of it: a harder look at
        the same question starts from the same pool.

        Args:
            query: The question.
            arm: Who samples, and how: the tier's name, and whatever of the plan changes a sample.
        """
        body = query.body
        off = isinstance(self.store, NullStore) or query.cache == "no-store"
        drawn = (body.get("temperature") or 0) > 0 and not self.sampled
        if off or drawn or query.choices > 1 or body.get("tools") or body.get("functions"):
            return None
        ceilings = query.ceilings
        identity = {
            **body,
            "model": arm,
            "router": {
                "max_output_tokens": ceilings.max_output_tokens,
                "max_thinking_tokens": ceilings.max_thinking_tokens,
                "reasoning_effort": ceilings.reasoning_effort,
            },
        }
        versions = ("pool", *self.versions)
        key = cache_key(self.secret, tenant=query.tenant, body=identity, versions=versions)
        return f"{key.removesuffix('answer')}pool"

    async def load(self, key: str) -> tuple[PooledSample, ...]:
        """Return the samples there are, by seed; damaged ones are left out."""

        async def read(client: Any) -> Mapping[bytes, bytes]:
            found: Mapping[bytes, bytes] = await client.hgetall(key)
            return found

        found = await self.store.run(read) or {}
        samples = [sample for raw in found.values() if (sample := _read(raw)) is not None]
        return tuple(sorted(samples, key=lambda sample: (sample.seed, sample.model)))

    async def add(self, key: str, samples: Iterable[PooledSample]) -> int:
        """Keep samples that are whole, and return how many are new to the pool.

        Cut answers, tool calls and empty texts are left out; so is what is no vote of its own: a seed that is
        there already, and another copy of an answer at temperature 0.
        """
        fields: list[bytes] = []
        for sample in samples:
            value = orjson.dumps(asdict(sample), default=str) if sample.lasting else b""
            if 0 < len(value) <= MOST_BYTES:
                fields += [sample.vote, encode(value)]
        if not fields:
            return 0

        async def write(client: Any) -> int:
            return int(await client.eval(_ADD, 1, key, MOST_SAMPLES, self.ttl_s, *fields))

        return await self.store.run(write) or 0


def _read(raw: bytes) -> PooledSample | None:
    try:
        sample = PooledSample(**orjson.loads(decode(raw, max_bytes=MOST_BYTES) or b""))
        return sample if sample.lasting else None
    except (orjson.JSONDecodeError, AttributeError, TypeError, ValueError):
        return None
