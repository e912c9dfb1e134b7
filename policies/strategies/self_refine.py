"""``self_refine``: answer, have it checked, mend it (arXiv 2303.17651), but only on an outside signal.

A model that is asked to look over a right answer spoils it about as often as it mends a wrong one (GPT-4 on GSM8K fell
from 95.5 to 89.0 in two rounds, arXiv 2310.01798). So an answer is only sent back when a verifier rejects it, with
what is wrong, and the revision is taken only if the verifier likes it better. At most two rounds.
Use it with a schema or a test as verifier: one that often rejects right answers does harm where most of them are right.
Needs a verifier; otherwise a single answer.
"""

from dataclasses import replace

from policies.ports import Needs, Prompt, Search, Strategy
from policies.turns import refinement

ROUNDS = 2

REJECTED = 0.5
"""An answer that scores less is more likely wrong than right. Sending back all that is not sure would spoil more."""

OBJECTION = "A check found that this answer is probably wrong."
"""Where the verifier says no more than a number."""


async def self_refine(search: Search) -> None:
    """Offer an answer, then each revision that the verifier likes better."""
    verifier, plan = search.value, search.plan
    candidate = await search.model.generate(Prompt())
    if candidate is None or candidate.failed or verifier is None:
        search.stop("budget")
        return
    accept = 1.0 if plan.verifier is None else plan.verifier.accept
    least = min(REJECTED, accept)
    (score,) = await verifier.score([candidate])
    best = replace(candidate, score=score)
    search.offer(best, weight=score or 0.0)
    for turn in range(1, min(ROUNDS, plan.depth) + 1):
        if best.score is None:
            search.stop("no_verdict")
            return
        if best.score >= least:
            break
        objection = await verifier.objection(best) or OBJECTION
        asked = refinement(search.task.messages, best, objection)
        search.note(f"round {turn}")
        revised = await search.model.generate(Prompt(index=turn, messages=asked))
        if revised is None:
            search.stop("budget")
            return
        if revised.failed:
            continue
        (score,) = await verifier.score([revised])
        if score is not None and score > best.score and revised.complete >= best.complete:
            best = replace(revised, score=score)
            search.offer(best, weight=score)
    score = best.score or 0.0
    search.stop(
        "verified" if score >= accept else "not_rejected" if score >= least else "exhausted"
    )


SELF_REFINE = Strategy("self_refine", self_refine, Needs(verifier=True))
