"""Conversations as strategies change them: one more turn, or a few words more in the last one. Pure."""

from collections.abc import Sequence
from typing import Any

from .ports import Message
from .types import Candidate


def with_hint(messages: Sequence[Message], hint: str) -> tuple[Message, ...]:
    """Return the conversation with ``hint`` behind its last user turn.

    It becomes part of that turn, because several chat templates refuse two user turns in a row; behind a turn of
    another role it is a turn of its own.
    """
    last = messages[-1]
    if last.get("role") != "user":
        return (*messages, {"role": "user", "content": hint})
    content: Any = last.get("content")
    if isinstance(content, list):
        content = [*content, {"type": "text", "text": hint}]
    else:
        content = f"{content or ''}\n\n{hint}"
    return (*messages[:-1], {**last, "content": content})


MOST_CHARS = 24_000
"""Of all candidates together: about 6,000 tokens, which fits every model; longer ones are shown in part."""


def side_by_side(candidates: Sequence[Candidate]) -> str:
    """Return answers under numbered headings, without saying where they come from."""
    room = MOST_CHARS // len(candidates)
    return "\n\n".join(
        f"Candidate {number}:\n{candidate.text.strip()[:room]}"
        for number, candidate in enumerate(candidates, 1)
    )


def refinement(
    messages: Sequence[Message], candidate: Candidate, objection: str
) -> tuple[Message, ...]:
    """Return the conversation that asks for a better answer: the answer, and what is wrong with it."""
    return (
        *messages,
        {"role": "assistant", "content": candidate.text},
        {
            "role": "user",
            "content": f"{objection}\n\nRevise it: answer the original question again, completely and in the form it "
            "asks for.",
        },
    )
