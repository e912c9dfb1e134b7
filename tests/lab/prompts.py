r"""What the simulated reasoner understands of a prompt, in general words that any strategy may use.

The last user turn decides, unless the assistant's own turn was begun for it. The first row that fits wins. *Candidates* are texts under
headings that stand alone at the beginning of a line, ``Candidate 1:`` (also Solution, Response, Answer, Attempt, Draft, Agent, Approach; bold,
brackets, ``#`` or no number at all are fine) or between ``<candidate>`` tags. The assistant's turn before is the candidate if there is
no other, and the first of those to be merged.

| the turn                                                           | is       | and is answered by                                       |
|--------------------------------------------------------------------|----------|----------------------------------------------------------|
| assistant's, begun; ends in ``\boxed{``, "answer is", ":"          | ANSWER   | the value believed now, in that form                     |
| assistant's, begun; ``<think>`` closed, steps in it                | ANSWER   | what was thought, the missing steps guessed              |
| assistant's, begun; anything else                                  | CONTINUE | the steps that are missing, then the answer              |
| user's, two candidates or more; merge, combine, other answers ...  | MERGE    | the answer of the candidate that scores best             |
| ... otherwise (which is best, select, ...)                         | SELECT   | its number; ``\boxed{2}`` if the prompt shows ``\boxed`` |
| one candidate; revise, improve, refine, try again                  | REFINE   | one check: mends with ``fix``, breaks with ``spoil``     |
| one candidate; "1 to 10", scale, rate                              | RATE     | 1 ... 10 (or ... 100) by the score's chance              |
| one candidate; yes or no, "is it correct?"                         | JUDGE    | Yes if the score is above mu / 2, with its logprob       |
| one candidate; critique, feedback, mistake                         | CRITIQUE | "I see no mistake." or "There is a mistake."             |
| "next step"                                                        | STEP     | one step behind those the conversation shows; "JSON": so |
| reasoning so far, partial reasoning, answer now                    | ANSWER   | what was thought, the missing steps guessed              |
| outline, plan, decompose, template, without one being there        | OUTLINE  | three lines without numbers                              |
| rephrase, reword, restate                                          | REPHRASE | the question in other words                              |
| steps of ours, and continue, go on                                 | CONTINUE | the steps that are missing, then the answer              |
| anything else                                                      | SOLVE    | a whole solution, by a better law if an outline is there |

An outline is there under a heading ``Outline:``, ``Plan:``, ``Template:`` or ``Sub-questions:``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Any

from tests.lab.problem import Problem, find_problem, without_marks


class Intent(Enum):
    """What the reasoner is to do; see the table above."""

    SOLVE = auto()
    CONTINUE = auto()
    ANSWER = auto()
    STEP = auto()
    MERGE = auto()
    SELECT = auto()
    REFINE = auto()
    RATE = auto()
    JUDGE = auto()
    CRITIQUE = auto()
    OUTLINE = auto()
    REPHRASE = auto()


@dataclass(frozen=True, slots=True)
class Ask:
    """A conversation, read.

    Attributes:
        problem: Its laws; ``None`` if there is none in it.
        intent: What to do.
        given: The text of the chain to go on from.
        begun: The assistant's own turn that is to be continued; empty for a fresh one.
        thinks: That turn is still thinking.
        candidates: Texts to judge.
        planned: There is an outline to follow.
        told: The turn that decided.
    """

    problem: Problem | None
    intent: Intent
    given: str = ""
    begun: str = ""
    thinks: bool = False
    candidates: tuple[str, ...] = ()
    planned: bool = False
    told: str = ""


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.MULTILINE)


_NAMES = r"(?:candidate|solution|response|answer|attempt|draft|agent|approach)"
_HEADING = _words(
    rf"^[ \t>#*\[(]*(?:proposed |previous |your )?{_NAMES}(?: answer| solution)?[ \t]*#?"
    r"(?:\d{1,3}|[A-J])?[ \t\])*]*:[ \t*]*"
)
_TAGGED = re.compile(rf"<({_NAMES})\b[^>]*>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
_PLANNED = _words(r"^[ \t>#*]*(?:outline|plan|template|sub-?questions?)\b[^:\n]{0,40}:")
_CUE = re.compile(r"(?:\\boxed\s*\{|answer(?: is)?|[:：=])\s*[*$]*\s*$", re.IGNORECASE)
_BROKEN_OFF = re.compile(r"\b(?:step|check|result) \d+:[^.\n\\]*$")
_STEPS = re.compile(r"\b(?:step|check|result) \d+: [a-p]{14}")

_MERGE = _words(
    r"\b(?:merge|synthes|combin|aggregat|consolidat|integrat|debat|other (?:agents|answers|solutions))"
)
_SEVERAL = ((_MERGE, Intent.MERGE), (_words(""), Intent.SELECT))
_ONE = (
    (_words(r"\b(?:revis|improv|refin|rewrit|try again|updated? answer)"), Intent.REFINE),
    (_words(r"\b1\s*(?:to|-|–)\s*100?\b|\bscale\b|\brat(?:e|ing)\b"), Intent.RATE),
    (_words(r"\byes\b.{0,12}\bno\b|\b(?:correct|right|valid)\?"), Intent.JUDGE),
    (_words(r"\b(?:critique|feedback|mistakes?|errors?|flaws?)\b"), Intent.CRITIQUE),
)
_NONE = (
    (_words(r"\bnext step\b"), Intent.STEP),
    (_words(r"\b(?:reasoning so far|partial reasoning|answer now)\b"), Intent.ANSWER),
    (_words(r"\b(?:outline|plan|decompos\w*|template|sub-?questions?)\b"), Intent.OUTLINE),
    (_words(r"\b(?:rephrase|paraphrase|reword|restate)\b"), Intent.REPHRASE),
)
_ON = _words(r"\b(?:continue|go on|carry on)\b")


def read_ask(messages: Sequence[Mapping[str, Any]], *, continues: bool) -> Ask:
    """Return what a conversation asks.

    Args:
        messages: In OpenAI's shape, text only.
        continues: The server goes on behind a final assistant's message; else it begins a new turn.
    """
    if len(messages) == 1:
        return _read_user(messages[0]["content"], "")
    last = messages[-1]
    asked = [m for m in messages if m["role"] in ("user", "system", "developer")]
    problem = next((p for m in reversed(asked) if (p := find_problem(m["content"]))), None)
    if continues and last["role"] == "assistant":
        return _read_begun(problem, last, planned=_has_outline(asked))
    said = [m.get("content") or "" for m in messages if m["role"] == "assistant"]
    told = asked[-1]["content"]
    ask = _read_user(told, said[-1] if said and last["role"] != "assistant" else "")
    planned = ask.planned or (ask.intent is Intent.SOLVE and _has_outline(asked))
    return Ask(
        problem, ask.intent, ask.given, candidates=ask.candidates, planned=planned, told=told
    )


def _has_outline(messages: Sequence[Mapping[str, Any]]) -> bool:
    return any(_PLANNED.search(message["content"]) for message in messages)


def _read_begun(problem: Problem | None, last: Mapping[str, Any], *, planned: bool) -> Ask:
    text = last.get("content") or ""
    if thought := last.get("reasoning_content"):
        text = f"<think>\n{thought}\n</think>\n\n{text}"
    thinks = "<think>" in text and "</think>" not in text
    thought = text.partition("</think>")[0] if "</think>" in text else ""
    cued = _CUE.search(text) is not None and _BROKEN_OFF.search(text) is None
    ready = cued or _STEPS.search(thought) is not None
    intent = Intent.ANSWER if ready else Intent.CONTINUE
    return Ask(problem, intent, given=text, begun=text, thinks=thinks, planned=planned)


@lru_cache(maxsize=4096)
def _read_user(told: str, said: str) -> Ask:
    problem = find_problem(told)
    candidates = _candidates(told)
    if (_STEPS.search(said) or "answer is" in said) and (not candidates or _MERGE.search(told)):
        candidates = (said, *candidates)
    given = f"{said}\n\n{told}" if said else told
    if len(candidates) > 1:
        return Ask(problem, _first(_SEVERAL, told), candidates=candidates, told=told)
    if candidates and (intent := _first(_ONE, told)) is not Intent.SOLVE:
        return Ask(problem, intent, candidates=candidates, told=told)
    planned = _PLANNED.search(told) is not None
    intent = _first(_NONE, told)
    if planned and intent is Intent.OUTLINE:
        intent = Intent.SOLVE
    if intent is Intent.SOLVE and _STEPS.search(given) and _ON.search(told):
        intent = Intent.CONTINUE
    if intent is Intent.SOLVE:
        given = ""
    return Ask(problem, intent, given, planned=planned, told=told)


def _first(rows: Sequence[tuple[re.Pattern[str], Intent]], text: str) -> Intent:
    text = without_marks(text)
    return next((intent for words, intent in rows if words.search(text)), Intent.SOLVE)


def _candidates(told: str) -> tuple[str, ...]:
    if tagged := _TAGGED.findall(told):
        return tuple(body for _, body in tagged)
    heads = list(_HEADING.finditer(told))
    ends = [*(head.start() for head in heads), len(told)][1:]
    bodies = (told[h.end() : end].strip() for h, end in zip(heads, ends, strict=False))
    # "Answer:" with nothing in it asks for one.
    return tuple(body for body in bodies if any(character.isdigit() for character in body))
