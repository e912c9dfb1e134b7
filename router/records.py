"""What a server did, in numbers: ``GET /metrics``. Knows no prompt, key or tenant.

Labels come from fixed sets: the configuration's tiers and models, and our own words for causes, statuses and
stop reasons. Each worker counts for itself and answers ``/metrics`` with its own numbers: with several workers behind
one port a scrape sees one of them, so run one worker per port where the sums must be exact.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from policies.tokens import TokenCount
from policies.types import Candidate, Decision, Usage

from .backends.unenforced import THINKING_OFF, THINKING_TOKENS
from .cache.claim import Kept
from .cache.recall import UNCUT
from .errors import ApiError, InternalError
from .metrics import Counter, Histogram
from .trust import TOLERANCE, TOLERANCE_TOKENS

OK = "ok"
CANCELLED = "cancelled"
"""Statuses beside the error codes of the contract."""

NO_TIER = "none"
"""Label of a request that ended before it was decided."""

THINKING_BOUNDS = (0, 64, 256, 1024, 2048, 4096, 8192, 16384, 32768)
OVERHEAD_BOUNDS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a request ended, beside its ``router`` object.

    Attributes:
        decision_id: For the log.
        status: ``ok``, ``cancelled``, or the error's code.
        cache: ``miss``, ``hit``, ``near``, ``joined`` or ``bypass``.
        overhead_s: Time we took, without waiting for upstreams.
        usage: All upstream calls together.
        baseline_tokens: Completion tokens that the dearest tier was expected to spend; 0 if not scored.
        efficiency: See ``outcome_efficiency``.
        kept: The stored or shared answer that was not paid for again.
    """

    decision_id: str
    status: str
    cache: str
    overhead_s: float
    usage: Usage = Usage()
    baseline_tokens: int = 0
    efficiency: float | None = None
    kept: Kept | None = None


