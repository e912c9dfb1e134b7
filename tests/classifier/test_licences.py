"""Licences: the strict build learns from permissive rows alone and says so."""

import gzip
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from classifier.training import DataError, run
from classifier.training.dataset import Question
from classifier.training.licences import is_permissive
from tests.classifier.conftest import Trained


@pytest.mark.parametrize(
    "licence",
    ["MIT", "Apache-2.0 (MMLU MIT)", "MIT / CC-BY-4.0", "CC0-1.0", "BSD-3-Clause", "CC-BY-3.0"],
)
def test_a_permissive_licence_is_kept(licence: str) -> None:
    assert is_permissive(_row(license=licence))


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {"license": None},
        {"license": "unknown"},
        {"license": "CC-BY-SA-4.0"},
        {"license": "CC-BY-NC-4.0"},
        {"license": "CC-BY-ND-4.0"},
        {"license": "GPL-3.0"},
        {"license": "MIT (questions CC-BY-NC-4.0)"},
        {"license": "MIT", "contest_text": True},
    ],
    ids=str,
)
def test_any_other_licence_is_left_out(meta: dict[str, object]) -> None:
    assert not is_permissive(_row(**meta))


def test_the_strict_build_drops_rows_and_says_so(trained: Trained, tmp_path: Path) -> None:
    with gzip.open(trained.questions, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    for row in rows[:40]:
        row["source"], row["meta"]["license"] = "borrowed", "CC-BY-NC-4.0"
    questions = tmp_path / "q.jsonl"
    questions.write_text("\n".join(map(json.dumps, rows)))
    card = _build(trained, questions, tmp_path / "out")
    sources = card["sources"]
    assert isinstance(sources, list)
    assert "borrowed" not in {source["name"] for source in sources}
    assert sum(source.get("dev", 0) for source in sources) == 50
    assert "Build `permissive`" in (tmp_path / "out" / "model_card.md").read_text()
    assert "Build `all`" in (trained.artifact.parent / "model_card.md").read_text()


def test_a_strict_build_of_unlicensed_rows_says_what_is_missing(
    trained: Trained, tmp_path: Path
) -> None:
    questions = tmp_path / "q.jsonl"
    questions.write_text('{"id": "q0", "prompt": "Why?"}')
    with pytest.raises(DataError, match=r"meta\.license"):
        _build(trained, questions, tmp_path / "out")


def _row(**meta: object) -> Question:
    return Question("q", "s", "Why?", "chat", "en", "train", meta)


def _build(trained: Trained, questions: Path, out: Path) -> dict[str, object]:
    return run(
        questions,
        trained.outcomes,
        out,
        date="2026-01-31",
        console=Console(file=io.StringIO()),
        recipe=replace(trained.recipe, licences="permissive"),
    )
