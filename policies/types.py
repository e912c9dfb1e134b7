"""The values that decisions are made of. Frozen, without behaviour that needs a network or a clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from classifier.types import Ask, Difficulty, Rung

from .candidates import Candidate, Row, SearchPlan, Template, VerifierPlan

__all__ = [
    "Budget",
    "Candidate",
    "Ceilings",
    "Decision",
    "Expected",
    "Price",
    "Query",
    "Row",
    "SearchPlan",
    "Template",
    "Thinking",
    "Tier",
    "Usage",
    "VerifierPlan",
    "Wishes",
]

Thinking = Literal["on", "off", "provider_default"]
"""What a tier wants of a model that can think."""


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens. Reasoning tokens cost what output costs unless said otherwise."""

    input: float = 0.0
    output: float = 0.0
    cached_input: float | None = None
    reasoning: float | None = None

    def usd(self, usage: "Usage") -> float:
        """Return what ``usage`` costs, in USD."""
        cached = self.input if self.cached_input is None else self.cached_input
        reasoning = self.output if self.reasoning is None else self.reasoning
        return (
            (usage.prompt - usage.cached) * self.input
            + usage.cached * cached
            + (usage.completion - usage.reasoning) * self.output
            + usage.reasoning * reasoning
        ) / 1e6


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or more upstream calls.

    Attributes:
        prompt: Prompt tokens, cached ones included.
        cached: Prompt tokens the provider read from its own cache.
        completion: Completion tokens, reasoning included.
        reasoning: Reasoning tokens, a part of ``completion``.
        estimated: At least one count is ours because the upstream reported none.
    """

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    reasoning: int = 0
    estimated: bool = False

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt + other.prompt,
            self.cached + other.cached,
            self.completion + other.completion,
            self.reasoning + other.reasoning,
            self.estimated or other.estimated,
        )


@dataclass(frozen=True, slots=True)
class Tier:
    """One rung of the user's ladder, cheap to dear.

    Attributes:
        name: The user's name for it.
        rung: The learned success curve it starts from.
        models: ``model_name``s, in order of preference; more than one is load balancing.
        thinking: What to ask of a model that can think.
        max_thinking_tokens: Ceiling on reasoning tokens of one answer; ``None`` is no ceiling.
        answer_reserve_tokens: Tokens kept for the visible answer, whatever the thinking takes.
        max_output_tokens: Ceiling on the completion of one call, reasoning included.
        max_total_tokens: Ceiling on completion tokens of all calls for one request together.
        timeout_s: Seconds for the whole answer.
        search: The strategy that answers here.
        fallback_tier: Where to go when every model here fails; ``None`` is nowhere.
        stop_when_converged: Cut reasoning that keeps stating and checking one answer.
        min_thinking_tokens: Reasoning that ends before this is told to go on, ``wait`` times at most.
        wait: See ``min_thinking_tokens``; 0 lets reasoning end where it does.
        price: Of the first model: what a decision reckons with.
        ability: How much better than its rung's typical model it is, in logits; ``calibrate`` fits it.
    """

    name: str
    rung: Rung
    models: tuple[str, ...]
    thinking: Thinking = "provider_default"
    max_thinking_tokens: int | None = None
    answer_reserve_tokens: int = 512
    max_output_tokens: int | None = None
    max_total_tokens: int | None = None
    timeout_s: float = 600.0
    search: SearchPlan = SearchPlan()
    fallback_tier: str | None = None
    stop_when_converged: bool = False
    min_thinking_tokens: int = 0
    wait: int = 0
    price: Price = Price()
    ability: float = 0.0


@dataclass(frozen=True, slots=True)
class Ceilings:
    """What the client allows at most. ``None`` is no limit of the client's."""

    max_output_tokens: int | None = None
    max_thinking_tokens: int | None = None
    max_total_tokens: int | None = None
    max_cost_usd: float | None = None
    reasoning_effort: str | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the client asks of the routing; all of it optional.

    Attributes:
        tier: Forced tier.
        min_tier: Cheapest tier allowed.
        max_tier: Dearest tier allowed.
        policy: Routing policy, from a ``router-<policy>-<dial>`` model name.
        dial: 0 cheapest ... 1 best.
        strategy: Test-time strategy in place of the tier's own.
        n: Samples in place of the tier's own.
    """

    tier: str | None = None
    min_tier: str | None = None
    max_tier: str | None = None
    policy: str | None = None
    dial: float | None = None
    strategy: str | None = None
    n: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """One request, parsed: whatever surface it came in on, this is what is routed.

    Attributes:
        body: The request in OpenAI's chat shape, without ``router`` and ``model``.
        model: What the client wrote as ``model``.
        ask: What is scored.
        stream: The client wants server-sent events.
        include_usage: ... and a usage chunk at their end.
        wishes: What the client asks of the routing.
        ceilings: What the client allows at most.
        cache: ``no-store``, ``no-cache``, ``only-if-cached`` or ``None``.
        dry_run: Decide only.
        progress: While a search lasts, tell a streaming client how far it is, as reasoning.
        session: The client's own name for the conversation; empty is none.
        tenant: Whose cache entries and allowances are used.
        tiers: Tier names the client's key may use; ``None`` is all.
        original: The body as the client sent it, where that is not chat: its answer is rendered by it.
    """

    body: Mapping[str, Any]
    model: str
    ask: Ask
    stream: bool = False
    include_usage: bool = False
    wishes: Wishes = Wishes()
    ceilings: Ceilings = Ceilings()
    cache: str | None = None
    dry_run: bool = False
    progress: bool = False
    session: str = ""
    tenant: str = ""
    tiers: tuple[str, ...] | None = None
    original: Mapping[str, Any] = field(default_factory=dict)

    @property
    def choices(self) -> int:
        """Answers the client wants of one call: OpenAI's ``n``; each is billed, the prompt once."""
        n = self.body.get("n")
        return n if isinstance(n, int) and n > 1 else 1


