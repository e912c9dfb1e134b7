"""Operators on reasoning structures: what strategies are composed of (arXiv 2501.11223, section 4).

generate    whole answers, several at once, until enough          generate_each
            anything, several at once, until enough               run_each
aggregate   equal answers add up                                  Tally
select      a model says which of several is best                 preferred
refine      an answer, and what is wrong with it, asked anew      refinement

Those that work on trees are in ``tree_operators``.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from .ports import PolicyModel, Prompt, Search
from .turns import side_by_side, with_hint
from .types import Candidate

T = TypeVar("T")


async def generate_each(
    model: PolicyModel,
    prompts: Iterable[Prompt],
    take: Callable[[Candidate], bool],
    *,
    first: int,
    ahead: int = 1,
    in_order: bool = False,
) -> bool:
    """Generate for each prompt, in parallel, until ``take`` has enough; the rest is cancelled.

    Args:
        model: Who generates.
        prompts: In the order they are started.
        take: Gets each candidate as it arrives; those that arrive together in the order they were
            started. Returns whether that is enough.
        first: Generations started at once.
        ahead: Generations kept running afterwards, while more are wanted.
        in_order: Hand candidates over in the order they were started, however they arrive: who counts as
            they arrive hears short answers first.

    Returns:
        Whether ``take`` had enough; ``False`` when prompts or budget ran out first.
    """
    waiting = iter(prompts)

    def start() -> Coroutine[Any, Any, Candidate | None] | None:
        prompt = next(waiting, None)
        return None if prompt is None else model.generate(prompt)

    def taken(candidate: Candidate | None) -> bool:
        nonlocal waiting
        if candidate is None:
            waiting = iter(())  # nothing more to be had: take what is still running
            return False
        return take(candidate)

    return await run_each(start, taken, first=first, ahead=ahead, in_order=in_order)


async def run_each(
    start: Callable[[], Coroutine[Any, Any, T] | None],
    take: Callable[[T], bool],
    *,
    first: int,
    ahead: int = 1,
    in_order: bool = False,
) -> bool:
    """Run work in parallel until ``take`` has enough of what it brings; the rest is cancelled.

    Args:
        start: Returns the next work, ``None`` if there is none now; it is asked again whenever a work has ended,
            and for the last time when none is running.
        take: Gets each result as it arrives; those that arrive together in the order they were started.
            Returns whether that is enough.
        first: Works started at once.
        ahead: Works kept running afterwards.
        in_order: Hand results over in the order their works were started.

    Returns:
        Whether ``take`` had enough.
    """
    async with asyncio.TaskGroup() as group:
        running: list[asyncio.Task[T]] = []
        width = first
        while True:
            while len(running) < width and (work := start()) is not None:
                running.append(group.create_task(work))
            if not running:
                return False
            awaited = running[:1] if in_order else running
            done, _ = await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            arrived = [task for task in running if task in done]
            running = [task for task in running if task not in done]
            width = ahead
            for task in arrived:
                if take(task.result()):
                    for other in running:
                        other.cancel()
                    return True


def concluding(thought: str, index: int = 0) -> Prompt:
    """Return the prompt for the answer behind a reasoning that was ended; needs ``can.prefill``."""
    return Prompt(index=index, thought=thought, begun="", thinking="off")


WAVE = 4
"""Samples judged together: one request to the verifier, and one place to stop."""


async def judged_waves(search: Search) -> AsyncIterator[list[Candidate]]:
    """Yield samples with their scores, ``WAVE`` at a time, until the plan or the budget is exhausted.

    Args:
        search: Its plan says how many, its verifier judges; candidates of earlier searches come first.
    """
    remembered = list(search.remembered[: search.plan.n])
    if remembered:
        yield await _judged(search, remembered)
    for start in range(len(remembered), search.plan.n, WAVE):
        wave: list[Candidate] = []
        prompts = [Prompt(index=i) for i in range(start, min(start + WAVE, search.plan.n))]
        await generate_each(search.model, prompts, collector(wave), first=WAVE)
        if not wave:
            return
        search.note(f"{start + len(wave)}/{search.plan.n}")
        yield await _judged(search, wave)


def collector(into: list[Candidate]) -> Callable[[Candidate], bool]:
    """Return a ``take`` for ``generate_each`` that keeps what came and never has enough."""

    def take(candidate: Candidate) -> bool:
        if not candidate.failed:
            into.append(candidate)
        return False

    return take


async def _judged(search: Search, wave: list[Candidate]) -> list[Candidate]:
    plan = search.plan.verifier
    if search.value is None or (plan is not None and plan.kind == "consistency"):
        return (
            wave  # the agreement of a wave says less than that of all, which the strategies count
        )
    scores = await search.value.score(wave)
    return [replace(each, score=score) for each, score in zip(wave, scores, strict=True)]


CHOICE_TOKENS = 64

_NUMBER = re.compile(r"\d+")


async def preferred(
    search: Search, model: PolicyModel, candidates: Sequence[Candidate]
) -> Candidate | None:
    """Return the candidate that ``model`` finds best (GenSelect, arXiv 2507.17797); ``None`` if it does not say."""
    asked = (
        f"{side_by_side(candidates)}\n\nThese candidates answer the question above; they were written independently. "
        "Compare them for correctness and completeness. Which one is best? Reply with its number alone, "
        f"1 to {len(candidates)}."
    )
    said = await model.generate(
        Prompt(
            messages=with_hint(search.task.messages, asked),
            max_tokens=CHOICE_TOKENS,
            thinking="off",
            temperature=0.0,
            aside=True,
        )
    )
    number = None if said is None or said.failed else picked(said.text, len(candidates))
    return None if number is None else candidates[number - 1]


def picked(reply: str, among: int) -> int | None:
    """Return the one number from 1 to ``among`` that a reply names; ``None`` for a reply that names several."""
    named = {int(number) for number in _NUMBER.findall(reply[:1000])} & set(range(1, among + 1))
    return named.pop() if len(named) == 1 else None


@dataclass(slots=True)
class Tally:
    """Votes, by what answers amount to; ties go to the answer seen first.

    Attributes:
        votes: Summed weight by key.
        shown: The candidate to show for each key.
        unkeyed: The best that cannot vote.
        keys: The key of every candidate that was added, in their order; ``None`` is an abstention.
    """

    votes: dict[str, float] = field(default_factory=dict)
    shown: dict[str, Candidate] = field(default_factory=dict)
    unkeyed: Candidate | None = None
    keys: list[str | None] = field(default_factory=list)

    def add(self, candidate: Candidate, weight: float = 1.0) -> None:
        """Count one candidate; one without a key, or cut by a limit, abstains."""
        votes = candidate.complete and not candidate.failed
        self.keys.append(candidate.key if votes else None)
        if candidate.failed:
            return
        if candidate.key is None or not votes:
            if self.unkeyed is None or _standing(candidate) > _standing(self.unkeyed):
                self.unkeyed = candidate
            return
        self.votes[candidate.key] = self.votes.get(candidate.key, 0.0) + weight
        shown = self.shown.get(candidate.key)
        # Among equal answers the shortest text: long chains are wrong more often, and cost to read.
        if shown is None or len(candidate.text) < len(shown.text):
            self.shown[candidate.key] = candidate

    @property
    def arrived(self) -> int:
        """Candidates that were added, votes or not."""
        return len(self.keys)

    @property
    def cast(self) -> int:
        """How many of them voted."""
        return sum(key is not None for key in self.keys)

    @property
    def ranked(self) -> list[tuple[str, float]]:
        """Keys and their votes, most first; of equal ones the one seen first."""
        return sorted(self.votes.items(), key=lambda item: -item[1])

    def leader(self) -> Candidate | None:
        """Return the candidate to show if the search ended now."""
        return self.shown[self.ranked[0][0]] if self.votes else self.unkeyed

    @property
    def lead(self) -> tuple[float, float]:
        """Votes of the first and of the second."""
        first, second = ([votes for _, votes in self.ranked] + [0.0, 0.0])[:2]
        return first, second

    @property
    def agreement(self) -> float:
        """The leader's share of the votes, in [0, 1]; 0 without votes."""
        total = sum(self.votes.values())
        return self.lead[0] / total if total else 0.0


def _standing(candidate: Candidate) -> tuple[bool, float]:
    return candidate.complete, candidate.score or 0.0
