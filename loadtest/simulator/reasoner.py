"""One sample of a simulated reasoner: thinks step by step, errs by its law, and says an answer.

It yields tokens lazily, so that a stream can be cut anywhere and what was generated is what was counted. After its
thoughts it reads its own text to see how far it got: the answer depends on nothing that was not said.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from itertools import chain, repeat, takewhile
from random import Random
from typing import Any

from loadtest.simulator.arithmetic import Operand, Problem
from loadtest.simulator.facts import answer_plainly
from loadtest.simulator.faults import Fault
from loadtest.simulator.laws import Law, draw_offset
from loadtest.simulator.musing import LOOP, LOOP_REPEATS, geometric, muse
from loadtest.simulator.questions import Mode, Progress, Question, recover
from loadtest.simulator.request import ChatRequest
from loadtest.simulator.tokens import split_tokens
from loadtest.simulator.tools import ToolCall, calls_for

_CHECKS = (
    "Wait, let me check this. {muse}So the answer is {value}.\n\n",
    "Let me verify it another way. {muse}That gives {value} again.\n\n",
    "Before I settle, one more look. {muse}Yes, so the answer is {value}.\n\n",
    "But did I read the question right? {muse}I did, and it comes to {value}.\n\n",
    "Alternatively, from the back. {muse}It still comes out as {value}.\n\n",
)


class Channel(Enum):
    """Where a token goes."""

    REASONING = "reasoning"
    CONTENT = "content"
    TOOL = "tool_calls"


@dataclass(frozen=True, slots=True)
class Token:
    """One generated token.

    Attributes:
        logprobs: Its entry in OpenAI's shape, where they are wanted.
        call: The tool call whose arguments it is a part of.
    """

    channel: Channel
    text: str
    logprobs: dict[str, Any] | None = None
    call: ToolCall | None = None


def speak(
    question: Question, request: ChatRequest, law: Law, rng: Random, faults: frozenset[Fault]
) -> Iterator[Token]:
    """Yield the tokens of one sample, before `max_tokens` and `stop` are applied; without end under `forever`.

    The thinking budget is applied here, because what was not thought changes the answer.
    """
    defiant = bool(faults & {Fault.FOREVER, Fault.IGNORE_BUDGET})
    mode = Mode.THINK if defiant and question.mode is Mode.WRITE else question.mode
    if (
        mode is Mode.THINK
        and law.think is None
        and not faults & {Fault.FOREVER, Fault.IGNORE_BUDGET, Fault.LOOP}
    ):
        mode = Mode.WRITE
    said = [question.given]
    if mode is Mode.THINK:
        budget = None if defiant or request.thinking_budget is None else request.thinking_budget
        for n_said, token in enumerate(_thoughts(question, request, law, rng, faults)):
            if n_said == budget:
                break
            said.append(token)
            yield Token(Channel.REASONING, token)
    if calls := _calls(question, request):
        for call in calls:
            for token in split_tokens(call.arguments):
                yield Token(Channel.TOOL, token, call=call)
        return
    for text in _visible(question, request, law, rng, "".join(said), written=mode is Mode.WRITE):
        for token in split_tokens(text):
            yield Token(Channel.CONTENT, token)


def _calls(question: Question, request: ChatRequest) -> tuple[ToolCall, ...]:
    """Return the tool calls that take the place of an answer; none once the tools have answered."""
    if _results(request):
        return ()
    return calls_for(request.toolbox, question.text)


def _results(request: ChatRequest) -> list[str]:
    """Return what the tools of the last turn said."""
    told = takewhile(lambda message: message.role == "tool", reversed(request.messages))
    return [message.text for message in told][::-1]


def _thoughts(
    question: Question, request: ChatRequest, law: Law, rng: Random, faults: frozenset[Fault]
) -> Iterator[str]:
    """Yield the tokens of the reasoning."""
    if Fault.LOOP in faults:
        texts: Iterator[str] = repeat(LOOP, LOOP_REPEATS)
    else:
        texts = _steps(question, law, rng)
    said: list[str] = []
    for text in texts:
        said += (tokens := split_tokens(text))
        yield from tokens
    n_said = len(said)
    conclusion = _conclusion(question, "".join([question.given, *said]))
    while Fault.FOREVER in faults or (
        n_said < law.min_thinking_tokens * request.effort and Fault.LOOP not in faults
    ):
        check = rng.choice(_CHECKS).format(muse=muse(rng, geometric(rng, 16)), value=conclusion)
        tokens = split_tokens(check)
        n_said += len(tokens)
        yield from tokens


def _steps(question: Question, law: Law, rng: Random) -> Iterator[str]:
    """Yield each step that is still to be thought, its musing first: it is done with the last token of its line."""
    if question.problem is None:
        yield muse(rng, geometric(rng, law.filler_tokens)) + "\n\n"
        return
    think = law.write if law.think is None else law.think
    for line in _lines(question.problem, recover(question.problem, question.given), think, rng):
        yield f"{muse(rng, geometric(rng, law.filler_tokens)).rstrip()}\n{line}\n\n"


def _conclusion(question: Question, said: str) -> str:
    """Return what the finished chain says, right or wrong: checking changes nothing, as in most real overthinking."""
    if question.problem is None:
        return answer_plainly(question.text).rstrip(".。")
    return str(question.problem.value + recover(question.problem, said).offset)


def _visible(
    question: Question, request: ChatRequest, law: Law, rng: Random, said: str, *, written: bool
) -> Iterator[str]:
    """Yield the visible answer in pieces."""
    if results := _results(request):
        yield f"The tools say: {'; '.join(results)}"
        return
    if question.problem is None:
        plain = answer_plainly(question.text)
        yield f'{{"answer": "{plain}"}}' if request.json_answer else plain
        return
    problem = question.problem
    progress = recover(problem, said)
    if written and not request.json_answer:
        lines = []
        for line in _lines(problem, progress, law.write, rng):
            lines.append(line)
            yield f"{line}\n\n"
        progress = recover(problem, "\n".join([said, *lines]))
    chances = law.write if written else law.leap
    offset = progress.offset
    for _ in range(progress.done, len(problem.steps)):
        offset = offset or (0 if rng.random() < chances else draw_offset(rng))
    yield _phrase(question, problem.value + offset, as_json=request.json_answer)


def _phrase(question: Question, value: int, *, as_json: bool) -> str:
    if as_json:
        return f'{{"answer": "{value}"}}'
    if question.given.rstrip().endswith((":", "：")):
        return f" {value}"
    if "\\boxed" in question.text:
        return f"The answer is $\\boxed{{{value}}}$."
    return (
        f"答案是{value}。"
        if any("\u4e00" <= c <= "\u9fff" for c in question.text)
        else f"The answer is {value}."
    )


def _lines(problem: Problem, progress: Progress, chance: float, rng: Random) -> Iterator[str]:
    """Yield the line of each remaining step; each goes right with `chance`, and the first slip stays."""
    offset = progress.offset
    slipped_at = progress.done if offset else len(problem.steps) + 1
    for index in range(progress.done + 1, len(problem.steps) + 1):
        if not offset and rng.random() >= chance:
            offset, slipped_at = draw_offset(rng), index
        step = problem.steps[index - 1]
        left, right = (_shown(operand, offset, slipped_at) for operand in (step.left, step.right))
        yield f"step {index}: {left} {step.symbol} {right} = {step.value + offset}"


def _shown(operand: Operand, offset: int, slipped_at: int) -> str:
    """Show an operand as the chain believes it: derailed if the step it comes from was."""
    derailed = operand.step is not None and operand.step >= slipped_at
    value = operand.value + (offset if derailed else 0)
    return f"({value})" if value < 0 else str(value)


def limit(
    tokens: Iterator[Token], max_tokens: int | None, stops: tuple[str, ...]
) -> Iterator[Token | str]:
    """Yield at most `max_tokens` tokens, content only up to the first stop string, and last the finish reason.

    The finish reason, "stop", "length", "tool_calls", or "stop:" and the stop string that was found, is the one item that
    is a string. Text that may be the beginning of a stop string is held back until it is known not to be.
    """
    ended = "stop"
    n_out = 0
    held: list[Token] = []
    tail = ""
    longest = max(map(len, stops), default=0)
    for token in chain(tokens, (None,)):
        if token is None or n_out + len(held) == max_tokens:
            yield from held
            yield ended if token is None else "length"
            return
        ended = "tool_calls" if token.channel is Channel.TOOL else "stop"
        if token.channel is not Channel.CONTENT or not stops:
            n_out += 1
            yield token
            continue
        held.append(token)
        tail += token.text
        found = min(((tail.find(s), s) for s in stops if s in tail), default=None)
        if found is not None:
            yield from _cut(held, found[0])
            yield f"stop:{found[1]}"
            return
        while held and len(tail) - len(held[0].text) >= longest - 1:
            n_out += 1
            tail = tail[len(held[0].text) :]
            yield held.pop(0)


def _cut(held: list[Token], n_chars: int) -> Iterator[Token]:
    """Yield the held tokens up to `n_chars` characters."""
    for token in held:
        if n_chars <= 0:
            return
        yield replace(token, text=token.text[:n_chars])
        n_chars -= len(token.text)
