"""The recorded answers that routing policies are measured on, with the costs that are declared for them.

Token counts of the recorded answers are partly hidden (reasoning that was not published), so costs are DECLARED, not recorded: see
``TOKENS`` and ``USD``. A rung's answer is right as often as its recorded models are; several recorded short models stand in for
samples of one.
"""

import gzip
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from classifier.types import Ask, Difficulty
from policies.answers import answer_key

TOKENS = {"everyday": (120, 350, 600), "benchmark": (300, 1200, 4500)}
"""Completion tokens of one answer of a short, distilled and long model: declared."""

USD = (0.6, 4.4, 12.0)
"""Per million completion tokens: declared."""

TIER_NAMES = {"short": 0, "distilled": 1, "full": 2}
PAIR = 2
"""Samples it takes to agree."""


class Scores(Protocol):
    """What predicts; ``classifier.scorer.Scorer`` does."""

    def score(self, ask: Ask) -> Difficulty:
        """Return the difficulty of one ask."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """One question of the mixture.

    Attributes:
        source: Where it comes from; ``everyday`` if it is assumed easy.
        score: What the classifier predicts.
        right: Share of right answers per rung.
        usd: Declared cost of one answer per rung.
        agreed: Share of the short samples behind their leading answer; ``None`` if there is one sample only.
        led: Share of right ones among those.
        samples: Short samples recorded.
    """

    source: str
    score: Difficulty
    right: tuple[float, ...]
    usd: tuple[float, ...]
    agreed: float | None
    led: float
    samples: int


def mixture(replay: Path, questions: Path, scorer: Scores) -> list[Row]:
    """Return the rows: every replayed question, and as many everyday prompts of the dev split."""
    rows = []
    for record in _lines(replay):
        answers: list[list[float]] = [[], [], []]
        keys: list[tuple[str | None, float]] = []
        for output in record["outputs"]:
            rung = TIER_NAMES[output["tier"]]
            answers[rung].append(float(output["correct"]))
            if rung == 0:
                keys.append((answer_key(output["text"] or ""), float(output["correct"])))
        right = tuple(float(np.mean(each)) for each in answers)
        agreed, led = _agreement(keys)
        score = scorer.score(Ask(record["prompt"]))
        rows.append(Row(record["source"], score, right, _usd("benchmark"), agreed, led, len(keys)))
    easy = [
        question["prompt"]
        for question in _lines(questions)
        if question["split"] == "dev" and question["meta"].get("assumed") == "easy"
    ]
    for prompt in random.Random(0).sample(easy, len(rows)):  # noqa: S311 - the same ones each time
        score = scorer.score(Ask(prompt))
        rows.append(Row("everyday", score, (1.0, 1.0, 1.0), _usd("everyday"), 1.0, 1.0, 2))
    return rows


def _agreement(keys: Sequence[tuple[str | None, float]]) -> tuple[float | None, float]:
    """Return the share behind the leading answer, and how many of those are right."""
    mean = float(np.mean([right for _, right in keys]))
    if len(keys) < PAIR:
        return None, mean
    votes = Counter(key for key, _ in keys if key is not None).most_common(1)
    if not votes or votes[0][1] < PAIR:
        return 0.0, mean
    leader, count = votes[0]
    return count / len(keys), float(np.mean([right for key, right in keys if key == leader]))


def _usd(kind: str) -> tuple[float, ...]:
    return tuple(n * usd / 1e6 for n, usd in zip(TOKENS[kind], USD, strict=True))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