class Records:
    """The numbers of one worker. What a request costs here is a few dictionary updates.

    Tokens and money are booked under the tier that answered, or was last tried; what failed tiers and the
    cheapest tier's forced answers spent for the request is in it. Saved is baseline minus cost, over all requests that
    were answered, from the cache too; the cost of those that failed or were cancelled is taken off.
    """

    def __init__(self) -> None:
        self.requests = Counter(
            "thinkthrift_requests_total", "Requests that ended.", ("tier", "cause", "status")
        )
        self.decisions = Counter(
            "thinkthrift_decisions_total", "Decisions taken, dry runs too.", ("cause",)
        )
        self.shadow = Counter(
            "thinkthrift_shadow_decisions_total",
            "Tiers taken by the live policy and by the one in its shadow.",
            ("live", "shadow"),
        )
        self.shadow_cost = Counter(
            "thinkthrift_shadow_expected_usd_total",
            "What either was expected to cost, on the same requests.",
            ("policy",),
        )
        self.cache = Counter("thinkthrift_cache_results_total", "What the cache did.", ("result",))
        self.cache_saved = Counter(
            "thinkthrift_cache_saved_total",
            "What answers cost when they were paid for, each time they were not paid for again.",
            ("tier", "unit"),
        )
        self.tokens = Counter(
            "thinkthrift_upstream_tokens_total",
            "Tokens of all upstream calls; completion includes reasoning.",
            ("tier", "kind"),
        )
        self.baseline_tokens = Counter(
            "thinkthrift_baseline_tokens_total",
            "Completion tokens the dearest tier was expected to spend on what was answered.",
            ("tier",),
        )
        self.cost = Counter("thinkthrift_cost_usd_total", "Cost of all upstream calls.", ("tier",))
        self.baseline = Counter(
            "thinkthrift_baseline_usd_total",
            "Cost the dearest tier was expected to have on what was answered.",
            ("tier",),
        )
        self.saved = Counter(
            "thinkthrift_saved_usd",
            "Baseline minus cost, wasted tokens included.",
            ("tier",),
            "gauge",
        )
        self.thinking = Histogram(
            "thinkthrift_reasoning_tokens",
            "Reasoning tokens per query that an upstream answered.",
            "tier",
            THINKING_BOUNDS,
        )
        self.cuts = Counter(
            "thinkthrift_cuts_total", "Answers that were cut or forced.", ("tier", "stop_reason")
        )
        self.ignored = Counter(
            "thinkthrift_budget_ignored_total",
            "Answers that thought past their budget.",
            ("model",),
        )
        self.native_ignored = Counter(
            "thinkthrift_native_budget_ignored_total",
            "Answers that thought past a budget which their model had been told.",
            ("model",),
        )
        self.overhead = Histogram(
            "thinkthrift_overhead_seconds",
            "Time of ours, without waiting for upstreams.",
            "cache",
            OVERHEAD_BOUNDS_S,
        )
        self.efficiency = Counter(
            "thinkthrift_outcome_efficiency_sum", "Sum of outcome efficiencies.", ("tier",)
        )
        self.efficiency_known = Counter(
            "thinkthrift_outcome_efficiency_count", "Answers whose efficiency is known.", ("tier",)
        )
        self.feedback = Counter(
            "thinkthrift_feedback_total", "Verdicts of clients, new or changed.", ("verdict",)
        )
        self.log_lost = Counter(
            "thinkthrift_decision_log_lost_total",
            "Lines of the decision log that could not be written.",
            (),
        )

    def decided(self, cause: str) -> None:
        """Count a decision."""
        self.decisions.add(1, cause)

    def shadowed(self, live: Decision, shadow: Decision) -> None:
        """Count what a policy in the shadow would have done where the live one decided."""
        self.shadow.add(1, live.tier.name, shadow.tier.name)
        for policy, decision in (("live", live), ("shadow", shadow)):
            self.shadow_cost.add(decision.expected[decision.tier.name].cost_usd, policy)

    def judged(self, verdict: Mapping[str, Any]) -> None:
        """Count a verdict: right, wrong, or a rating."""
        named = {True: "right", False: "wrong", None: "rating"}
        self.feedback.add(1, named[verdict.get("correct")])

    def ended(self, told: Mapping[str, Any], ending: Ending) -> None:
        """Count a request that ended.

        Args:
            told: Its ``router`` object; empty when it was not decided.
            ending: The rest.
        """
        tier, answered = told.get("tier") or NO_TIER, ending.status == OK
        self.requests.add(1, tier, told.get("cause") or NO_TIER, ending.status)
        self.cache.add(1, ending.cache)
        self.overhead.observe(ending.overhead_s, ending.cache)
        if told:
            self._spent(told, tier, ending, answered=answered)
        if answered and (kept := ending.kept) is not None:
            self.cache_saved.add(kept.router["upstream_tokens"], tier, "tokens")
            self.cache_saved.add(kept.router["cost_usd"], tier, "usd")
            self.cache_saved.add(kept.took_s, tier, "seconds")

    def _spent(self, told: Mapping[str, Any], tier: str, ending: Ending, *, answered: bool) -> None:
        usage, cost, calls = ending.usage, told["cost_usd"], told["calls"]
        if calls:
            self.tokens.add(usage.prompt, tier, "prompt")
            self.tokens.add(usage.completion, tier, "completion")
            self.tokens.add(usage.reasoning, tier, "reasoning")
            self.cost.add(cost, tier)
            self._thought(told, tier, answered=answered)
        baseline = told.get("baseline_cost_usd", 0.0) if answered else 0.0
        self.baseline.add(baseline, tier)
        self.saved.add(baseline - cost, tier)
        if answered:
            self.baseline_tokens.add(ending.baseline_tokens, tier)
        if ending.efficiency is not None:
            self.efficiency.add(ending.efficiency, tier)
            self.efficiency_known.add(1, tier)

    def _thought(self, told: Mapping[str, Any], tier: str, *, answered: bool) -> None:
        """Count overthinking: reasoning per answered query, cuts, and models that ignore a budget.

        Reasoning tokens per answered query are the plain measure of arXiv 2412.21187, section 2: how much is thought on
        what is asked. A search is judged by its sum and not per sample, so only single answers tell whether a
        model has kept its budget.
        """
        reason, limit, tokens = (
            told["stop_reason"],
            told["thinking_budget"],
            told["thinking_tokens"],
        )
        if answered:
            self.thinking.observe(tokens, tier)
        if reason not in UNCUT:
            self.cuts.add(1, tier, reason)
        past = limit is not None and tokens > limit * TOLERANCE + TOLERANCE_TOKENS
        if reason == "thinking_budget" or (past and told["calls"] == 1):
            self.ignored.add(1, told["model"])
            if not {THINKING_OFF, THINKING_TOKENS} & set(told.get("unenforced", ())):
                self.native_ignored.add(1, told["model"])

    def exposition(self) -> str:
        """Return everything in Prometheus' text format, version 0.0.4."""
        return "\n".join((*self._lines(), ""))

    def _lines(self) -> Iterator[str]:
        for metric in vars(self).values():
            yield from metric.lines()


@contextmanager
def on_failure(note: Callable[[str], None]) -> Iterator[None]:
    """Tell ``note`` the status of what fails inside; nothing when it does not."""
    try:
        yield
    except ApiError as error:
        note(error.code)
        raise
    except (asyncio.CancelledError, GeneratorExit):
        note(CANCELLED)
        raise
    except Exception:
        note(InternalError.code)
        raise


def outcome_efficiency(arrived: Sequence[Candidate], answer: Candidate | None) -> float | None:
    """Return the share of tokens that was spent until the answer first stood, in (0, 1]; more is better.

    Outcome efficiency of arXiv 2412.21187 (section 3) is the mean of T'/T over right answers: T tokens in
    all, T' until the first right solution. Nobody labels live traffic, so the final answer stands in for the
    right one, as in a vote: T' counts the samples, in the order they arrived, up to the first that says what
    the search ended with. Samples that were cancelled are in neither. ``None`` where it cannot be known: no
    search, or an answer that cannot be compared.

    Args:
        arrived: Samples in the order they arrived; text and reasoning are counted by their size.
        answer: The one that was returned.
    """
    if answer is None or answer.key is None:
        return None
    until = total = 0
    stood = False
    for candidate in arrived:
        size = _size(candidate)
        total += size
        if not stood:
            until += size
            stood = candidate.key == answer.key
    return until / total if stood and total else None


def _size(candidate: Candidate) -> int:
    count = TokenCount()
    count.add(candidate.text)
    count.add(candidate.reasoning)
    return count.tokens
