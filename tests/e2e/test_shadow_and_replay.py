"""A server with lots, a shadow and a decision log; then a candidate is asked what it would have done on that log."""

import asyncio
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.e2e.world import COMMAND, PATIENCE_S, configured, ladder, serving

N = 140


async def ask_all(url: str) -> list[dict[str, Any]]:
    """Ask, and judge each answer by the arithmetic; return the ``router`` objects."""
    gate = asyncio.Semaphore(8)
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as client:

        async def one(number: int) -> dict[str, Any]:
            text = f"What is {number} * 7 + 3?"
            body = {
                "model": "auto",
                "messages": [{"role": "user", "content": text}],
                "seed": number,
            }
            async with gate:
                answer = (await client.post("/v1/chat/completions", json=body)).raise_for_status()
                said = answer.json()["choices"][0]["message"]["content"]
                right = re.findall(r"-?\d+", said)[-1:] == [str(number * 7 + 3)]
                verdict = {"decision_id": answer.headers["x-router-decision-id"], "correct": right}
                (await client.post("/v1/feedback", json=verdict)).raise_for_status()
            told: dict[str, Any] = answer.json()["router"]
            return told | {"right": right}

        return await asyncio.gather(*map(one, range(N)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log")


def test_what_was_logged_is_what_a_candidate_is_judged_by(upstream: str, folder: Path) -> None:
    whole = ladder(upstream)
    config = configured(
        whole["model_list"][:2],
        whole["tiers"][:2],
        routing={"explore": 1.0, "shadow": {"policy": "pinned", "dial": 1.0}},
        log={"decisions": str(folder / "decisions.jsonl")},
        cache={"url": "off"},
    )
    with serving(config) as server:
        answers = asyncio.run(ask_all(server.url))
        metrics = httpx.get(f"{server.url}/metrics").text
    # Lots are no policy's choice, so only what kept the policy's tier counts for agreement.
    kept = [told for told in answers if told["cause"] == "classifier"]
    counted = sum(
        float(line.rpartition(" ")[2])
        for line in metrics.splitlines()
        if line.startswith("thinkthrift_shadow_decisions_total{") and 'shadow="distilled"' in line
    )
    assert counted == len(kept) > 0

    lines = [json.loads(line) for line in (folder / "decisions.jsonl").read_text().splitlines()]
    decisions = [line for line in lines if line["type"] == "decision"]
    assert len(decisions) == N
    shadows = [line["shadow"] for line in decisions]
    assert {(s["policy"], s["dial"], s["tier"]) for s in shadows} == {("pinned", 1.0, "distilled")}
    assert all(s["expected"]["cost_usd"] > 0 for s in shadows)

    candidate = folder / "candidate.yaml"
    candidate.write_text(yaml.safe_dump({"routing": {"policy": "pinned", "pinned_tier": "short"}}))
    command = [
        COMMAND,
        "replay",
        str(folder / "decisions.jsonl"),
        "--policy",
        str(candidate),
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    short = [told for told in answers if told["tier"] == "short"]
    assert found["n"] == N
    assert found["shares"] == {"short": 1.0, "distilled": 0.0}
    # Every tier had the same chance, so the weighted estimate is the plain mean of what was tried.
    assert found["success"]["weighted"]["value"] == pytest.approx(
        sum(told["right"] for told in short) / len(short)
    )
    assert found["cost_usd"]["weighted"]["value"] == pytest.approx(
        sum(told["cost_usd"] for told in short) / len(short)
    )
