"""``early_exit``: ask a reasoner for its answer while it thinks; stop when it keeps giving the same.

Probing after Dynasor (arXiv 2412.20993).

Every ``CHUNK`` tokens of reasoning, later less often, a probe hands over the reasoning so far with the beginning
of a final answer and reads what the model would say now. Three probes in a row that agree, without a word of doubt, end
the thinking; the answer is then given behind the reasoning as it stands. What a probe says is offered, too, for when
time runs out. Probes run beside the stream and may take a tenth of the thinking budget.

Use it for questions with a short answer and models that think long. Needs visible reasoning and answers that
can be told equal; without prefill, reasoning that has stated and checked one answer again and again is cut instead.
"""

import asyncio
import re
from dataclasses import dataclass, field

from policies.operators import concluding
from policies.ports import Needs, Prompt, Search, Strategy, Thread
from policies.types import Candidate

CHUNK = 256
"""Tokens between two probes."""

CALM, GROWTH = 2048, 1.5
"""After so many tokens the distance grows by this factor: who has thought so long will not be done at once."""

AGREEING = 3
"""Probes in a row that must agree."""

PROBE_TOKENS = 24
PROBE_SHARE = 0.1
"""Of the tokens thought so far, and of a first chunk of ten."""

PROBE = "**Final Answer**\n\n\\boxed{"
"""Beginning of an answer: what follows is short, and has a form that answers are read from."""

ANSWERED = 1.0
"""Weight of an answer; that of a probe, which stands until there is one, is 0."""

_HEDGES = re.compile(r"\b(?:wait|hold|but|hmm|not sure|unclear)\b|等等|不确定", re.IGNORECASE)


@dataclass(slots=True)
class Probes:
    """When to probe next, and what the probes have said.

    Attributes:
        next_at: Tokens of reasoning at which the next probe is due.
        distance: Tokens to the one after it.
        last: The answer of the last probe.
        agreeing: Probes in a row that gave it.
        spent: Tokens that probes took.
    """

    next_at: float = 2 * CHUNK
    distance: float = CHUNK
    last: str | None = None
    agreeing: int = 0
    spent: int = 0

    def due(self, tokens: int) -> bool:
        """Return whether a probe is due at so many tokens, and set the time of the next."""
        if tokens < self.next_at or self.spent > PROBE_SHARE * max(tokens, 10 * CHUNK):
            return False
        self.next_at = tokens + self.distance
        if tokens > CALM:
            self.distance *= GROWTH
        return True

    def settled(self, probe: Candidate | None) -> bool:
        """Take what a probe said; return whether the answer stands."""
        if probe is None or probe.failed:
            self.agreeing = 0
            return False
        self.spent += probe.tokens or PROBE_TOKENS
        key = None if _HEDGES.search(probe.text) else probe.key
        self.agreeing = self.agreeing + 1 if key is not None and key == self.last else 1
        self.last = key
        return key is not None and self.agreeing >= AGREEING


async def early_exit(search: Search) -> None:
    """Offer the answer of one reasoning, ended as soon as it stands."""
    if not search.model.can.prefill:
        candidate = await search.model.generate(Prompt(settle=True))
        if candidate is not None:
            search.offer(candidate)
        search.stop("done" if candidate is not None else "budget")
        return
    reader = _Reader(search)
    async with search.model.open(Prompt()) as thread:
        if thread is None:
            search.stop("budget")
            return
        exits = await reader.read(thread)
        candidate = await thread.candidate()
    if not exits and candidate.text:
        search.offer(candidate, weight=ANSWERED)
        search.stop("done")
        return
    # Cut here, or by its budget: the answer is given behind the reasoning as it stands.
    thought = "".join(reader.thought)
    final = await search.model.generate(concluding(thought))
    if final is not None:
        search.offer(final, weight=ANSWERED)
    search.stop("converged" if exits else "thinking_budget")


@dataclass(slots=True)
class _Reader:
    """Reads a reasoning, with one probe beside it at a time.

    Attributes:
        search: Who probes.
        probes: What they said.
        thought: The reasoning so far, in pieces.
    """

    search: Search
    probes: Probes = field(default_factory=Probes)
    thought: list[str] = field(default_factory=list)

    async def read(self, thread: Thread) -> bool:
        """Read to the end, or until the answer stands; return whether it does."""
        probe: asyncio.Task[Candidate | None] | None = None
        async with asyncio.TaskGroup() as group:
            async for piece in thread:
                self.thought.append(piece.reasoning)
                if piece.text:
                    break  # it has begun to answer
                if probe is not None and probe.done():
                    said, probe = probe.result(), None
                    if self.probes.settled(said):
                        return True
                    if said is not None and said.key is not None:
                        self.search.offer(said)
                if probe is None and self.probes.due(piece.tokens):
                    probe = group.create_task(self._probe())
            if probe is not None:
                probe.cancel()
            async for _ in thread:
                pass  # the rest of the answer
        return False

    async def _probe(self) -> Candidate | None:
        self.search.note(f"probe {self.probes.agreeing + 1}")
        return await self.search.model.generate(
            Prompt(
                thought="".join(self.thought),
                begun=PROBE,
                max_tokens=PROBE_TOKENS,
                thinking="off",
                temperature=0.6,
            )
        )


EARLY_EXIT = Strategy("early_exit", early_exit, Needs(votable=True, thinks=True))
