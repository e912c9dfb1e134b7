"""From a decision log to the two files that ``calibrate``, ``train`` and ``evaluate`` read: questions and outcomes.

An outcome is an answer with a verdict: the last one given. It says something about one answer of one model, so answers that a
search chose among several samples are left out, and so are those of a paraphrase. A stored answer given again counts
as what it is: the same model's answer to the same question.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha1
from pathlib import Path
from typing import Any

import orjson

TRAIN_SHARE = 70
"""Percent of the questions that are for training; by their text, so that a question is never in both parts."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What a log came to.

    Attributes:
        questions: Rows of ``{id, prompt, ...}``, each question once.
        outcomes: Rows of ``{id, model, tier, correct, ...}``.
        left_out: How many answers with a verdict were left out, by the reason.
        broken: Numbers of lines that are no line of a log.
    """

    questions: list[dict[str, Any]] = field(default_factory=list)
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    broken: list[int] = field(default_factory=list)


def export(log: Path) -> Exported:
    """Return questions and outcomes of a log; raises OSError if it cannot be read.

    It is read twice, so that only what was judged is held in memory.
    """
    found = Exported()
    verdicts = {
        line["decision_id"]: float(line.get("rating", line.get("correct", 0)))
        for line in log_lines(log, found.broken)
        if line["type"] == "feedback"
    }
    judged = {
        line["decision_id"]: line
        for line in log_lines(log, [])
        if line["type"] == "decision" and line["decision_id"] in verdicts
    }
    questions: dict[str, dict[str, Any]] = {}
    for decision_id, correct in verdicts.items():
        decision = judged.get(decision_id, {})
        if why := _unusable(decision):
            found.left_out[why] = found.left_out.get(why, 0) + 1
            continue
        question = _question(decision)
        questions.setdefault(question["id"], question)
        found.outcomes.append(_outcome(decision, question, correct))
    found.questions.extend(questions.values())
    return found


def log_lines(log: Path, broken: list[int]) -> Iterator[dict[str, Any]]:
    """Yield the lines that are a log's; a process that was killed may leave half of one."""
    with log.open("rb") as lines:
        for number, text in enumerate(lines, start=1):
            if not text.strip():
                continue
            try:
                line = orjson.loads(text)
            except orjson.JSONDecodeError:
                line = None
            if isinstance(line, dict) and _is_ours(line):
                yield line
            else:
                broken.append(number)


def _is_ours(line: Mapping[str, Any]) -> bool:
    verdict = line.get("rating", line.get("correct"))
    judged = line.get("type") == "feedback" and isinstance(verdict, bool | float | int)
    return isinstance(line.get("decision_id"), str) and (judged or line.get("type") == "decision")


def _unusable(decision: Mapping[str, Any]) -> str | None:
    """Return why an answer says nothing about one model, if it does not."""
    if not decision:
        return "the request is not in this log"
    if decision.get("status") != "ok":
        return "the answer was not finished"
    if decision.get("rung") is None:
        return "the client named the model itself"
    if decision.get("samples", 1) > 1:
        return "a search chose the answer among several"
    if decision.get("cache") == "near":
        return "the answer was given to a paraphrase"
    if not decision.get("prompt"):
        return "the log has no question: set log.prompts to on"
    return None


def _question(decision: Mapping[str, Any]) -> dict[str, Any]:
    prompt = decision["prompt"]
    same = " ".join(prompt.lower().split()).encode(errors="replace")
    ident = "q_" + sha1(same, usedforsecurity=False).hexdigest()[:16]
    place = int(sha1(f"split-v1:{ident}".encode(), usedforsecurity=False).hexdigest(), 16) % 100
    score = decision.get("score") or {}
    domain = score.get("domain") or {"chat": 1.0}
    return {
        "id": ident,
        "source": "feedback",
        "prompt": prompt,
        "domain": max(domain, key=domain.__getitem__),
        "split": "train" if place < TRAIN_SHARE else "dev",
        "meta": {"lang": score.get("language", "und")},
    }


def _outcome(
    decision: Mapping[str, Any], question: Mapping[str, Any], correct: float
) -> dict[str, Any]:
    usage = decision["usage"]
    row = {
        "id": question["id"],
        "source": "feedback",
        "model": decision["model"],
        "tier": decision["rung"],
        "correct": correct,
        "status": "ok",
        "split": question["split"],
    }
    if decision.get("calls") == 1:  # else it is no answer's own count
        tokens = {"output_tokens": usage["completion"], "reasoning_tokens": usage["reasoning"]}
        row |= {**tokens, "tokens_kind": "api_usage"}
    return row
