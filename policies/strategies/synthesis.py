"""``synthesis``: for answers that cannot vote: let a model choose among several, or write one out of them.

Free text has no key. Three answers are drawn and shown to the model side by side, under headings without names; it
says which is best (GenSelect, arXiv 2507.17797). If it does not say, the medoid is taken: the answer most like the
others (minimum Bayes risk, arXiv 2211.07634). JSON is merged field by field, by majority. With ``arm: merge`` the model
writes a new answer out of all (mixture of agents, arXiv 2406.04692), which costs one more answer.

Use it for free text where one answer is a matter of luck: choosing is right as often as the best of n under a verifier as
good as the model itself. Answers that all say the same are not compared. Needs nothing.
"""

from policies.answers import medoid, merge_fields
from policies.operators import collector, generate_each, preferred
from policies.ports import Prompt, Search, Strategy
from policies.turns import side_by_side, with_hint
from policies.types import Candidate


async def synthesis(search: Search) -> None:
    """Offer the first answer, then the one that was chosen or put together."""
    found: list[Candidate] = list(search.remembered[: search.plan.n])
    prompts = [Prompt(index=index) for index in range(len(found), max(search.plan.n, 2))]
    await generate_each(search.model, prompts, collector(found), first=len(prompts), in_order=True)
    whole = [candidate for candidate in found if candidate.complete] or found
    if not whole:
        search.stop("budget")
        return
    search.offer(whole[0])
    search.note(f"{len(whole)}/{search.plan.n}")
    if len(whole) == 1:
        search.stop("single_answer")
    elif _agree(whole):
        search.offer(whole[0], weight=1.0, agreement=1.0)
        search.stop("consensus")
    else:
        search.stop(await _out_of(search, whole))


def _agree(whole: list[Candidate]) -> bool:
    """Return whether all answers amount to the same."""
    first = whole[0]
    same_text = all(candidate.text == first.text for candidate in whole)
    return same_text or (
        first.key is not None and all(candidate.key == first.key for candidate in whole)
    )


async def _out_of(search: Search, whole: list[Candidate]) -> str:
    """Offer what is made of several answers; return how."""
    if search.task.kind == "json":
        merged = merge_fields([candidate.text for candidate in whole])
        if merged is not None:
            search.offer(await search.compose(merged, whole[0]), weight=1.0)
            return "merged"
    if search.plan.arm == "merge" and await _written(search, whole):
        return "merged"
    chosen = await preferred(search, search.model, whole)
    medial = whole[medoid([candidate.text for candidate in whole])]
    search.offer(chosen or medial, weight=1.0)
    return "selected" if chosen else "medoid"


async def _written(search: Search, whole: list[Candidate]) -> bool:
    """Offer an answer that the model writes out of all; return whether it did."""
    asked = (
        f"{side_by_side(whole)}\n\nThese candidates answer the question above. Some may be wrong or incomplete. Merge them into "
        "one answer that is correct and complete, in the form the question asks for. Do not mention the candidates."
    )
    messages = with_hint(search.task.messages, asked)
    merged = await search.model.generate(Prompt(messages=messages))
    if merged is None or merged.failed or not merged.complete:
        return False
    search.offer(merged, weight=1.0)
    return True


SYNTHESIS = Strategy("synthesis", synthesis, n=3)
