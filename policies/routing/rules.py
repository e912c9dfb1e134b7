"""Rules that come before the model: plain conditions on a request that send it to a tier. Pure.

The first rule that holds decides; a tier that the request names itself comes before all rules. What a rule needs
and the request does not have (a language, where nothing was scored) does not hold.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from classifier.types import Difficulty
from policies.types import Query

from .patterns import found


@dataclass(frozen=True, slots=True)
class Span:
    """From ``least`` to ``most``, both included; ``None`` is no bound."""

    least: int | None = None
    most: int | None = None

    def holds(self, value: int) -> bool:
        """Return whether the value lies in it."""
        return (self.least is None or value >= self.least) and (
            self.most is None or value <= self.most
        )


@dataclass(frozen=True, slots=True)
class When:
    """A condition: everything that is given must hold.

    Attributes:
        tools: The request brings tools.
        images: ... or images.
        turns: Human turns so far.
        length: Characters of the last human ask.
        language: ISO 639-1 codes, one of which the ask must be in.
        domain: Domains, one of which must be the likeliest.
        matches: A pattern from ``patterns.safe_pattern`` that occurs in the ask.
        tenant: Tenants of client keys.
        user: Values of the request's ``user``.
        metadata: Keys of the request's ``metadata`` and the values they must have.
        all_of: Conditions that must all hold.
        any_of: Conditions one of which must hold.
        none_of: Conditions none of which may hold.
    """

    tools: bool | None = None
    images: bool | None = None
    turns: Span | None = None
    length: Span | None = None
    language: tuple[str, ...] = ()
    domain: tuple[str, ...] = ()
    matches: re.Pattern[str] | None = None
    tenant: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    all_of: tuple["When", ...] = ()
    any_of: tuple["When", ...] = ()
    none_of: tuple["When", ...] = ()

    def holds(self, query: Query, difficulty: Difficulty | None) -> bool:
        """Return whether the request fulfils it; ``difficulty`` gives language and domain."""
        ask = query.ask
        return (
            (self.tools is None or ask.has_tools == self.tools)
            and (self.images is None or ask.has_images == self.images)
            and (self.turns is None or self.turns.holds(ask.n_turns))
            and (self.length is None or self.length.holds(len(ask.text)))
            and self._names_hold(query)
            and self._score_holds(difficulty)
            and all(part.holds(query, difficulty) for part in self.all_of)
            and (not self.any_of or any(part.holds(query, difficulty) for part in self.any_of))
            and not any(part.holds(query, difficulty) for part in self.none_of)
            and (self.matches is None or found(self.matches, ask.text))
        )

    def _names_hold(self, query: Query) -> bool:
        if self.tenant and query.tenant not in self.tenant:
            return False
        if self.user and query.body.get("user") not in self.user:
            return False
        if not self.metadata:
            return True
        told = query.body.get("metadata")
        return isinstance(told, Mapping) and all(
            told.get(key) == value for key, value in self.metadata
        )

    def _score_holds(self, difficulty: Difficulty | None) -> bool:
        if not self.language and not self.domain:
            return True
        if difficulty is None:
            return False
        if self.language and difficulty.language not in self.language:
            return False
        likeliest = max(difficulty.domain, key=difficulty.domain.__getitem__, default="")
        return not self.domain or likeliest in self.domain


@dataclass(frozen=True, slots=True)
class Rule:
    """Sends what fulfils a condition to a tier.

    Attributes:
        name: For the sentence that says why.
        when: The condition.
        tier: The tier's name.
    """

    name: str
    when: When
    tier: str


def first_that_holds(
    rules: tuple[Rule, ...], query: Query, difficulty: Difficulty | None
) -> Rule | None:
    """Return the first rule whose condition the request fulfils."""
    return next((rule for rule in rules if rule.when.holds(query, difficulty)), None)
