"""Locust users for any OpenAI-compatible server.

``locust -f loadtest/locustfile.py --headless -u 16 -r 16 -t 10s --host http://127.0.0.1:8400``. The model is taken from
THINKTHRIFT_MODEL (default `auto`), a key from THINKTHRIFT_KEY. A streamed request counts twice: `first token` is the time to
the first reasoning or content, `whole stream` the time to [DONE]. For a load that changes over time add
``,loadtest/shapes.py`` to `-f`.
"""

import os
import time
from random import Random
from typing import Any

from locust import HttpUser, constant_throughput, task

from loadtest.workloads import Mix, chat_body, prompts

MODEL = os.environ.get("THINKTHRIFT_MODEL", "auto")
KEY = os.environ.get("THINKTHRIFT_KEY", "")
PATH = "/v1/chat/completions"


class ChatUser(HttpUser):
    """A client that asks mostly easy questions, half of them streamed, at most ten a second."""

    wait_time = constant_throughput(10)

    def on_start(self) -> None:
        """Draw this user's own questions."""
        self.questions = prompts(Random(), Mix())
        self.client.headers.update({"authorization": f"Bearer {KEY}"} if KEY else {})

    @task
    def whole_answer(self) -> None:
        """Ask and wait for the whole answer."""
        body = chat_body(next(self.questions), model=MODEL, stream=False)
        with self.client.post(
            PATH, json=body, name="whole answer", catch_response=True
        ) as response:
            if not _has_answer(response):
                response.failure(f"no completion: HTTP {response.status_code}")

    @task
    def streamed_answer(self) -> None:
        """Ask for a stream and read it to its end."""
        body = chat_body(next(self.questions), model=MODEL, stream=True)
        started = time.perf_counter()
        first_ms: float | None = None
        n_bytes, is_done = 0, False
        with self.client.post(
            PATH, json=body, name="stream headers", stream=True, catch_response=True
        ) as response:
            for line in response.iter_lines():
                n_bytes += len(line)
                is_done = is_done or line == b"data: [DONE]"
                if (
                    first_ms is None
                    and (b'"content":"' in line or b'"reasoning_content":"' in line)
                    and b'""' not in line
                ):
                    first_ms = (time.perf_counter() - started) * 1000
            if response.status_code != 200 or not is_done:
                response.failure(f"no [DONE]: HTTP {response.status_code}")
        if first_ms is not None and is_done:
            self._report("first token", first_ms, n_bytes)
            self._report("whole stream", (time.perf_counter() - started) * 1000, n_bytes)

    def _report(self, name: str, elapsed_ms: float, n_bytes: int) -> None:
        self.environment.events.request.fire(
            request_type="SSE",
            name=name,
            response_time=elapsed_ms,
            response_length=n_bytes,
            exception=None,
            context={},
        )


def _has_answer(response: Any) -> bool:
    try:
        return response.status_code == 200 and bool(response.json()["choices"])
    except (ValueError, LookupError, TypeError):
        return False
