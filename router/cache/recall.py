"""The step ``recall``: which requests may share an answer, and what of an answer may be kept."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from policies.types import Query
from router.errors import NotCachedError

from .keys import cache_key
from .store import NullStore, Store


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored answer.

    Attributes:
        completion: The whole completion, without ``usage``.
        router: The ``router`` object of the request that paid for it.
    """

    completion: dict[str, Any]
    router: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recall:
    """The answer cache, as the pipeline uses it.

    Attributes:
        store: Where entries lie.
        secret: Keys the hashes.
        versions: What every answer depends on: configuration and artefact.
        ttl_s: Seconds an answer is kept.
        sampled: Also keep answers to an explicit temperature above 0.
    """

    store: Store
    secret: bytes
    versions: Sequence[str]
    ttl_s: int
    sampled: bool = False

    def key(self, query: Query) -> str | None:
        """Return the key of a query's answer; ``None`` if it must not come from the cache."""
        body = query.body
        off = isinstance(self.store, NullStore) or query.cache == "no-store"
        drawn = (body.get("temperature") or 0) > 0 and not self.sampled
        if off or drawn or (body.get("n") or 1) > 1:
            return None
        wishes = asdict(query.wishes) | asdict(query.ceilings) | {"tiers": query.tiers}
        identity = {**body, "model": query.model, "router": wishes}
        return cache_key(self.secret, tenant=query.tenant, body=identity, versions=self.versions)

    async def find(self, key: str | None, directive: str | None) -> Kept | None:
        """Return the stored answer, if there is one and it may be used.

        Raises:
            NotCachedError: If the client wants nothing but a stored answer.
        """
        raw = None if key is None or directive == "no-cache" else await self.store.get(key)
        kept = None if raw is None else _read(raw)
        if kept is None and directive == "only-if-cached":
            raise NotCachedError("no stored answer, and the request says only-if-cached")
        return kept

    async def keep(
        self, key: str | None, completion: Mapping[str, Any], router: Mapping[str, Any]
    ) -> None:
        """Store an answer if it is whole, successful and text; else do nothing."""
        if key is not None and _whole(completion) and router["stop_reason"] in UNCUT:
            entry = {"completion": completion, "router": router}
            await self.store.put(key, orjson.dumps(entry), self.ttl_s)


UNCUT = frozenset({"done", "consensus", "certain", "exhausted", "no_votable_answer"})
"""Stop reasons of answers that nothing cut short; every other one may have cost quality."""


def _whole(completion: Mapping[str, Any]) -> bool:
    choices = completion["choices"]
    if len(choices) != 1 or choices[0].get("finish_reason") != "stop":
        return False
    message = choices[0]["message"]
    return bool(message.get("content")) and not message.get("tool_calls")


def _read(raw: bytes) -> Kept | None:
    """Return the entry, or ``None`` for bytes that are none: a corrupt entry is a miss."""
    try:
        entry = orjson.loads(raw)
        return Kept(dict(entry["completion"]), dict(entry["router"]))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
