"""``evaluate`` chooses between recorded outcomes and a running proxy, and says what is missing."""

import json
import socket
from pathlib import Path

import pytest

from router.cli import main
from tests.loadtest.test_live_eval import riddle


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", *map(str, arguments)])
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "evaluate needs --questions and --outcomes, or --live and --replay"),
        (("--questions", "q"), "evaluate needs --outcomes, or"),
        (("--live", "http://127.0.0.1:1"), "evaluate --live needs --replay"),
    ],
)
def test_what_is_missing_is_named(
    arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments, "--report", "r") == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_live_runs_the_comparison_and_returns_its_code(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    replay = tmp_path / "replay.jsonl"
    replay.write_text("\n".join(json.dumps(riddle(n)) for n in range(4)), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    code = run(
        "--live", url, "--replay", replay, "--report", tmp_path / "r",
        "--limit", "2", "--policies", "utility,quality", "--dials", "0.5",
    )  # fmt: skip
    report = json.loads((tmp_path / "r" / "report.json").read_text(encoding="utf-8"))
    assert (code, report["n"], report["requests"], report["failed"]) == (1, 2, 4, 4)
    assert "4 of 4 requests failed" in capfd.readouterr().out
