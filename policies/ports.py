"""The two ports a test-time strategy sees, and the register it offers candidates to.

A strategy never returns the answer and never counts tokens: it asks ``Search`` for samples, which
gives fewer or shorter ones as the budget runs out, and *offers* candidates. The engine behind
``Search`` owns the ledger, the deadline, the cancellation and the final choice.
"""

from typing import Protocol

from .types import Candidate, SearchPlan


class Search(Protocol):
    """What a strategy may do: sample, and offer."""

    @property
    def plan(self) -> SearchPlan:
        """The strategy's parameters."""

    async def sample(self, index: int) -> Candidate | None:
        """Generate one complete answer; ``index`` makes samples differ.

        Returns:
            The candidate, or ``None`` when the budget does not cover one more sample.
        """

    def offer(self, candidate: Candidate, *, agreement: float | None = None) -> None:
        """Propose ``candidate`` as the best answer so far.

        Args:
            candidate: Replaces what was offered before, unless that is complete and this is not.
            agreement: Share of the votes behind it, in [0, 1].
        """

    def stop(self, reason: str) -> None:
        """Say why the search ended: ``consensus``, ``exhausted``, ``budget`` ..."""


class ValueModel(Protocol):
    """Judges candidates: a verifier, a reward model, a judge."""

    async def score(self, prompt: str, candidate: Candidate) -> float:
        """Return the probability in [0, 1] that the candidate is right."""
