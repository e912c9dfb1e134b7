"""What the models of one test-time search share: the account, the candidates, what went wrong."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from policies.answers import Clusters, answer_key
from policies.answers.marks import marked
from policies.ports import Prompt, Task
from policies.types import Candidate, Query
from router.errors import ApiError, BudgetExceededError
from router.ledger import Ledger

from . import bills
from .call import Trace, World

SERVER_ERROR = 500

MOST_PARALLEL = 16
"""Calls of one search in flight; more of them would only queue upstream."""


@dataclass(slots=True)
class Session:
    """What the models of one search share.

    Attributes:
        world: Pool, ratios, clock.
        query: What was asked.
        task: The same, as strategies see it.
        ledger: The request's account.
        trace: What happened upstream, over all calls.
        tier: Name of the tier whose search it is.
        planned: Samples the plan allows: what is left is shared among those still to come.
        started: Samples that were begun.
        samples: Samples that came back.
        errors: Why calls failed.
        refused: An upstream refuses the question itself: asking again is no use.
        completions: Of every candidate, by its id.
        sources: The model of every candidate, by its id.
        arrived: Whole answers, in the order they came back.
        drawn: Plain samples of the tier's own, with their seeds: what a later search can start from.
        seeds_used: How far the seeds of earlier searches go.
        skipped: Seeds to leave out, because an earlier search has used them for something else.
        clusters: Which answers are equal.
    """

    world: World
    query: Query
    task: Task
    ledger: Ledger
    trace: Trace
    tier: str
    planned: int
    started: int = 0
    samples: int = 0
    errors: list[ApiError] = field(default_factory=list)
    refused: bool = False
    completions: dict[int, dict[str, Any]] = field(default_factory=dict)
    sources: dict[int, str] = field(default_factory=dict)
    arrived: list[Candidate] = field(default_factory=list)
    drawn: list[tuple[int, Candidate]] = field(default_factory=list)
    seeds_used: int = 0
    skipped: int = 0
    clusters: Clusters = field(init=False)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_PARALLEL))
    _asking: int = 0
    _since: float = 0.0

    def __post_init__(self) -> None:
        self.clusters = Clusters(self.world.equal)

    @asynccontextmanager
    async def call(self) -> AsyncGenerator[Trace, None]:
        """Yield the trace of one call, once it is its turn; time counts as waited while any is open."""
        async with self._slots:
            trace = Trace(self.trace.until)
            with self._waited():
                try:
                    yield trace
                finally:
                    self.trace.attempts += trace.attempts
                    self.trace.backend = trace.backend or self.trace.backend
                    self.trace.unenforced = trace.unenforced or self.trace.unenforced

    @contextmanager
    def _waited(self) -> Iterator[None]:
        if self._asking == 0:
            self._since = self.world.now()
        self._asking += 1
        try:
            yield
        finally:
            self._asking -= 1
            if self._asking == 0:
                self.trace.waited_s += self.world.now() - self._since

    def failed(self, error: ApiError) -> Candidate | None:
        """Note why a call brought nothing; return what the strategy is told."""
        if isinstance(error, BudgetExceededError):
            return None
        self.errors.append(error)
        if not error.retryable and error.status < SERVER_ERROR:
            self.refused = True
            return None
        return Candidate("", complete=False, failed=True)

    async def candidate(
        self, completion: dict[str, Any], prompt: Prompt, tier: str, model: str
    ) -> Candidate:
        """Return what a completion amounts to, and keep the completion for when it wins."""
        choice = completion["choices"][0]
        message = choice["message"]
        added, was_stopped = _until(message.get("content") or "", prompt.stop)
        text = message["content"] = (prompt.begun or "") + added
        key = None if prompt.aside else await self.key(text)
        complete = was_stopped or choice.get("finish_reason") in ("stop", None)
        ended = complete
        if prompt.stop and complete:
            ended = not was_stopped and _has_ended(choice, added, key, self.task.kind)
        number = len(self.completions) + 1
        found = Candidate(
            text=text,
            reasoning=message.get("reasoning_content") or "",
            key=key,
            complete=complete,
            ended=ended,
            failed=not (text.strip() or message.get("refusal")),
            tokens=bills.told(completion, 0).completion,
            confidence=_confidence(choice),
            model=tier,
            id=number,
        )
        self.keep(found, completion, model)
        if found.failed:
            return found
        if ended and not (prompt.aside or prompt.probe):
            self.samples += 1
            self.arrived.append(found)
            if prompt.plain and tier == self.tier:
                self.drawn.append((self.seed(prompt), found))
        return found

    async def key(self, text: str) -> str | None:
        """Return what an answer amounts to: the same for answers that are equal; ``None`` if it says nothing."""
        task = self.task
        key = answer_key(text, task.kind, options=task.options, unit=task.unit)
        return None if key is None else await self.clusters.representative(key)

    @property
    def first_seed(self) -> int:
        """The client's own seed, or 0."""
        return int(self.query.body.get("seed") or 0)

    def seed(self, prompt: Prompt) -> int:
        """Return the seed of a generation."""
        return self.first_seed + self.skipped + prompt.index

    def keep(self, candidate: Candidate, completion: dict[str, Any], model: str) -> None:
        """Keep the completion of a candidate."""
        self.completions[candidate.id] = completion
        self.sources[candidate.id] = model


def _has_ended(choice: Mapping[str, Any], added: str, key: str | None, kind: str) -> bool:
    """Return whether a generation that may have been stopped behind a step has ended the answer.

    vLLM and SGLang say which text stopped them, SGLang also by which token a model ended. Elsewhere an answer has ended
    when it is marked as one, or there is one and nothing follows; that a step ends in a number says nothing.
    """
    told = choice.get("stop_reason", choice.get("matched_stop"))
    if told is not None:
        return not isinstance(told, str)
    if added.strip():
        return key is not None and marked(added) is not None
    return key is not None or kind == "text"


def alternatives(choice: Mapping[str, Any]) -> Iterator[float]:
    """Yield for each token the mean log-probability of its alternatives."""
    for token in (choice.get("logprobs") or {}).get("content") or ():
        if tops := [top["logprob"] for top in token.get("top_logprobs") or ()]:
            yield sum(tops) / len(tops)


def _confidence(choice: Mapping[str, Any]) -> float | None:
    """Return DeepConf's token confidence, meaned: how far below the chosen token its alternatives lie."""
    values = list(alternatives(choice))
    return -sum(values) / len(values) if values else None


def _until(text: str, stops: tuple[str, ...]) -> tuple[str, bool]:
    """Return the text up to the first stop, for servers that ignore them, and whether one was there."""
    places = [place for stop in stops if (place := text.find(stop)) >= 0]
    return (text[: min(places)], True) if places else (text, False)
