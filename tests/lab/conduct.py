"""How a simulated server behaves and misbehaves, and the counts of what really happened there."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a server is, in virtual time.

    Attributes:
        first_s: Seconds before the first token.
        token_s: Seconds per token.
        chunk_tokens: Tokens per chunk of a stream, at most.
    """

    first_s: float = 0.2
    token_s: float = 0.01
    chunk_tokens: int = 16


@dataclass(frozen=True, slots=True)
class Faults:
    """How a server misbehaves. Calls are counted from 0, refused ones too.

    Attributes:
        ignores: Of ``stop``, ``max_tokens``, ``thinking`` (budget and off switch), ``n``, ``seed``: what has no effect; by
            default ``n``, as on many servers.
        usage: ``asked`` as it should be; ``late`` after ``[DONE]``; ``none`` never.
        refuses: Calls that get a 429.
        breaks: Calls that break off half way.
        hangs: Calls that are never answered.
        garbles: Calls whose stream has a chunk in its middle that is not JSON.
        mute: Calls whose content is null.
        keeps_generating: Goes on, and bills, after its stream is closed.
        logprobs: Knows them; else the field is ignored.
    """

    ignores: frozenset[str] = frozenset({"n"})
    usage: str = "asked"
    refuses: Collection[int] = ()
    breaks: Collection[int] = ()
    hangs: Collection[int] = ()
    garbles: Collection[int] = ()
    mute: Collection[int] = ()
    keeps_generating: bool = False
    logprobs: bool = True


@dataclass(slots=True)
class Counts:
    """What really happened at a server.

    Attributes:
        calls: Calls, refused ones too.
        refused: Calls that got an error at once.
        read: Prompt tokens.
        generated: Tokens generated, those nobody read included.
        thought: Of them, reasoning.
        cancelled: Calls left before their end.
        corrupted: Prompts whose chain was garbled.
        open: Calls under way.
        most_open: The most there were at once.
    """

    calls: int = 0
    refused: int = 0
    read: int = 0
    generated: int = 0
    thought: int = 0
    cancelled: int = 0
    corrupted: int = 0
    open: int = 0
    most_open: int = 0
