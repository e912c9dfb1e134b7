"""Every policy through a real proxy in front of the replaying simulator, and the report it makes."""

import importlib.util
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from loadtest.asking import Reply
from loadtest.live_eval import main, report_of
from loadtest.records import load_records
from tests.e2e.world import Server, serving
from tests.loadtest.simulated import Client, client_of, simulator
from tests.loadtest.test_replay import record

N = 6
PRICES = {"short": 0.6, "distilled": 4.4, "long": 12.0}


def riddle(number: int) -> dict[str, Any]:
    """Return a record whose two short models agree on even numbers and are right there."""
    line = record(number, "one")
    same = "42" if number % 2 == 0 else "17"
    line["prompt"] = f"What is the answer to riddle {number}? Give a number."
    line["outputs"][0] |= {"text": f"The answer is {same}.", "correct": int(number % 2 == 0)}
    line["outputs"][1] |= {"text": "The answer is 42.", "correct": 0}
    line["outputs"][1]["correct"] = int(number % 2 == 0)
    for place in (2, 3):
        line["outputs"][place]["text"] = f"It is {40 + number % 2 * 3 + 2 * (number % 2 == 0)}."
    return line


@pytest.fixture(scope="module")
def replay_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("replay") / "replay.jsonl"
    path.write_bytes(b"\n".join(orjson.dumps(riddle(n)) for n in range(N)))
    return path


def configuration(upstream: str, prices: dict[str, float]) -> dict[str, Any]:
    return {
        "model_list": [
            {
                "model_name": name, "dialect": "vllm", "price": {"output": usd},
                "litellm_params": {
                    "model": f"openai/replay-{name}", "api_base": f"{upstream}/v1", "api_key": "none",
                },
            }
            for name, usd in prices.items()
        ],
        "tiers": [
            {"name": name, "rung": name, "models": [name], "thinking": "off" if name == "short" else "on"}
            for name in prices
        ],
    }  # fmt: skip


@pytest.fixture(scope="module")
def upstream(replay_file: Path) -> Iterator[str]:
    with simulator("--no-delay", "--replay", str(replay_file), "--replay-spread") as url:
        yield url


@pytest.fixture(scope="module")
def proxy(upstream: str) -> Iterator[Server]:
    with serving(configuration(upstream, PRICES)) as server:
        yield server


def run(url: str, replay: Path, folder: Path, *more: str) -> tuple[int, Any]:
    code = main(["--url", url, "--replay", str(replay), "--report", str(folder), *more])
    file = folder / "report.json"
    return code, orjson.loads(file.read_bytes()) if file.exists() else None


async def test_samples_of_a_tier_come_from_its_recorded_models_in_turn(upstream: str) -> None:
    text = "What is the answer to riddle 1? Give a number."

    async def answers(client: Client, **fields: Any) -> list[str]:
        said = await client.ask("replay-short", text, **fields)
        return [choice["message"]["content"] for choice in said["choices"]]

    async with client_of(upstream) as client:
        assert await answers(client) == ["The answer is 42."]
        assert await answers(client, seed=1) == ["The answer is 17."]
        assert await answers(client, seed=2) == ["The answer is 42."]
        assert await answers(client, n=3) == [
            "The answer is 42.",
            "The answer is 17.",
            "The answer is 42.",
        ]
        both = await client.ask("replay-short", text, n=2)
        assert both["usage"]["completion_tokens"] == 7 + 2
        assert "simulated" not in both["usage"]


