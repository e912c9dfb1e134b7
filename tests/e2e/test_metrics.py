"""``GET /metrics``: what Prometheus reads is what happened, and nothing of what was said."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openai import APIError

from tests.e2e.hearing import ask, client_of
from tests.e2e.world import Server, configured, ladder, model, serving

SECRET = "What is 31 + 11? My name is Ottilie."


@pytest.fixture(scope="module")
def counted(upstream: str) -> Iterator[Server]:
    """A proxy whose counters nobody else moves."""
    with serving(ladder(upstream)) as server:
        yield server


def metrics(server: Server) -> dict[str, float]:
    """Return every sample by its name and labels."""
    got = httpx.get(f"{server.url}/metrics", verify=False).raise_for_status()
    assert got.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "Ottilie" not in got.text
    samples = [line for line in got.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in samples)}


async def test_metrics_add_up_to_what_clients_were_told(counted: Server) -> None:
    told: list[dict[str, Any]] = []
    async with client_of(counted.url) as client:
        for stream in (False, True):
            for tier in ("short", "distilled"):
                text = f"{SECRET} {stream}"
                told.append(
                    (
                        await ask(client, text, model=f"auto:{tier}", stream=stream, cache=None)
                    ).router
                )
        again = await ask(client, f"{SECRET} True", model="auto:short", cache=None)
        assert again.cache == "hit"
        with pytest.raises(APIError):
            await ask(client, SECRET, model="auto:nowhere")
    found = metrics(counted)
    for tier in ("short", "distilled"):
        own = [router for router in told if router["tier"] == tier]
        expected = {
            "upstream_tokens_total": ("upstream_tokens", ',kind="completion"'),
            "cost_usd_total": ("cost_usd", ""),
        }
        for name, (key, more) in expected.items():
            value = found[f'thinkthrift_{name}{{tier="{tier}"{more}}}']
            assert value == pytest.approx(sum(router[key] for router in own)), name
    requests = {k: v for k, v in found.items() if k.startswith("thinkthrift_requests_total")}
    assert sum(requests.values()) == 6
    assert found['thinkthrift_requests_total{tier="short",cause="forced",status="ok"}'] == 3
    assert sum(v for k, v in requests.items() if 'status="invalid_request"' in k) == 1
    assert found['thinkthrift_cache_results_total{result="hit"}'] == 1
    assert found['thinkthrift_decisions_total{cause="forced"}'] == 4
    assert found['thinkthrift_reasoning_tokens_count{tier="distilled"}'] == 2


def test_the_price_table_is_dated_and_hashed_where_readiness_is_told(proxy: Server) -> None:
    ready = httpx.get(f"{proxy.url}/health/ready", verify=False).json()
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}-[0-9a-f]{8}", ready["prices"])


async def test_a_model_that_ignores_a_budget_it_was_told_is_counted_by_name(upstream: str) -> None:
    keeps, ignores, untold = "sim-long", "sim-long+ignore-budget", "sim-distilled+ignore-budget"
    config = configured(
        [model(upstream, keeps), model(upstream, ignores), model(upstream, untold, dialect="gpt_oss")],
        [{"name": name, "models": [name], "thinking": "on", "max_thinking_tokens": 40}
         for name in (keeps, ignores, untold)],
        cache={"url": "off"},
    )  # fmt: skip
    question = "Start with 5, add 7, multiply by 3, subtract 9, multiply by 4."
    with serving(config) as server:
        async with client_of(server.url) as client:
            for tier in (keeps, ignores, untold):
                await ask(client, question, model=f"auto:{tier}")
        found = metrics(server)
    name = "thinkthrift_native_budget_ignored_total"
    assert {k: v for k, v in found.items() if k.startswith(name)} == {
        f'{name}{{model="{ignores}"}}': 1
    }
    assert found[f'thinkthrift_budget_ignored_total{{model="{untold}"}}'] == 1
