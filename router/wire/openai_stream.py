"""OpenAI chat completions, streamed: the last chunks of a stream, and a whole answer as a stream."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from .openai_answer import told_stop
from .sse import DONE, END, frame

PIECE_CHARS = 48
"""Characters per delta of a replayed answer: small enough to look like a stream, few enough to be cheap."""


def _as_chunks(completion: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the chunks of a stream that assembles to ``completion``; the finish chunks come last."""
    head = {
        "id": completion.get("id", ""),
        "object": "chat.completion.chunk",
        "created": completion.get("created", 0),
        "model": completion.get("model", ""),
    }

    def chunk(
        index: int, delta: dict[str, Any], finish: str | None = None, logprobs: Any = None
    ) -> dict[str, Any]:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return head | {"choices": [choice]}

    choices = completion["choices"]
    for choice in choices:
        index, message = choice.get("index", 0), choice.get("message") or {}
        yield chunk(index, {"role": "assistant", "content": ""})
        for name, text in (
            ("reasoning_content", message.get("reasoning_content") or ""),
            ("content", message.get("content") or ""),
            ("refusal", message.get("refusal") or ""),
        ):
            for start in range(0, len(text), PIECE_CHARS):
                yield chunk(index, {name: text[start : start + PIECE_CHARS]})
        for i, call in enumerate(message.get("tool_calls") or ()):
            yield chunk(index, {"tool_calls": [{"index": i} | call]})
    for choice in choices:
        finish = choice.get("finish_reason")
        last = chunk(choice.get("index", 0), {}, finish, choice.get("logprobs"))
        last["choices"][0] |= told_stop(choice)
        yield last


def thinking_aloud(stream_id: str, created: int, text: str, *, begins: bool) -> bytes:
    """Return an event whose delta is ``text`` as reasoning: what a search says while it lasts.

    The role is told once: clients add up the strings of deltas.
    """
    delta = {"role": "assistant"} if begins else {}
    delta["reasoning_content"] = text
    chunk = {
        "id": stream_id,
        "object": "chat.completion.chunk",
        "created": created,
        "model": "",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}],
    }
    return frame([orjson.dumps(chunk)])


def as_payloads(completion: Mapping[str, Any]) -> list[bytes]:
    """Return a whole answer, in our normal form, as an upstream would have streamed it, usage included."""
    chunks = list(_as_chunks(completion))
    if usage := completion.get("usage"):
        chunks.append(chunks[0] | {"choices": [], "usage": usage})
    return [*map(orjson.dumps, chunks), DONE]


def closing(
    finish: Sequence[Mapping[str, Any]],
    router: Mapping[str, Any],
    usage: Mapping[str, Any] | None,
) -> bytes:
    """Return the end of a stream: finish reasons, then usage if it was asked for, then ``[DONE]``.

    Both chunks carry the ``router`` object: what the stream cost is known only now.
    """
    last = [{**chunk, "router": router} for chunk in finish]
    if usage is not None:
        head = {name: finish[-1].get(name) for name in ("id", "created", "model")}
        kind = {"object": "chat.completion.chunk", "choices": []}
        last.append({**head, **kind, "usage": usage, "router": router})
    return frame(map(orjson.dumps, last)) + END


def replayed(
    completion: Mapping[str, Any],
    router: Mapping[str, Any],
    usage: Mapping[str, Any] | None,
    *,
    begun: bool = False,
) -> Iterator[bytes]:
    """Yield a whole answer as the stream it could have been: deltas first, then its end.

    Args:
        completion: The answer.
        router: The ``router`` object.
        usage: If it was asked for.
        begun: The client has had deltas of this stream, and with them the role.
    """
    chunks = list(_as_chunks(completion))
    finish = chunks[-len(completion["choices"]) :]
    deltas = chunks[1 if begun else 0 : -len(finish)]
    yield frame(map(orjson.dumps, deltas))
    yield closing(finish, router, usage)
