"""A mock upstream that costs next to nothing, for benchmarks of a proxy: `python -m loadtest.upstream --port 0`.

Every answer is prebuilt. A request that streams gets 100 content chunks in one burst, the worst case for a proxy; any other
gets a plain completion. The simulator is the one that behaves like a model; this one is only fast.
"""

import argparse
import asyncio
import contextlib
import re
import sys

import httptools
import orjson
import uvloop

N_CHUNKS = 100
_STREAMS = re.compile(rb'"stream"\s*:\s*true')
_USAGE = {"prompt_tokens": 20, "completion_tokens": N_CHUNKS, "total_tokens": 20 + N_CHUNKS}
_FRAME = {"id": "chatcmpl-mock", "created": 1_767_225_600, "model": "mock"}


def plain_answer() -> bytes:
    """Return the whole HTTP response of a plain completion."""
    message = {"role": "assistant", "content": "The answer is 42."}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    body = orjson.dumps(
        _FRAME | {"object": "chat.completion", "choices": [choice], "usage": _USAGE}
    )
    head = (
        f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def stream_answer() -> bytes:
    """Return the whole HTTP response of a stream: role, N_CHUNKS words, finish, usage, [DONE]; one HTTP chunk per event."""
    deltas = [
        {"role": "assistant", "content": ""},
        *({"content": f"word{i} "} for i in range(N_CHUNKS)),
        {},
    ]
    events = [
        _event(
            [
                {
                    "index": 0,
                    "delta": delta,
                    "finish_reason": None if delta else "stop",
                    "logprobs": None,
                }
            ],
            None,
        )
        for delta in deltas
    ]
    events += [_event([], _USAGE), b"data: [DONE]\n\n"]
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    return head + b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in events) + b"0\r\n\r\n"


def _event(choices: list[dict[str, object]], usage: dict[str, int] | None) -> bytes:
    chunk = _FRAME | {"object": "chat.completion.chunk", "choices": choices, "usage": usage}
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


class Upstream(asyncio.Protocol):
    """One connection; answers each request when its body is complete."""

    def __init__(self, plain: bytes, stream: bytes, delay_s: float = 0.0) -> None:
        self._delay_s = delay_s
        self._plain = plain
        self._stream = stream
        self._body = b""
        self._transport: asyncio.WriteTransport | None = None
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        assert isinstance(transport, asyncio.WriteTransport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]  # uvloop's transports do not subclass asyncio's

    def data_received(self, data: bytes) -> None:
        """Feed the parser; a request that is not HTTP closes the connection."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._write(
                b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )

    def on_body(self, body: bytes) -> None:
        """Collect the body (called by the parser)."""
        self._body += body

    def on_message_complete(self) -> None:
        """Answer (called by the parser)."""
        answer = self._stream if _STREAMS.search(self._body) else self._plain
        self._body = b""
        if self._delay_s:
            asyncio.get_running_loop().call_later(self._delay_s, self._write, answer)
        else:
            self._write(answer)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


async def _serve(host: str, port: int, delay_s: float) -> None:
    plain, stream = plain_answer(), stream_answer()
    server = await asyncio.get_running_loop().create_server(
        lambda: Upstream(plain, stream, delay_s), host, port, backlog=1024
    )
    name, bound = server.sockets[0].getsockname()[:2]
    print(f"upstream listening on http://{name}:{bound}", flush=True)
    await server.serve_forever()


def main(argv: list[str] | None = None) -> int:
    """Serve until interrupted; 2 when the address is unusable."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.upstream", description="A fast mock upstream."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 (default) takes a free port")
    parser.add_argument("--delay-s", type=float, default=0.0, help="before every answer")
    args = parser.parse_args(argv)
    with contextlib.suppress(KeyboardInterrupt):
        try:
            uvloop.run(_serve(args.host, args.port, args.delay_s))
        except OSError as error:
            print(f"upstream: {error}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
