"""``plan``: an outline from the cheapest model, then one solution that follows it.

After Plan-and-Solve (arXiv 2305.04091) and CoThink (arXiv 2505.22017).

The outline has at most four steps and no numbers: it says what to do, and cannot say it wrong. The solver gets it with the
question and is told how much of its effort each step deserves: later steps less, by a factor of 0.8 (Plan-and-Budget,
arXiv 2505.16122). Use it for long questions with several parts: an outline pays as much as it raises the chance of each
step, and nothing with a model that knows the way. Needs nothing; without an outline the question is answered as it stands.
"""

import re

from policies.ports import Prompt, Search, Strategy
from policies.turns import with_hint

OUTLINE_TOKENS = 200
MOST_STEPS = 4
DECAY = 0.8

ASK = (
    f"Do not answer the question above yet. Write a plan for answering it: at most {MOST_STEPS} steps, one line each, "
    "numbered. Say what to work out in each step. Compute nothing and give no numbers."
)

_ITEM = re.compile(r"^\s*(?:\d+[.)]|[-*•])\s+(.+)$", re.MULTILINE)


async def plan(search: Search) -> None:
    """Offer the answer that follows the outline."""
    outline = await search.ladder[0].generate(
        Prompt(
            messages=with_hint(search.task.messages, ASK),
            max_tokens=OUTLINE_TOKENS,
            thinking="off",
            temperature=0.0,
            aside=True,
        )
    )
    steps = outline_steps(outline.text) if outline is not None and not outline.failed else []
    search.note(f"plan steps={len(steps)}")
    messages = None
    if steps:
        hint = f"Plan:\n{shares(steps)}\n\nFollow this plan, with about that share of your effort per step, and answer."
        messages = with_hint(search.task.messages, hint)
    candidate = await search.model.generate(Prompt(messages=messages))
    if candidate is None:
        search.stop("budget")
        return
    search.offer(candidate)
    search.stop("done" if steps else "no_plan")


def outline_steps(text: str) -> list[str]:
    """Return the steps of an outline: its numbered lines or bullets, else its lines that are no headings."""
    lines = (line.strip() for line in text.splitlines())
    steps = _ITEM.findall(text) or [line for line in lines if line and not line.endswith(":")]
    return [step.strip() for step in steps[:MOST_STEPS]]


def shares(steps: list[str]) -> str:
    """Return the steps as lines, each with its share of the effort: geometric, the first the largest."""
    weights = [DECAY**place for place in range(len(steps))]
    return "\n".join(
        f"{place}. {step} ({weight / sum(weights):.0%})"
        for place, (step, weight) in enumerate(zip(steps, weights, strict=True), 1)
    )


PLAN = Strategy("plan", plan)
