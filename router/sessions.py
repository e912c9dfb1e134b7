"""Conversations that only move up: a turn is not answered by a cheaper tier than the turns before it.

A conversation is told by ``x-session-id``, or by how it began: its first human words, the first reply to them and the request's
``user``. What is kept is the name of a tier, under keyed hashes, for ``ttl_s`` since it was last used. A conversation in the
cheapest tier needs no entry, so easy traffic writes nothing, and only requests with a past look one up. Without a cache, or
while it is down, nothing is sticky.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from policies.routing.decide import open_tiers
from policies.types import Decision, Query

from .admission import Admitted
from .cache.keys import PREFIX, canonical, tenant_tag
from .cache.store import Store

UNSTICKY = frozenset({"forced", "pass_through", "explore"})
"""Causes of decisions that say nothing of the conversation: the client's word, or a lot."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """The tiers that conversations have come to.

    Attributes:
        store: Where they are kept.
        secret: Keys the hashes.
        tiers: Names, cheap to dear.
        ttl_s: Seconds an entry is kept.
    """

    store: Store
    secret: bytes
    tiers: Sequence[str]
    ttl_s: int = 3600

    async def floor(self, query: Query) -> str | None:
        """Return the tier that a conversation has come to; ``None`` where nothing is known."""
        if not (query.session or _first_reply(query)):
            return None
        keys = self.keys(query)
        found = await self.store.run(lambda client: client.mget(keys)) or ()
        names = [raw.decode(errors="replace") for raw in found if isinstance(raw, bytes)]
        return max((n for n in names if n in self.tiers), key=self.tiers.index, default=None)

    async def note(self, query: Query, tier: str, cause: str) -> None:
        """Keep where a conversation has come to: the tier that answered, and why it was asked."""
        if cause in UNSTICKY or tier not in self.tiers[1:]:
            return
        *_, key = self.keys(query)
        await self.store.run(lambda client: client.set(key, tier, ex=self.ttl_s))

    def keys(self, query: Query) -> list[str]:
        """Return the keys of a conversation, in one slot: by its opening, and by the first reply to that.

        An opening may be many conversations' own. All of them begin in the same tier, so what is kept under it holds for
        each; what happens later is kept under the second key.
        """
        tag = tenant_tag(self.secret, query.tenant)
        if query.session:
            return [f"{PREFIX}:{{{tag}.{self._hash({'session': query.session})}}}:session"]
        opening, reply = _first_words(query), _first_reply(query)
        wishes = [query.wishes.policy, query.wishes.dial]
        digest = self._hash({"opening": [opening, query.body.get("user"), wishes]})
        key = f"{PREFIX}:{{{tag}.{digest}}}:session"
        return [key] if reply is None else [key, f"{key}:{self._hash({'reply': [reply]})}"]

    def _hash(self, told: Mapping[str, Any]) -> str:
        key = self.secret[: blake2b.MAX_KEY_SIZE]
        return blake2b(canonical(told), digest_size=16, key=key, person=b"tt-session").hexdigest()


def not_lower(choose: Callable[[Query], Decision], query: Query, admitted: Admitted) -> Decision:
    """Return the decision for a query, taken anew where it would lower the conversation's tier.

    The client's own bounds, and what it pays at most, come before the conversation.

    Args:
        choose: Decides; raises LookupError if the client's bounds leave no tier.
        query: What is asked.
        admitted: The tiers, and the one that the conversation has come to.
    """
    decision = choose(query)
    if admitted.floor is None or decision.cause in ("forced", "budget"):
        return decision
    names = [tier.name for tier in admitted.routing.tiers]
    place = {name: i for i, name in enumerate(names)}
    most = place[admitted.floor]
    floor = [t.name for t in open_tiers(admitted.routing, query) if place[t.name] <= most][-1:]
    if not floor or place[floor[0]] <= place[decision.tier.name]:
        return decision
    wishes = replace(query.wishes, min_tier=floor[0])
    reason = f"The conversation has come to {admitted.floor}, and is not lowered within it."
    return replace(choose(replace(query, wishes=wishes)), cause="session", reason=reason)


def _first_words(query: Query) -> Any:
    return next((m.get("content") for m in query.body["messages"] if m["role"] == "user"), None)


def _first_reply(query: Query) -> Any:
    """Return what an assistant said first; ``None`` in the first turn."""
    reply = next((m for m in query.body["messages"] if m["role"] == "assistant"), None)
    return None if reply is None else [reply.get("content"), reply.get("tool_calls")]