def test_every_policy_is_compared_and_the_report_says_so(
    proxy: Server, replay_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policies = "pinned,cascade,guaranteed"
    code, report = run(
        proxy.url, replay_file, tmp_path, "--policies", policies, "--dials", "0,0.5,1"
    )
    assert code == 0
    assert (report["n"], report["requests"], report["failed"]) == (N, 7 * N, 0)
    assert report["recorded_texts"] == 7 * N
    rows = {row["name"]: row for row in report["policies"]}
    assert list(rows) == ["pinned 0", "pinned 0.5", "pinned 1", "cascade 0", "cascade 0.5", "cascade 1",
                          "guaranteed"]  # fmt: skip
    fixed = {row["name"]: row for row in report["baselines"]}
    assert list(fixed) == ["always short", "always distilled", "always long", "oracle"]
    for pinned, always in zip(("0", "0.5", "1"), list(fixed)[:3], strict=True):
        for key in ("shares", "accuracy", "tokens", "usd"):
            assert rows[f"pinned {pinned}"][key] == fixed[always][key], "the proxy adds nothing"
    assert fixed["oracle"]["accuracy"]["mean"] == 1.0
    assert fixed["oracle"]["shares"] == {"short": 0.5, "distilled": 0.5, "long": 0.0}
    markdown = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "| pinned 0 |" in markdown.replace("**", "")
    assert "declared" in markdown
    assert "**Doubtful**" not in markdown
    assert (tmp_path / "pareto.png").exists() == (
        importlib.util.find_spec("matplotlib") is not None
    )
    assert "| always long |" in capsys.readouterr().out


def test_the_answer_cache_is_passed_by(proxy: Server, replay_file: Path, tmp_path: Path) -> None:
    for _ in range(2):
        _, report = run(proxy.url, replay_file, tmp_path, "--policies", "pinned", "--dials", "1")
        (row,) = report["policies"]
        assert row["tokens"]["mean"] == 4500


def test_a_cascade_is_graded_by_the_text_it_chose_and_billed_for_all_it_asked(
    proxy: Server, replay_file: Path, tmp_path: Path
) -> None:
    _, report = run(proxy.url, replay_file, tmp_path, "--policies", "cascade", "--dials", "0.7")
    (row,) = report["policies"]
    assert row["shares"] == {"short": 0.5, "distilled": 0.5, "long": 0.0}, (
        "it climbs on disagreement"
    )
    assert (row["accuracy"]["mean"], report["recorded_texts"]) == (1.0, N)
    tokens = row["tokens"]["mean"]
    climbed = 600 * (tokens // 600)  # half of the questions; a distilled answer has 1,200 tokens
    assert 0 < tokens - climbed < 50, "the short samples are billed, too"
    usd = (climbed * PRICES["distilled"] + (tokens - climbed) * PRICES["short"]) / 1e6
    assert row["usd"]["mean"] == pytest.approx(usd)


def test_other_prices_than_the_declared_ones_are_a_warning(
    upstream: str, replay_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dearer = {name: 2 * usd for name, usd in PRICES.items()}
    with serving(configuration(upstream, dearer)) as server:
        code, report = run(
            server.url, replay_file, tmp_path, "--policies", "pinned", "--dials", "0"
        )
    assert code == 0
    assert f"reckons {N} answers with other prices" in report["warnings"][0]
    assert "warning" in capsys.readouterr().err


def test_a_proxy_that_is_not_there_is_reported_not_raised(
    replay_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    code, report = run(url, replay_file, tmp_path, "--policies", "utility", "--dials", "0.5")
    assert (code, report["failed"]) == (1, N)
    assert report["policies"][0]["accuracy"]["mean"] == 0
    assert "Connect" in capsys.readouterr().err


@pytest.mark.parametrize("dials", ["2", "", "x"])
def test_dials_that_are_none_are_refused(dials: str, replay_file: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        run("http://127.0.0.1:1", replay_file, tmp_path, "--dials", dials)
    assert ended.value.code == 2


def test_a_file_that_is_no_recording_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad").write_text("{}", encoding="utf-8")
    assert run("http://127.0.0.1:1", tmp_path / "bad", tmp_path)[0] == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_failed_request_is_wrong_and_has_no_tier(replay_file: Path) -> None:
    records = load_records(replay_file)[:2]
    replies = [
        Reply("long", 10, is_recorded=True, correct=True, cost_usd=1.0),
        Reply("", 0, is_recorded=False, error="HTTP 500"),
    ]
    report = report_of(records, [("utility", 0.5)], [replies])
    (row,) = report.policies
    assert (report.failed, row.accuracy.mean, row.usd.mean) == (1, 0.5, 0.5)
    assert sum(row.shares.values()) == 0.5
