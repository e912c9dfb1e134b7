"""Baselines: each ranks as its rule says, LiteLLM's heuristic answers, the report holds them all."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from classifier.training import evaluate
from classifier.training.baselines import (
    LEAST_TAUGHT,
    Answered,
    litellm_heuristic,
    rankings,
    single_models,
)
from classifier.training.dataset import Outcomes, Question
from classifier.training.routing_quality import Paired
from tests.classifier.conftest import Trained

NAMES = {
    "ours", "random", "prompt length", "category mean", "TF-IDF + logistic regression",
    "k-nearest neighbours", "LiteLLM complexity heuristic",
}  # fmt: skip


def _answered(count: int, start: int = 0) -> Answered:
    """Return sums only the strong model solves, and greetings both models answer."""
    hard = np.arange(start, start + count) % 2 == 1
    prompts = [
        f"compute the sum {n * 7919} plus {n} now" if h else f"hello friend {n}, how are you today"
        for n, h in enumerate(hard, start)
    ]
    questions = [
        Question(f"q{start + n}", "sums" if h else "chat", text, "math", "en", "dev", {})
        for n, (text, h) in enumerate(zip(prompts, hard, strict=True))
    ]
    return Answered(questions, 1.0 - hard, np.ones(count))


def _ours(answered: Answered) -> Paired:
    count = len(answered.questions)
    return Paired(
        rows=np.arange(count),
        weak=answered.weak,
        strong=answered.strong,
        difficulty=1 - answered.weak,
        p_solve=np.full((count, 3), np.nan),
        weak_tokens=np.ones(count),
        strong_tokens=np.ones(count),
        tokens_predicted=(False, False),
        usd_per_token=(0.0, 0.0),
    )


@pytest.mark.parametrize("is_taught", [True, False], ids=["training rows", "five-fold"])
def test_learnt_baselines_find_what_is_easy_to_learn(is_taught: bool) -> None:
    asked = _answered(60)
    found = rankings(asked, _answered(LEAST_TAUGHT, 100) if is_taught else None, _ours(asked))
    assert set(found) == NAMES
    for name in ("category mean", "TF-IDF + logistic regression", "k-nearest neighbours", "ours"):
        assert found[name]["auc_weak_wrong"] == 1.0
        assert found[name]["apgr"] == pytest.approx(0.75)
    assert ("optimistic" in str(found["category mean"].get("note"))) is not is_taught
    assert "fewer than" in str(found["LiteLLM complexity heuristic"]["note"])


def test_litellms_own_heuristic_is_called_through_the_installed_package() -> None:
    found = litellm_heuristic(_answered(20), least=1)
    assert isinstance(found["auc_weak_wrong"], float), found


def test_a_litellm_that_cannot_be_called_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert "could not be called" in str(litellm_heuristic(_answered(20), least=1)["note"])


def test_single_models_are_compared_where_they_answered_nearly_everything() -> None:
    outcomes = Outcomes(
        question=np.array([0, 1, 0, 1, 0]),
        model=np.array([0, 0, 1, 1, 2]),
        rung=np.array([0, 0, 1, 1, 2]),
        correct=np.array([1.0, 0.0, 1.0, 1.0, 1.0]),
        output_tokens=np.full(5, np.nan),
        reasoning_tokens=np.full(5, np.nan),
        models=("plain", "distil", "rarely-asked"),
    )
    found = single_models(outcomes, np.array([0, 1]), "plain", 0.5)
    assert found["always_cheapest"] == {"model": "plain", "accuracy": 0.5}
    assert found["always_distilled"] == {"model": "distil", "accuracy": 1.0}
    assert found["best_single_model"] == {"model": "distil", "accuracy": 1.0}


def test_the_report_puts_the_baselines_beside_ours(trained: Trained, tmp_path: Path) -> None:
    console = Console(file=io.StringIO())
    evaluate(
        trained.questions, trained.outcomes, tmp_path, weak="plain", strong="deep", console=console
    )
    report = json.loads((tmp_path / "report.json").read_text())
    assert set(report["rankings"]) == NAMES
    assert report["rankings"]["ours"]["apgr"] == report["apgr"]
    assert {"always_cheapest", "always_distilled", "best_single_model"} <= set(report["baselines"])
    text = (tmp_path / "report.md").read_text()
    assert all(f"| {name} |" in text for name in NAMES)
    assert "| best single model |" in text


def test_plots_are_images(trained: Trained, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    console = Console(file=io.StringIO())
    report = evaluate(
        trained.questions, trained.outcomes, tmp_path, prices={"deep": (1.0, 10.0)}, console=console
    )
    plots = report["plots"]
    assert isinstance(plots, list)
    assert plots == ["accuracy_by_share_strong.png", "accuracy_by_usd.png"]  # tokens are all equal
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in plots)
