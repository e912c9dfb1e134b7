"""The measuring command on questions whose tier the text itself decides."""

from pathlib import Path
from typing import Any

import pytest

from classifier.training.dataset import Question
from router.kept_tiers import FILLERS, main, report
from router.routing_served import LADDER
from tests.fakes import difficulty


class Guess:
    """A classifier that takes shouting for hardness."""

    def score_batch(self, asks: list[Any]) -> list[Any]:
        hard, easy = difficulty(0.1, 0.95, 0.95), difficulty(0.99, 0.99, 0.99)
        return [hard if ask.text.isupper() else easy for ask in asks]


def question(prompt: str, language: str = "en", **meta: Any) -> Question:
    return Question(f"id {prompt}", "s", prompt, "math", language, "dev", meta)


def test_only_what_changes_the_tier_is_counted() -> None:
    questions = [
        *[question("one and one", "en", parallel_id=f"p{i}") for i in range(30)],
        *[
            question("EINS UND EINS" if i < 3 else "eins", "de", parallel_id=f"p{i}")
            for i in range(30)
        ],
        *[question("un et un", "fr", parallel_id=f"p{i}") for i in range(30)],
        *[question("HELLO" if i < 5 else "hello", "en", assumed="easy") for i in range(20)],
    ]
    lines = list(report(questions, LADDER, Guess()))  # type: ignore[arg-type]
    same = lines.index("same tier as most translations: 0.967 of 90")
    assert lines[same + 1] == "  de 0.90, en 1.00, fr 1.00"
    assert "everyday asks on the cheapest tier: 0.750 of 20" in lines
    header = lines.index("tier kept by 110 questions")
    kept = {line.split("  ")[1]: line for line in lines[header + 1 :]}
    assert float(kept["case"].split()[-1]) < 0.9
    assert kept["zero width"].endswith("1.000")
    assert set(FILLERS) < set(kept)


def test_questions_that_only_teach_are_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text(
        '{"id": "q", "source": "s", "prompt": "2 + 3", "domain": "math", "split": "train"}\n'
    )
    with pytest.raises(SystemExit):
        main(["--questions", str(file), "--config", "deploy/replay.yaml"])
    assert "no question of the dev split" in capsys.readouterr().err


def test_what_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = str(tmp_path / "none")
    for config in (nowhere, "deploy/replay.yaml"):
        with pytest.raises(SystemExit) as stopped:
            main(["--questions", nowhere, "--config", config])
        assert stopped.value.code == 2
        assert "none" in capsys.readouterr().err
