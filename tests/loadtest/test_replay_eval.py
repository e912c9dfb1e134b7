"""The comparison with recorded grades, through a real HTTP proxy that sets x-router-tier."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

import orjson
import pytest

from loadtest.asking import Reply
from loadtest.records import load_records
from loadtest.replay_eval import compare, main
from tests.loadtest.simulated import simulator
from tests.loadtest.test_replay import record


@pytest.fixture(scope="module")
def replay_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("replay") / "replay.jsonl"
    lines = [record(n, "one") for n in range(6)]
    for line in lines[:3]:
        line["outputs"][1]["correct"] = 0
    path.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    return path


@pytest.fixture
def proxy_url(replay_file: Path) -> Iterator[str]:
    """A proxy that sends the first three riddles to the long tier and the others to the short one."""
    with simulator("--no-delay", "--replay", str(replay_file)) as upstream:

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = orjson.loads(self.rfile.read(int(self.headers["content-length"])))
                number = int(body["messages"][0]["content"].split()[-1].rstrip("?"))
                tier = "long" if number < 3 else "short"
                data = orjson.dumps(body | {"model": f"replay-{tier}"})
                with urlopen(Request(f"{upstream}{self.path}", data)) as response:
                    answer = response.read()
                self.send_response(200)
                self.send_header("x-router-tier", tier)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_perfect_router_is_the_oracle(
    proxy_url: str, replay_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report_path = tmp_path / "report.json"
    assert main(["--url", proxy_url, "--replay", str(replay_file), "--json", str(report_path)]) == 0
    report = orjson.loads(report_path.read_bytes())
    rows = {row["name"]: row for row in report["rows"]}
    assert (report["n"], report["failed"], report["recorded_texts"]) == (6, 0, 6)
    assert rows["thinkthrift"]["accuracy"] == 1.0
    assert rows["thinkthrift"]["shares"] == {"short": 0.5, "distilled": 0.0, "long": 0.5}
    assert rows["thinkthrift"]["tokens"] == 3 * 7 + 3 * 4500
    assert rows["thinkthrift"]["cost_usd"] == pytest.approx(3 * 7 * 0.6e-6 + 3 * 4500 * 12e-6)
    assert rows["always short"]["accuracy"] == 0.5
    assert rows["oracle"]["accuracy"] == 1.0
    assert rows["oracle"]["shares"]["distilled"] == 0.5
    assert rows["random, same shares"]["accuracy"] == pytest.approx(0.75)
    assert "6 of 6 answers are the recorded text" in capsys.readouterr().out


def test_a_proxy_that_is_not_there_is_reported_not_raised(
    replay_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert main(["--url", f"http://127.0.0.1:{port}", "--replay", str(replay_file)]) == 1
    captured = capsys.readouterr()
    assert "6 requests failed" in captured.out
    assert "Connect" in captured.err


def test_a_failed_request_counts_as_wrong(replay_file: Path) -> None:
    records = load_records(replay_file)[:2]
    replies = [
        Reply("long", 10, is_recorded=True, correct=True),
        Reply("", 0, is_recorded=False, error="HTTP 500"),
    ]
    assert compare(records, replies)[0].accuracy == 0.5
