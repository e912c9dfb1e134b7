"""What a test-time strategy sees: models that generate, a model that judges, a register to offer to.

A strategy never returns the answer and never counts tokens: it asks a ``PolicyModel`` for generations,
which get shorter and end as the budget runs out, and *offers* candidates. The engine behind ``Search``
owns the ledger, the deadline, the cancellation and the final choice. So every strategy is anytime.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from .answers import Kind
from .types import Candidate, SearchPlan, Thinking

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """What a search is to answer.

    Attributes:
        question: The last human ask.
        messages: The whole conversation, in OpenAI's shape.
        kind: Kind of the answer.
        options: Of a multiple choice, by letter.
        unit: Of a number, where the question names one.
        response_format: The client's, as it came.
        unsearchable: Why there can be no search, in a word: ``tools``, ``choices``; empty as a rule.
    """

    question: str
    messages: Sequence[Message]
    kind: Kind = "auto"
    options: Mapping[str, str] = field(default_factory=dict)
    unit: str | None = None
    response_format: Mapping[str, Any] | None = None
    unsearchable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One generation that a strategy wants.

    Attributes:
        index: Makes samples differ, and the same again: it is added to the seed.
        messages: The conversation; ``None`` is the client's own.
        begun: Beginning of the visible answer that the model goes on behind; needs ``can.prefill``.
        thought: Reasoning that it takes as its own, ended; needs ``can.prefill`` and ``begun``.
        stop: Texts at which the generation ends; they are not part of it.
        max_tokens: Completion tokens at most; ``None`` is a fair share of the budget.
        thinking: In place of the tier's own.
        temperature: In place of the client's, or of the one for samples.
        logprobs: Alternatives per token whose log-probabilities are wanted; needs ``can.logprobs``.
        settle: Cut reasoning that has stated and checked one answer again and again.
        aside: No answer to the question but a plan, a verdict, a critique: it is not a sample, has no
            key and may not be offered.
    """

    index: int = 0
    messages: Sequence[Message] | None = None
    begun: str | None = None
    thought: str = ""
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    thinking: Thinking | None = None
    temperature: float | None = None
    logprobs: int = 0
    settle: bool = False
    aside: bool = False

    @property
    def whole(self) -> bool:
        """It asks for a whole answer from its beginning: such an answer is forced when thinking eats it."""
        return self.begun is None and not self.stop

    @property
    def probe(self) -> bool:
        """It asks for the answer in the midst of a reasoning: such a one is no sample of its own."""
        return bool(self.thought and self.begun)

    @property
    def plain(self) -> bool:
        """It asks what the client asked, as the tier answers it: such a sample serves every strategy."""
        return self == Prompt(index=self.index)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the models of a tier can do.

    Attributes:
        prefill: Go on behind the beginning of an answer.
        logprobs: Alternatives per token they tell the log-probabilities of, at most; 0 is none.
        thinks: They reason before they answer, as this tier asks them.
    """

    prefill: bool = False
    logprobs: int = 0
    thinks: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer that is being generated.

    Attributes:
        text: Visible text.
        reasoning: Reasoning.
        tokens: Completion tokens up to here, by our count.
        logprobs: Mean log-probability of the alternatives at each token, where asked for.
    """

    text: str = ""
    reasoning: str = ""
    tokens: int = 0
    logprobs: tuple[float, ...] = ()


class Thread(Protocol):
    """An answer that is being generated; leaving the context that it came from ends it."""

    def __aiter__(self) -> AsyncIterator[Piece]:
        """Iterate over its pieces as they come."""

    async def candidate(self) -> Candidate:
        """Return what has come: complete if the stream ended by itself."""


class PolicyModel(Protocol):
    """Generates: the models of one tier, metered."""

    @property
    def name(self) -> str:
        """The tier's name."""

    @property
    def can(self) -> Abilities:
        """What its models can do."""

    async def generate(self, prompt: Prompt) -> Candidate | None:
        """Generate once.

        Returns:
            The candidate; one with ``failed`` if the call brought nothing; ``None`` when no more is to
            be had, because the budget does not cover it or the upstream refuses the question itself.
        """

    def open(self, prompt: Prompt) -> AbstractAsyncContextManager[Thread | None]:
        """Generate as a stream, for who wants to look at it on the way; ``None`` as above."""


