"""``stepwise``: reason in titled JSON steps, one call each, until the model says that it is done (the g1 step chain).

Each turn asks for one step as ``{"title", "content", "next_action"}``; ``next_action`` is ``continue`` or ``final_answer``.
Steps become part of the conversation. Then the answer is asked for, in the form of the question. A step that is no JSON is
taken as it stands, and ends the steps if it states an answer.

It does not beat ``single`` where a model can write its steps in one go: the steps are the same, and each of them is a
call that sends the conversation anew. No evaluation of it was ever published. It is for models that must be led by the
hand, and for clients that want to see steps with titles. Under a budget that ends between the steps the question is
answered directly. Needs nothing.
"""

import json

from policies.answers.marks import marked
from policies.ports import Message, Prompt, Search, Strategy
from policies.turns import with_hint

MOST_STEPS = 25
STEP_TOKENS = 300

ASK = (
    "Work on the question above step by step. Reply with the next step only, as a JSON object with the keys "
    '"title", "content" and "next_action"; next_action is "continue" or "final_answer".'
)
NEXT = "Reply with the next step, as JSON."
ANSWER = "Answer now: give the final answer to the original question, in the form it asks for."


async def stepwise(search: Search) -> None:
    """Offer the answer behind the steps."""
    turns: tuple[Message, ...] = tuple(search.task.messages)
    asked, reason = ASK, "depth"
    for number in range(1, min(MOST_STEPS, search.plan.depth) + 1):
        asking = with_hint(turns, asked)
        step = await search.model.generate(
            Prompt(
                index=number,
                messages=asking,
                max_tokens=STEP_TOKENS,
                thinking="off",
                temperature=0.2,
                aside=True,
            )
        )
        if step is None:
            reason = "budget"
            break
        if step.failed:
            continue
        search.note(f"step {number}")
        turns, asked = (*asking, {"role": "assistant", "content": step.text}), NEXT
        if is_last(step.text):
            reason = "done"
            break
    answer = await search.model.generate(Prompt(messages=with_hint(turns, ANSWER)))
    if answer is not None:
        search.offer(answer)
    search.stop(reason if answer is not None else "budget")


def is_last(text: str) -> bool:
    """Return whether a step says that the answer comes next, or states it."""
    try:
        step = json.loads(text[text.index("{") : text.rindex("}") + 1])
    except ValueError:
        return '"final_answer"' in text or marked(text) is not None
    return isinstance(step, dict) and step.get("next_action") == "final_answer"


STEPWISE = Strategy("stepwise", stepwise)
