"""One simulator for the tests of this folder, and a client with clean counts."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.loadtest.simulated import Client, client_of, simulator


@pytest.fixture(scope="session")
def simulator_url() -> Iterator[str]:
    with simulator("--no-delay", "--slow-first-s", "0.3") as url:
        yield url


@pytest.fixture
async def client(simulator_url: str) -> AsyncIterator[Client]:
    async with client_of(simulator_url) as client:
        await client.reset()
        yield client
