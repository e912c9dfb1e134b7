"""What docs/training.md shows is run, so that it stays true."""

import re
from pathlib import Path

import pytest

TRAINING = Path(__file__).parents[2] / "docs" / "training.md"


def test_the_example_of_the_training_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", TRAINING.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks[0], str(TRAINING), "exec"), {})
    assert (tmp_path / "example" / "report" / "report.md").exists()
