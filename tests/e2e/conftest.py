"""One simulator and one proxy for most tests; tests that need another world start it themselves."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from openai import AsyncOpenAI

from tests.e2e.hearing import client_of
from tests.e2e.recorder import Recorder, recording
from tests.e2e.world import Server, configured, ladder, model, serving
from tests.loadtest.simulated import simulator


@pytest.fixture(scope="session")
def upstream() -> Iterator[str]:
    """A simulator without delays."""
    with simulator("--no-delay", "--slow-first-s", "0.5") as url:
        yield url


@pytest.fixture(scope="session")
def proxy(upstream: str) -> Iterator[Server]:
    """The usual three tiers with the embedded cache."""
    with serving(ladder(upstream)) as server:
        yield server


SMALL_BODY = 100_000
"""Bytes that the proxy with a recorder behind it takes."""


@pytest.fixture(scope="session")
def _recorder() -> Iterator[Recorder]:
    with recording() as recorder:
        yield recorder


@pytest.fixture
def recorder(_recorder: Recorder) -> Recorder:
    """The upstream of ``recorded_proxy``, with nothing written down yet."""
    _recorder.forget()
    return _recorder


@pytest.fixture(scope="session")
def recorded_proxy(_recorder: Recorder) -> Iterator[Server]:
    """A proxy with two tiers, one recorder behind both, and keys ``right`` and ``short-only``."""
    tiers: list[dict[str, Any]] = [
        {"name": "short", "models": ["sim-short"], "thinking": "off"},
        {"name": "long", "models": ["sim-short"], "thinking": "on", "max_thinking_tokens": 4096},
    ]
    keys = [
        {"key": "right", "tenant": "t"},
        {"key": "short-only", "tenant": "t", "tiers": ["short"]},
    ]
    config = configured(
        [model(_recorder.url, "sim-short")], tiers, keys=keys,
        cache={"url": "off"}, limits={"max_body_bytes": SMALL_BODY},
    )  # fmt: skip
    with serving(config) as server:
        yield server
        assert "Traceback" not in server.said()


@pytest.fixture
async def client(proxy: Server) -> AsyncIterator[AsyncOpenAI]:
    """An official client of the usual proxy."""
    async with client_of(proxy.url) as client:
        yield client


@pytest.fixture(params=[False, True], ids=["plain", "streamed"])
def stream(request: pytest.FixtureRequest) -> bool:
    """Both ways of delivery."""
    return bool(request.param)
