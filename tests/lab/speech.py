"""What the reasoner says, in runs of tokens, and where limits end it. A token is a word with the white space behind it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

CONFIDENCE = 8.0
"""Of a token whose chain is wrong, and of those that belong to no step."""

_WORD = re.compile(r"\s*\S+\s*")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request allows.

    Attributes:
        thinking: Reasoning tokens; 0 is none, ``None`` no limit.
        tokens: Tokens in all.
        stops: Strings that end the speech; they are not said.
    """

    thinking: int | None = None
    tokens: int | None = None
    stops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of tokens of one kind.

    Attributes:
        thought: It is reasoning.
        text: Its words.
        tokens: How many.
        confidence: Of each: minus the mean logprob of its alternatives.
    """

    thought: bool
    text: str
    tokens: int
    confidence: float = CONFIDENCE


@dataclass(slots=True)
class Speech:
    """What is said.

    Attributes:
        pieces: In order.
        finish: ``stop`` or ``length``.
        thought: Tokens of the reasoning.
        said: Tokens of the visible answer.
        yes: P("Yes"), for a verdict.
        corrupted: What was handed over had been garbled.
    """

    pieces: list[Piece] = field(default_factory=list)
    finish: str = "stop"
    thought: int = 0
    said: int = 0
    yes: float | None = None
    corrupted: bool = False

    def text(self, *, thought: bool) -> str:
        """Return the reasoning, or the visible answer."""
        return "".join([piece.text for piece in self.pieces if piece.thought is thought])


def fill(speech: Speech, pieces: Iterator[Piece], limits: Limits) -> None:
    """Take pieces until a limit ends the speech; no more are made than are said."""
    tail, longest = "", max(map(len, limits.stops), default=0)
    for piece in pieces:
        used = speech.thought + speech.said
        if limits.tokens is not None and used + piece.tokens > limits.tokens:
            _add(speech, first_tokens(piece, limits.tokens - used))
            speech.finish = "length"
            return
        if limits.stops:
            text = tail + piece.text
            cut = min((at for stop in limits.stops if (at := text.find(stop)) >= 0), default=None)
            if cut is not None:
                _end_at(speech, piece, cut - len(tail))
                return
            tail = text[-(longest - 1) :] if longest > 1 else ""
        _add(speech, piece)


def _add(speech: Speech, piece: Piece) -> None:
    speech.pieces.append(piece)
    _count(speech, piece, 1)


def _count(speech: Speech, piece: Piece, sign: int) -> None:
    if piece.thought:
        speech.thought += sign * piece.tokens
    else:
        speech.said += sign * piece.tokens


def _end_at(speech: Speech, piece: Piece, cut: int) -> None:
    """End a speech ``cut`` characters into a piece, or that many before it."""
    while cut < 0:  # the stop string began earlier
        piece = speech.pieces.pop()
        _count(speech, piece, -1)
        cut += len(piece.text)
    text = piece.text[:cut]
    _add(speech, Piece(piece.thought, text, len(text.split()), piece.confidence))


def first_tokens(piece: Piece, tokens: int) -> Piece:
    """Return the first tokens of a piece."""
    ends = [found.end() for found in _WORD.finditer(piece.text)]
    text = piece.text[: ends[tokens - 1]] if tokens > 0 else ""
    return Piece(piece.thought, text, tokens, piece.confidence)


def split_tokens(text: str) -> list[str]:
    """Return the tokens of a text; joined, they are the text again."""
    return _WORD.findall(text)


def plainly(text: str) -> Speech:
    """Return a speech of one plain text."""
    n = len(text.split())
    return Speech([Piece(False, text, n)], said=n)
