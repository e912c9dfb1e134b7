"""Rules, an allowance and exploration on a running server."""

import json
from typing import Any

import httpx
import pytest

from tests.e2e.world import ladder, serving


def ask(url: str, text: str, **fields: Any) -> httpx.Response:
    body = {"model": "auto", "messages": [{"role": "user", "content": text}]} | fields
    return httpx.post(f"{url}/v1/chat/completions", json=body, timeout=30)


def test_a_rule_a_lot_and_an_allowance_all_reach_the_client(upstream: str) -> None:
    routing = {
        "rules": [{"name": "audit", "when": {"metadata": {"route": "audit"}}, "tier": "distilled"}],
        "explore": 1.0,
        "pace": {"usd": 0.02, "per": "day"},
        "policy": "paced",
    }
    with serving(ladder(upstream, routing=routing, cache={"url": "off"})) as server:
        ruled = ask(server.url, "Hello", metadata={"route": "audit"})
        assert (ruled.headers["x-router-tier"], ruled.headers["x-router-cause"]) == (
            "distilled",
            "rule",
        )
        assert "propensity" not in ruled.json()["router"]
        dry = httpx.post(
            f"{server.url}/v1/route",
            json={"model": "auto", "messages": [{"role": "user", "content": "Hello"}]},
        ).json()
        assert dry["cause"] == "classifier", "a dry run draws no lot"
        assert {"change", "tier"} == set(dry["what_if"][0])
        for _ in range(200):
            answer = ask(server.url, "Hello", router={"max_tier": "distilled"})
            if answer.status_code != 200:
                break
            assert answer.json()["router"]["propensity"] == pytest.approx(0.5)
        assert answer.status_code == 429
        error = json.loads(answer.content)["error"]
        assert (error["code"], "$0.02 per 24 h" in error["message"]) == ("budget_exceeded", True)
        assert int(answer.headers["retry-after"]) > 0


def test_a_cascade_climbs_as_it_was_planned(upstream: str) -> None:
    chain = "What is (12 + 7) * 3 - (44 - 8) * 2 + 19 * 4?"
    with serving(ladder(upstream, routing={"policy": "cascade"}, cache={"url": "off"})) as server:
        answer = ask(server.url, chain)
        assert answer.status_code == 200, answer.text
        told = answer.json()["router"]
        assert told["strategy"] == "cascade"
        assert told["samples"] >= 2
        assert told["cost_usd"] < told["baseline_cost_usd"]
        easy = ask(server.url, "What is the capital of France?").json()["router"]
        assert (easy["strategy"], easy["samples"]) == ("single", 1)
