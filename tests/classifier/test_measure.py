"""The measurements that no training prints: they run on files, and say what is missing."""

import json
from pathlib import Path

import pytest

from classifier.training.measure import main
from classifier.training.robustness import CHANGES
from tests.classifier.small_world import write_world
from tests.classifier.test_attack import EASY


def _written(path: Path, split: str) -> Path:
    rows = [
        {"id": str(n), "prompt": text, "split": split, "meta": {"assumed": "easy"}}
        for n, text in enumerate(EASY)
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_the_shipped_artefact_is_attacked(tmp_path: Path) -> None:
    lines: list[str] = []
    assert (
        main(["attack", "--questions", str(_written(tmp_path / "q.jsonl", "dev"))], lines.append)
        == 0
    )
    assert len(lines) == 3
    for line in lines:
        assert 0 <= float(line.split()[0]) <= 1


def test_changes_of_form_are_counted_on_the_shipped_artefact(tmp_path: Path) -> None:
    lines: list[str] = []
    assert (
        main(["form", "--questions", str(_written(tmp_path / "q.jsonl", "dev"))], lines.append) == 0
    )
    assert [line[:16].strip() for line in lines] == list(CHANGES)
    kept = {line[:16].strip(): float(line[16:].split()[0]) for line in lines}
    assert kept["case"] == kept["zero width"] == 1.0  # never read
    assert all(0 <= share <= 1 for share in kept.values())


def test_dev_questions_are_timed(tmp_path: Path) -> None:
    lines: list[str] = []
    assert (
        main(["speed", "--questions", str(_written(tmp_path / "q.jsonl", "dev"))], lines.append)
        == 0
    )
    _, line = lines  # none of them is long
    name, p50, p99, _ = line.strip("| \n").split(" | ")
    assert f"({len(EASY)})" in name
    assert 0 < int(p50) <= int(p99)


@pytest.mark.parametrize(
    ("what", "said"),
    [("attack", "assumed"), ("form", "dev split"), ("left-out", "--outcomes")],
    ids=["asks", "questions", "outcomes"],
)
def test_what_is_missing_is_named(
    what: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([what, "--questions", str(_written(tmp_path / "q.jsonl", "train"))])
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("what", ["left-out", "tasks-out", "cross-fitted"])
def test_outcomes_of_other_models_are_refused_with_advice(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions, outcomes = write_world(tmp_path)
    with pytest.raises(SystemExit):
        main([what, "--questions", str(questions), "--outcomes", str(outcomes)])
    assert "thinkthrift evaluate" in capsys.readouterr().err


def test_a_seed_that_no_generator_takes_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions, outcomes = write_world(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(
            ["left-out", "--questions", str(questions), "--outcomes", str(outcomes), "--seed", "-1"]
        )
    assert stopped.value.code == 2
    assert "take 0" in capsys.readouterr().err
