"""What the classifier says about a query. It knows no model name, no price and no tier."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Rung = Literal["short", "distilled", "long"]
"""A learned success curve: ordinary chat models, distilled reasoners, full long-CoT reasoners."""

RUNGS: tuple[Rung, ...] = ("short", "distilled", "long")


@dataclass(frozen=True, slots=True)
class Ask:
    """The text that is scored, and the little context that may move its score.

    Only the last human ask is scored: system prompts, tool output and retrieved text must not
    move the tier.
    """

    text: str
    n_turns: int = 1
    has_tools: bool = False
    has_images: bool = False


@dataclass(frozen=True, slots=True)
class Difficulty:
    """Calibrated predictions for one query.

    Attributes:
        difficulty: In [0, 1], higher is harder; monotone in ``1 - p_solve["short"]``.
        p_solve: Probability in [0, 1] that a typical model of each rung answers correctly.
        thinking_p50: Median reasoning tokens a long-CoT model is predicted to spend.
        thinking_p90: The same at the 90th percentile.
        domain: Probability of each domain; sums to 1.
        language: ISO 639-1 code, ``und`` when unknown.
        truncated: The text was longer than the scorer reads.
        classifier: Version and sha256 prefix of the artefact.
    """

    difficulty: float
    p_solve: Mapping[Rung, float]
    thinking_p50: int
    thinking_p90: int
    domain: Mapping[str, float]
    language: str
    truncated: bool
    classifier: str

    def as_dict(self) -> dict[str, object]:
        """Return the score in the shape users see (all but its ``id``)."""
        return {
            "difficulty": self.difficulty,
            "p_solve": dict(self.p_solve),
            "thinking_tokens": {"p50": self.thinking_p50, "p90": self.thinking_p90},
            "domain": dict(self.domain),
            "language": self.language,
            "truncated": self.truncated,
            "classifier": self.classifier,
        }


class ArtifactError(ValueError):
    """The trained artefact cannot be served; the message says why and what to do."""
