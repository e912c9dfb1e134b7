"""``single``: one answer, no search. The baseline of every other strategy, and the cheapest that can be right.

``plan.arm`` says how it is asked for; without one the client's prompt goes out as it came.

| arm | asks for | source |
|---|---|---|
| ``direct`` | the answer alone, no reasoning | |
| ``short_cot`` | a few steps, then the answer | zero-shot chain of thought, arXiv 2205.11916 |
| ``draft`` | steps of five words at most | Chain of Draft, arXiv 2502.18600: 8 to 40 % of the tokens |
| ``supervised`` | what is asked, what is given, which method, steps, a check | |
| ``no_think`` | the prompt as it is, thinking switched off | NoThinking, arXiv 2504.09858 |

Use ``direct`` and ``draft`` where a model is right nine times in ten anyway.
"""

from policies.ports import Prompt, Search, Strategy
from policies.turns import with_hint

ARMS = {
    "direct": "Answer directly, without explaining how you got there.",
    "short_cot": "Think step by step, in a few short steps, then state the final answer.",
    "draft": (
        "Think step by step, but keep only a minimal draft of each step, five words at most. State the final answer "
        "at the end, after ####."
    ),
    "supervised": (
        "Proceed in this order: say in one line what is asked; list what is given; name the method; carry it out step by "
        "step; check the result against what is given; state the final answer."
    ),
    "no_think": "",
}
"""What is added to the question, by arm."""

QUIET_ARMS = ("no_think", "direct", "draft")
"""Those that switch thinking off."""


async def single(search: Search) -> None:
    """Offer one sample."""
    candidate = await search.model.generate(arm_prompt(search))
    if candidate is None:
        search.stop("budget")
        return
    search.offer(candidate)
    search.stop("done")


def arm_prompt(search: Search) -> Prompt:
    """Return the prompt of the plan's arm."""
    arm = search.plan.arm
    hint = ARMS.get(arm or "", "")
    return Prompt(
        messages=with_hint(search.task.messages, hint) if hint else None,
        thinking="off" if arm in QUIET_ARMS else None,
    )


SINGLE = Strategy("single", single)
