"""What one upstream call is billed where its upstream does not tell. Pure.

    refused, or never connected            nothing: no provider bills a refusal
    accepted, then silent or broken off    its prompt, and what of the answer has passed
    closed early by us                     its prompt, and what of the answer has passed
    ... where closing stops nothing        its prompt, and all that the call was allowed

The last row is the most it can be: a server that generates on does so up to the limit it was given, and nobody
tells us how far it came. Every count of ours is marked ``estimated``.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from policies.tokens import TokenCount
from policies.types import Budget, Usage
from router.backends.capabilities import Capabilities
from router.errors import ApiError, UpstreamBrokeOffError, UpstreamTimeoutError
from router.wire.openai_answer import read_usage


def told(completion: Mapping[str, Any], prompt: int) -> Usage:
    """Return what a plain completion says it spent, or our estimate where it says nothing.

    Args:
        completion: In our normal form.
        prompt: Our estimate of the prompt's tokens.
    """
    if usage := completion.get("usage"):
        return read_usage(usage)
    thought, spoken = TokenCount(), TokenCount()
    for choice in completion["choices"]:
        message = choice.get("message") or {}
        for name, count in (("reasoning_content", thought), ("content", spoken)):
            if text := message.get(name):
                count.add(text)
    total = thought.tokens + spoken.tokens
    return Usage(prompt, 0, total, thought.tokens, estimated=True)


def closed_early(passed: Usage, can: Capabilities, budget: Budget) -> Usage:
    """Return what a call costs that was left before its end, given the usage that ``passed``."""
    if can.cancel_frees or budget.output is None:
        return passed
    return replace(passed, completion=max(passed.completion, budget.output), estimated=True)


def unheard(prompt: int, can: Capabilities, budget: Budget) -> Usage:
    """Return what a call costs that an upstream had accepted, and whose answer nobody has heard."""
    return closed_early(Usage(prompt, estimated=True), can, budget)


def accepted(error: ApiError) -> bool:
    """Return whether the upstream had taken the call when it failed like this.

    A time limit that the upstream itself names (408, 504) may be tried again and is a refusal; one of ours is not.
    """
    timed_out = isinstance(error, UpstreamTimeoutError) and not error.retryable
    return timed_out or isinstance(error, UpstreamBrokeOffError)
