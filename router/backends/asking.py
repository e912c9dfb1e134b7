"""What every dialect is made of: the wish, the words for an effort, the limits on output. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from policies.types import Thinking


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one call should do.

    Attributes:
        model: The upstream's name for the model.
        thinking: Off also when the budget leaves no token for it.
        tokens: Reasoning tokens; ``None`` is no limit.
        output: Completion tokens, reasoning included; ``None`` is no limit.
        effort: The client's own ``reasoning_effort``, passed on where the tier does not mind.
    """

    model: str
    thinking: Thinking
    tokens: int | None
    output: int | None
    effort: str | None = None


Fields = dict[str, Any]
Dialect = Callable[[Wanted], Fields]

EFFORTS = ((1024, "low"), (8192, "medium"))
"""Reasoning tokens up to which an effort is asked for; above them ``high``."""


def effort_for(tokens: int | None) -> str:
    """Return the effort whose usual spend stays near ``tokens``."""
    fitting = (word for limit, word in EFFORTS if tokens is not None and tokens <= limit)
    return next(fitting, "high")


def asked(w: Wanted) -> str:
    """Return the effort to ask for: what the budget allows, never more than the client asked for."""
    return min(
        effort_for(w.tokens),
        AT_MOST.get(w.effort or "", "high"),
        key=("low", "medium", "high").index,
    )


AT_MOST = {"none": "low", "minimal": "low", "low": "low", "medium": "medium"}
"""The effort that every server knows, for one of the client's."""


def effort_fields(w: Wanted, off: str = "low") -> Fields:
    """Return the field of an effort; ``off`` is the least this server takes."""
    if w.thinking == "provider_default":
        return {"reasoning_effort": w.effort} if w.effort else {}
    return {"reasoning_effort": off if w.thinking == "off" else asked(w)}


def completion_limit(w: Wanted) -> Fields:
    """Return the limit on output, in OpenAI's newer word."""
    return {} if w.output is None else {"max_completion_tokens": w.output}


def limit(w: Wanted) -> Fields:
    """Return the limit on output, in the word that most servers know."""
    return {} if w.output is None else {"max_tokens": w.output}


def plain(w: Wanted) -> Fields:
    """Return what a server is told whose own default is wanted."""
    return limit(w) | ({"reasoning_effort": w.effort} if w.effort else {})
