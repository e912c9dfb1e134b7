"""Searches as streams over real HTTP: signs of life, progress, disconnects, deadlines and budgets in their midst."""

import asyncio
import itertools
import re
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI

from tests.e2e.hearing import Heard, ask, client_of
from tests.e2e.world import configured, model, serving, stats
from tests.loadtest.simulated import simulator

ALIVE_S = 0.15
STEPS = ", ".join(f"add {i}, multiply by 2" for i in range(1, 7))
QUESTION = f"Start with 7, {STEPS}."
STRATEGIES: dict[str, dict[str, Any]] = {
    "vote": {"tier": "short", "strategy": "vote", "n": 9},
    "dvts": {"tier": "short", "strategy": "dvts", "n": 8},
    "deepconf": {"tier": "short", "strategy": "deepconf", "n": 9},
    "cascade": {"tier": "long", "strategy": "cascade"},
}
SIGN = re.compile(r": search .*spent=(\d+)")

every = pytest.mark.parametrize("strategy", sorted(STRATEGIES))


@pytest.fixture(scope="module")
def slow() -> Iterator[str]:
    """A simulator that says 500 tokens a second."""
    with simulator("--speed", "0.5") as url:
        yield url


@pytest.fixture(scope="module")
def url(slow: str) -> Iterator[str]:
    """A proxy in front of it."""
    verifier = {"kind": "reward", "model": "scores"}
    params = {"model": "openai/scores", "api_base": f"{slow}/v1"}
    tiers: list[dict[str, Any]] = [
        {"name": "short", "models": ["sim-short"], "thinking": "off", "search": {"verifier": verifier}},
        {"name": "hasty", "models": ["sim-short"], "thinking": "off", "timeout_s": 0.7},
        {"name": "long", "models": ["sim-long"], "thinking": "on", "max_thinking_tokens": 4096},
    ]  # fmt: skip
    models = [
        model(slow, "sim-short"), model(slow, "sim-long"), {"model_name": "scores", "litellm_params": params},
    ]  # fmt: skip
    limits = {"keep_alive_s": ALIVE_S}
    with serving(configured(models, tiers, limits=limits)) as server:
        yield server.url


@pytest.fixture
async def client(url: str) -> AsyncIterator[AsyncOpenAI]:
    async with client_of(url) as client:
        yield client


def body(strategy: str, **router: Any) -> dict[str, Any]:
    wishes = STRATEGIES[strategy] | {"cache": "no-cache"} | router
    messages = [{"role": "user", "content": QUESTION}]
    return {"model": "auto", "messages": messages, "stream": True, "router": wishes}


def spent(url: str) -> float:
    """Return the completion tokens that the proxy says it has paid for."""
    text = httpx.get(f"{url}/metrics", verify=False).text
    name = r'^thinkthrift_upstream_tokens_total\{[^}]*kind="completion"[^}]*\} (\S+)'
    counts = re.findall(name, text, re.MULTILINE)
    return sum(map(float, counts))


