"""Verifiers that need nobody: agreement, the model's own confidence, a JSON schema. ``ValueModel``s, pure."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

from .answers.documents import document
from .types import Candidate

ALTERNATIVES = 20
"""Per token, to judge by how sure a model was: the most that servers tell."""


@dataclass(frozen=True, slots=True)
class Consistency:
    """Scores a candidate by the share of candidates that give the same answer (arXiv 2203.11171)."""

    async def score(
        self, candidates: Sequence[Candidate], *, steps: bool = False
    ) -> list[float | None]:
        """Return shares of those candidates that have an answer; beginnings have none."""
        crowd = Counter(c.key for c in candidates if c.key is not None)
        total = crowd.total()
        return [
            None if steps or c.key is None or not total else crowd[c.key] / total
            for c in candidates
        ]

    async def objection(self, candidate: Candidate) -> str:
        """Agreement has no words."""
        return ""


@dataclass(frozen=True, slots=True)
class SelfCertainty:
    """Scores a candidate by how far its alternatives lie below its words (self-certainty, arXiv 2502.18581).

    The mean of minus the alternatives' log-probabilities, mapped to [0, 1) by 1 - exp(-x / SCALE): the order is what
    counts, it is no calibrated probability.
    """

    SCALE = 10.0

    async def score(
        self, candidates: Sequence[Candidate], *, steps: bool = False
    ) -> list[float | None]:
        """Return scores of those candidates whose log-probabilities are known."""
        return [
            None if c.confidence is None else 1.0 - exp(-max(0.0, c.confidence) / self.SCALE)
            for c in candidates
        ]

    async def objection(self, candidate: Candidate) -> str:
        """Confidence has no words."""
        return ""


@dataclass(frozen=True, slots=True)
class Schema:
    """Scores a candidate 1 if it is JSON that the client's ``response_format`` allows, else 0.

    Attributes:
        validator: Of the schema; ``None`` asks for any JSON object.
    """

    validator: Any | None

    @classmethod
    def of(cls, response_format: Mapping[str, Any] | None) -> "Schema | None":
        """Return the check for a ``response_format``; ``None`` if there is nothing to check."""
        kind = (response_format or {}).get("type")
        if kind not in ("json_schema", "json_object"):
            return None
        schema = ((response_format or {}).get("json_schema") or {}).get("schema")
        if schema is None:
            return cls(None)
        # Here, not above: start-up is a tenth of a second shorter without, and few searches check a schema.
        from jsonschema import Draft202012Validator  # noqa: PLC0415
        from jsonschema.exceptions import SchemaError  # noqa: PLC0415

        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError:
            return None  # the upstream will say so better than we can
        return cls(Draft202012Validator(schema))

    async def score(
        self, candidates: Sequence[Candidate], *, steps: bool = False
    ) -> list[float | None]:
        """Return 1 for answers that fit and 0 for others; beginnings cannot be told."""
        return [None if steps else float(not self._trouble(c.text)) for c in candidates]

    async def objection(self, candidate: Candidate) -> str:
        """Return what does not fit, and where."""
        return self._trouble(candidate.text)

    def _trouble(self, text: str) -> str:
        found = document(text)
        if found is None:
            return "The answer is not valid JSON."
        value = json.loads(found)
        if self.validator is None:
            return "" if isinstance(value, dict) else "The answer must be a JSON object."
        error = next(iter(self.validator.iter_errors(value)), None)
        if error is None:
            return ""
        where = "/".join(map(str, error.absolute_path)) or "the top level"
        return f"The JSON does not fit the schema at {where}: {error.message[:300]}"
