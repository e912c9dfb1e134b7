"""What the model learns per question: a success logit per rung, thinking tokens, and a weight.

Outcomes come first. Human levels and everyday asks stand on the same scale with low weights: they
carry over to unseen sources, and they are OUR ASSUMPTIONS, so no metric is computed on them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from classifier.training.abilities import fit_scale
from classifier.training.dataset import Outcomes, Question
from classifier.types import RUNGS

LOGIT_LIMIT = 4.5
RAW_SHARE = 0.5
"""Labels are this much the plain mean of a rung and otherwise the item-response fit."""

_PRIOR_ANSWERS = 1.0  # pseudo-answers at the source's mean, so that three models are no certainty

_MATH_LEVELS = {"1": 0.92, "2": 0.85, "3": 0.77, "4": 0.66, "5": 0.42}
_GAOKAO = {"math": 0.55, "science": 0.60, "knowledge": 0.68}
_STEM_GAIN = (1.3, 1.4)
_OTHER_GAIN = (0.35, 0.5)
_HUMAN_GAIN = (1.5, 1.6)
_HARD_GAIN = (1.5, 2.0)
_HARD_BELOW = 0.6
"""Below this success of a short model a full reasoner leads a distilled one by half a logit.

OUR ASSUMPTION for questions that have a human level and no outcome, after the DeepSeek-R1 report
(arXiv 2501.12948, table 4 and 5; pass@1 in per cent, R1 / R1-Distill-Qwen-32B and o1 / o1-mini):
AIME 2024 79.8 / 72.6 and 79.2 / 63.6; MATH-500 97.3 / 94.3 and 96.4 / 90.0; GPQA Diamond
71.5 / 62.1 and 75.7 / 60.0; LiveCodeBench 65.9 / 57.2 and 63.4 / 53.8. The eight differences are
0.4 to 1.1 logits. Recorded outcomes are never changed.
"""
_EASY_GAIN = (0.3, 0.3)
EASY_FROM = 0.9
"""Success of a short model from which on a label without outcomes says "easy"."""
_STEM = frozenset({"math", "science", "logic", "code"})

_CHORES = frozenset({"summarise", "translate", "rewrite", "extract", "qa_with_context", "fact"})
_CHORE_WEIGHT = 1.5
"""Chores with a text count more: without, the text drowns what is asked for. So do plain facts."""

_TOKEN_ANCHORS = (
    (-4.5, 9.4),
    (-2.0, 9.1),
    (-0.8, 8.9),
    (0.2, 8.3),
    (1.2, 7.5),
    (2.5, 6.4),
    (4.5, 5.2),
)
"""Logit of the short rung -> log reasoning tokens of a long-CoT model.

The two ends are measured (easy questions and puzzles: billed tokens of 23 reasoning models); what
lies between is interpolated: OUR ASSUMPTION, weighted low where tokens were measured.
"""


AS_ASKED, CHANGED, TOGETHER = range(3)
"""What a row is: a question as its source has it, a changed copy of one, several as one ask."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Targets per question; rows without a label have weight 0.

    Attributes:
        form: Shape ``(n,)``: ``AS_ASKED``, ``CHANGED`` or ``TOGETHER``.
        logits: Shape ``(n, 3)``: success logit per rung.
        weight: Shape ``(n,)``: weight of the row for the logits.
        measured: Shape ``(n, 3)``, bool: the rung was answered by at least one model.
        share: Shape ``(n, 3)``: plain mean correctness per rung, NaN when not measured.
        log_tokens: Shape ``(n,)``: log of median reasoning tokens.
        token_weight: Shape ``(n,)``.
        token_spread: log(p90 / p50) of measured reasoning tokens over models and questions.
    """

    form: NDArray[np.int8]
    logits: NDArray[np.float64]
    weight: NDArray[np.float64]
    measured: NDArray[np.bool_]
    share: NDArray[np.float64]
    log_tokens: NDArray[np.float64]
    token_weight: NDArray[np.float64]
    token_spread: float


def make_labels(questions: list[Question], outcomes: Outcomes) -> Labels:
    """Return targets and weights for every question."""
    sources, source = np.unique([q.source for q in questions], return_inverse=True)
    share, count = rung_means(outcomes, len(questions))
    measured = count > 0
    scale = fit_scale(outcomes, source)
    logits = np.full((len(questions), len(RUNGS)), np.nan)
    for rung in range(len(RUNGS)):
        mean = _source_means(share[:, rung], source, sources.size)
        total = count[:, rung] + _PRIOR_ANSWERS
        smooth = (np.nan_to_num(share[:, rung]) * count[:, rung] + _PRIOR_ANSWERS * mean) / total
        raw = logit(np.clip(smooth, 0.01, 0.99))
        both = RAW_SHARE * raw + (1 - RAW_SHARE) * scale.rung_logits[:, rung]
        logits[measured[:, rung], rung] = both[measured[:, rung]]
    weight = np.where(measured.any(axis=1), 1.0, 0.0)
    _add_assumptions(questions, logits, weight)
    logits = np.clip(logits, -LOGIT_LIMIT, LOGIT_LIMIT)
    tokens, token_weight, spread = _token_labels(outcomes, logits, weight)
    form = np.full(len(questions), AS_ASKED, np.int8)
    return Labels(form, logits, weight, measured, share, tokens, token_weight, spread)


def rung_means(
    outcomes: Outcomes, n_questions: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return mean correctness (NaN when unknown) and number of models, both ``(n, 3)``."""
    cell = outcomes.question * len(RUNGS) + outcomes.rung
    count = np.bincount(cell, minlength=n_questions * len(RUNGS))
    total = np.bincount(cell, outcomes.correct, n_questions * len(RUNGS))
    with np.errstate(invalid="ignore"):
        share = total / count
    shape = (n_questions, len(RUNGS))
    return share.reshape(shape), count.reshape(shape)


