"""Whether every tier of a ladder has its use: tiers that another one beats, tiers that nothing reaches. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from classifier.calibration import sigmoid
from classifier.types import Ask, Difficulty, Rung
from policies.types import Query

from .decide import Routing, decide

_ASKED = Query({"messages": [{"role": "user", "content": "?" * 400}]}, "auto", Ask("?" * 400))

_GAINS = ((0.3, 0.3), (1.5, 1.6), (1.5, 2.5), (0.2, 3.0))
"""What the two reasoning rungs gain, in logits: on everyday asks, on recorded outcomes, and where only long reasoning
helps, more than it ever did: a tier that is not taken then is never taken."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a tier came to on the same questions as the others.

    Attributes:
        name: The tier's.
        accuracy: Share of right answers.
        usd: Mean expected cost of a question.
    """

    name: str
    accuracy: float
    usd: float


def typical_scores() -> Iterator[Difficulty]:
    """Yield scores from trivial to hopeless, with small and large gains of reasoning, and with little and much of it."""
    for (distilled, long), most in product(_GAINS, (1000, 9000)):
        for step in range(-12, 13):
            short = step / 3
            thinking = round(250 + most * sigmoid(-short))
            p_solve: dict[Rung, float] = {
                "short": sigmoid(short),
                "distilled": sigmoid(short + distilled),
                "long": sigmoid(short + long),
            }
            yield Difficulty(
                difficulty=1 - p_solve["short"],
                p_solve=p_solve,
                thinking_p50=thinking,
                thinking_p90=2 * thinking,
                domain={},
                language="und",
                truncated=False,
                classifier="",
            )


def dominated(measured: Sequence[Record]) -> list[str]:
    """Return one line per tier that costs more than another and is right no more often."""
    lines = []
    for worse in measured:
        better = [
            other
            for other in measured
            if other.usd < worse.usd and other.accuracy >= worse.accuracy and other is not worse
        ]
        if better:
            best = max(better, key=lambda record: record.accuracy)
            lines.append(
                f'tier "{worse.name}" is dominated: it is right {100 * worse.accuracy:.1f} % of the time for '
                f'${worse.usd:.5f} a question, "{best.name}" {100 * best.accuracy:.1f} % for ${best.usd:.5f}'
            )
    return lines


def unreachable(routing: Routing, scores: Iterable[Difficulty]) -> list[str]:
    """Return one line per tier that the policy takes for none of these scores."""
    left = {tier.name for tier in routing.tiers}
    for score in scores:
        decision = decide(routing, score, _ASKED)
        left -= {decision.tier.name, *decision.plan.ladder}
        if not left:
            break
    ruled = {rule.tier for rule in routing.rules}
    return [
        f'tier "{tier.name}" is unreachable: policy {routing.policy} at dial {routing.dial:g} takes it for no '
        "question; only a request that names it gets there"
        for tier in routing.tiers
        if tier.name in left - ruled
    ]
