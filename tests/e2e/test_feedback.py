"""``POST /v1/feedback`` and the decision log, over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.hearing import ask, client_of
from tests.e2e.test_metrics import metrics
from tests.e2e.world import Server, ladder, serving, until

QUESTION = "What is 17 * 24 - 9? My name is Ottilie."
KEYS = [
    {"key": "key-a", "tenant": "team-a"},
    {"key": "key-a2", "tenant": "team-a"},
    {"key": "key-b", "tenant": "team-b"},
]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "decisions.jsonl"


@pytest.fixture(scope="module")
def judged(upstream: str, log: Path) -> Iterator[Server]:
    config = ladder(upstream, keys=KEYS, log={"decisions": str(log), "prompts": True})
    with serving(config, "--workers", "2") as server:
        yield server


def say(server: Server, key: str | None = "key-a", **verdict: Any) -> httpx.Response:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    return httpx.post(f"{server.url}/v1/feedback", json=verdict, headers=headers, verify=False)


def lines_of(log: Path, decision_id: str, n: int) -> list[dict[str, Any]]:
    """Return the lines about a decision, when there are ``n`` of them."""

    def found() -> list[dict[str, Any]] | None:
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        own = [line for line in lines if line["decision_id"] == decision_id]
        return own if len(own) >= n else None

    return until(found)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_verdict_joins_its_decision_in_the_log(
    judged: Server, log: Path, stream: bool
) -> None:
    async with client_of(judged.url, "key-a") as client:
        heard = await ask(client, QUESTION, stream=stream)
    decision_id = heard.headers["x-router-decision-id"]
    for _ in range(4):  # either worker may take it
        got = say(judged, decision_id=decision_id, correct=True)
        assert (got.status_code, got.json()) == (200, {"decision_id": decision_id, "correct": True})
    # Two workers write to one file: who took the verdict may be the first.
    decision, feedback = sorted(lines_of(log, decision_id, 2), key=lambda line: line["type"])
    assert (decision["type"], feedback["type"]) == ("decision", "feedback")
    assert decision["prompt"] == QUESTION
    assert decision["tier"] == heard.router["tier"]
    assert decision["cost_usd"] == heard.router["cost_usd"]
    assert feedback["correct"] is True
    for never in ("key-a", "team-a"):
        assert never not in json.dumps([decision, feedback])


async def test_the_decisions_of_others_do_not_exist(judged: Server) -> None:
    async with client_of(judged.url, "key-a") as client:
        heard = await ask(client, QUESTION)
    verdict = {"decision_id": heard.headers["x-router-decision-id"], "correct": False}
    for key in ("key-b", "key-a2"):
        got = say(judged, key, **verdict)
        assert got.status_code == 404
        assert got.json()["error"]["code"] == "decision_not_found"
    assert say(judged, "key-a", decision_id="d_1", correct=True).status_code == 404
    assert say(judged, None, **verdict).status_code == 401
    assert say(judged, "key-a", **verdict).status_code == 200


def test_a_verdict_that_cannot_be_read_is_refused(judged: Server) -> None:
    got = say(judged, decision_id="d_1", correct="yes")
    assert (got.status_code, got.json()["error"]["param"]) == (400, "correct")
    headers = {"authorization": "Bearer key-a"}
    got = httpx.post(f"{judged.url}/v1/feedback", content=b"{", headers=headers, verify=False)
    assert (got.status_code, got.json()["error"]["code"]) == (400, "invalid_request")


async def test_anybody_may_judge_their_own_where_there_are_no_keys(proxy: Server) -> None:
    before = metrics(proxy).get('thinkthrift_feedback_total{verdict="rating"}', 0)
    async with client_of(proxy.url, "ann") as client:
        heard = await ask(client, QUESTION)
    verdict = {"decision_id": heard.headers["x-router-decision-id"], "rating": 0.75}
    assert say(proxy, "bob", **verdict).status_code == 404
    for _ in range(2):
        assert say(proxy, "ann", **verdict).json() == verdict
    assert metrics(proxy)['thinkthrift_feedback_total{verdict="rating"}'] == before + 1


def test_a_log_that_cannot_be_written_stops_the_start(upstream: str) -> None:
    config = ladder(upstream, log={"decisions": "/nowhere/at/all"})
    told = r"log.decisions: /nowhere/at/all cannot be written"
    with pytest.raises(AssertionError, match=told), serving(config):
        pass
