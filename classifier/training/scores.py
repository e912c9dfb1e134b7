"""Scores per question as arrays: computed by a scorer, or read from what any router wrote."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.scorer import Scorer
from classifier.training.dataset import DataError, Question
from classifier.types import RUNGS, Ask

_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of ``n`` questions.

    Attributes:
        known: Shape ``(n,)``, bool: the question has a score.
        difficulty: Shape ``(n,)``.
        p_solve: Shape ``(n, 3)``; NaN throughout when the router gives only a difficulty.
        thinking_p50: Shape ``(n,)``; predicted reasoning tokens.
    """

    known: NDArray[np.bool_]
    difficulty: NDArray[np.float64]
    p_solve: NDArray[np.float64]
    thinking_p50: NDArray[np.float64]


def computed_scores(
    scorer: Scorer, questions: Sequence[Question], advance: Callable[[int], None]
) -> Scores:
    """Return the scores of every question; ``advance`` is told how many were just scored."""
    scores = _empty(len(questions))
    for start in range(0, len(questions), _AT_ONCE):
        part = questions[start : start + _AT_ONCE]
        for row, score in enumerate(scorer.score_batch([Ask(q.prompt) for q in part]), start):
            scores.difficulty[row] = score.difficulty
            scores.p_solve[row] = [score.p_solve[rung] for rung in RUNGS]
            scores.thinking_p50[row] = score.thinking_p50
        advance(len(part))
    scores.known[:] = True
    return scores


def read_scores(path: Path, questions: Sequence[Question]) -> Scores:
    """Return the scores of a file in the shape of ``thinkthrift score``.

    Only ``id`` and ``difficulty`` are needed; ``p_solve`` allows ranking by uplift.

    Raises:
        DataError: If a line is broken or no question has a score.
    """
    row_of = {question.id: row for row, question in enumerate(questions)}
    scores = _empty(len(questions))
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry: dict[str, Any] = json.loads(line)
            row = row_of.get(str(entry["id"]))
            if row is None:
                continue
            scores.difficulty[row] = float(entry["difficulty"])
            solve = entry.get("p_solve") or {}
            if all(rung in solve for rung in RUNGS):
                scores.p_solve[row] = [float(solve[rung]) for rung in RUNGS]
            tokens = (entry.get("thinking_tokens") or {}).get("p50")
            scores.thinking_p50[row] = float(tokens) if tokens else scores.thinking_p50[row]
            scores.known[row] = True
        except (json.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(
                f"{path}:{number}: wants an object with id and difficulty ({error})"
            ) from error
    if not scores.known.any():
        raise DataError(f"{path}: no score of any given question in it; compare the ids")
    return scores


def _empty(count: int) -> Scores:
    default_tokens = 2_000.0  # only where a foreign router predicts none
    return Scores(
        known=np.zeros(count, np.bool_),
        difficulty=np.zeros(count),
        p_solve=np.full((count, len(RUNGS)), np.nan),
        thinking_p50=np.full(count, default_tokens),
    )


def unscored(count: int) -> Scores:
    """Return scores that tell no question from another, for pairing answers alone."""
    scores = _empty(count)
    scores.known[:] = True
    return scores
