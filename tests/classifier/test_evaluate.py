"""Evaluation: known rankings get known marks, the report has the fixed shape, errors are readable."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from classifier.training import DataError, evaluate
from classifier.training.dataset import read_outcomes, read_questions
from classifier.training.evaluate import Pair
from classifier.training.leave_out import STEPS, leave_one_out, leave_tasks_out
from classifier.training.metrics import (
    apgr,
    auc,
    call_share_for,
    expected_calibration_error,
    recovered_gap,
)
from classifier.training.routing_quality import Paired, quality, shuffled_control
from tests.classifier.conftest import Trained

KEYS = {
    "n", "weak_accuracy", "strong_accuracy", "auc_weak_wrong", "auc_uplift", "ece", "apgr", "cpt50",
    "cpt80", "oracle_apgr", "shuffled_control", "by_source", "by_language", "frontier",
}  # fmt: skip


def _report(trained: Trained, folder: Path, **more: object) -> dict[str, object]:
    console = Console(file=io.StringIO())
    return evaluate(trained.questions, trained.outcomes, folder, console=console, **more)  # type: ignore[arg-type]  # forwarded


def test_a_perfect_ranking_recovers_the_gap_as_early_as_possible() -> None:
    weak, strong = np.array([1.0, 1, 0, 0]), np.array([1.0, 1, 1, 1])
    curve = recovered_gap(np.array([0.1, 0.2, 0.8, 0.9]), weak, strong)
    assert curve.tolist() == [0, 0.5, 1, 1, 1]
    assert apgr(np.array([0.1, 0.2, 0.8, 0.9]), weak, strong) == pytest.approx(0.75)
    assert (call_share_for(curve, 0.5), call_share_for(curve, 0.8)) == (0.25, 0.5)


def test_a_constant_score_is_worth_exactly_a_coin_whatever_the_order() -> None:
    rng = np.random.default_rng(1)
    weak = rng.integers(0, 2, 50).astype(float)
    strong = np.ones(50)
    assert apgr(np.zeros(50), weak, strong) == pytest.approx(0.5)
    assert apgr(np.zeros(50), np.sort(weak), strong) == pytest.approx(0.5)


def test_auc_counts_ties_half_and_needs_both_kinds() -> None:
    assert auc(np.array([1.0, 2, 2, 3]), np.array([False, True, False, True])) == 0.875
    assert np.isnan(auc(np.array([1.0, 2]), np.array([True, True])))


def test_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    predicted, observed = np.array([0.05, 0.05, 0.95, 0.95]), np.array([0.0, 0.0, 1.0, 0.0])
    assert expected_calibration_error(predicted, observed) == pytest.approx(0.25)
    with pytest.raises(ValueError, match="pair at least one"):
        expected_calibration_error(predicted, observed[:2])


def test_the_control_interval_tells_skill_from_luck() -> None:
    rng = np.random.default_rng(2)
    weak = rng.integers(0, 2, 300).astype(float)
    strong = np.ones(300)
    skilled = shuffled_control(1 - weak + rng.normal(0, 0.5, 300), weak, strong)
    lucky = shuffled_control(rng.normal(0, 1, 300), weak, strong)
    assert skilled["ci95"][0] > 0.05  # type: ignore[index]  # a pair
    assert lucky["ci95"][0] < 0 < lucky["ci95"][1]  # type: ignore[index]  # a pair


@pytest.mark.parametrize(
    ("rungs", "ranked_by", "expected"),
    [
        ((0, 1), "p_solve.distilled - p_solve.short", 0.75),
        ((0, 2), "p_solve.long - p_solve.short", 0.25),
        ((0, 0), "p_solve.long - p_solve.short", 0.25),
    ],
    ids=["distilled", "long", "two short ones"],
)
def test_a_pair_is_ranked_by_what_its_own_rungs_gain(
    rungs: tuple[int, int], ranked_by: str, expected: float
) -> None:
    """The distilled rung gains where the strong model does, the long one elsewhere."""
    gains = np.arange(40) % 2 == 0
    p_solve = np.stack([np.full(40, 0.2), 0.2 + 0.5 * gains, 0.8 - 0.5 * gains], axis=1)
    nothing = np.zeros(40)
    paired = Paired(
        rows=np.arange(40),
        weak=nothing,
        strong=gains.astype(float),
        difficulty=1 - p_solve[:, 0],
        p_solve=p_solve,
        weak_tokens=nothing,
        strong_tokens=nothing,
        tokens_predicted=(False, False),
        usd_per_token=(0.0, 0.0),
        rungs=rungs,
    )
    found = quality(paired, np.full((40, 3), np.nan), bootstrap=False)
    assert found["ranked_by"] == ranked_by
    assert found["apgr"] == pytest.approx(expected)
    assert found["apgr_long_less_short"] == pytest.approx(0.25)


def test_the_report_has_the_fixed_keys_and_is_plain_json(trained: Trained, tmp_path: Path) -> None:
    _report(trained, tmp_path)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report.keys() >= KEYS
    assert (report["weak"], report["strong"]) in {("tiny", "deep"), ("plain", "deep")}
    assert report["n"] == 60
    assert set(report["by_source"]) == {"sums", "greetings"}
    assert [set(point) for point in report["frontier"]][:1] == [
        {"share_strong", "accuracy", "tokens", "usd"}
    ]
    assert report["frontier"][0]["accuracy"] == report["weak_accuracy"]
    assert report["frontier"][-1]["accuracy"] == report["strong_accuracy"]
    assert "Release gate" in (tmp_path / "report.md").read_text()


def test_scores_of_another_router_are_marked_and_a_wrong_one_fails_the_gate(
    trained: Trained, tmp_path: Path
) -> None:
    def scored(name: str, sign: int) -> dict[str, object]:
        path = tmp_path / f"{name}.jsonl"
        lines = (
            json.dumps({"id": q.id, "difficulty": 0.5 + sign * 0.4 * (q.source == "sums")})
            for q in read_questions(trained.questions)
        )
        path.write_text("\n".join(lines))
        return _report(trained, tmp_path / name, scores=path, weak="tiny", strong="deep")

    right, wrong = scored("right", 1), scored("wrong", -1)
    assert right["apgr"] > 0.7  # type: ignore[operator]  # a number
    assert wrong["apgr"] < 0.3  # type: ignore[operator]  # a number
    assert "**passed**" in (tmp_path / "right" / "report.md").read_text()
    assert "**FAILED**" in (tmp_path / "wrong" / "report.md").read_text()


def test_prices_turn_tokens_into_dollars(trained: Trained, tmp_path: Path) -> None:
    report = _report(trained, tmp_path, weak="tiny", strong="deep", prices={"deep": (1.0, 10.0)})
    points = report["frontier"]
    assert points[0]["usd"] == 0  # type: ignore[index]  # a list of points
    assert points[-1]["usd"] == pytest.approx(points[-1]["tokens"] * 10e-6, rel=1e-3)  # type: ignore[index]  # same


def test_an_unknown_model_is_refused_with_the_known_ones(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'gpt-9' has no outcome here; known are deep, distil"):
        _report(trained, tmp_path, weak="gpt-9")


@pytest.mark.parametrize(
    "line", ['{"id": "q6"}', "no json", "[]"], ids=["no score", "text", "list"]
)
def test_a_broken_score_file_is_refused_with_its_line(
    trained: Trained, tmp_path: Path, line: str
) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text(line)
    with pytest.raises(DataError, match=r"s.jsonl:1"):
        _report(trained, tmp_path, scores=path)


def test_a_left_out_source_is_measured_without_being_taught(trained: Trained) -> None:
    questions = read_questions(trained.questions)
    outcomes = read_outcomes(trained.outcomes, questions)
    groups = {"sums": (("sums",), (Pair("plain", "deep"),))}
    steps: list[str] = []
    found = leave_one_out(questions, outcomes, trained.recipe, groups, steps.append)
    assert set(found) == {"sums"}
    assert len(steps) == STEPS
    # All sums are drawn alike and only greetings were taught: nothing there to rank by.
    assert 0.25 < found["sums"].auc < 0.75


def test_left_out_tasks_are_measured_by_fits_on_the_others(trained: Trained) -> None:
    questions = [
        replace(question, meta={**question.meta, "task": f"task {number % 4}"})
        for number, question in enumerate(read_questions(trained.questions))
    ]
    outcomes = read_outcomes(trained.outcomes, questions)
    found = leave_tasks_out(
        questions,
        outcomes,
        trained.recipe,
        sources=("sums", "greetings"),
        pairs=(Pair("plain", "deep"),),
        folds=2,
    )
    # Sums (odd tasks) and greetings (even ones) stand in both folds: what one teaches holds in the other.
    assert found.auc > 0.9