@every
async def test_a_search_says_that_it_lives_and_how_far_it_is(url: str, strategy: str) -> None:
    async with (
        httpx.AsyncClient(verify=False, timeout=30) as http,
        http.stream("POST", f"{url}/v1/chat/completions", json=body(strategy)) as response,
    ):
        begun = time.monotonic()
        lines = [(time.monotonic(), line) async for line in response.aiter_lines() if line]
    kinds = [line.startswith(":") for _, line in lines]
    assert kinds.count(True) >= 2
    assert kinds == sorted(kinds, reverse=True)  # signs of life, then the answer
    tokens = [int(found[1]) for _, line in lines if (found := SIGN.fullmatch(line))]
    assert len(tokens) == kinds.count(True)
    assert tokens == sorted(tokens)
    assert tokens[-1] > 0
    signs = [begun, *(at for at, line in lines if line.startswith(":"))]
    gaps = [later - earlier for earlier, later in itertools.pairwise(signs)]
    assert sorted(gaps)[len(gaps) // 2] < 2 * ALIVE_S
    assert lines[-1][1] == "data: [DONE]"


@pytest.mark.parametrize("strategy", ["vote", "cascade"])
async def test_progress_comes_as_reasoning_of_one_stream_and_everything_is_billed(
    client: AsyncOpenAI, slow: str, strategy: str
) -> None:
    before = stats(slow)
    wishes = STRATEGIES[strategy] | {"progress": True}
    heard = await ask(client, QUESTION, stream=True, router=wishes)
    after = stats(slow)
    told = re.findall(r"^search .*spent=\d+$", heard.thought, re.MULTILINE)
    assert len(told) == len(set(told)) >= 1
    assert {chunk["id"] for chunk in heard.chunks} == {heard.headers["x-router-decision-id"]}
    assert len({chunk["created"] for chunk in heard.chunks}) == 1
    assert roles(heard) == ["assistant"]
    deltas = [c["delta"] for chunk in heard.chunks for c in chunk["choices"]]
    assert sum(bool(delta["content"]) for delta in deltas) >= 1
    first = next(place for place, delta in enumerate(deltas) if delta["content"])
    assert not any(delta.get("reasoning_content") for delta in deltas[first:])
    assert heard.usage is not None
    generated = after["tokens_generated"] - before["tokens_generated"]
    if heard.router["estimated"]:
        assert heard.usage["completion_tokens"] == pytest.approx(generated, rel=0.2)
    else:
        assert heard.usage["completion_tokens"] == generated
    assert after["open_streams"] == 0


def roles(heard: Heard) -> list[str]:
    """Return the roles of a stream: clients add up the strings of its deltas."""
    told = (choice["delta"]["role"] for chunk in heard.chunks for choice in chunk["choices"])
    return [role for role in told if role]


async def test_two_who_share_a_search_hear_one_stream_each(client: AsyncOpenAI, slow: str) -> None:
    before = stats(slow)
    question, wishes = f"Start with 9, {STEPS}.", STRATEGIES["vote"] | {"progress": True}
    both = await asyncio.gather(
        *(ask(client, question, stream=True, router=wishes, cache=None) for _ in range(2))
    )
    assert {heard.cache for heard in both} == {"miss", "joined"}
    assert len({heard.text for heard in both}) == 1
    assert [roles(heard) for heard in both] == [["assistant"]] * 2
    assert all("search" in heard.thought for heard in both)
    calls = stats(slow)["requests_total"] - before["requests_total"]
    assert calls == max(heard.router["calls"] for heard in both)


async def nothing_open(slow: str, within_s: float) -> dict[str, Any]:
    """Return the simulator's counts once it is saying nothing any more."""
    until = time.monotonic() + within_s
    while (counts := stats(slow))["open_streams"]:
        assert time.monotonic() < until, f"{counts['open_streams']} streams are still open"
        await asyncio.sleep(0.02)
    return counts


@pytest.mark.parametrize(
    ("strategy", "shares"), [*((name, False) for name in sorted(STRATEGIES)), ("vote", True)]
)
async def test_a_disconnect_ends_every_call_of_the_search(
    url: str, slow: str, strategy: str, shares: bool
) -> None:
    before, paid = stats(slow), spent(url)
    asked = body(strategy)
    if shares:
        del asked["router"]["cache"]
        asked["messages"][0]["content"] = f"Start with {len(strategy)}, {STEPS}."  # a new one
    async with (
        httpx.AsyncClient(verify=False, timeout=30) as http,
        http.stream("POST", f"{url}/v1/chat/completions", json=asked) as response,
    ):
        async for line in response.aiter_lines():
            if line.startswith(":"):
                break
    counts = await nothing_open(slow, 1.0)
    assert counts["cancelled_streams"] > before["cancelled_streams"]
    await asyncio.sleep(0.5)
    later = stats(slow)
    assert later["requests_total"] == counts["requests_total"]
    assert later["tokens_generated"] == counts["tokens_generated"]
    generated = counts["tokens_generated"] - before["tokens_generated"]
    # What a cut stream has cost is our own estimate, learned from whole ones.
    assert 0.3 * generated <= spent(url) - paid <= 1.5 * generated


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_client_that_leaves_before_the_first_byte_ends_the_search_too(
    url: str, slow: str, stream: bool
) -> None:
    before = stats(slow)
    asked = body("vote", tier="long", n=3) | {"stream": stream}
    async with httpx.AsyncClient(verify=False) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.post(f"{url}/v1/chat/completions", json=asked, timeout=ALIVE_S * 0.8)
    counts = await nothing_open(slow, 1.0)
    assert counts["cancelled_streams"] >= before["cancelled_streams"] + 3


@pytest.mark.parametrize("strategy", ["vote", "deepconf", "synthesis", "stepwise"])
async def test_a_deadline_gives_the_best_so_far(
    client: AsyncOpenAI, slow: str, strategy: str
) -> None:
    begun = time.monotonic()
    wishes = {"strategy": strategy, "n": 16, "tier": "hasty"}
    heard = await ask(client, QUESTION, stream=True, router=wishes)
    assert time.monotonic() - begun < 3.0
    assert heard.text
    assert heard.finish in ("stop", "length")
    if strategy == "vote":
        assert "deadline" in heard.router["stop_reason"]
    await nothing_open(slow, 1.0)


@every
async def test_a_budget_gives_the_best_so_far(
    client: AsyncOpenAI, slow: str, strategy: str
) -> None:
    total = 250
    wishes = STRATEGIES[strategy] | {"max_total_tokens": total}
    heard = await ask(client, QUESTION, stream=True, router=wishes)
    assert heard.text
    assert heard.usage is not None
    assert heard.usage["completion_tokens"] <= 1.1 * total + 32
    await nothing_open(slow, 1.0)
