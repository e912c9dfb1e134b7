"""The cache's benchmark, small: it starts what it needs, and its verdict is its exit status."""

import json
from pathlib import Path

import pytest

from loadtest import cache_bench


def test_it_measures_hits_misses_sharing_and_memory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--rounds", "1", "--requests", "200", "--entries", "600", "--together", "40"]
    status = cache_bench.main(
        [*options, "--workers", "1", "--json", str(tmp_path / "figures.json")]
    )
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    hits = {cost["load"]: cost["cpu_ms"][0] for cost in figures["costs"]}
    assert hits["hit, plain"] < hits["miss, plain"]
    for one in figures["together"]:
        assert one["results"]["miss"] == 1
        assert sum(one["results"].values()) == 40
    assert 0 < figures["bytes_per_entry"] < 10_000
    told = capsys.readouterr().out
    assert status == (1 if "FAIL" in told else 0)


def test_a_proxy_that_does_not_start_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert cache_bench.main(["--command", "false"]) == 1
    assert "did not get ready" in capsys.readouterr().err