def human_success(question: Question) -> tuple[float, float] | None:
    """Return (probability that a short model solves it, weight), or None without any label.

    The figures follow published accuracies of ordinary chat models per level: OUR ASSUMPTIONS.
    """
    meta, level = question.meta, str(question.meta.get("level") or "")
    if meta.get("base_tier_p") is not None:
        return None
    for reader in (_by_number, _by_level, _by_assumption):
        found = reader(meta, level, question.domain)
        if found is not None:
            return found
    return None


def _by_number(meta: dict[str, Any], level: str, domain: str) -> tuple[float, float] | None:
    if isinstance(meta.get("grade"), int | float):
        return 0.99 - 0.015 * float(meta["grade"]), 0.5
    if isinstance(meta.get("difficulty"), int | float):
        return float(expit(1.6 - 0.62 * float(meta["difficulty"]))), 0.7
    if level.startswith("Level ") and level[6:] in _MATH_LEVELS:
        return _MATH_LEVELS[level[6:]], 0.7
    if isinstance(meta.get("n_steps"), int | float) and level == "grade-school":
        return max(0.97 - 0.018 * (float(meta["n_steps"]) - 2), 0.6), 0.5
    return None


def _by_level(meta: dict[str, Any], level: str, domain: str) -> tuple[float, float] | None:
    if level == "gaokao":
        return _GAOKAO.get(domain, 0.7), 0.5
    known = {
        "Olympiad": (0.18, 1.5),
        "college": (0.68, 0.5),
        "GRE/GMAT": (0.75, 0.5),
        "elementary": (0.97, 0.5),
        "grade 1-6": (0.90, 0.5),
    }
    return known.get(level)


def _by_assumption(meta: dict[str, Any], level: str, domain: str) -> tuple[float, float] | None:
    if meta.get("trivial"):
        return 0.99, 1.0
    if meta.get("assumed") == "easy" and meta.get("kind") in _CHORES:
        return 0.98, _CHORE_WEIGHT
    known = {"easy": (0.985, 1.0), "mixed": (0.86, 0.15)}
    return known.get(str(meta.get("assumed")))


def _add_assumptions(
    questions: list[Question], logits: NDArray[np.float64], weight: NDArray[np.float64]
) -> None:
    """Fill unmeasured rungs and unmeasured questions in place."""
    for row, question in enumerate(questions):
        gain = _STEM_GAIN if question.domain in _STEM else _OTHER_GAIN
        if np.isnan(logits[row, 0]):
            gain = _fill_short(question, logits[row], weight, row)
        for rung in (1, 2):
            if np.isnan(logits[row, rung]):
                logits[row, rung] = logits[row, 0] + gain[rung - 1]


def _fill_short(
    question: Question,
    logits: NDArray[np.float64],
    weight: NDArray[np.float64],
    row: int,
) -> tuple[float, float]:
    """Fill the short rung of one question in place; return what the other rungs gain on it."""
    base = _base_success(question)
    found = base if base is not None else human_success(question)
    if found is None:
        if not np.isnan(logits).all():
            logits[0] = np.nanmin(logits) - _HUMAN_GAIN[0]
        return _HUMAN_GAIN
    logits[0] = logit(np.clip(found[0], 0.015, 0.99))
    weight[row] = max(weight[row], found[1])
    if base is not None and "full" in question.meta["base_tier_p"]:
        return _base_gain(question.meta["base_tier_p"], found[0])
    if found[0] < _HARD_BELOW:
        return _HARD_GAIN
    return _HUMAN_GAIN if found[0] < EASY_FROM else _EASY_GAIN


def _base_success(question: Question) -> tuple[float, float] | None:
    """Return the measured success of the English original of a wrapped question."""
    share = (question.meta.get("base_tier_p") or {}).get("short")
    return None if share is None else (float(share), 0.7)


def _base_gain(share: dict[str, float], short: float) -> tuple[float, float]:
    """Return what the two reasoning rungs gained on the English original, in logits."""
    clipped = {tier: float(logit(np.clip(p, 0.03, 0.97))) for tier, p in share.items()}
    start = float(logit(np.clip(short, 0.015, 0.985)))
    return clipped.get("distilled", clipped["full"]) - start, clipped["full"] - start


def _source_means(
    share: NDArray[np.float64], source: NDArray[np.int64], n_sources: int
) -> NDArray[np.float64]:
    """Return each question's source mean, the overall mean where the source was not measured."""
    known = ~np.isnan(share)
    count = np.bincount(source[known], minlength=n_sources)
    total = np.bincount(source[known], share[known], n_sources)
    overall = share[known].mean() if known.any() else 0.5
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), overall)[source])


def _token_labels(
    outcomes: Outcomes, logits: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return log tokens, weights, and log(p90 / p50) of what was measured."""
    levels, logs_at = zip(*_TOKEN_ANCHORS, strict=True)
    tokens = np.interp(np.nan_to_num(logits[:, 0]), levels, logs_at)
    token_weight = 0.3 * weight
    known = outcomes.reasoning_tokens > 0
    deviations: list[NDArray[np.float64]] = []
    for row in np.unique(outcomes.question[known]):
        logs = np.log(outcomes.reasoning_tokens[known & (outcomes.question == row)])
        tokens[row] = np.median(logs)
        # Many models measured one question: it stands for a kind of question, not for one row.
        token_weight[row] = max(1.0, min(float(logs.size), 10.0))
        deviations.append(logs - tokens[row])
    spread = float(np.quantile(np.concatenate(deviations), 0.9)) if deviations else 0.9
    return tokens, token_weight, float(np.clip(spread, 0.5, 1.6))
