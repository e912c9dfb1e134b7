"""Starts a real simulator for tests and talks to it over HTTP."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aiohttp
import orjson


@contextmanager
def simulator(*options: str) -> Iterator[str]:
    """Yield the base URL of a simulator process."""
    command = [sys.executable, "-m", "loadtest.simulator", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("simulator listening on http://"), line
            yield line.split()[-1]
        finally:
            process.terminate()


class Client:
    """A thin client that hides nothing of the answer."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    def body(self, model: str, question: str, **fields: Any) -> dict[str, Any]:
        """Return a request body with one user message."""
        return {"model": model, "messages": [{"role": "user", "content": question}]} | fields

    async def post(self, body: dict[str, Any], **headers: str) -> tuple[int, Any]:
        """Return status and parsed body."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.post("/v1/chat/completions", json=body, headers=names) as response:
            return response.status, await response.json(content_type=None, loads=orjson.loads)

    async def ask(self, model: str, question: str, **fields: Any) -> dict[str, Any]:
        """Return the answer to one question, not streamed."""
        status, answer = await self.post(self.body(model, question, **fields))
        assert status == 200, answer
        assert isinstance(answer, dict)
        return answer

    async def stream(self, model: str, question: str, **fields: Any) -> list[str]:
        """Return the payloads of the events of a stream, [DONE] included."""
        body = self.body(model, question, stream=True, **fields)
        async with self.session.post("/v1/chat/completions", json=body) as response:
            assert response.status == 200
            text = (await response.read()).decode()
        return [event.removeprefix("data: ") for event in text.split("\n\n") if event]

    async def stats(self) -> dict[str, Any]:
        """Return the simulator's own counts."""
        async with self.session.get("/stats") as response:
            counts = await response.json()
        assert isinstance(counts, dict)
        return counts

    async def reset(self) -> None:
        """Set the counts to zero."""
        async with self.session.post("/stats/reset") as response:
            assert response.status == 200


@asynccontextmanager
async def client_of(url: str) -> AsyncIterator[Client]:
    """Yield a client of the server at `url`."""
    async with aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield Client(session)
