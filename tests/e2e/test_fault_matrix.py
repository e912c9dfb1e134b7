"""Every fault the simulator knows, streamed and plain: an answer or a typed error, in time, and within the budget."""

from collections.abc import AsyncIterator, Iterator
from time import monotonic
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from loadtest.simulator.faults import Fault
from tests.e2e.hearing import Heard, ask, client_of
from tests.e2e.world import Server, configured, model, serving, stats, until
from tests.loadtest.simulated import simulator

CHAIN = "Start with 5, add 7, multiply by 3, subtract 4, multiply by 2, add 11, subtract 6."
THINKING, RESERVE, TOTAL = 150, 60, 400
LIMIT_S, LATE_S = 1.2, 2.0
SPEED = 2
"""Thousand tokens a second: fast, and slow enough for what is generated to be what is read, or little more."""

ANSWERED = [
    "forever", "ignore-budget", "loop", "no-usage", "tags", "tags-unopened", "reasoning-field",
    "null-content", "keep-generating", "ignore-stop", "slow-first", "flaky", "forever+no-usage",
    "forever+reasoning-field", "ignore-budget+tags", "ignore-budget+no-usage",
    "ignore-budget+null-content", "ignore-budget+keep-generating", "loop+tags+no-usage",
]  # fmt: skip
REFUSED = {
    "http-400": "invalid_request", "http-429": "rate_limited", "http-500": "upstream_error",
    "http-503": "upstream_error", "html": "upstream_error", "html-502": "upstream_error",
    "timeout": "upstream_timeout",
}  # fmt: skip
BROKEN = ["die", "no-finish", "bad-sse"]
"""Errors, but for what came whole before it broke."""


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with simulator("--speed", str(SPEED), "--slow-first-s", "0.3") as url:
        yield url


@pytest.fixture(scope="module")
def proxy(upstream: str) -> Iterator[Server]:
    names = [f"sim-long+{fault}" for fault in (*ANSWERED, *REFUSED, *BROKEN)]
    thinks = {
        "thinking": "on", "max_thinking_tokens": THINKING, "answer_reserve_tokens": RESERVE,
        "max_total_tokens": TOTAL, "timeout_s": LIMIT_S,
    }  # fmt: skip
    tiers: list[dict[str, Any]] = [
        {"name": "short", "models": ["sim-short"], "thinking": "off"},
        *({"name": name, "models": [name], **thinks} for name in names),
    ]
    models = [model(upstream, name) for name in ("sim-short", *names)]
    with serving(configured(models, tiers)) as server:
        yield server
        assert "Traceback" not in server.said()


@pytest.fixture
async def client(proxy: Server) -> AsyncIterator[AsyncOpenAI]:
    async with client_of(proxy.url) as client:
        yield client


def allowed(tokens: int) -> float:
    """Return how many tokens may be read under a budget: what is promised to users."""
    return tokens * 1.1 + 32


def generated(upstream: str) -> int:
    """Return what the simulator has generated, once it has stopped."""
    until(lambda: stats(upstream)["open_streams"] == 0)
    return int(stats(upstream)["tokens_generated"])


def test_the_matrix_has_every_fault() -> None:
    single = {fault for fault in (*ANSWERED, *REFUSED, *BROKEN) if "+" not in fault}
    assert single == {fault.value for fault in Fault}


async def outcome(
    client: AsyncOpenAI, fault: str, *, stream: bool
) -> tuple[Heard | None, openai.APIError | None]:
    """Return the answer or the error of one request; it must be here in time."""
    begun = monotonic()
    heard = error = None
    try:
        heard = await ask(client, CHAIN, model=f"auto:sim-long+{fault}", stream=stream)
    except openai.APIError as caught:
        error = caught
    assert monotonic() - begun < LIMIT_S + LATE_S
    return heard, error


@pytest.mark.parametrize("fault", ANSWERED)
async def test_a_model_that_misbehaves_still_ends_in_an_answer_within_its_budget(
    client: AsyncOpenAI, upstream: str, fault: str, stream: bool
) -> None:
    before = generated(upstream)
    heard, error = await outcome(client, fault, stream=stream)
    assert error is None
    assert heard is not None
    assert heard.text.strip()
    assert heard.finish in ("stop", "length")
    assert heard.usage is not None
    read, reasoning = heard.usage["completion_tokens"], heard.reasoning_tokens
    assert read == heard.router["upstream_tokens"]
    assert read <= allowed(TOTAL)
    # Whoever is asked for the answer alone is told to think no more, and is cut as well where it does.
    assert reasoning <= allowed(THINKING) + (heard.router["calls"] - 1) * allowed(0)
    assert len(heard.thought.split()) <= allowed(THINKING)
    truth = generated(upstream) - before
    if "keep-generating" not in fault:
        assert truth <= allowed(TOTAL) + 0.15 * SPEED * 1000, "it stops when we leave"
        assert truth == pytest.approx(read, rel=0.5, abs=0.1 * SPEED * 1000)
    if "no-usage" in fault or heard.router["stop_reason"] == "thinking_budget":
        assert heard.router["estimated"]


@pytest.mark.parametrize("fault", REFUSED)
async def test_a_model_that_does_not_answer_ends_in_a_typed_error(
    client: AsyncOpenAI, upstream: str, fault: str, stream: bool
) -> None:
    before = generated(upstream)
    heard, error = await outcome(client, fault, stream=stream)
    assert heard is None
    assert isinstance(error, openai.APIStatusError)
    assert error.code == REFUSED[fault]
    assert generated(upstream) == before


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_model_that_breaks_off_ends_in_a_typed_error_or_in_what_was_whole(
    client: AsyncOpenAI, upstream: str, fault: str, stream: bool
) -> None:
    before = generated(upstream)
    heard, error = await outcome(client, fault, stream=stream)
    if heard is None:
        assert error is not None
        assert error.code == "upstream_error"
    else:
        assert not stream
        assert heard.text.strip()
    assert generated(upstream) - before <= allowed(TOTAL) + 0.15 * SPEED * 1000
