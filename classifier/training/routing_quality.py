"""What a ranking of questions is worth between a weak and a strong model. Pure arithmetic."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from classifier.training.metrics import (
    apgr,
    auc,
    call_share_for,
    expected_calibration_error,
    recovered_gap,
)
from classifier.types import RUNGS

DRAWS = 1_000
"""Bootstrap draws of the control's interval."""

FRONTIER_POINTS = 21
WRONG_BELOW = 0.5


@dataclass(frozen=True, slots=True)
class Paired:
    """Answers of two models to the same ``n`` questions, and what the router says of them.

    Attributes:
        rows: Row of each question in its file, int64.
        weak: Correctness of the weak model in [0, 1].
        strong: Correctness of the strong model.
        difficulty: Score in [0, 1].
        p_solve: Shape ``(n, 3)``; NaN when the router gives none.
        weak_tokens: Completion tokens the weak model spends.
        strong_tokens: The same for the strong model, its reasoning included.
        tokens_predicted: Whether the two token columns are predictions.
        usd_per_token: Price of a completion token of either.
        rungs: Index in ``RUNGS`` of the weak and of the strong model.
    """

    rows: NDArray[np.int64]
    weak: NDArray[np.float64]
    strong: NDArray[np.float64]
    difficulty: NDArray[np.float64]
    p_solve: NDArray[np.float64]
    weak_tokens: NDArray[np.float64]
    strong_tokens: NDArray[np.float64]
    tokens_predicted: tuple[bool, bool]
    usd_per_token: tuple[float, float]
    rungs: tuple[int, int] = (0, RUNGS.index("long"))

    def chosen(self, inside: NDArray[np.int64]) -> "Paired":
        """Return only the questions at the given positions."""
        fields = ("rows", "weak", "strong", "difficulty", "p_solve", "weak_tokens", "strong_tokens")
        return replace(self, **{field: getattr(self, field)[inside] for field in fields})

    def ranking(self) -> NDArray[np.float64]:
        """Return what the router sends up first: the largest uplift, else the hardest.

        The uplift is that of the two models' own rungs: a distilled reasoner is no full one. Two
        models of one rung are ranked by what the full rung gains over the short one.
        """
        return self.uplift(*self.compared())

    def compared(self) -> tuple[str, str]:
        """Return the names of the two rungs whose difference ranks the questions."""
        weak, strong = self.rungs
        return ("short", "long") if strong <= weak else (RUNGS[weak], RUNGS[strong])

    def uplift(self, weak: str = "short", strong: str = "long") -> NDArray[np.float64]:
        """Return ``p_solve`` of one rung less that of another, the difficulty where there is none."""
        uplift = self.p_solve[:, RUNGS.index(strong)] - self.p_solve[:, RUNGS.index(weak)]
        return self.difficulty if np.isnan(uplift).any() else uplift


def quality(paired: Paired, share: NDArray[np.float64], *, bootstrap: bool) -> dict[str, object]:
    """Return the numbers of contracts, section 5, for one set of questions.

    Args:
        paired: Answers and scores.
        share: Mean correctness per rung over all recorded models, shape ``(n, 3)``, for the ECE.
        bootstrap: Draw the control's interval and the frontier too; else only point estimates.
    """
    score, gain = paired.ranking(), paired.strong - paired.weak
    curve = recovered_gap(score, paired.weak, paired.strong)
    result: dict[str, object] = {
        "n": int(paired.rows.size),
        "weak_accuracy": _number(paired.weak.mean()),
        "strong_accuracy": _number(paired.strong.mean()),
        "auc_weak_wrong": _number(auc(paired.difficulty, paired.weak < WRONG_BELOW)),
        "auc_uplift": _number(auc(score, gain > 0)),
        "ece": _calibration(paired, share),
        "ranked_by": _ranked_by(paired),
        "apgr": _number(apgr(score, paired.weak, paired.strong)),
        "apgr_by_difficulty": _number(apgr(paired.difficulty, paired.weak, paired.strong)),
        "apgr_long_less_short": _number(apgr(paired.uplift(), paired.weak, paired.strong)),
        "cpt50": _number(call_share_for(curve, 0.5)),
        "cpt80": _number(call_share_for(curve, 0.8)),
        "oracle_apgr": _number(apgr(gain, paired.weak, paired.strong)),
    }
    if bootstrap:
        result["shuffled_control"] = shuffled_control(score, paired.weak, paired.strong)
        result["frontier"] = frontier(paired, score)
        result["baselines"] = _baselines(paired)
    return result


