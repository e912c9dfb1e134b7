"""Shared by the classifier's tests: the shipped scorer and one small trained artefact."""

import io
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from classifier.scorer import Scorer
from classifier.training import run
from classifier.training.recipe import Recipe
from tests.classifier.small_world import write_world


@dataclass(frozen=True, slots=True)
class Trained:
    """A small trained artefact and what it was made from."""

    questions: Path
    outcomes: Path
    artifact: Path
    card: dict[str, object]
    recipe: Recipe


@pytest.fixture(scope="session")
def shipped() -> Scorer:
    return Scorer.load(providers=["CPUExecutionProvider"])


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("world")
    questions, outcomes = write_world(folder)
    recipe = Recipe(
        hidden=(16, 8),
        members=2,
        level_epochs=40,
        rank_epochs=40,
        answered_epochs=40,
        mutated=40,
        glossary=20,
        together=20,
        constructed=2,
    )
    console = Console(file=io.StringIO())
    out = folder / "out"
    card = run(questions, outcomes, out, date="2026-01-31", console=console, recipe=recipe)
    return Trained(questions, outcomes, out / "difficulty.onnx", card, recipe)
