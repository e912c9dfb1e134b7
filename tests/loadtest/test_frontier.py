"""The frontier, small: it starts what it needs, its truths are the simulator's, and what it writes is what it prints."""

import json
from pathlib import Path

import pytest

from loadtest import frontier
from loadtest.frontier import Arm, Reply, summarise
from loadtest.graded import BANDS, MOST_STEPS, make_questions, said_value
from loadtest.simulator.arithmetic import read_problem


def test_the_questions_are_graded_and_their_truth_is_the_simulators() -> None:
    questions = make_questions(200, seed=3)
    assert len({question.text for question in questions}) == 200
    for number, question in enumerate(questions):
        problem = read_problem(question.text)
        assert problem is not None
        assert len(problem.steps) == question.steps == number % MOST_STEPS + 1
        assert problem.value == question.value
    steps = [step for band in BANDS for step in range(band.least, band.most + 1)]
    assert steps == list(range(1, MOST_STEPS + 1))


@pytest.mark.parametrize(
    ("text", "value"),
    [("step 1: 2 + 3 = 5\n\nThe answer is 5.", 5), ("The answer is $\\boxed{-12}$.", -12), ("-7", -7), ("", None)],
)  # fmt: skip
def test_a_stated_value_is_read(text: str, value: int | None) -> None:
    assert said_value(text) == value


def test_figures_are_means_with_their_standard_errors() -> None:
    questions = make_questions(20, seed=0)
    replies = [Reply(q.steps <= 3, tokens=10 * q.steps, cost_usd=0.5) for q in questions]
    easy, middling, hard, every = summarise(Arm("a", "t", "single"), questions, replies)
    assert (easy.accuracy, easy.error, easy.tokens) == (1.0, 0.0, 20.0)
    assert (middling.accuracy, hard.accuracy, every.accuracy) == (0.0, 0.0, 0.3)
    assert every.error == pytest.approx((0.3 * 0.7 / 20) ** 0.5)
    assert (every.n, every.tokens, every.cost_usd) == (20, 55.0, 0.5)


def test_it_measures_prints_writes_and_draws(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--questions", "10", "--only", "single", "--only", "vote 5", "--out", str(tmp_path)]
    assert frontier.main(options) == 0
    report = json.loads((tmp_path / "frontier.json").read_text(encoding="utf-8"))
    figures = {(figure["arm"], figure["band"]): figure for figure in report["figures"]}
    assert {arm for arm, _ in figures} == {"single", "vote 5"}
    assert figures["vote 5", "all"]["tokens"] > 2 * figures["single", "all"]["tokens"] > 0
    assert figures["vote 5", "all"]["cost_usd"] > figures["single", "all"]["cost_usd"] > 0
    assert (tmp_path / "frontier.png").read_bytes().startswith(b"\x89PNG")
    assert f"{figures['vote 5', 'all']['tokens']:,.0f}" in capsys.readouterr().out


def test_a_proxy_that_does_not_start_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert frontier.main(["--command", "false", "--questions", "1"]) == 1
    assert "did not get ready" in capsys.readouterr().err