def _ranked_by(paired: Paired) -> str:
    if np.isnan(paired.p_solve).any():
        return "difficulty"
    weak, strong = paired.compared()
    return f"p_solve.{strong} - p_solve.{weak}"


def shuffled_control(
    score: NDArray[np.float64], weak: NDArray[np.float64], strong: NDArray[np.float64]
) -> dict[str, object]:
    """Return the APGR of a router with the same share of strong calls given to random questions.

    Paired: every draw resamples the questions, then compares the ranking with a shuffle of itself on
    that same sample; ``delta`` is router minus control and ``ci95`` its percentile interval.
    """
    rng = np.random.default_rng(0)
    deltas, controls = np.empty(DRAWS), np.empty(DRAWS)
    for draw in range(DRAWS):
        sample = rng.integers(0, score.size, score.size)
        weak_, strong_ = weak[sample], strong[sample]
        controls[draw] = apgr(rng.permutation(score[sample]), weak_, strong_)
        deltas[draw] = apgr(score[sample], weak_, strong_) - controls[draw]
    usable = np.isfinite(deltas)
    if not usable.any():
        return {"apgr": None, "delta": None, "ci95": [None, None]}
    low, high = np.quantile(deltas[usable], [0.025, 0.975])
    return {
        "apgr": _number(controls[usable].mean()),
        "delta": _number(deltas[usable].mean()),
        "ci95": [_number(low), _number(high)],
    }


def frontier(paired: Paired, score: NDArray[np.float64]) -> list[dict[str, object]]:
    """Return accuracy and mean cost per question as the share of strong calls grows."""
    order = np.argsort(-score, kind="stable")
    points: list[dict[str, object]] = []
    for share in np.linspace(0, 1, FRONTIER_POINTS):
        up = np.zeros(order.size, np.bool_)
        up[order[: round(share * order.size)]] = True
        points.append(
            {
                "share_strong": _number(up.mean()),
                "accuracy": _number(np.where(up, paired.strong, paired.weak).mean()),
                "tokens": _number(np.where(up, paired.strong_tokens, paired.weak_tokens).mean()),
                "usd": _usd(paired, up),
            }
        )
    return points


def _baselines(paired: Paired) -> dict[str, object]:
    """Return what no routing would bring, and what knowing every answer beforehand would."""
    nothing, everything = np.zeros(paired.rows.size, np.bool_), np.ones(paired.rows.size, np.bool_)
    return {
        "always_weak": {"accuracy": _number(paired.weak.mean()), "usd": _usd(paired, nothing)},
        "always_strong": {
            "accuracy": _number(paired.strong.mean()),
            "usd": _usd(paired, everything),
        },
        "oracle": {"accuracy": _number(np.maximum(paired.weak, paired.strong).mean())},
    }


def _usd(paired: Paired, up: NDArray[np.bool_]) -> float:
    weak, strong = paired.usd_per_token
    usd = np.where(up, paired.strong_tokens * strong, paired.weak_tokens * weak)
    return float(f"{usd.mean():.4g}")


def _calibration(paired: Paired, share: NDArray[np.float64]) -> dict[str, float | None]:
    """Return the ECE of each rung against the mean of all its recorded models."""
    found: dict[str, float | None] = {}
    for rung, name in enumerate(RUNGS):
        known = ~np.isnan(share[:, rung]) & ~np.isnan(paired.p_solve[:, rung])
        found[name] = (
            _number(expected_calibration_error(paired.p_solve[known, rung], share[known, rung]))
            if known.any()
            else None
        )
    return found


def _number(value: float) -> float | None:
    """Return the number rounded for a report, None when it is not defined."""
    return round(float(value), 4) if np.isfinite(value) else None
