"""Fits a configuration to its user's own outcomes: each tier's ability, the dial, and what the policy needs.

A tier's outcomes are those of its models, found by name; without any, those of its rung, and the report says so. A few dozen
are enough to move: the fit is a shift of predicted log-odds under a prior, so little data moves it a little.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from classifier.calibration import fit_ability_shift
from classifier.scorer import Scorer
from classifier.training.dataset import Outcomes, Question, read_outcomes, read_questions
from classifier.types import RUNGS, Ask, Difficulty
from policies.routing import Routing, decide
from policies.routing.expectation import prospects
from policies.routing.guaranteed import Guaranteed
from policies.routing.risk import NotSupportedError, control
from policies.routing.sanity import Record, dominated, unreachable
from policies.routing.threshold import boundaries_from_shares
from policies.types import Query, Tier

from .catalogue import model_key
from .settings import Settings

DIALS = tuple(i / 50 for i in range(51))
"""Dials that are tried, cheapest first."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What the outcomes say of one tier.

    Attributes:
        tier: Its name.
        ability: Difference to the rung's typical model, in logits.
        error: Standard error of it.
        outcomes: How many it rests on; 0 leaves the tier as it was.
        by_rung: They are those of other models on the same rung.
    """

    tier: str
    ability: float
    error: float
    outcomes: int
    by_rung: bool


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a calibration found.

    Attributes:
        fits: One per tier, in their order.
        dial: The cheapest that keeps the wanted accuracy; ``None`` if no question was answered by every tier.
        accuracy: On those questions, routed at that dial.
        best: The best single tier's accuracy on them.
        boundaries: For ``routing.shares``.
        limit: For the ``guaranteed`` policy.
        warnings: What else is to be said.
    """

    fits: tuple[Fit, ...]
    dial: float | None = None
    accuracy: float = 0.0
    best: float = 0.0
    boundaries: tuple[float, ...] | None = None
    limit: float | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """A question with its score and what each tier made of it, in [0, 1], where that is known."""

    query: Query
    score: Difficulty
    right: Mapping[str, float]


def calibrate(
    settings: Settings,
    routing: Routing,
    questions: Path,
    outcomes: Path,
    *,
    keep: float = 0.99,
    scorer: Scorer | None = None,
) -> Calibration:
    """Return what the outcomes say of a configuration.

    Args:
        settings: The configuration.
        routing: The tiers and the policy that it makes.
        questions: JSON lines of ``{id, prompt}``, may be gzipped.
        outcomes: JSON lines of ``{id, model, tier, correct}``, likewise.
        keep: Share of the best single tier's accuracy that the dial must keep.
        scorer: A loaded classifier; ``None`` loads the shipped one.

    Raises:
        DataError: If a file cannot be used.
    """
    asked = read_questions(questions)
    answers = read_outcomes(outcomes, asked)
    fits, rows = _fitted(settings, routing.tiers, asked, answers, scorer or Scorer.load())
    tiers = tuple(
        replace(tier, ability=fit.ability) for tier, fit in zip(routing.tiers, fits, strict=True)
    )
    fitted = replace(routing, tiers=tiers)
    whole = [row for row in rows if len(row.right) == len(tiers)]
    found = Calibration(tuple(fits))
    shares = settings.routing.shares
    if shares is not None:
        of_tier = [shares.get(tier.name, 0.0) for tier in tiers[1:]]
        cuts = boundaries_from_shares(of_tier, [row.score.difficulty for row in rows])
        found = replace(found, boundaries=cuts)
    if not whole:
        told = "no question was answered by every tier: the dial stays as it is"
        return replace(found, warnings=(told,))
    found = fit_dial(found, fitted, whole, keep)
    if settings.routing.policy == "guaranteed":
        found = fit_limit(found, fitted, whole, settings)
    if found.dial is not None:
        fitted = replace(fitted, dial=found.dial)
    sane = (*dominated(measured(fitted, whole)), *unreachable(fitted, [row.score for row in rows]))
    return replace(found, warnings=(*found.warnings, *sane))


