"""Reads questions and recorded outcomes (JSON lines, gzip or plain). Knows nothing of features."""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.types import RUNGS

TIERS: tuple[str, ...] = ("short", "distilled", "full")
"""Names of the rungs in the outcome files, in the order of ``classifier.types.RUNGS``."""

MEASURED_TOKENS = frozenset({"api_usage", "text_incl_reasoning"})
"""Token counts that include the hidden reasoning; all others must not be read as a cost."""


class DataError(ValueError):
    """A data file cannot be used; the message names file, line and what to do."""


@dataclass(frozen=True, slots=True)
class Question:
    """One prompt with what its source says about it.

    Attributes:
        id: Key that the outcomes refer to.
        source: Benchmark or data set it comes from.
        prompt: The text that is scored.
        domain: One of math, code, logic, science, knowledge, chat; other names are read as chat.
        language: ISO code.
        split: ``train`` or ``dev``.
        meta: Human levels and the like, as the source gives them.
    """

    id: str
    source: str
    prompt: str
    domain: str
    language: str
    split: str
    meta: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Recorded answers, one entry per question and model; all arrays have one shape ``(n,)``.

    Attributes:
        question: Row of the question, int64.
        model: Index into ``models``, int64.
        rung: Index into ``RUNGS``, int64.
        correct: Share of correct answers in [0, 1], float64.
        output_tokens: Tokens of the answer, NaN when unknown.
        reasoning_tokens: Reasoning tokens where truly measured, else NaN.
        models: Normalised names.
    """

    question: NDArray[np.int64]
    model: NDArray[np.int64]
    rung: NDArray[np.int64]
    correct: NDArray[np.float64]
    output_tokens: NDArray[np.float64]
    reasoning_tokens: NDArray[np.float64]
    models: tuple[str, ...]

    def of(self, rows: NDArray[np.int64]) -> "Outcomes":
        """Return the outcomes of the given question rows, numbered by their place among them."""
        place = np.full(int(max(self.question.max(), rows.max())) + 1, -1)
        place[rows] = np.arange(rows.size)
        kept = np.flatnonzero(place[self.question] >= 0)
        return Outcomes(
            question=place[self.question[kept]],
            model=self.model[kept],
            rung=self.rung[kept],
            correct=self.correct[kept],
            output_tokens=self.output_tokens[kept],
            reasoning_tokens=self.reasoning_tokens[kept],
            models=self.models,
        )


def read_questions(path: Path) -> list[Question]:
    """Return the questions of a file in its order.

    Raises:
        DataError: If a line is no JSON object or lacks ``id`` or ``prompt``, or none is left.
    """
    questions = [
        Question(
            id=_text(row, "id", where),
            source=str(row.get("source") or "unknown"),
            prompt=_text(row, "prompt", where),
            domain=str(row.get("domain") or "chat"),
            language=str((row.get("meta") or {}).get("lang") or "en"),
            split=str(row.get("split") or "train"),
            meta=row.get("meta") or {},
        )
        for where, row in _rows(path)
    ]
    if not questions:
        raise DataError(f"{path}: no question in it; each line is a JSON object with id and prompt")
    return questions


def read_outcomes(path: Path, questions: list[Question]) -> Outcomes:
    """Return the outcomes that belong to the given questions; others are skipped.

    Outcomes with status ``no_response`` say nothing about the model and are skipped too.

    Raises:
        DataError: If a line is broken, names an unknown tier, or nothing is left.
    """
    row_of = {question.id: row for row, question in enumerate(questions)}
    model_of: dict[str, int] = {}
    columns: list[tuple[int, int, int, float, float, float]] = []
    for where, row in _rows(path):
        question = row_of.get(str(row.get("id")))
        if question is None or row.get("status") == "no_response":
            continue
        tier = row.get("tier")
        if tier not in TIERS and tier not in RUNGS:
            raise DataError(f"{where}: unknown tier {tier!r}; use one of {', '.join(TIERS)}")
        rung = TIERS.index(tier) if tier in TIERS else RUNGS.index(tier)
        name = normalised_model(_text(row, "model", where))
        model = model_of.setdefault(name, len(model_of))
        correct = row.get("p_correct", row.get("correct"))
        if not isinstance(correct, int | float) or not 0 <= correct <= 1:
            raise DataError(f"{where}: correct is {correct!r}; give 0, 1 or a share between them")
        tokens = float(row.get("output_tokens") or np.nan)
        reasoning = np.nan
        if rung > 0 and row.get("tokens_kind") in MEASURED_TOKENS:
            reasoning = float(row.get("reasoning_tokens") or tokens)
        columns.append((question, model, rung, float(correct), tokens, reasoning))
    if not columns:
        raise DataError(f"{path}: no outcome of any given question in it; compare the ids")
    question_, model_, rung_, correct_, tokens_, reasoning_ = zip(*columns, strict=True)
    return Outcomes(
        question=np.array(question_, np.int64),
        model=np.array(model_, np.int64),
        rung=np.array(rung_, np.int64),
        correct=np.array(correct_),
        output_tokens=np.array(tokens_),
        reasoning_tokens=np.array(reasoning_),
        models=tuple(model_of),
    )


def normalised_model(name: str) -> str:
    """Return one name for one model: no vendor prefix, host, release date or ``instruct``."""
    name = name.lower().split("@")[0].rsplit("/", maxsplit=1)[-1].replace("_", ".")
    name = name.removeprefix("meta-")
    name = re.sub(r"-(20)?\d\d-?\d\d-?\d\d$|-\d{4}$", "", name)
    return re.sub(r"-(instruct|inst|chat|it)(-fp8)?$", "", name)


def _text(row: dict[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise DataError(f"{where}: {key!r} is {value!r}; it must be a string")
    return value


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the place (for messages) and the object of every line.

    Raises:
        DataError: If the file cannot be read or a line is not a JSON object.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise DataError(f"{path}:{number}: a JSON object per line is wanted")
                yield f"{path}:{number}", row
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{path}: cannot be read as JSON lines: {error}") from error
