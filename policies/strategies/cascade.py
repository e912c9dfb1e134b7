"""``cascade``: ask cheaply first, climb on disagreement (FrugalGPT, arXiv 2305.05176; votes as in 2305.11860).

    first tier      two samples; if they agree, that is the answer; else up to three more, until three of four agree
    tiers between   one answer; if it confirms the leader from below, that is the answer
    last tier       one answer, and more of them up to ``n`` while the votes of all tiers are split

Agreement of a few cheap samples says more about a question than any prediction from its text. Every vote is
carried upward, and one of a dearer tier counts twice as much as one of the tier below, so nothing is thrown away but
the votes for what the verifier rejects. A refusal, an "I don't know" and an answer that was cut climb, too. Free text
cannot be compared: its first sure answer stands.

Use it where the kind of question is unknown and short answers are cheap. Needs a ladder of two tiers; on one it
is a vote. Two cheap samples that make the same mistake end the climb: where one wrong answer is popular, a verifier helps.
"""

import re

from policies.operators import Tally, generate_each
from policies.ports import PolicyModel, Prompt, Search, Strategy
from policies.types import Candidate

from .stopping import lead_probability

FIRST_SAMPLES, MOST_SAMPLES = 2, 5
"""Cheap samples before the first look, and at most."""

CONFIDENCE = 0.8
"""Of the leader among one tier's samples: two of two and three of four reach it, four of five do. Less than a vote
asks for, since a mistake below costs a climb at most; with more, five samples that differ once would never do."""

STEP_WEIGHT = 2.0
"""How much more a vote counts than one from the tier below."""

DECISIVE = 0.5
"""The leader's share of all weight above which the last tier has settled the question."""

_UNSURE = re.compile(
    r"\bI (?:do not|don[’']t|cannot|can[’']t) (?:know|determine|answer|solve|say)|\bI[’']m not sure\b"
    r"|\b(?:as an AI|I am unable|I[’']m unable)\b|我不知道|我不确定|无法(?:回答|确定)",
    re.IGNORECASE,
)


async def cascade(search: Search) -> None:
    """Offer what the votes of all tiers so far say; climb until they are decided."""
    tally, weight, dropped = Tally(), 1.0, 0.0
    last = len(search.ladder) - 1
    for place, model in enumerate(search.ladder):
        is_first, is_last = place == 0, place == last
        first = FIRST_SAMPLES if is_first and search.task.kind != "text" else 1
        most = max(search.plan.n, first) if is_last else MOST_SAMPLES if is_first else 1
        stage = _Stage(search, tally, weight, dropped, most, is_last=is_last)
        await stage.draw(model, first)
        if stage.verdict is not None:
            if is_last or await _accepted(search, stage.leader):
                search.stop(stage.verdict)
                return
            if stage.leader is not None and stage.leader.key is not None:
                dropped += tally.votes.pop(stage.leader.key)
        weight *= STEP_WEIGHT
    search.stop("exhausted" if tally.keys else "budget")


class _Stage:
    """The samples of one tier: each is counted, and says whether the climb can end here.

    Attributes:
        verdict: Why it can; ``None`` while it cannot.
        leader: Who leads by the votes of all tiers so far.
    """

    def __init__(
        self,
        search: Search,
        tally: Tally,
        weight: float,
        dropped: float,
        most: int,
        *,
        is_last: bool,
    ) -> None:
        self.verdict: str | None = None
        self.leader = tally.leader()
        self._search, self._tally, self._weight = search, tally, weight
        self._dropped, self._most, self._is_last = dropped, most, is_last
        self._votable = search.task.kind not in ("auto", "text")
        self._below = self.leader
        self._own, self._arrived = Tally(), 0

    async def draw(self, model: PolicyModel, first: int) -> None:
        """Draw ``first`` samples, then one by one until the stage is decided."""
        prompts = [Prompt(index=index) for index in range(self._most)]
        await generate_each(model, prompts[:first], self._take, first=first)
        if self.verdict is None and not self._hopeless():
            await generate_each(model, prompts[first:], self._take_more, first=1)

    def _take(self, candidate: Candidate) -> bool:
        self._arrived += 1
        unsure = is_unsure(candidate) or (self._votable and candidate.key is None)
        if candidate.failed or (unsure and not self._is_last):
            return False
        tally = self._tally
        self._own.add(candidate)
        tally.add(candidate, self._weight)
        # Free text has no votes: the answer of the dearest tier that was asked is the best there is.
        self.leader = tally.leader() if tally.votes else candidate
        assert self.leader is not None
        backing = tally.lead[0] or self._weight
        # What was rejected had votes, too: whoever comes after it is better all the same.
        self._search.offer(self.leader, weight=backing + self._dropped, agreement=tally.agreement)
        self._search.note(f"votes={backing:g} at {candidate.model}")
        self.verdict = self._decided(candidate)
        return self.verdict is not None

    def _take_more(self, candidate: Candidate) -> bool:
        return self._take(candidate) or self._hopeless()

    def _decided(self, candidate: Candidate) -> str | None:
        if candidate.key is None:
            return "answered" if candidate.complete and not self._tally.votes else None
        if self._is_last and self._below is not None and self._tally.agreement > DECISIVE:
            return "consensus"
        if not self._is_last and self._below is not None:
            return "confirmed" if candidate.key == self._below.key else None
        return "consensus" if lead_probability(*self._votes) >= CONFIDENCE else None

    def _hopeless(self) -> bool:
        """More samples are no use here: nothing can vote, or the votes are scattered and somebody better is there."""
        left, (first, second) = self._most - self._arrived, self._votes
        if self._is_last:
            return not first
        return not first or lead_probability(first + left, second) < CONFIDENCE

    @property
    def _votes(self) -> tuple[int, int]:
        first, second = self._own.lead
        return int(first), int(second)


async def _accepted(search: Search, leader: Candidate | None) -> bool:
    """Return whether the verifier, if there is one, takes the leader."""
    plan = search.plan
    if search.value is None or plan.verifier is None or leader is None:
        return True
    (score,) = await search.value.score([leader])
    return score is None or score >= plan.verifier.accept


def is_unsure(candidate: Candidate) -> bool:
    """Return whether an answer says itself that it is none: cut, empty, refused, or not known."""
    return (
        not candidate.complete or not candidate.text.strip() or bool(_UNSURE.search(candidate.text))
    )


CASCADE = Strategy("cascade", cascade, n=3)
