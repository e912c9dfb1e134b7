"""The locustfile runs headless against a server and reports whole and streamed answers."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_it_reports_whole_answers_first_tokens_and_streams(simulator_url: str) -> None:
    locust = [
        sys.executable,
        "-m",
        "locust",
        "-f",
        "loadtest/locustfile.py",
        "--headless",
        "--only-summary",
    ]
    options = ["-u", "2", "-r", "2", "-t", "2s", "--host", simulator_url]
    command = ["env", "THINKTHRIFT_MODEL=sim-short", *locust, *options]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    for name in ("whole answer", "first token", "whole stream", "Aggregated"):
        assert name in done.stdout + done.stderr
