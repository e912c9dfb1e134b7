"""What another routing policy would have reached on logged traffic, and when a log cannot say. Pure.

A log knows what the tier that was taken brought, not what others would have. With x_i the request, a_i the tier taken,
pi_i the probability with which it was taken, r_i what was measured of it (success, or dollars), d_i the tier that the
candidate takes, q the prediction, and w_i = [a_i = d_i] / pi_i:

    direct          mean of q(x_i, d_i)
    weighted        sum of w_i r_i / sum of w_i
    doubly robust   mean of q(x_i, d_i) + w_i (r_i - q(x_i, a_i))

The direct method is as good as the prediction. The weighted one (inverse propensity, self-normalised: Swaminathan and
Joachims, NIPS 2015) needs no prediction, but lots: decisions in which every tier had a chance. The doubly robust one
(Dudik, Langford and Li, arXiv 1103.4601) is right when either the prediction or the propensities are, and less noisy than the
weighted one when both are. Intervals are normal, at 95 %: they tell how far the traffic's chance reaches, not a wrong model.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

Z95 = 1.959964
"""Of a normal distribution within which 95 % lie, in standard errors."""

LEAST_EFFECTIVE = 50.0
"""Decisions' worth of evidence below which nothing is estimated: a normal interval of fewer means little."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One logged decision, and one thing that was measured of it.

    Attributes:
        taken: The tier taken.
        propensity: Probability with which it was taken, in (0, 1].
        wanted: The tier that the candidate takes.
        predicted: What ``wanted`` is predicted to bring: where the two are the same tier, also what ``taken`` is.
        outcome: What ``taken`` brought; ``None`` if nobody measured it.
    """

    taken: str
    propensity: float
    wanted: str
    predicted: float
    outcome: float | None

    @property
    def weight(self) -> float:
        """How many decisions this one speaks for."""
        return 1.0 / self.propensity if self.taken == self.wanted else 0.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its standard error."""

    value: float
    error: float

    @property
    def interval(self) -> tuple[float, float]:
        """Return the bounds between which the truth lies with 95 %."""
        return self.value - Z95 * self.error, self.value + Z95 * self.error


@dataclass(frozen=True, slots=True)
class Answer:
    """What a log says about a candidate, in the unit of what was measured.

    Attributes:
        logged: What the log's own decisions brought, lots included; ``None`` if none was measured.
        direct: By the prediction alone, over all decisions.
        weighted: By inverse propensity; ``None`` where the log cannot say.
        doubly_robust: By both; ``None`` where the log cannot say.
        change: The doubly robust estimate minus what was logged, on the same decisions.
        effective: Decisions' worth of evidence (Kish): (sum of w)^2 / sum of w^2.
        refusals: Why the log cannot say; empty when it can.
    """

    logged: Estimate | None
    direct: Estimate
    weighted: Estimate | None = None
    doubly_robust: Estimate | None = None
    change: Estimate | None = None
    effective: float = 0.0
    refusals: tuple[str, ...] = ()


def judge(trials: Sequence[Trial]) -> Answer:
    """Return the estimates of one quantity, or why there are none.

    Only decisions in which lots were drawn count for the weighted and the doubly robust estimate. Those without
    lots say something only if the candidate always agrees with them.

    Args:
        trials: At least one.
    """
    measured = [t for t in trials if t.outcome is not None]
    logged = _mean(measured, _outcome) if measured else None
    direct = _mean(trials, lambda t: t.predicted)
    agrees = all(t.taken == t.wanted for t in trials)
    drawn = [t for t in trials if t.propensity < 1.0] or (trials if agrees else [])
    used = [t for t in drawn if t.outcome is not None]
    effective = _effective(used)
    refusals = tuple(_refusals(drawn, used, effective))
    if refusals:
        return Answer(logged, direct, effective=effective, refusals=refusals)
    return Answer(
        logged,
        direct,
        _weighted(used),
        _mean(used, _doubly_robust),
        _mean(used, lambda t: _doubly_robust(t) - _outcome(t)),
        effective,
    )


def _refusals(drawn: Sequence[Trial], used: Sequence[Trial], effective: float) -> list[str]:
    if not drawn:
        return [
            "no decision was drawn by lot: every propensity is 1, so nothing is known of the tiers that were "
            "not taken; set routing.explore, for example to 0.05, and collect more"
        ]
    if not used:
        return [
            f"none of the {len(drawn)} decisions with lots was measured; for success, send verdicts "
            "to POST /v1/feedback"
        ]
    never = _never_tried(used, {t.taken for t in used})
    if never:
        return never
    if effective < LEAST_EFFECTIVE:
        return [
            f"the decisions that agree with the candidate are worth {effective:.0f}, and it takes "
            f"{LEAST_EFFECTIVE:.0f}; collect more, or raise routing.explore"
        ]
    return []


def _never_tried(used: Sequence[Trial], tried: Collection[str]) -> list[str]:
    missing = Counter(t.wanted for t in used if t.wanted not in tried)
    return [
        f"the candidate sends {100 * count / len(used):.1f} % to {tier}, which was never taken in what was measured"
        for tier, count in missing.most_common()
    ]


def _outcome(trial: Trial) -> float:
    assert trial.outcome is not None
    return trial.outcome


def _doubly_robust(trial: Trial) -> float:
    return trial.predicted + trial.weight * (_outcome(trial) - trial.predicted)


def _weighted(used: Sequence[Trial]) -> Estimate:
    """Return the self-normalised estimate; its error is that of a ratio of two means (delta method)."""
    total = sum(t.weight for t in used)
    value = sum(t.weight * _outcome(t) for t in used) / total
    return Estimate(value, sqrt(sum((t.weight * (_outcome(t) - value)) ** 2 for t in used)) / total)


def _mean(trials: Sequence[Trial], of: Callable[[Trial], float]) -> Estimate:
    values = [of(trial) for trial in trials]
    error = stdev(values) / sqrt(len(values)) if len(values) > 1 else float("inf")
    return Estimate(fmean(values), error)


def _effective(used: Sequence[Trial]) -> float:
    squares = sum(t.weight**2 for t in used)
    return sum(t.weight for t in used) ** 2 / squares if squares else 0.0