class ValueModel(Protocol):
    """Judges: a reward model, an LLM judge, a schema."""

    async def score(
        self, candidates: Sequence[Candidate], *, steps: bool = False
    ) -> list[float | None]:
        """Return for each candidate the probability in [0, 1] that it is right; ``None`` is unknown.

        Args:
            candidates: Answers, or beginnings of answers.
            steps: They are beginnings: judge whether each is still on a right way.
        """

    async def objection(self, candidate: Candidate) -> str:
        """Return what is wrong with a candidate, in words for the model; empty if there are none."""


class Search(Protocol):
    """What a strategy may do: generate, judge, offer."""

    @property
    def plan(self) -> SearchPlan:
        """The strategy's parameters."""

    @property
    def task(self) -> Task:
        """What is to be answered."""

    @property
    def model(self) -> PolicyModel:
        """The tier's own models."""

    @property
    def ladder(self) -> Sequence[PolicyModel]:
        """The tiers a cascade may climb, cheap to dear; never empty."""

    @property
    def value(self) -> ValueModel | None:
        """Who judges; ``None`` is nobody."""

    @property
    def remembered(self) -> Sequence[Candidate]:
        """Candidates of earlier searches for the same question, in the order they were drawn."""

    def offer(
        self, candidate: Candidate, *, weight: float = 0.0, agreement: float | None = None
    ) -> None:
        """Propose ``candidate`` as the answer; the best offer so far stands.

        A whole answer is better than a cut one, then more weight, then a higher score, then the earlier.

        Args:
            candidate: One that ``model`` or ``compose`` has made.
            weight: What speaks for it: votes, as a rule.
            agreement: Share of the votes behind it, in [0, 1].
        """

    async def compose(self, text: str, like: Candidate) -> Candidate:
        """Return a candidate of another text, put together by the strategy from what was generated.

        Args:
            text: The visible answer.
            like: Whose model, reasoning and completeness it takes over.
        """

    def note(self, progress: str) -> None:
        """Say how far the search is, for a client that waits: a few words, no content."""

    def stop(self, reason: str) -> None:
        """Say why the search ended: ``consensus``, ``exhausted``, ``verified``, ``split`` ..."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a strategy needs so that it makes sense.

    Attributes:
        prefill: A model that goes on behind a beginning.
        logprobs: A model that tells log-probabilities.
        verifier: Somebody who judges.
        votable: Answers of which two can be told equal: not free text.
        thinks: A model that reasons before it answers.
    """

    prefill: bool = False
    logprobs: bool = False
    verifier: bool = False
    votable: bool = False
    thinks: bool = False

    def missing(self, search: Search) -> str | None:
        """Return the first need that ``search`` does not meet, in words for ``stop_reason``."""
        can, kind = search.model.can, search.task.kind
        met = {
            "no_prefill": can.prefill or not self.prefill,
            "no_logprobs": can.logprobs > 0 or not self.logprobs,
            "no_verifier": search.value is not None or not self.verifier,
            "free_text": kind != "text" or not self.votable,
            "no_thinking": can.thinks or not self.thinks,
        }
        return next((word for word, is_met in met.items() if not is_met), None)


NO_NEEDS = Needs()


class Run(Protocol):
    """The code of a strategy."""

    async def __call__(self, search: Search) -> None:
        """Search, offering candidates on the way."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """A test-time strategy as the registry holds it.

    Attributes:
        name: What users write.
        run: Its code.
        needs: What it needs.
        otherwise: Name of the strategy that runs where a need is not met.
        n: Samples where the user names none.
    """

    name: str
    run: Run
    needs: Needs = field(default=NO_NEEDS)
    otherwise: str = "single"
    n: int = 1
