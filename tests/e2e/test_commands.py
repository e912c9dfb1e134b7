"""The command line, as its users type it: what it prints, where, and its exit codes."""

import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_routing import DECISION_KEYS, SCORE_KEYS
from tests.e2e.world import COMMAND, PATIENCE_S, descendants, ladder, serving, until, write

NOWHERE = "http://127.0.0.1:9"


def run(*arguments: str | Path, said: str = "", code: int = 0) -> tuple[str, str]:
    """Return standard output and standard error of a command, which must end with ``code``."""
    done = subprocess.run(
        [COMMAND, *map(str, arguments)],
        input=said, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write(ladder(NOWHERE), tmp_path / "config.yaml")


def test_the_demo_prints_its_table_and_ends() -> None:
    out, _ = run("demo", "--once", "--port", "0")
    for heading in (
        "query",
        "difficulty",
        "tier",
        "strategy",
        "thinking",
        "tokens",
        "cost",
        "saved",
    ):
        assert heading in out
    rows = [line for line in out.splitlines() if line.startswith("│") and "$" in line]
    assert len(rows) == 12
    assert "cached" in rows[-1], "the last repeats an earlier one"
    assert any("short" in row for row in rows)
    assert any("long" in row or "distilled" in row for row in rows)
    assert "法国的首都是哪里" in out
    assert "% saved" in out


def test_validate_says_ok(config: Path) -> None:
    out, error = run("validate", "--config", config)
    assert "short, distilled, long" in out
    assert error == ""


def test_validate_tells_every_error_at_once(tmp_path: Path) -> None:
    broken = ladder(NOWHERE)
    broken["tiers"][0]["max_thinking_token"] = 5
    broken["tiers"][1]["models"] = ["sim-distiled"]
    broken["tiers"][2]["fallback_tier"] = "shortt"
    broken["routing"] = {"dial": 3}
    broken["chache"] = {}
    _, error = run("validate", "--config", write(broken, tmp_path / "c.yaml"), code=2)
    for words in (
        "max_thinking_tokens", "sim-distilled", '"short"', "routing.dial", "cache",
    ):  # fmt: skip
        assert words in error
    lines = error.splitlines()
    assert len(lines) >= 5
    assert all(line.startswith("thinkthrift: ") for line in lines)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tiers: [", "not valid YAML"),
        ("model_list: [{model_name: a, litellm_params: {model: x, api_key: os.environ/NO_SUCH}}]",
         "NO_SUCH"),
    ],
    ids=["no YAML", "a variable that is not set"],
)  # fmt: skip
def test_a_file_that_is_no_configuration_is_exit_2(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(text, encoding="utf-8")
    assert says in run("validate", "--config", file, code=2)[1]


@pytest.mark.parametrize(
    "arguments",
    [["fly"], ["serve", "--port", "70000"], ["serve", "--workers", "0"],
     ["validate", "--config", "/no/such/file"]],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_is_exit_2(arguments: list[str]) -> None:
    assert run(*arguments, code=2)[1]


def test_serve_without_configuration_and_keys_says_what_to_do() -> None:
    _, error = run("serve", "--port", "0", code=2)
    assert "OPENAI_API_KEY" in error
    assert "--config" in error


def test_serve_without_configuration_builds_tiers_from_a_key_and_says_which(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-found-in-env-1234")
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen([COMMAND, "serve", "--port", "0"], stdout=out, stderr=out)
    try:
        until(lambda: "startup complete" in log.read_text(encoding="utf-8"))
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
    said = log.read_text(encoding="utf-8")
    assert "OpenAI" in said
    assert "short" in said
    assert "sk-found" not in said


def test_a_port_that_is_taken_is_one_readable_line(config: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        _, error = run("serve", "--config", config, "--port", port, code=1)
    assert port in error
    assert "in use" in error
    assert len(error.splitlines()) == 1


def test_route_needs_neither_key_nor_configuration() -> None:
    out, error = run("route", "What is the capital of France?", "--json")
    decision = json.loads(out)
    assert set(decision) == DECISION_KEYS
    assert set(decision["p_solve"]) == {"short", "distilled", "long"}
    assert "demo" in error


def test_route_prints_a_sentence_for_people(config: Path) -> None:
    out, _ = run("route", "法国的首都是哪里？", "--config", config)
    assert all(f"  {tier} " in out for tier in ("short", "distilled", "long"))
    assert "p=" in out


def test_score_scores_good_lines_in_order_and_names_bad_ones() -> None:
    lines = [
        json.dumps({"id": 1, "prompt": "What is the capital of France?"}),
        "not json",
        json.dumps({"id": "b", "messages": [{"role": "user", "content": "Prove Fermat."}]}),
        json.dumps({"id": "c"}),
        "",
        json.dumps({"id": "d", "prompt": "你好"}),
    ]
    out, error = run("score", said="\n".join(lines), code=1)
    scores: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    assert [score["id"] for score in scores] == [1, "b", "d"]
    for score in scores:
        assert set(score) == SCORE_KEYS | {"id"}
        assert 0 <= score["difficulty"] <= 1
        assert set(score["p_solve"]) == {"short", "distilled", "long"}
        assert set(score["thinking_tokens"]) == {"p50", "p90"}
    assert "line 2" in error
    assert "line 4" in error


def test_score_reads_a_file_and_ends_well(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text('{"id": 1, "prompt": "Hello"}\n', encoding="utf-8")
    out, error = run("score", file)
    assert json.loads(out)["id"] == 1
    assert error == ""
    run("score", tmp_path / "none.jsonl", code=1)


def test_doctor_and_cache_commands_work_on_the_embedded_cache(config: Path) -> None:
    out, _ = run("doctor", "--config", config)
    assert out.count("ok") >= 4
    assert re.search(r"prices +ok: \d+ models, \d{4}-\d\d-\d\d-[0-9a-f]{8}", out)
    assert json.loads(run("cache", "stats", "--config", config)[0])
    assert "removed 0" in run("cache", "purge", "--tenant", "nobody", "--config", config)[0]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_end_leaves_nothing_behind(
    upstream: str, end: signal.Signals
) -> None:
    with serving(ladder(upstream)) as server:
        family = descendants(server.process.pid)
        assert [line for line in family.values() if "valkey-server" in line]
        server.process.send_signal(end)
        server.process.wait(PATIENCE_S)
        until(lambda: not any(map(_is_alive, family)))
        assert "Traceback" not in server.said()
        assert "shutdown complete" in server.said()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