@dataclass(frozen=True, slots=True)
class Budget:
    """What one request may spend upstream.

    Attributes:
        thinking: Reasoning tokens per answer; 0 is no thinking, ``None`` no limit.
        answer_reserve: Tokens kept for the visible answer.
        output: Completion tokens of one call, reasoning included; ``None`` is no limit.
        total: Completion tokens of all calls together; ``None`` is no limit.
        deadline_s: Seconds for the whole answer.
        calls: Upstream calls that are planned, one per sample. A forced answer after a cut and a
            fallback come on top; they pay from the same ``total``.
        usd: What the client pays at most, in USD, prompts included; ``None`` is no limit. ``total`` is
            already small enough for it, unless the answer reserve alone costs more.
    """

    thinking: int | None = None
    answer_reserve: int = 512
    output: int | None = None
    total: int | None = None
    deadline_s: float = 600.0
    calls: int = 1
    usd: float | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What a tier is expected to spend on this query, all calls of its strategy together."""

    tokens: int
    cost_usd: float


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a query goes, and why.

    Attributes:
        tier: The tier that answers.
        plan: Strategy and samples.
        budget: What may be spent.
        cause: One word for counters: ``classifier``, ``forced``, ``clamped``, ``pass_through`` ...
        reason: One sentence for a person.
        policy: The routing policy that decided; ``none`` when none was asked.
        dial: The dial it used.
        difficulty: The score; ``None`` when the query was not scored.
        p_solve: Probability that each tier solves it, by tier name.
        expected: What each tier would spend, by tier name.
        baseline_usd: What the dearest tier would be expected to cost, with its own strategy and by its
            real price; ``None`` when the query was not scored.
        propensity: Probability that this very tier was taken; below 1 only where exploration draws lots.
    """

    tier: Tier
    plan: SearchPlan
    budget: Budget
    cause: str
    reason: str
    policy: str
    dial: float
    difficulty: Difficulty | None = None
    p_solve: Mapping[str, float] = field(default_factory=dict)
    expected: Mapping[str, Expected] = field(default_factory=dict)
    baseline_usd: float | None = None
    propensity: float = 1.0