def fit_dial(
    found: Calibration, routing: Routing, rows: Sequence[Answered], keep: float
) -> Calibration:
    """Return the cheapest dial whose accuracy on ``rows`` is ``keep`` of the best single tier's."""
    best = max(record.accuracy for record in measured(routing, rows))
    for dial in DIALS:
        at = replace(routing, dial=dial, policy="utility", rules=(), explore=0.0)
        taken = [decide(at, row.score, row.query).tier.name for row in rows]
        accuracy = _mean([row.right[name] for row, name in zip(rows, taken, strict=True)])
        if accuracy >= keep * best:
            return replace(found, dial=dial, accuracy=accuracy, best=best)
    told = f"no dial keeps {keep:g} of the best tier's accuracy; 1 comes nearest"
    return replace(found, dial=1.0, accuracy=accuracy, best=best, warnings=(*found.warnings, told))


def fit_limit(
    found: Calibration, routing: Routing, rows: Sequence[Answered], settings: Settings
) -> Calibration:
    """Return the boldest limit that keeps the configured promise, or say why there is none."""
    promise, dearest = settings.routing.guarantee, routing.tiers[-1].name

    def losses_at(limit: float) -> list[float]:
        law = {"guaranteed": Guaranteed(limit)}
        at = replace(routing, policy="guaranteed", tuned=law, rules=(), explore=0.0)
        taken = [decide(at, row.score, row.query).tier.name for row in rows]
        return [row.right[dearest] - row.right[name] for row, name in zip(rows, taken, strict=True)]

    try:
        return replace(found, limit=control(losses_at, promise.loss, promise.confidence))
    except NotSupportedError as error:
        return replace(found, warnings=(*found.warnings, f"no promise: {error}"))


def measured(routing: Routing, rows: Sequence[Answered]) -> list[Record]:
    """Return what every tier came to on questions that all of them answered."""
    costs = [prospects(routing.tiers, row.score, 100) for row in rows]
    return [
        Record(
            tier.name,
            _mean([row.right[tier.name] for row in rows]),
            _mean([cost[i].expected.cost_usd for cost in costs]),
        )
        for i, tier in enumerate(routing.tiers)
    ]


def _fitted(
    settings: Settings,
    tiers: Sequence[Tier],
    asked: Sequence[Question],
    answers: Outcomes,
    scorer: Scorer,
) -> tuple[list[Fit], list[Answered]]:
    numbers = sorted(set(answers.question.tolist()))
    scores = scorer.score_batch([Ask(asked[number].prompt) for number in numbers])
    score_of = dict(zip(numbers, scores, strict=True))
    right: dict[int, dict[str, float]] = {number: {} for number in numbers}
    fits = []
    for tier in tiers:
        chosen, by_rung = _of_tier(settings, tier, answers)
        by_question: dict[int, list[float]] = {}
        for row in chosen:
            correct = float(answers.correct[row])
            by_question.setdefault(int(answers.question[row]), []).append(correct)
        for number, marks in by_question.items():
            right[number][tier.name] = _mean(marks)
        shift, error = fit_ability_shift(
            [score_of[number].p_solve[tier.rung] for number in by_question],
            [_mean(marks) for marks in by_question.values()],
        )
        ability = shift if by_question else tier.ability
        fits.append(Fit(tier.name, round(ability, 3), error, len(chosen), by_rung))
    rows = []
    for number in numbers:
        prompt = asked[number].prompt
        body = {"messages": [{"role": "user", "content": prompt}]}
        rows.append(Answered(Query(body, "auto", Ask(prompt)), score_of[number], right[number]))
    return fits, rows


def _of_tier(settings: Settings, tier: Tier, answers: Outcomes) -> tuple[list[int], bool]:
    """Return the rows of the tier's own models, else those of its rung, and which of both it is."""
    names = set()
    for name in tier.models:
        entry = settings.model(name)
        names |= {model_key(name), *([model_key(entry.litellm_params.model)] if entry else [])}
    own = [i for i, name in enumerate(answers.models) if model_key(name) in names]
    rows = [i for i, model in enumerate(answers.model.tolist()) if model in set(own)]
    if rows:
        return rows, False
    rung = RUNGS.index(tier.rung)
    return [i for i, at in enumerate(answers.rung.tolist()) if at == rung], True


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
