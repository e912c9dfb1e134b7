"""An upstream that writes down what it is sent and answers what a test tells it to: a real server in a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

from tests.fakes import chunk, usage_chunk


def completion(finish: str = "stop", /, **message: Any) -> dict[str, Any]:
    """Return a whole completion with this message."""
    message = {"role": "assistant", "content": None, "refusal": None} | message
    return {
        "id": "chatcmpl-recorded",
        "object": "chat.completion",
        "created": 1,
        "model": "recorded-model",
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        "usage": {
            "prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29,
            "prompt_tokens_details": {"cached_tokens": 12},
            "completion_tokens_details": {"reasoning_tokens": 4},
        },
    }  # fmt: skip


@dataclass(slots=True)
class Recorder:
    """What the upstream was sent, and what it answers next.

    Attributes:
        url: Without ``/v1``.
        bodies: Of the requests, in order.
        headers: Of the requests, names in small letters.
        answer: To plain requests.
        events: Payloads of a stream; without the last, ``[DONE]``, it breaks off.
    """

    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)
    events: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Answer "ok" from now on, and have been sent nothing."""
        self.bodies.clear()
        self.headers.clear()
        self.answer = completion(content="ok")
        self.events = [
            chunk({"role": "assistant", "content": ""}), chunk({"content": "ok"}),
            chunk({}, "stop"), usage_chunk(9, 4), b"[DONE]",
        ]  # fmt: skip

    @property
    def body(self) -> dict[str, Any]:
        """The one request."""
        (body,) = self.bodies
        return body


@contextmanager
def recording() -> Iterator[Recorder]:
    """Yield a recorder that listens."""
    recorder = Recorder()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = orjson.loads(self.rfile.read(int(self.headers["content-length"])))
            recorder.bodies.append(body)
            recorder.headers.append({name.lower(): value for name, value in self.headers.items()})
            stream = body.get("stream")
            raw = orjson.dumps(recorder.answer)
            if stream:
                raw = b"".join(b"data: %b\n\n" % event for event in recorder.events)
            self.send_response(200)
            self.send_header("content-type", "text/event-stream" if stream else "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        recorder.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield recorder
        finally:
            server.shutdown()
            thread.join()
