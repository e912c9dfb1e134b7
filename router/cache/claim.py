"""What a request may be answered with: its key, the tiers whose answers will do, and who decides that. Pure.

A dear tier's answer may serve a cheap ask; a cheap tier's answer never serves an ask that is forced
to a dearer tier, or predicted to need one. Answers therefore lie under one key per tier that gave them, and
which tier a request asks for is no part of the key.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from policies.types import Decision, Query

from .keys import cache_key
from .minhash import Wording


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored answer.

    Attributes:
        completion: The whole completion, without ``usage``.
        router: The ``router`` object of the request that paid for it.
        place: Of the tier that answered, cheap to dear.
        needed: Place of the tier that was decided; a fallback may have answered instead.
        asked: What that decision depended on beside the key; ``None`` if it may change in time.
        at: When it was given, in seconds since the epoch.
        took_s: How long it took.
        near: It was given for another wording.
    """

    completion: Mapping[str, Any]
    router: Mapping[str, Any]
    place: int = 0
    needed: int = 0
    asked: list[Any] | None = None
    at: float = 0.0
    took_s: float = 0.0
    near: bool = False


@dataclass(slots=True)
class Claim:
    """What one request may be answered with.

    Attributes:
        key: Of its answers, without a place.
        places: Of the tiers that may answer, cheap to dear; none if the bounds leave none.
        forced: The place that the request itself asks for; ``None`` leaves it to the policy.
        asked: What the policy's decision depends on beside the key; ``None`` if it may change in time.
        record: The key of its flight: requests that share it may share one upstream answer.
        begun: When the request came, by a monotonic clock.
        decision: Once it was taken.
        landing: Takes the whole answer for those who follow this request.
        near: Its question's wording, if other wordings may share an answer; made when it is first needed.
    """

    key: str
    places: Sequence[int]
    forced: int | None
    asked: list[Any] | None
    record: str
    begun: float
    decision: Decision | None = None
    landing: Callable[[Any, Any], None] | None = None
    near: Callable[[], Wording | None] | None = None

    def place_key(self, place: int) -> str:
        """Return the key of the answer by the tier at ``place``."""
        return f"{self.key}:{place}"

    def admits(self, kept: Kept, needed: Callable[[], int]) -> bool:
        """Return whether a stored answer is good enough.

        Args:
            kept: By one of the tiers in ``places``.
            needed: Predicts the place that the request needs; asked only where it matters.
        """
        if self.forced is not None:
            return kept.place >= self.forced
        if self.asked is not None and kept.asked == self.asked:
            return kept.place >= kept.needed
        return kept.place == self.places[-1] or kept.place >= needed()


def claim(
    query: Query, *, secret: bytes, versions: Sequence[str], tiers: Sequence[str],
    drifting: bool, begun: float,
) -> Claim:  # fmt: skip
    """Return the claim of an admitted query.

    Args:
        query: Every tier it names exists.
        secret: Keys the hashes.
        versions: What every answer depends on.
        tiers: Names, cheap to dear.
        drifting: The routing policy decides by more than the query.
        begun: For the claim.
    """
    wishes, passes = query.wishes, not _is_routed(query.model)
    identity = {
        **query.body,
        "model": query.model if passes else "auto",
        "router": asdict(query.ceilings)
        | {
            "policy": wishes.policy,
            "dial": wishes.dial,
            "strategy": wishes.strategy,
            "n": wishes.n,
        },
    }
    key = cache_key(secret, tenant=query.tenant, body=identity, versions=versions)
    record = f"{key.removesuffix('answer')}flight:{_digits(query, tiers)}"
    if passes:
        return Claim(key, (0,), 0, None, record, begun)
    place = {name: i for i, name in enumerate(tiers)}
    lowest = 0 if wishes.min_tier is None else place[wishes.min_tier]
    open_to = [i for i, name in enumerate(tiers) if query.tiers is None or name in query.tiers]
    forced = None if wishes.tier is None else place[wishes.tier]
    places = [i for i in open_to if i >= max(lowest, forced or 0)]
    asked = [wishes.min_tier, wishes.max_tier, None if query.tiers is None else list(query.tiers)]
    # What a client forces is no prediction, and must not pass for one.
    free = forced is None and not drifting
    return Claim(key, places, forced, asked if free else None, record, begun)


def _is_routed(model: str) -> bool:
    return model == "auto" or model.startswith(("auto:", "router-"))


def _digits(query: Query, tiers: Sequence[str]) -> str:
    """Return, as a few digits, what of a request changes its flight and not its key."""
    wishes = query.wishes
    asked = [
        "" if name is None else str(tiers.index(name))
        for name in (wishes.tier, wishes.min_tier, wishes.max_tier)
    ]
    allowed = [str(i) for i, name in enumerate(tiers) if name in (query.tiers or ())]
    return ".".join((*asked, "-".join(allowed), str(int(query.progress))))
