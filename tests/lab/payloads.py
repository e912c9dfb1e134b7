"""OpenAI's shapes around a speech: completions, chunks, usage, logprobs. The hot path writes its JSON by hand."""

from collections.abc import Iterator, Sequence
from math import log
from typing import Any

import orjson

from loadtest.simulator.confidence import entry, listed
from tests.lab.speech import Piece, Speech, split_tokens


def usage(prompt: int, speeches: Sequence[Speech]) -> dict[str, Any]:
    """Return the usage object of one call."""
    thought = sum(speech.thought for speech in speeches)
    said = thought + sum(speech.said for speech in speeches)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": said,
        "total_tokens": prompt + said,
        "completion_tokens_details": {"reasoning_tokens": thought},
    }


def completion(model: str, speeches: Sequence[Speech], top: int | None) -> dict[str, Any]:
    """Return a plain completion without usage; ``top`` alternatives a token, ``None`` for no logprobs."""
    choices = []
    for index, speech in enumerate(speeches):
        message = {"role": "assistant", "content": speech.text(thought=False)}
        if speech.thought:
            message["reasoning_content"] = speech.text(thought=True)
        probable = None if top is None else _logprobs(speech.pieces, top, speech.yes)
        choices.append(
            {
                "index": index,
                "message": message,
                "logprobs": probable,
                "finish_reason": speech.finish,
            }
        )
    return {
        "id": "lab", "object": "chat.completion", "created": 1, "model": model, "choices": choices,
    }  # fmt: skip


def payloads(
    model: str, speeches: Sequence[Speech], size: int, top: int | None, *, mute: bool
) -> Iterator[tuple[bytes, int]]:
    """Yield the chunks of a stream and the tokens of each, the usage aside.

    Args:
        model: Its name.
        speeches: One per choice.
        size: Tokens per chunk, at most.
        top: See ``completion``.
        mute: Say null where the content should be.
    """
    told = orjson.dumps(model).decode()
    head = f'{{"id":"lab","object":"chat.completion.chunk","created":1,"model":{told},"choices":['
    for index, speech in enumerate(speeches):
        begin = f'{head}{{"index":{index},"delta":{{'
        end = '},"logprobs":null,"finish_reason":null}]}'
        content = "null" if mute else '""'
        yield f'{begin}"role":"assistant","content":{content}{end}'.encode(), 0
        for piece in _chunked(speech.pieces, size):
            if mute and not piece.thought:
                continue
            name = "reasoning_content" if piece.thought else "content"
            text = orjson.dumps(piece.text).decode()
            if top is not None:
                probable = orjson.dumps(_logprobs([piece], top, speech.yes)).decode()
                end = f'}},"logprobs":{probable},"finish_reason":null}}]}}'
            yield f'{begin}"{name}":{text}{end}'.encode(), piece.tokens
        finish = f'}},"logprobs":null,"finish_reason":"{speech.finish}"}}]}}'
        yield f"{begin}{finish}".encode(), 0


def _chunked(pieces: Sequence[Piece], size: int) -> Iterator[Piece]:
    for piece in pieces:
        if piece.tokens <= size:
            if piece.text:
                yield piece
            continue
        words = split_tokens(piece.text)
        for start in range(0, len(words), size):
            some = words[start : start + size]
            yield Piece(piece.thought, "".join(some), len(some), piece.confidence)


def _logprobs(pieces: Sequence[Piece], top: int, yes: float | None) -> dict[str, Any]:
    """Return the logprobs of every token: by the confidence of its piece, or, in a verdict, P(Yes) and P(No)."""
    content: list[dict[str, Any]] = []
    for piece in pieces:
        for token in split_tokens(piece.text):
            if yes is not None and token in ("Yes", "No"):
                chances = (("Yes", log(yes)), ("No", log(1 - yes)))
                both = [listed(word, at) for word, at in sorted(chances, key=lambda pair: -pair[1])]
                content.append(both[0] | {"top_logprobs": both[:top]})
            else:
                content.append(entry(token, piece.confidence, top))
    return {"content": content}
