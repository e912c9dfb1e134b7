"""Who judges candidates in a search: an LLM judge, a reward endpoint; the verifiers that need nobody come from policies.

A judge's tokens are on the request's ledger, like every other call. A verifier that fails has no opinion: the search goes
on without it.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp

from policies.ports import Prompt, Task, ValueModel
from policies.types import Candidate, VerifierPlan
from policies.valuing import Consistency, Schema, SelfCertainty
from router.errors import ApiError

from .backends.reward import RewardEndpoint
from .generation import TierModel

VERDICT_TOKENS = 8
RATING_TOKENS = 8
TOP_LOGPROBS = 5
MOST_RATING = 10

LONGEST_SCORING_S = 30.0
"""For one request to a reward endpoint; the search's own time limit holds as well."""

YES_NO = (
    "Question:\n{question}\n\n{what}:\n{text}\n\n"
    "Is this {what_short} correct? Reply with one word, Yes or No."
)
RATE = (
    "Question:\n{question}\n\n{what}:\n{text}\n\n"
    "How likely is this {what_short} to be correct, on a scale of 1 to 10? Reply with the number alone."
)
CRITIQUE = (
    "Question:\n{question}\n\nCandidate answer:\n{text}\n\n"
    "Critique this answer: name the first mistake in it, in one or two sentences."
)
CRITIQUE_TOKENS = 200

_RATING = re.compile(r"\b(10|[1-9])\b")


@dataclass(frozen=True, slots=True)
class Judge:
    """An LLM that is asked whether an answer is right.

    With log-probabilities the score is P(Yes) / (P(Yes) + P(No)); without, a rating from 1 to 10, mapped to [0, 1].

    Attributes:
        model: Who is asked, with thinking switched off.
        task: What the candidates answer.
    """

    model: TierModel
    task: Task

    async def score(
        self, candidates: Sequence[Candidate], *, steps: bool = False
    ) -> list[float | None]:
        """Return each candidate's score; ``None`` where the judge did not say, or was not paid."""
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self._judge(each, steps=steps)) for each in candidates]
        return [task.result() for task in asked]

    async def objection(self, candidate: Candidate) -> str:
        """Return the first mistake that the judge sees."""
        said = await self._ask(
            CRITIQUE.format(question=self.task.question, text=candidate.text), CRITIQUE_TOKENS
        )
        return "" if said is None else said.text.strip()

    async def _judge(self, candidate: Candidate, *, steps: bool) -> float | None:
        short = "reasoning" if steps else "answer"
        words = {
            "question": self.task.question,
            "text": candidate.text,
            "what": f"Candidate {short}",
            "what_short": f"{short} so far" if steps else short,
        }
        if self.model.can.logprobs:
            said = await self._ask(YES_NO.format(**words), VERDICT_TOKENS, TOP_LOGPROBS)
            return None if said is None else self._verdict(said)
        said = await self._ask(RATE.format(**words), RATING_TOKENS)
        rating = _RATING.search(said.text) if said is not None else None
        return None if rating is None else (int(rating[1]) - 1) / (MOST_RATING - 1)

    def _verdict(self, said: Candidate) -> float | None:
        """Return P(Yes) of the first token that is one of the two; else what the word says."""
        choice = self.model.session.completions[said.id]["choices"][0]
        for token in (choice.get("logprobs") or {}).get("content") or ():
            chances = {"yes": 0.0, "no": 0.0}
            for top in token.get("top_logprobs") or [token]:
                word = str(top.get("token", "")).strip().lower()
                if word in chances:
                    chances[word] += exp(top["logprob"])
            if total := sum(chances.values()):
                return chances["yes"] / total
        word = said.text.strip().lower()
        return 1.0 if word.startswith("yes") else 0.0 if word.startswith("no") else None

    async def _ask(self, question: str, tokens: int, logprobs: int = 0) -> Candidate | None:
        said = await self.model.generate(
            Prompt(
                messages=({"role": "user", "content": question},),
                max_tokens=tokens,
                thinking="off",
                temperature=0.0,
                logprobs=logprobs,
                aside=True,
            )
        )
        return None if said is None or said.failed else said


@dataclass(frozen=True, slots=True)
class Reward:
    """A reward model behind HTTP.

    Attributes:
        endpoint: Where it is.
        model: Whose search it is: for its time limit.
        task: What the candidates answer.
    """

    endpoint: RewardEndpoint
    model: TierModel
    task: Task

    async def score(
        self, candidates: Sequence[Candidate], *, steps: bool = False
    ) -> list[float | None]:
        """Return each candidate's score; no opinion of any if the endpoint fails."""
        left_s = self.model.until - self.model.session.world.now()
        try:
            return await self.endpoint.score(
                self.task.question,
                [candidate.text for candidate in candidates],
                max(0.1, min(left_s, LONGEST_SCORING_S)),
                steps=steps,
            )
        except ApiError:
            return [None] * len(candidates)

    async def objection(self, candidate: Candidate) -> str:
        """A reward model has no words."""
        return ""


def build_verifier(plan: VerifierPlan | None, model: TierModel, task: Task) -> ValueModel | None:
    """Return who judges a search.

    Args:
        plan: The verifier that is asked for; ``None`` is nobody.
        model: The tier's own models: a judge that names no model is one of them.
        task: What is to be answered.
    """
    if plan is None:
        return None
    if plan.kind == "schema":
        return Schema.of(task.response_format)
    if plan.kind == "self_certainty":
        return SelfCertainty() if model.can.logprobs else None
    if plan.kind == "consistency":
        return Consistency()
    if plan.kind == "reward":
        endpoint = model.session.world.rewards.get(plan.model or "")
        return None if endpoint is None else Reward(endpoint, model, task)
    if plan.model is not None:
        tier = replace(model.tier, models=(plan.model,), thinking="off")
        model = replace(model, tier=tier)
    return Judge(replace(model, judges=True), task)
