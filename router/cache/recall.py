"""The step ``recall``: which requests may share an answer, and what of an answer may be kept."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache as once
from functools import partial
from typing import Any

import orjson

from policies.routing import Routing
from policies.types import Query
from router.errors import NotCachedError
from router.settings_cache import CacheSettings
from router.wire.directives import max_age_s

from .claim import Claim, Kept, claim
from .flights import Flights
from .leases import Leases
from .near import Votes, wording
from .near_index import NearIndex
from .pools import Pools
from .store import NullStore, Store
from .tally import Tally
from .tenants import Tenants

UNCUT = frozenset({"done", "consensus", "certain", "exhausted", "no_votable_answer"})
"""Stop reasons of answers that nothing cut short; every other one may have cost quality."""

LANDING_S = 30.0
"""What a flight may take beyond the longest tier's time: for its forced answer and for its end to be told."""

DRIFTING = frozenset({"paced"})
"""Routing policies that decide by more than the query: by the time, or by what was spent."""


@dataclass(frozen=True, slots=True)
class Recall:
    """The answer cache, as the pipeline uses it.

    Attributes:
        store: Where entries lie.
        secret: Keys the hashes.
        versions: What every answer depends on: configuration and artefact.
        tiers: Names, cheap to dear.
        ttls_s: Seconds that an answer of each tier is kept.
        ttl_s: ... and an answer of a model that the client named.
        clock: Monotonic seconds.
        wall: Seconds since the epoch.
        flights: Answers in the making; ``None`` shares none.
        pools: Samples of searches.
        tally: Counts what was saved.
        votes: On answers shared by paraphrases; ``None`` shares none.
        index: Finds them; ``None`` shares none.
        tenants: Tells them apart.
        policy: The routing policy of requests that name none.
        sampled: Also keep answers to an explicit temperature above 0.
    """

    store: Store
    secret: bytes
    versions: Sequence[str] = ()
    tiers: Sequence[str] = ()
    ttls_s: Sequence[int] = ()
    ttl_s: int = 3600
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.monotonic
    flights: Flights | None = None
    pools: Pools | None = None
    tally: Tally | None = None
    votes: Votes | None = None
    index: NearIndex | None = None
    tenants: Tenants = field(default_factory=Tenants)
    policy: str = ""
    sampled: bool = False

    def key(self, query: Query) -> Claim | None:
        """Return what may answer a query; ``None`` if that must not come from the cache."""
        body = query.body
        off = isinstance(self.store, NullStore) or query.cache == "no-store"
        drawn = (body.get("temperature") or 0) > 0 and not self.sampled
        if off or drawn or query.choices > 1:
            return None
        make = partial(
            claim,
            secret=self.secret,
            versions=self.versions,
            tiers=self.tiers,
            drifting=(query.wishes.policy or self.policy) in DRIFTING,
            begun=self.clock(),
        )
        made = make(query)
        if self.index is not None:
            # Only a miss needs it.
            made.near = once(lambda: wording(query, lambda other: make(other).key, self.secret))
        return made

    async def find(
        self,
        claim: Claim | None,
        directive: str | None,
        needed: Callable[[], int],
        decision_id: str = "",
    ) -> Kept | None:
        """Return the stored answer, if there is one and it may be used.

        Args:
            claim: Of the request.
            directive: ``router.cache``.
            needed: Predicts the place of the tier that the request needs.
            decision_id: Under which another wording's answer can be judged.

        Raises:
            NotCachedError: If the client wants nothing but a stored answer.
        """
        kept = None
        if claim is not None and directive != "no-cache":
            kept = await self._look_up(claim, max_age_s(directive), needed)
            if kept is None:
                kept = await self._near(claim, max_age_s(directive), needed, decision_id)
        if kept is None and directive == "only-if-cached":
            raise NotCachedError("no stored answer, and the request says only-if-cached")
        return kept

    async def _near(
        self, claim: Claim, max_age_s: int | None, needed: Callable[[], int], decision_id: str
    ) -> Kept | None:
        """Return an answer to the same question in another wording."""
        asked = None if claim.near is None else claim.near()
        if asked is None or self.index is None or self.votes is None:
            return None
        for entry in await self.index.find(asked):
            # Another wording may be predicted to need another tier.
            kept = await self._look_up(replace(claim, key=entry, asked=None), max_age_s, needed)
            if kept is not None and await self.votes.allow(entry):
                await self.votes.served(decision_id, entry)
                return replace(kept, near=True)
        return None

    async def _look_up(
        self, claim: Claim, max_age_s: int | None, needed: Callable[[], int]
    ) -> Kept | None:
        if not claim.places:
            return None
        found = await self.store.get_all([claim.place_key(place) for place in claim.places])
        # The cheapest that will do is the nearest to what was asked for.
        for raw in found:
            kept = None if raw is None else _read(raw)
            if kept is None or (max_age_s is not None and self.wall() - kept.at > max_age_s):
                continue
            if claim.admits(kept, needed):
                return kept
        return None

    async def keep(
        self, claim: Claim | None, completion: Mapping[str, Any], router: Mapping[str, Any]
    ) -> None:
        """Store an answer if it is whole, successful and text; hand it to those who follow in any case."""
        if claim is None:
            return
        if _whole(completion) and router["stop_reason"] in UNCUT:
            entry, ttl_s = self._entry(claim, completion, router)
            await self.store.put(claim.place_key(entry.place), orjson.dumps(entry), ttl_s)
            asked = None if claim.near is None else claim.near()
            if asked is not None and self.index is not None:
                await self.index.add(asked, claim.key, entry.at)
        if claim.landing is not None:
            claim.landing(completion, router)

    def _entry(
        self, claim: Claim, completion: Mapping[str, Any], router: Mapping[str, Any]
    ) -> tuple[Kept, int]:
        """Return an answer as it is stored, and for how long."""
        routed = router["tier"] in self.tiers
        place = self.tiers.index(router["tier"]) if routed else 0
        decision = claim.decision
        # What was decided without a score, or by lot, is not what would be decided again.
        known = decision is not None and decision.difficulty and decision.cause != "explore"
        needed = self.place_of(decision.tier.name) if decision is not None else place
        entry = Kept(
            dict(completion),
            dict(router),
            place,
            needed,
            claim.asked if known else None,
            self.wall(),
            self.clock() - claim.begun,
        )
        return entry, self.ttls_s[place] if routed else self.ttl_s

    def count(self, how: str, kept: Kept) -> None:
        """Count an answer that was not paid for again."""
        if self.tally is not None:
            self.tally.served(how, kept)

    def count_paid(self) -> None:
        """Count an answer that was paid for, and may serve again."""
        if self.tally is not None:
            self.tally.paid()

    async def close(self) -> None:
        """End the flights and send the counts."""
        if self.flights is not None:
            await self.flights.close()
        if self.tally is not None:
            await self.tally.close()

    def place_of(self, tier: str) -> int:
        """Return a tier's place; 0 for what stands for a model that the client named."""
        return self.tiers.index(tier) if tier in self.tiers else 0


