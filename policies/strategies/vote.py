"""``vote``: self-consistency (arXiv 2203.11171) that stops as soon as more samples cannot pay.

Samples run in parallel; each answer is reduced to a key (a number, an option, ...) and votes for it. A sample
without a key, or cut by a limit, abstains. ``plan.stop`` chooses the rule that ends it early, see ``stopping``;
with ``plan.in_order`` votes count in the order the samples were started, for who needs a vote without the bias of
arrival.

Use it on easy and middling questions: wherever the right answer is said more often than any one wrong answer, more
votes find it more surely. Where one mistake is more popular than the truth they find the mistake more surely; a verifier or a
better model helps there, not a vote.
"""

from collections.abc import Callable

from policies.operators import Tally, generate_each
from policies.ports import Needs, Prompt, Search, Strategy
from policies.types import Candidate, SearchPlan

from .stopping import BATCH, StopRule, any_of, beta, certain, esc, first, mute

WINDOW = 5
"""Of the ``esc`` rule: the paper's."""


async def vote(search: Search) -> None:
    """Offer the leader of the votes after every sample; stop on consensus."""
    plan = search.plan
    rule, batch = stop_rule(plan)
    tally = Tally()

    def take(candidate: Candidate) -> bool:
        tally.add(candidate)
        offer_leader(search, tally)
        return rule(tally) is not None

    for candidate in search.remembered:
        if take(candidate):
            break
    else:
        await _draw(search, take, batch)
    search.stop(rule(tally) or "exhausted")


async def _draw(search: Search, take: Callable[[Candidate], bool], batch: int) -> None:
    """Draw new samples behind the remembered ones, ``batch`` at once, then one by one or by windows."""
    plan = search.plan
    races = plan.stop == "first"  # who comes late is cancelled
    indices = range(len(search.remembered), plan.n)
    prompts = [Prompt(index=index) for index in indices]
    window = batch if plan.stop == "esc" else max(1, len(prompts))
    ahead = batch if races else 1
    in_order = plan.in_order or plan.stop == "esc"
    for start in range(0, len(prompts), window):
        part = prompts[start : start + window]
        if await generate_each(
            search.model, part, take, first=batch, ahead=ahead, in_order=in_order
        ):
            return


def offer_leader(search: Search, tally: Tally) -> None:
    """Offer who leads by now, and say how far the vote is."""
    leader = tally.leader()
    if leader is not None:
        search.offer(leader, weight=tally.lead[0], agreement=tally.agreement)
    search.note(f"{tally.arrived}/{search.plan.n} votes={tally.lead[0]:g}")


def stop_rule(plan: SearchPlan) -> tuple[StopRule, int]:
    """Return the plan's rule, with those that are always on, and how many samples to start at once."""
    chosen, batch = {
        "beta": (beta(), BATCH),
        "esc": (esc(WINDOW), WINDOW),
        "first": (first((plan.n + 1) // 2), plan.n),
        "certain": (certain(plan.n), BATCH),
    }[plan.stop]
    return any_of((certain(plan.n), chosen, mute)), batch


VOTE = Strategy("vote", vote, Needs(votable=True), otherwise="synthesis", n=5)
