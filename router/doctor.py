"""What the doctor makes of what it heard from a model: pure, no connection and no clock.

Whatever is declared of a model, by its dialect or by its entry, is held against what it did. What it cannot be told is
no fault of its entry; what it was told and did not do is one, with the line that would make the entry true.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from policies.types import Usage

from .backends.capabilities import Capabilities
from .trust import TOLERANCE, TOLERANCE_TOKENS

ESTIMATE_ERRS = 1.5
"""How far a count of ours may be off where the model reports none."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one probe brought.

    Attributes:
        usage: What it spent; marked where the count is ours.
        text: Its visible answer.
        reported: The stream brought the upstream's own usage.
        logprobs: It brought log-probabilities.
        cut: Why it had to be cut; a probe's limits are wide.
        failed: Why there is none, in one line.
    """

    usage: Usage = Usage()
    text: str = ""
    reported: bool = False
    logprobs: bool = False
    cut: str = ""
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """One probe: what the model was told, and what came of it.

    Attributes:
        heard: What came.
        told: The request could say what was wanted.
        tokens: Reasoning tokens that it might spend.
    """

    heard: Heard
    told: bool = True
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: what was looked at, what was seen, and what to write if it differs."""

    what: str
    seen: str
    write: str = ""
    holds: bool = True

    def __str__(self) -> str:
        """The line without the model's name."""
        mark = "ok     " if self.holds else "differs"
        return f"{self.what:<17} {mark} {self.seen}" + (f"; write {self.write}" * bool(self.write))


@dataclass(frozen=True, slots=True)
class Examined:
    """Everything that one model was asked.

    Attributes:
        can: What is declared.
        default: Thinking as its provider likes.
        off: Thinking off.
        budget: Thinking on, with few tokens.
        declared: What came of each further feature that is declared, failed if it does not hold; ``None`` is not
            declared.
        closed_s: Seconds until a stream given up half-way was closed; ``None`` was never closed.
        tiers: What the tiers that use it say under ``thinking``.
    """

    can: Capabilities
    default: Asked
    off: Asked
    budget: Asked
    declared: Mapping[str, Heard | None]
    closed_s: float | None
    tiers: frozenset[str]


def findings(seen: Examined) -> Iterator[Finding]:
    """Yield a line for each thing that was looked at."""
    yield _thinks(seen)
    yield _off(seen.off)
    yield _budget(seen)
    yield _usage(seen)
    yield from _declared(seen.declared)
    yield _cancel(seen.closed_s)


def _thinks(seen: Examined) -> Finding:
    thought = seen.default.heard.usage.reasoning
    if "on" in seen.tiers and not (thought or seen.budget.heard.usage.reasoning):
        said = "a tier says thinking: on, and no reasoning was seen or reported"
        return Finding("provider_default", said, "thinking: off", holds=False)
    return Finding("provider_default", f"thought {_tokens(seen.default.heard)}")


def _off(asked: Asked) -> Finding:
    heard = asked.heard
    if heard.failed:
        return _broken(
            "off",
            heard,
            "thinking: provider_default in its tiers, or the dialect: that its server speaks",
        )
    if heard.usage.reasoning <= TOLERANCE_TOKENS:
        return Finding("off", f"thought {_tokens(heard)}")
    if not asked.told:
        return Finding("off", f"cannot be told; thought {_tokens(heard)}, which the router cuts")
    said = f"thought {_tokens(heard)} with thinking off"
    return Finding(
        "off",
        said,
        "the dialect: that its server speaks, or thinking: on in its tiers",
        holds=False,
    )


def _budget(seen: Examined) -> Finding:
    asked, heard = seen.budget, seen.budget.heard
    native = "capabilities: {native_budget: false}" if seen.can.native_budget else ""
    if heard.failed:
        return _broken("budget", heard, native or "the dialect: that its server speaks")
    if not (asked.told and seen.can.native_budget):
        said = f"no native one; thought {_tokens(heard)} when {asked.tokens} were wanted"
        return Finding("budget", f"{said}: the router counts and cuts")
    slack = ESTIMATE_ERRS if heard.usage.estimated else TOLERANCE
    if heard.usage.reasoning > asked.tokens * slack + TOLERANCE_TOKENS:
        said = f"thought {_tokens(heard)} of {asked.tokens}"
        return Finding("budget", said, native, holds=False)
    said = f"thought {_tokens(heard)} of {asked.tokens}"
    alone = seen.default.heard.usage.reasoning
    return Finding(
        "budget", said + ", but needs no more without a budget" * (alone <= asked.tokens)
    )


def _usage(seen: Examined) -> Finding:
    probes = (seen.default.heard, seen.off.heard, seen.budget.heard)
    complete = [heard for heard in probes if not (heard.failed or heard.cut)]
    if not seen.can.usage_in_stream:
        return Finding("usage", "not asked for in streams, so the router counts")
    if any(heard.reported for heard in complete):
        return Finding("usage", "arrives in the stream")
    if not complete:
        return Finding("usage", "not seen: no stream came to its end", holds=False)
    said = "none in the stream, so costs are the router's estimates"
    return Finding("usage", said, "capabilities: {usage_in_stream: false}", holds=False)


def _declared(heard: Mapping[str, Heard | None]) -> Iterator[Finding]:
    for what, came in heard.items():
        if came is None:
            yield Finding(what, "not declared, not tried")
        elif came.failed:
            none = 0 if what == "logprobs" else "false"
            yield Finding(what, came.failed, f"capabilities: {{{what}: {none}}}", holds=False)
        else:
            yield Finding(what, DOES[what])


DOES = {
    "prefill": "goes on behind a turn that was handed over",
    "prefill_thinking": "goes on behind open reasoning that was handed over",
    "stop": "stops at a stop sequence",
    "seed": "takes a seed",
    "logprobs": "tells log-probabilities",
}


def _cancel(closed_s: float | None) -> Finding:
    if closed_s is None:
        return Finding("cancel", "a stream given up half-way did not close", holds=False)
    said = f"a stream given up half-way closed in {closed_s * 1000:.0f} ms"
    return Finding("cancel", f"{said}; whether its billing stops is on the provider's bill only")


def _broken(what: str, heard: Heard, write: str = "") -> Finding:
    return Finding(what, heard.failed, write, holds=False)


def _tokens(heard: Heard) -> str:
    about = "about " if heard.usage.estimated else ""
    return f"{about}{heard.usage.reasoning} tokens"
