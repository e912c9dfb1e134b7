"""Misbehaviour on demand: by model name, ``sim-long+forever``, or by the header ``x-sim-fault: forever``.

Several may be combined: ``sim-long+forever+tags``. What each one does is said at its member.
"""

from enum import Enum

from loadtest.simulator.request import BadRequestError

FAULT_HEADER = "x-sim-fault"


class Fault(Enum):
    """Every fault, by the name under which it is asked for."""

    FOREVER = "forever"
    """Thinks without end and ignores every limit."""
    IGNORE_BUDGET = "ignore-budget"
    """Ignores the thinking budget and the off switch; still honours `max_tokens`."""
    IGNORE_STOP = "ignore-stop"
    """Says stop strings like any other text."""
    LOOP = "loop"
    """Repeats one sentence for pages instead of reasoning, then guesses."""
    NO_USAGE = "no-usage"
    """Never sends usage."""
    TAGS = "tags"
    """Sends reasoning as <think> tags inside the content, the tags split across chunks."""
    TAGS_UNOPENED = "tags-unopened"
    """The same without the opening tag, as servers do whose chat template ends in it."""
    REASONING_FIELD = "reasoning-field"
    """Calls the field `reasoning` instead of `reasoning_content`."""
    NULL_CONTENT = "null-content"
    """Reasons, then answers `content: null`."""
    KEEP_GENERATING = "keep-generating"
    """Generates on after the client has gone."""
    HTTP_429 = "http-429"
    """Refuses with 429 and `retry-after: 1`."""
    HTTP_500 = "http-500"
    """Refuses with 500."""
    HTTP_503 = "http-503"
    """Refuses with 503."""
    HTTP_400 = "http-400"
    """Refuses with 400."""
    HTML = "html"
    """Answers 200 with a page of HTML."""
    HTML_502 = "html-502"
    """Answers 502 with a page of HTML."""
    TIMEOUT = "timeout"
    """Takes the request and never answers."""
    DIE = "die"
    """Closes the connection in the middle of the stream, or before the whole body."""
    NO_FINISH = "no-finish"
    """Ends without a finish reason and without [DONE]."""
    BAD_SSE = "bad-sse"
    """Sends one event that is not JSON in the middle of the stream."""
    SLOW_FIRST = "slow-first"
    """Waits before the first token; `--slow-first-s` says for how long."""
    FLAKY = "flaky"
    """Answers 500 to the first request of each key (header x-sim-key, else the conversation), then works."""


REFUSALS = {Fault.HTTP_429: 429, Fault.HTTP_500: 500, Fault.HTTP_503: 503, Fault.HTTP_400: 400}
"""Faults that answer with an error envelope, and its status."""


def read_faults(model: str, header: str) -> tuple[str, frozenset[Fault]]:
    """Split a model name into its base and its faults, those of the header (comma-separated) included.

    Raises:
        BadRequestError: If a fault is unknown; the message lists the known ones.
    """
    base, *names = model.split("+")
    names += [name.strip() for name in header.split(",") if name.strip()]
    known = {fault.value: fault for fault in Fault}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadRequestError(
            f"unknown fault {unknown[0]!r}; known are {', '.join(sorted(known))}", param="model"
        )
    return base, frozenset(known[name] for name in names)
