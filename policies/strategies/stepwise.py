"""``stepwise``: reason in titled JSON steps, one call each, until the model says that it is done (the g1 step chain).

Each turn asks for one step as ``{"title", "content", "next_action"}``; ``next_action`` is ``continue`` or ``final_answer``.
Steps become part of the conversation. Then the answer is asked for, in the form of the question. No evaluation of it
was ever published and it costs one call per step, so it is for models that must be led by the hand; for others a single
chain of thought does the same in one call. Needs nothing. A step that is no JSON is taken as it stands.
"""

import json

from policies.ports import Message, Prompt, Search, Strategy
from policies.turns import with_hint

MOST_STEPS = 25
STEP_TOKENS = 300

ASK = (
    "Work on the question above step by step. Reply with the next step only, as a JSON object with the keys "
    '"title", "content" and "next_action"; next_action is "continue" or "final_answer".'
)
ANSWER = "Now give the final answer to the original question, in the form it asks for."


async def stepwise(search: Search) -> None:
    """Offer the answer behind the steps."""
    turns: list[Message] = [*with_hint(search.task.messages, ASK)]
    reason = "depth"
    for number in range(1, min(MOST_STEPS, search.plan.depth) + 1):
        step = await search.model.generate(
            Prompt(
                index=number,
                messages=tuple(turns),
                max_tokens=STEP_TOKENS,
                thinking="off",
                temperature=0.2,
                aside=True,
            )
        )
        if step is None:
            reason = "budget"
            break
        if step.failed or not step.text.strip():
            continue
        search.note(f"step {number}")
        turns.append({"role": "assistant", "content": step.text})
        if is_last(step.text):
            reason = "done"
            break
        turns.append({"role": "user", "content": "Next step."})
    answer = await search.model.generate(Prompt(messages=with_hint(turns, ANSWER)))
    if answer is not None:
        search.offer(answer)
    search.stop(reason if answer is not None else "budget")


def is_last(text: str) -> bool:
    """Return whether a step says that the answer comes next."""
    try:
        step = json.loads(text[text.index("{") : text.rindex("}") + 1])
    except ValueError:
        return '"final_answer"' in text
    return isinstance(step, dict) and step.get("next_action") == "final_answer"


STEPWISE = Strategy("stepwise", stepwise)
