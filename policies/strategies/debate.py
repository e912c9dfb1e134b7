"""``debate``: two sides answer, each hears the other, and what they cannot settle a judge decides (arXiv 2305.14325).

If the first two answers agree, that is all. Else each side sees the other's answer and either corrects itself or stands
by its own. If they still differ the cheapest tier's model judges (arXiv 2305.19118). Use it for questions where a mistake
shows when it is pointed out. Needs answers that can be told equal; otherwise synthesis.
"""

import re

from policies.operators import Tally, collector, generate_each
from policies.ports import Needs, Prompt, Search, Strategy
from policies.turns import with_hint
from policies.types import Candidate

SIDES = 2
VERDICT_TOKENS = 64

_NUMBER = re.compile(r"\b([12])\b")


async def debate(search: Search) -> None:
    """Offer the answer both sides agree on, or the one the judge prefers."""
    sides: list[Candidate] = []
    prompts = [Prompt(index=index) for index in range(SIDES)]
    await generate_each(search.model, prompts, collector(sides), first=SIDES)
    if not sides:
        search.stop("budget")
        return
    if _settled(search, sides) or len(sides) < SIDES:
        search.stop("consensus" if len(sides) == SIDES else "budget")
        return
    heard: list[Candidate] = []
    await generate_each(
        search.model,
        [
            _hearing(search, index, own, other)
            for index, (own, other) in enumerate(zip(sides, sides[::-1], strict=True))
        ],
        collector(heard),
        first=SIDES,
    )
    if len(heard) == SIDES and _settled(search, heard):
        search.stop("consensus")
        return
    last = heard if len(heard) == SIDES else sides
    chosen = await _judged(search, last)
    search.offer(last[chosen or 0], weight=float(SIDES))
    search.stop("judged" if chosen is not None else "split")


def _settled(search: Search, sides: list[Candidate]) -> bool:
    """Offer the leader; return whether all agree."""
    tally = Tally()
    for side in sides:
        tally.add(side)
    leader = tally.leader()
    assert leader is not None
    search.offer(leader, weight=tally.lead[0], agreement=tally.agreement)
    return tally.agreement == 1.0 and tally.cast == SIDES


def _hearing(search: Search, index: int, own: Candidate, other: Candidate) -> Prompt:
    asked = (
        "Somebody else answered the same question like this.\n\n"
        f"Candidate 1:\n{own.text}\n\nCandidate 2:\n{other.text}\n\n"
        "Candidate 1 is yours. Debate where the two differ and who is right, then give your final answer to the "
        "question, in the form it asks for."
    )
    return Prompt(index=SIDES + index, messages=with_hint(search.task.messages, asked))


async def _judged(search: Search, sides: list[Candidate]) -> int | None:
    """Return the place of the side that the judge finds right; ``None`` if it does not say."""
    question = (
        f"Two answers to a question differ.\n\nQuestion:\n{search.task.question}\n\n"
        f"Candidate 1:\n{sides[0].text}\n\nCandidate 2:\n{sides[1].text}\n\n"
        "Which one is correct? Reply with its number alone, 1 or 2."
    )
    said = await search.ladder[0].generate(
        Prompt(
            messages=({"role": "user", "content": question},),
            max_tokens=VERDICT_TOKENS,
            thinking="off",
            temperature=0.0,
            aside=True,
        )
    )
    found = _NUMBER.search(said.text) if said is not None and not said.failed else None
    return int(found[1]) - 1 if found else None


DEBATE = Strategy("debate", debate, Needs(votable=True), otherwise="synthesis", n=SIDES)
