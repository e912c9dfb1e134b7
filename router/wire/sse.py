"""Server-sent events, split and framed. Bytes in, bytes out; what is in them is another module's."""

from collections.abc import Iterable

DONE = b"[DONE]"
END = b"data: [DONE]\n\n"

MAX_EVENT_BYTES = 8 * 1024 * 1024
"""An event longer than this is not a chunk of a chat completion."""


def comment(text: str) -> bytes:
    """Return a comment: it keeps the connection alive, and every client passes over it."""
    return b": " + text.encode() + b"\n\n"


class EventTooLongError(ValueError):
    """The stream holds more bytes without an event boundary than any chunk has."""


class Splitter:
    """Cuts a byte stream into the ``data`` payloads of its events.

    Comments and other fields are dropped; CRLF, ``data:`` without a space, multi-line data and
    events split over packets are understood.
    """

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads completed by ``data``, in order."""
        if b"\r" in data:
            data = data.replace(b"\r", b"")
        *events, self._tail = (self._tail + data).split(b"\n\n")
        if len(self._tail) > MAX_EVENT_BYTES:
            raise EventTooLongError(f"an event is over {MAX_EVENT_BYTES} bytes")
        return [
            payload
            for event in events
            # The usual form is recognised here: this runs once per chunk of every stream.
            if (
                payload := event[6:]
                if event[:6] == b"data: " and b"\n" not in event
                else _payload(event)
            )
        ]

    def rest(self) -> list[bytes]:
        """Return what a stream that ended without its last blank line still held."""
        tail, self._tail = self._tail, b""
        payload = _payload(tail.strip(b"\n"))
        return [payload] if payload else []


def _payload(event: bytes) -> bytes:
    lines = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line[:5] == b"data:"]
    return b"\n".join(lines)


def frame(payloads: Iterable[bytes]) -> bytes:
    """Return the payloads as events, ready to send."""
    joined = b"\n\ndata: ".join(payloads)
    return b"data: " + joined + b"\n\n" if joined else b""
