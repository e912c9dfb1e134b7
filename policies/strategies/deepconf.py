"""``deepconf``: vote, but give up on traces that lose their confidence (DeepConf, arXiv 2508.15260).

The confidence of a token is minus the mean log-probability of its alternatives: high where the model sees one way
on. A trace is as confident as the worst window of it. A few warm-up traces set the bar, at the percentile that keeps
nine of ten like them; a later trace whose window falls below it is cut, and does not vote. The others vote with
their confidence as weight, under the stop rules of ``vote``.

Use it where a model thinks long, shows log-probabilities, and is less sure of itself where it is wrong; where it is not,
this is a vote of fewer samples. Traces shorter than a window are never cut. Needs
streamed log-probabilities; otherwise a vote.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace

from policies.operators import Tally, concluding
from policies.ports import Needs, Prompt, Search, Strategy
from policies.types import Candidate
from policies.valuing import ALTERNATIVES

from .stopping import any_of, beta, certain

WARM = 4
"""Traces that run to their end and set the bar."""

KEPT = 0.9
"""Share of traces like the warm-up ones that the bar lets pass."""

LONGEST_WINDOW, WINDOW_SHARE = 2048, 0.25
"""Tokens per window: this share of the median warm-up trace, and no more than this."""

PARALLEL = 4


@dataclass(slots=True)
class Confidence:
    """The worst window of a trace so far.

    Attributes:
        window: Tokens per window.
        worst: Mean confidence of the worst whole window; ``None`` before there is one.
        values: Confidence of every token.
    """

    window: int
    worst: float | None = None
    values: list[float] = field(default_factory=list)
    _recent: deque[float] = field(default_factory=deque)
    _sum: float = 0.0

    def add(self, logprob: float) -> None:
        """Take the mean log-probability of the alternatives at the next token."""
        self.values.append(-logprob)
        self._recent.append(-logprob)
        self._sum -= logprob
        if len(self._recent) > self.window:
            self._sum -= self._recent.popleft()
        if len(self._recent) == self.window:
            mean = self._sum / self.window
            self.worst = mean if self.worst is None else min(self.worst, mean)

    @property
    def lowest(self) -> float:
        """The worst window, or the mean of a trace that is shorter than one; 0 without log-probabilities."""
        if self.worst is not None:
            return self.worst
        return sum(self.values) / len(self.values) if self.values else 0.0


async def deepconf(search: Search) -> None:
    """Offer the leader of the weighted votes after every trace that was not cut."""
    n = search.plan.n
    warm = min(WARM, n)
    traces = [trace for trace in await _traces(search, range(warm), None, warm) if trace]
    if not traces:
        search.stop("budget")
        return
    lengths = sorted(len(confidence.values) for _, confidence in traces)
    window = max(1, min(LONGEST_WINDOW, int(WINDOW_SHARE * lengths[len(lengths) // 2])))
    warmed = [(candidate, _again(confidence, window)) for candidate, confidence in traces]
    lowest = sorted(confidence.lowest for _, confidence in warmed)
    bar = lowest[int((1 - KEPT) * (len(lowest) - 1))]
    mean = sum(lowest) / len(lowest) or 1.0
    tally, rule = Tally(), any_of((certain(n), beta()))

    def count(candidate: Candidate, confidence: Confidence) -> bool:
        # Weights above 1 would break "certain": it reckons with one vote per trace still to come.
        weight = min(1.0, confidence.lowest / mean) if confidence.lowest > 0 else 1.0
        tally.add(replace(candidate, weight=weight), weight)
        leader = tally.leader()
        if leader is not None:
            search.offer(leader, weight=tally.lead[0], agreement=tally.agreement)
        search.note(f"{tally.arrived}/{n} votes={tally.lead[0]:.2g}")
        return rule(tally) is not None

    enough = any(count(*trace) for trace in warmed)
    for start in range(warm, n, PARALLEL):
        if enough:
            break
        wave = range(start, min(start + PARALLEL, n))
        found = await _traces(search, wave, (window, bar), PARALLEL)
        if not any(found):
            break
        enough = any(count(*trace) for trace in found if trace)
    search.stop(rule(tally) or "exhausted")


def _again(confidence: Confidence, window: int) -> Confidence:
    """Return the confidence of the same trace, by windows of another length."""
    again = Confidence(window)
    for value in confidence.values:
        again.add(-value)
    return again


async def _traces(
    search: Search, indices: range, bar: tuple[int, float] | None, width: int
) -> list[tuple[Candidate, Confidence] | None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_trace(search, index, bar)) for index in indices[:width]]
    return [task.result() for task in tasks]


async def _trace(
    search: Search, index: int, bar: tuple[int, float] | None
) -> tuple[Candidate, Confidence] | None:
    """Return one trace with its confidence; one that falls below the bar is cut and has failed."""
    confidence, thought = Confidence(LONGEST_WINDOW if bar is None else bar[0]), ""
    can = search.model.can
    prompt = Prompt(index=index, logprobs=min(ALTERNATIVES, can.logprobs))
    async with search.model.open(prompt) as thread:
        if thread is None:
            return None
        async for piece in thread:
            thought += piece.reasoning
            for logprob in piece.logprobs:
                confidence.add(logprob)
            if bar is not None and confidence.worst is not None and confidence.worst < bar[1]:
                return Candidate("", complete=False, failed=True), confidence
        candidate: Candidate | None = await thread.candidate()
    if candidate is not None and candidate.failed and thought and can.prefill:
        # Its budget ended the reasoning: it answers behind what it has.
        candidate = await search.model.generate(concluding(thought, index))
    return None if candidate is None or candidate.failed else (candidate, confidence)


DEEPCONF = Strategy(
    "deepconf", deepconf, Needs(logprobs=True, votable=True), otherwise="vote", n=16
)
