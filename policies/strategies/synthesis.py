"""``synthesis``: for answers that cannot vote: let a model choose among several, or write one out of them.

Free text has no key. Three answers are drawn and shown to the model side by side, under headings without names; it
says which is best (GenSelect, arXiv 2507.17797). If it does not say, the medoid is taken: the answer most like the
others (minimum Bayes risk, arXiv 2211.07634). JSON is merged field by field, by majority. With ``arm: merge`` the model
writes a new answer out of all (mixture of agents, arXiv 2406.04692), which costs one more answer.

Use it for free text where one answer is a matter of luck. Needs nothing.
"""

import re

from policies.answers import medoid, merge_fields
from policies.operators import collector, generate_each
from policies.ports import Prompt, Search, Strategy
from policies.turns import with_hint
from policies.types import Candidate

CHOICE_TOKENS = 64
MOST_CHARS = 24_000
"""Of all candidates together: about 6,000 tokens, which fits every model; longer ones are shown in part."""

_NUMBER = re.compile(r"\b([1-9]\d?)\b")


async def synthesis(search: Search) -> None:
    """Offer the first answer, then the one that was chosen or put together."""
    found: list[Candidate] = []
    prompts = [Prompt(index=index) for index in range(max(search.plan.n, 2))]
    await generate_each(search.model, prompts, collector(found), first=len(prompts))
    found = [candidate for candidate in found if candidate.text.strip()]
    whole = [candidate for candidate in found if candidate.complete] or found
    if not whole:
        search.stop("budget")
        return
    search.offer(whole[0])
    if len(whole) == 1:
        search.stop("single_answer")
        return
    if search.task.kind == "json":
        merged = merge_fields([candidate.text for candidate in whole])
        if merged is not None:
            search.offer(await search.compose(merged, whole[0]), weight=1.0)
            search.stop("merged")
            return
    if search.plan.arm == "merge" and await _written(search, whole):
        search.stop("merged")
        return
    chosen, how = await _chosen(search, whole)
    search.offer(chosen, weight=1.0)
    search.stop(how)


async def _chosen(search: Search, whole: list[Candidate]) -> tuple[Candidate, str]:
    """Return the candidate that the model names, or the medoid."""
    question = (
        "Several answers to the question below were written independently. Compare them for correctness and "
        f"completeness, and say which one is best.\n\nQuestion:\n{search.task.question}\n\n{_shown(whole)}\n\n"
        f"Reply with the number of the best candidate alone, 1 to {len(whole)}."
    )
    said = await search.model.generate(
        Prompt(
            messages=({"role": "user", "content": question},),
            max_tokens=CHOICE_TOKENS,
            thinking="off",
            temperature=0.0,
            aside=True,
        )
    )
    number = _NUMBER.search(said.text) if said is not None and not said.failed else None
    if number and 1 <= int(number[1]) <= len(whole):
        return whole[int(number[1]) - 1], "selected"
    return whole[medoid([candidate.text for candidate in whole])], "medoid"


async def _written(search: Search, whole: list[Candidate]) -> bool:
    """Offer an answer that the model writes out of all; return whether it did."""
    asked = (
        f"{_shown(whole)}\n\nThese candidates answer the question above. Some may be wrong or incomplete. Merge them into "
        "one answer that is correct and complete, in the form the question asks for. Do not mention the candidates."
    )
    messages = with_hint(search.task.messages, asked)
    merged = await search.model.generate(Prompt(messages=messages))
    if merged is None or merged.failed or not merged.complete:
        return False
    search.offer(merged, weight=1.0)
    return True


def _shown(whole: list[Candidate]) -> str:
    room = MOST_CHARS // len(whole)
    return "\n\n".join(
        f"Candidate {number}:\n{candidate.text.strip()[:room]}"
        for number, candidate in enumerate(whole, 1)
    )


SYNTHESIS = Strategy("synthesis", synthesis, n=3)
