"""What clients say of answers: a verdict, tied to a decision by its id.

Only the client whose request it was may judge it, and the id itself proves that (`decision_ids`). A verdict is kept for a
month, so that the same one said twice is counted once; another one replaces it. Whoever reads the log takes the last.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from .cache.keys import PREFIX, tenant_tag
from .cache.near import Votes
from .cache.store import Store
from .decision_ids import DecisionIds
from .decision_log import DecisionLog
from .errors import DecisionNotFoundError, InvalidRequestError
from .records import Records

MIDDLE = 0.5
"""A rating below it says that the answer was wrong."""

KEPT_S = 30 * 86_400

KEYS = ("decision_id", "correct", "rating")


@dataclass(frozen=True, slots=True)
class Feedback:
    """Takes verdicts.

    Attributes:
        ids: Knows our decisions.
        secret: Keys the hashes of storage keys.
        store: Remembers verdicts; without one, the same verdict counts as often as it comes.
        records: Counts them.
        log: Writes them down.
        votes: Learns from verdicts on answers that paraphrases shared.
    """

    ids: DecisionIds
    secret: bytes
    store: Store
    records: Records
    log: DecisionLog | None = None
    votes: Votes | None = None

    async def take(self, body: Any, owner: str) -> dict[str, Any]:
        """Return a verdict as it was understood; saying it again changes nothing.

        Args:
            body: ``{"decision_id", "correct": bool}`` or ``{"decision_id", "rating": 0..1}``.
            owner: Whose decision it must be.

        Raises:
            InvalidRequestError: If the body is neither.
            DecisionNotFoundError: If no such decision was taken here for this owner.
        """
        verdict = read_verdict(body)
        if not self.ids.owns(owner, verdict["decision_id"]):
            raise DecisionNotFoundError(
                "no decision of that id was taken here for this key; it is the header "
                "x-router-decision-id of an answer to the same key",
                param="decision_id",
            )
        if await self._is_new(verdict, owner):
            self.records.judged(verdict)
            if self.log is not None:
                self.log.feedback(verdict)
            if self.votes is not None:
                right = verdict.get("correct", verdict.get("rating", 0.0) >= MIDDLE)
                await self.votes.judge(verdict["decision_id"], correct=right)
        return verdict

    async def _is_new(self, verdict: Mapping[str, Any], owner: str) -> bool:
        """Remember a verdict; return whether it differs from the one before."""
        key = f"{PREFIX}:{{{tenant_tag(self.secret, owner)}.{verdict['decision_id']}}}:feedback"
        value = orjson.dumps(verdict)
        before = await self.store.run(lambda client: client.set(key, value, ex=KEPT_S, get=True))
        return before != value


def read_verdict(body: Any) -> dict[str, Any]:
    """Return the verdict in a body.

    Raises:
        InvalidRequestError: Naming the field and what it must be.
    """
    if not isinstance(body, dict):
        raise InvalidRequestError("the body must be a JSON object")
    if unknown := sorted(body.keys() - set(KEYS)):
        raise InvalidRequestError(
            f"unknown key {unknown[0]}; known: {', '.join(KEYS)}", param=unknown[0]
        )
    decision_id, correct, rating = (body.get(key) for key in KEYS)
    if not isinstance(decision_id, str):
        raise InvalidRequestError("decision_id must be a string", param="decision_id")
    if (correct is None) == (rating is None):
        raise InvalidRequestError("give either correct or rating", param="correct")
    if rating is None:
        if not isinstance(correct, bool):
            raise InvalidRequestError("correct must be true or false", param="correct")
        return {"decision_id": decision_id, "correct": correct}
    number = isinstance(rating, int | float) and not isinstance(rating, bool)
    if not number or not 0 <= rating <= 1:
        raise InvalidRequestError("rating must be a number between 0 and 1", param="rating")
    return {"decision_id": decision_id, "rating": float(rating)}
