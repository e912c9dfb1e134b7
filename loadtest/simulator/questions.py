"""Finds in a conversation what is asked, and what of it has been worked out already.

The state of a reasoning chain is recovered from its text alone, as a real model would: the last line
``step <i>: ... = <value>`` says how far the chain got and, by its distance from the true value, whether it was derailed.
So a client may continue, cut or hand over reasoning, and one that corrupts it corrupts its answer.
"""

import re
from dataclasses import dataclass
from enum import Enum

from loadtest.simulator.arithmetic import Problem, read_problem
from loadtest.simulator.request import ChatRequest

_LINE = re.compile(r"step (\d+): [^=\n]{1,1000} = (-?\d+)(?!\d)")
_HANDOVER = re.compile(
    r"reasoning so far|partial reasoning|give the final answer now|step \d+: [^=\n]{1,1000} = ",
    re.IGNORECASE,
)


class Mode(Enum):
    """How the answer is to be produced."""

    THINK = "think"
    """Reason, as far as the model and the budgets let it, then answer."""
    WRITE = "write"
    """Work the steps out in the visible answer."""
    ANSWER = "answer"
    """Answer now, from what has been worked out; the rest is guessed."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a chain got: `done` steps, and how far its last value is from the truth (0: on track)."""

    done: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        text: The words of the question.
        problem: Its arithmetic, or None.
        given: Reasoning handed over by the caller, to be built on.
        mode: How to answer, before the model's own nature and limits are looked at.
    """

    text: str
    problem: Problem | None
    given: str
    mode: Mode


def read_question(request: ChatRequest) -> Question:
    """Return what a conversation asks; never fails."""
    last = request.messages[-1]
    text, problem, handed_over = _last_question(request)
    if last.continued:
        return Question(text, problem, last.text, _mode_of_prefix(last.text))
    if handed_over:
        return Question(text, problem, handed_over, Mode.ANSWER)
    return Question(text, problem, "", Mode.WRITE if request.thinking_off else Mode.THINK)


def recover(problem: Problem, text: str) -> Progress:
    """Return how far the chain in `text` got; a text without a step line got nowhere."""
    progress = Progress()
    for match in _LINE.finditer(text):
        index = int(match.group(1))
        if 1 <= index <= len(problem.steps):
            progress = Progress(index, int(match.group(2)) - problem.steps[index - 1].value)
    return progress


def _last_question(request: ChatRequest) -> tuple[str, Problem | None, str]:
    """Return the question, its arithmetic and the reasoning handed over after it, from the last turn backwards."""
    handed_over = ""
    text = ""
    for message in reversed(request.messages):
        if message.role != "user":
            handed_over = (
                f"{message.text}\n{handed_over}"
                if message.role == "assistant" and handed_over
                else handed_over
            )
            continue
        cut = _HANDOVER.search(message.text)
        text = message.text[: cut.start()] if cut else message.text
        if cut:
            handed_over = f"{message.text[cut.start() :]}\n{handed_over}"
        problem = read_problem(text)
        if problem is not None or cut is None:
            return text, problem, handed_over
    return text or request.messages[0].text, None, handed_over


def _mode_of_prefix(prefix: str) -> Mode:
    if "</think>" in prefix or prefix.rstrip().endswith((":", "：")):
        return Mode.ANSWER
    return Mode.THINK if "<think>" in prefix else Mode.WRITE
