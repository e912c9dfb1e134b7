"""What a test-time search is told, and what it proposes. Frozen values; ``policies.types`` has them, too."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class VerifierPlan:
    """Who judges candidates.

    Attributes:
        kind: ``judge``, ``reward``, ``schema``, ``self_certainty`` or ``consistency``.
        model: ``model_name`` of a judge or of a reward endpoint; ``None`` judges with the tier's own.
        accept: Probability from which on a candidate is accepted without looking further.
        aggregate: What the scores of a path's steps say together: ``last`` where each is a score of the whole
            beginning, ``min`` or ``prod`` where each is of its step alone.
    """

    kind: str
    model: str | None = None
    accept: float = 0.9
    aggregate: Literal["last", "min", "prod"] = "last"


@dataclass(frozen=True, slots=True)
class Template:
    """A way of solving one kind of problem.

    Attributes:
        name: For the prompt and the report.
        applies: Words that tell the kind: one of them in a question may be enough.
        steps: What to do, in order.
        also: Everyday words of such problems: two of them say as much as one of ``applies``.
    """

    name: str
    applies: str
    steps: tuple[str, ...]
    also: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table by which ``auto`` chooses.

    Attributes:
        least_p: It holds from this probability on, in [0, 1].
        plan: What to do.
    """

    least_p: float
    plan: "SearchPlan"


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """Which test-time strategy a tier runs, and how far it may go. A strategy reads what concerns it.

    Attributes:
        strategy: Its name in ``policies.strategies.STRATEGIES``, or ``auto``.
        n: Samples, or paths kept, at most.
        verifier: Who judges candidates; ``None`` is nobody.
        stop: Rule by which a vote ends early: ``beta``, ``esc``, ``first`` or ``certain``.
        in_order: Votes count in the order the samples were started, not as they arrive.
        arm: How one answer is asked for: ``direct``, ``short_cot``, ``draft``, ``supervised``, ``no_think``;
            ``None`` leaves the prompt as it is.
        width: Continuations that are tried at each step of a tree.
        depth: Steps of a path, or turns of a dialogue, at most.
        ladder: Names of the tiers a cascade may climb, cheap to dear; empty is every allowed tier up
            to the decided one.
        max_tokens: Completion tokens that all calls together may take beside their thinking budgets.
        table: Of ``auto``; empty is the default one.
        epsilon: Of ``auto``: the cheapest plan whose predicted success is within this of the best.
        templates: Of ``templates``: the user's own, beside the shipped ones.
    """

    strategy: str = "single"
    n: int = 1
    verifier: VerifierPlan | None = None
    stop: str = "beta"
    in_order: bool = False
    arm: str | None = None
    width: int = 4
    depth: int = 24
    ladder: tuple[str, ...] = ()
    max_tokens: int | None = None
    table: tuple[Row, ...] = ()
    epsilon: float | None = None
    templates: tuple[Template, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One proposed answer of a test-time search.

    Attributes:
        text: The visible answer, what it was told to begin with included.
        reasoning: The reasoning before it, if the model shows any.
        key: Canonical form of the extracted answer, the same for answers that are equal; ``None`` abstains.
        complete: It ended by itself, not by a limit.
        ended: It is a whole answer; ``False`` for a step that others may follow.
        failed: The call brought nothing; such a candidate is never offered.
        tokens: Completion tokens it took, reasoning included.
        score: What a verifier thinks of it, a probability in [0, 1]; ``None`` is not judged.
        confidence: Mean log-probability of its tokens, where they were asked for.
        weight: Its weight in a vote.
        model: Name of the tier it comes from.
        id: Its number in the search.
    """

    text: str
    reasoning: str = ""
    key: str | None = None
    complete: bool = True
    ended: bool = True
    failed: bool = False
    tokens: int = 0
    score: float | None = None
    confidence: float | None = None
    weight: float = 1.0
    model: str = ""
    id: int = 0
