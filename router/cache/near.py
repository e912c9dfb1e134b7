"""Answers shared by paraphrases, and the bound on how often that may be wrong (``cache.near_max_error``).

`near_index` finds other wordings and `near_gate` checks them; this is what is learnt about both. Each stored answer has a posterior of being wrong
for another wording: a Beta distribution that begins at what the gate's test set showed and moves with
feedback, as vCache learns a threshold for each cached prompt (arXiv 2502.03771); here it decides whether an
entry is shared at all. So does the posterior over everything a tenant shared: a gate that does not fit
somebody's questions switches itself off for them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from policies.types import Query

from .minhash import Wording
from .paraphrase import canonical_form
from .store import Store

PRIOR_ERROR = 1 / 402
"""Mean of Beta(1, 401): no false hit in 400 minimal pairs (``tests/router/cache/minimal_pairs.py``)."""

ENTRY_WEIGHT = 20.0
"""How many judgements of one entry outweigh the prior."""

TENANT_WEIGHT = 100.0

VOTES_TTL_S = 30 * 86400


def expected_error(good: float, bad: float, weight: float) -> float:
    """Return the posterior mean of an error's probability.

    Args:
        good: Shared answers judged right.
        bad: ... judged wrong.
        weight: Judgements that the prior counts for.
    """
    return (PRIOR_ERROR * weight + bad) / (weight + good + bad)


def wording(query: Query, key_of: Callable[[Query], str], secret: bytes) -> Wording | None:
    """Return how the last message is worded; ``None`` if there is only one way.

    Everything else that was said before and asked for stays as it is, so only the last wording may differ.

    Args:
        query: The request.
        key_of: Returns a query's cache key.
        secret: Keys the hashes.
    """
    messages = query.body.get("messages") or []
    last = messages[-1] if messages else {}
    content = last.get("content")
    if last.get("role") != "user" or not isinstance(content, str) or query.body.get("tools"):
        return None
    form = canonical_form(content)
    if form is None:
        return None
    around = {**last, "content": None}
    key = key_of(replace(query, body={**query.body, "messages": [*messages[:-1], around]}))
    # Hashed again: a request like ``around`` would have that very key, for all to see.
    bound = blake2b(key.encode(), digest_size=32, key=secret, person=b"tt-near").digest()
    return Wording(form, key.partition(".")[0], bound)


@dataclass(frozen=True, slots=True)
class Votes:
    """What was said about shared answers.

    Attributes:
        store: Keeps it.
        max_error: Share of them that may be wrong.
    """

    store: Store
    max_error: float

    async def allow(self, entry: str) -> bool:
        """Return whether an entry may be shared; not if that cannot be known."""

        async def read(client: Any) -> list[Mapping[bytes, bytes]]:
            return [await client.hgetall(key) for key in _votes(entry)]

        found = await self.store.run(read)
        if found is None:
            return False
        errors = [
            expected_error(float(votes.get(b"good", 0)), float(votes.get(b"bad", 0)), weight)
            for votes, weight in zip(found, (ENTRY_WEIGHT, TENANT_WEIGHT), strict=True)
        ]
        return max(errors) <= self.max_error

    async def served(self, decision_id: str, entry: str) -> None:
        """Remember which entry an answer came from, for the judgement on it."""
        key = _decision(decision_id)
        await self.store.run(lambda client: client.set(key, entry, ex=VOTES_TTL_S))

    async def judge(self, decision_id: str, *, correct: bool) -> bool:
        """Take a client's judgement on a shared answer, once; ``False`` if it was none or was judged."""

        async def write(client: Any) -> bool:
            entry = await client.getdel(_decision(decision_id))
            if entry is None:
                return False
            for key in _votes(entry.decode()):
                await client.hincrbyfloat(key, "good" if correct else "bad", 1)
                await client.expire(key, VOTES_TTL_S)
            return True

        return bool(await self.store.run(write))


def _votes(entry: str) -> Sequence[str]:
    """Return the keys of an entry's votes and of its tenant's; a purge of the tenant takes both."""
    tag = entry[: entry.rindex("}")]
    return f"{tag}}}:votes", f"{tag.partition('.')[0]}.all}}:votes"


def _decision(decision_id: str) -> str:
    return f"tt-near:{{{decision_id}}}"
