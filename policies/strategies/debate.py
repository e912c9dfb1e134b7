"""``debate``: two sides answer, each hears the other, and what they cannot settle a judge decides (arXiv 2305.14325).

If the first two answers agree, that is all. Else each side sees the other's answer and either corrects itself or stands
by its own. If they still differ the cheapest tier's model judges (arXiv 2305.19118). Use it for questions where a mistake
shows when it is pointed out: it is right as often as the better of two answers under a verifier as good as the sides
themselves. It costs two answers where they agree and four where they do not; a vote of five costs about as much and
needs no such verifier. Needs answers that can be told equal; otherwise synthesis.
"""

from policies.operators import Tally, collector, generate_each, preferred
from policies.ports import Needs, Prompt, Search, Strategy
from policies.types import Candidate

SIDES = 2


async def debate(search: Search) -> None:
    """Offer the answer both sides agree on, or the one the judge prefers."""
    sides = await _heard(search, [Prompt(index=index) for index in range(SIDES)])
    if not sides:
        search.stop("budget")
        return
    if _settled(search, sides):
        search.stop("consensus")
        return
    if len(sides) < SIDES:
        search.stop("budget")
        return
    one, other = sides
    search.note("hearing")
    heard = await _heard(
        search, [_hearing(search, SIDES, one, other), _hearing(search, SIDES + 1, other, one)]
    )
    if _settled(search, heard):
        search.stop("consensus")
        return
    last = heard if len(heard) == SIDES else sides
    chosen = await preferred(search, search.ladder[0], last)
    if chosen is not None:
        search.offer(chosen, weight=float(SIDES))
    search.stop("split" if chosen is None else "judged")


async def _heard(search: Search, prompts: list[Prompt]) -> list[Candidate]:
    found: list[Candidate] = []
    await generate_each(search.model, prompts, collector(found), first=SIDES, in_order=True)
    return found


def _settled(search: Search, sides: list[Candidate]) -> bool:
    """Offer the leader; return whether both sides agree."""
    tally = Tally()
    for side in sides:
        tally.add(side)
    leader = tally.leader()
    if leader is not None:
        search.offer(leader, weight=tally.lead[0], agreement=tally.agreement)
    return tally.lead[0] == SIDES


def _hearing(search: Search, index: int, own: Candidate, other: Candidate) -> Prompt:
    """Return the prompt that shows a side the other's answer."""
    asked = (
        f"Somebody else answered the same question:\n\nCandidate:\n{other.text}\n\n"
        "Debate where your answer and this one differ, and who is right. Then give your final answer to the original "
        "question, in the form it asks for."
    )
    said = ({"role": "assistant", "content": own.text}, {"role": "user", "content": asked})
    return Prompt(index=index, messages=(*search.task.messages, *said))


DEBATE = Strategy("debate", debate, Needs(votable=True), otherwise="synthesis", n=SIDES)
