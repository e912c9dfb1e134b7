"""One simulator and one proxy for most tests; tests that need another world start it themselves."""

from collections.abc import AsyncIterator, Iterator

import pytest
from openai import AsyncOpenAI

from tests.e2e.hearing import client_of
from tests.e2e.world import Server, ladder, serving
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


@pytest.fixture
async def client(proxy: Server) -> AsyncIterator[AsyncOpenAI]:
    """An official client of the usual proxy."""
    async with client_of(proxy.url) as client:
        yield client


@pytest.fixture(params=[False, True], ids=["plain", "streamed"])
def stream(request: pytest.FixtureRequest) -> bool:
    """Both ways of delivery."""
    return bool(request.param)