def open_recall(
    cache: CacheSettings,
    store: Store,
    secret: bytes,
    *,
    versions: Sequence[str],
    routing: Routing,
    wall: Callable[[], float],
) -> Recall:
    """Return the answer cache that the settings ask for.

    Args:
        cache: The settings.
        store: From `open_store`.
        secret: From `load_secret`.
        versions: What every answer depends on.
        routing: The tiers and the policy over them.
        wall: Seconds since the epoch.
    """
    tiers = routing.tiers
    ttls_s = [cache.ttl_of(tier.name, tier.rung) for tier in tiers]
    near = cache.near_duplicates == "on"
    longest_s = max(tier.timeout_s for tier in tiers) + LANDING_S
    return Recall(
        store,
        secret,
        versions=versions,
        tiers=[tier.name for tier in tiers],
        ttls_s=ttls_s,
        ttl_s=cache.ttl_s,
        clock=time.monotonic,
        wall=wall,
        flights=None
        if isinstance(store, NullStore)
        else Flights(Leases(store, longest_s), longest_s),
        tally=Tally(store),
        votes=Votes(store, cache.near_max_error) if near else None,
        index=NearIndex(store, max(*ttls_s, cache.ttl_s)) if near else None,
        pools=Pools(store, secret, tuple(versions), max(ttls_s), cache.sampled),
        tenants=Tenants((cache.tenant_header or "").lower().encode() or None, cache.shared),
        policy=routing.policy,
        sampled=cache.sampled,
    )


def _whole(completion: Mapping[str, Any]) -> bool:
    choices = completion["choices"]
    if len(choices) != 1 or choices[0].get("finish_reason") != "stop":
        return False
    message = choices[0]["message"]
    other = (message.get(name) for name in ("tool_calls", "function_call", "refusal"))
    return bool((message.get("content") or "").strip()) and not any(other)


def _read(raw: bytes) -> Kept | None:
    """Return the entry, or ``None`` for bytes that are none: a corrupt entry is a miss."""
    try:
        entry = Kept(**orjson.loads(raw))
        return entry if isinstance(entry.completion["choices"], list) else None
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
