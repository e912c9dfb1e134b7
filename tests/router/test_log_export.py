import json
from pathlib import Path
from typing import Any

import pytest

from classifier.training.dataset import read_outcomes, read_questions
from router.cli import main

DECISION: dict[str, Any] = {
    "type": "decision", "decision_id": "d", "status": "ok", "cache": "miss", "tier": "long", "rung": "long",
    "model": "our-big", "samples": 1, "calls": 1, "prompt": "What is 6 * 7?",
    "usage": {"prompt": 7, "cached": 0, "completion": 300, "reasoning": 200, "estimated": False},
    "score": {"language": "en", "domain": {"math": 0.9, "chat": 0.1}},
}  # fmt: skip


def decision(name: str, **fields: Any) -> dict[str, Any]:
    return DECISION | {"decision_id": name} | fields


def verdict(name: str, **said: Any) -> dict[str, Any]:
    return {"type": "feedback", "decision_id": name} | said


def run(folder: Path, *lines: dict[str, Any] | str) -> int:
    log = folder / "log"
    text = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    log.write_text("\n".join(text), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["export", str(log), "--out", str(folder / "out")])
    return int(ended.value.code or 0)


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    text = (folder / "out" / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_judged_answers_become_files_that_calibrate_and_train_read(tmp_path: Path) -> None:
    code = run(
        tmp_path,
        decision("a"), decision("b", prompt="what is  6 * 7?", rung="short", model="our-small"),
        decision("c", prompt="And 7 * 8?", cache="hit", calls=0), decision("nobody said"),
        verdict("a", correct=False), verdict("b", correct=False), verdict("c", rating=0.25),
        verdict("a", correct=True),
    )  # fmt: skip
    assert code == 0
    asked = read_questions(tmp_path / "out" / "questions.jsonl")
    assert [question.prompt for question in asked] == ["What is 6 * 7?", "And 7 * 8?"]
    assert [(question.domain, question.language) for question in asked] == [("math", "en")] * 2
    found = read_outcomes(tmp_path / "out" / "outcomes.jsonl", asked)
    assert found.models == ("our-big", "our-small")
    assert found.correct.tolist() == [1.0, 0.0, 0.25], "the last verdict of each"
    assert found.question.tolist() == [0, 0, 1], "spelled differently, the same question"
    assert found.rung.tolist() == [2, 0, 2]
    assert found.reasoning_tokens.tolist()[:1] == [200]
    assert "output_tokens" not in rows(tmp_path, "outcomes")[2], "a stored answer cost nothing"


def test_what_says_nothing_about_one_model_is_left_out_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unusable: dict[str, dict[str, Any]] = {
        "failed": {"status": "upstream_error"}, "vote": {"samples": 5}, "named": {"rung": None},
        "near": {"cache": "near"}, "silent": {"prompt": None},
    }  # fmt: skip
    lines = [decision(name, **fields) for name, fields in unusable.items()]
    said = [verdict(name, correct=True) for name in (*unusable, "lost", "good")]
    assert run(tmp_path, *lines, decision("good"), *said) == 0
    assert len(rows(tmp_path, "outcomes")) == 1
    told = capsys.readouterr().err
    assert told.count("left out: 1, because ") == 6
    for why in ("set log.prompts to on", "a search chose", "not in this log", "not finished"):
        assert why in told


def test_half_a_line_is_reported_and_the_rest_is_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ['{"type": "deci', "[]", '{"type": "feedback", "decision_id": "a"}', ""]
    assert run(tmp_path, *lines, decision("a"), verdict("a", correct=True)) == 0
    told = capsys.readouterr().err
    assert [line for line in told.splitlines() if "no line of a decision log" in line] == [
        f"thinkthrift: line {number}: no line of a decision log" for number in (1, 2, 3)
    ]


def test_a_log_without_verdicts_says_so_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, decision("a")) == 1
    assert "no answer with a verdict" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_log_that_is_not_there_ends_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["export", str(tmp_path / "none"), "--out", str(tmp_path)])
    assert ended.value.code == 1
    assert capsys.readouterr().err.count("\n") == 1
