"""Measures the routing policies on recorded answers: what is saved at 99 % of the middle tier's accuracy.

    python -m router.routing_targets --replay R --questions Q [--draws 500]

The mixture is the replay set and as many prompts assumed easy, which count as solved by every tier; see ``routing_mixture``.
"""

import argparse
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import fit_ability_shift, shifted
from classifier.scorer import Scorer
from classifier.types import RUNGS, Ask, Difficulty
from policies.routing import Routing, decide
from policies.routing.choice import RoutingPolicy
from policies.routing.guaranteed import Guaranteed
from policies.routing.paced import Allowance, Pace, advance, purse
from policies.routing.risk import SETTINGS, NotSupportedError, control
from policies.types import Price, Query, Tier

from .routing_mixture import USD, Row, mixture

KEEP = 0.99
"""Of the distilled tier's accuracy."""

UNSURE = (0.15, 0.93)
"""Predicted success of a short model between which its samples are asked for: below they are wasted, above not needed."""

PROMISE = (0.01, 0.95)
"""Loss and confidence that ``guaranteed`` is measured at."""

DAY_S = 86_400.0

LADDER = Routing(
    tuple(
        Tier(rung, rung, (rung,), price=Price(0.0, usd))
        for rung, usd in zip(RUNGS, USD, strict=True)
    )
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Method:
    """What a way of routing sees and brings; arrays of shape ``(n_questions,)``.

    Attributes:
        gain: What it sees in going up to the distilled tier; the largest go first.
        low: Share of right answers when a question stays down.
        high: ... and when it goes up.
        low_usd: What staying costs.
        high_usd: What going up costs, what was spent below included.
    """

    gain: Floats
    low: Floats
    high: Floats
    low_usd: Floats
    high_usd: Floats

    def saving(self, all_usd: float, target: float) -> float:
        """Return the share of ``all_usd`` saved at the cheapest threshold whose accuracy is ``target``."""
        order = np.argsort(-self.gain, kind="stable")
        right = self.low.sum() + np.concatenate([[0.0], np.cumsum((self.high - self.low)[order])])
        more = (self.high_usd - self.low_usd)[order]
        usd = self.low_usd.sum() + np.concatenate([[0.0], np.cumsum(more)])
        enough = right / self.low.size >= target
        return float(1 - usd[enough].min() / all_usd) if enough.any() else float("nan")


def methods(rows: Sequence[Row], seed: int) -> dict[str, Method]:
    """Return every way of routing, by name."""
    p = np.array([[row.score.p_solve[rung] for rung in RUNGS] for row in rows])
    right, usd = np.array([row.right for row in rows]), np.array([row.usd for row in rows])
    rng = np.random.default_rng(seed)

    def plain(gain: Floats) -> Method:
        return Method(gain, right[:, 0], right[:, 1], usd[:, 0], usd[:, 1])

    uplift = p[:, 1] - p[:, 0]
    unsure = (p[:, 0] > UNSURE[0]) & (p[:, 0] < UNSURE[1])
    sampled = unsure & np.array([row.agreed is not None for row in rows])
    below = usd[:, 0] * np.where(sampled, [row.samples for row in rows], 1)
    return {
        "random": plain(rng.random(len(rows))),
        "oracle": plain(right[:, 1] - right[:, 0]),
        "difficulty": plain(1 - p[:, 0]),
        "uplift": plain(uplift),
        "cascade": Method(
            np.where(sampled, _cross_fitted(rows, p, rng), uplift),
            np.where(sampled, [row.led for row in rows], right[:, 0]),
            right[:, 1],
            below,
            np.where(sampled, below, 0.0) + usd[:, 1],
        ),
    }


def _cross_fitted(rows: Sequence[Row], p: Floats, rng: np.random.Generator) -> Floats:
    """Return the gain of going up, given whether the samples agree; each half is judged by shifts fitted on the other."""
    level = np.array([_level(row) for row in rows])
    half = rng.integers(0, 2, len(rows)) == 1
    gain = np.zeros(len(rows))
    for inside in (half, ~half):
        for at in set(level.tolist()):
            fit, use = (
                np.flatnonzero(~inside & (level == at)),
                np.flatnonzero(inside & (level == at)),
            )
            shifts = [
                fit_ability_shift(p[fit, rung].tolist(), [marks(rows[int(i)]) for i in fit])[0]
                for rung, marks in ((0, _led), (1, _up))
            ]
            for i in use:
                gain[i] = shifted(p[i, 1], shifts[1]) - shifted(p[i, 0], shifts[0])
    return gain


def _led(row: Row) -> float:
    return row.led


def _up(row: Row) -> float:
    return row.right[1]


def _level(row: Row) -> str:
    if row.agreed is None:
        return "one sample"
    return "all" if row.agreed == 1.0 else "most" if row.agreed > 0 else "none"


def report(rows: Sequence[Row], draws: int) -> Iterator[str]:
    """Yield the lines of the report."""
    right = np.array([row.right for row in rows])
    yield f"{len(rows)} questions; accuracy short/distilled/long: " + " / ".join(
        f"{share:.3f}" for share in right.mean(0)
    )
    apart = [row for row in rows if row.source != "everyday" and row.agreed is not None]
    wrong = [row for row in apart if row.right[0] == 0]
    yield f"samples that are all wrong agree in {np.mean([row.agreed == 1 for row in wrong]):.2f} of {len(wrong)}"
    for source in sorted({row.source for row in apart}):
        one = [row for row in apart if row.source == source and row.agreed == 1]
        led, up = np.mean([row.led for row in one]), np.mean([row.right[1] for row in one])
        yield f"  {source}: {len(one)} unanimous, {led:.2f} of them right; distilled there {up:.2f}"
    point = _savings(rows, 0)
    rng = np.random.default_rng(1)
    drawn = [
        _savings([rows[i] for i in rng.integers(0, len(rows), len(rows))], seed)
        for seed in range(draws)
    ]
    for name, value in point.items():
        low, high = np.nanquantile([each[name] for each in drawn], [0.025, 0.975])
        yield f"{name:<12} saves {100 * value:5.1f} % of always distilled [{100 * low:.1f}, {100 * high:.1f}]"
    yield _promise(rows)
    yield _day(rows)


def _savings(rows: Sequence[Row], seed: int) -> dict[str, float]:
    right, usd = np.array([row.right for row in rows]), np.array([row.usd for row in rows])
    target, total = KEEP * right[:, 1].mean(), float(usd[:, 1].sum())
    return {name: method.saving(total, target) for name, method in methods(rows, seed).items()}


def _promise(rows: Sequence[Row]) -> str:
    """Return what ``guaranteed`` keeps: limits fitted on resampled questions, judged on all of them."""
    names = [tier.name for tier in LADDER.tiers]
    losses: dict[float, list[float]] = {}
    cost: dict[float, float] = {}
    for limit in SETTINGS:
        law = _law("guaranteed", {"guaranteed": Guaranteed(limit)})
        taken = [names.index(law(row.score)) for row in rows]
        losses[limit] = [row.right[2] - row.right[at] for row, at in zip(rows, taken, strict=True)]
        cost[limit] = sum(row.usd[at] for row, at in zip(rows, taken, strict=True))
    always = sum(row.usd[2] for row in rows)
    rng, kept, saved, refused = random.Random(2), 0, 0.0, 0  # noqa: S311 - repeatable draws
    for _ in range(100):
        places = rng.choices(range(len(rows)), k=len(rows))

        def at(limit: float, places: Sequence[int] = places) -> list[float]:
            return [losses[limit][place] for place in places]

        try:
            limit = control(at, *PROMISE)
        except NotSupportedError:
            refused += 1
            continue
        kept += float(np.mean(losses[limit])) <= PROMISE[0]
        saved += 1 - cost[limit] / always
    return (
        f"guaranteed   1 % at 95 %: kept in {kept} of {100 - refused} resampled calibrations, {refused} refused; "
        f"saves {saved:.1f} % of always long"
    )


def _law(policy: str, tuned: Mapping[str, RoutingPolicy]) -> Callable[[Difficulty], str]:
    routing = Routing(LADDER.tiers, policy, tuned=tuned)
    asked = Query({"messages": []}, "auto", Ask(""))
    return lambda score: decide(routing, score, asked).tier.name


def _day(rows: Sequence[Row], n: int = 4000) -> str:
    """Return how a day with three bursts ends whose allowance is a third of what the dial would spend."""
    asked = Query({"messages": []}, "auto", Ask(""))
    rng = random.Random(3)  # noqa: S311 - a repeatable day
    routing = Routing(LADDER.tiers, "paced", dial=0.9)
    names = [tier.name for tier in LADDER.tiers]
    bursts = [rng.uniform(0, 75_000) for _ in range(3)]
    moments = sorted(
        rng.choice(bursts) + rng.uniform(0, 600) if i % 3 == 0 else rng.uniform(0, DAY_S)
        for i in range(n)
    )
    day = [rng.choice(rows) for _ in moments]
    free = sum(row.usd[names.index(decide(routing, row.score, asked).tier.name)] for row in day)
    allowance, pace, spent, refused = Allowance(free / 3, DAY_S), Pace(), 0.0, 0
    for at, row in zip(moments, day, strict=True):
        if spent >= allowance.amount:
            refused += 1
            continue
        decision = decide(routing, row.score, asked, purse=purse(allowance, pace))
        spent += row.usd[names.index(decision.tier.name)]
        pace = advance(allowance, pace, at, spent)
    off = 100 * (spent / allowance.amount - 1)
    return f"paced        a day of {n} questions ends {off:+.2f} % from its allowance, {refused} turned away"


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(
        description="Measure the routing policies on recorded answers."
    )
    parser.add_argument("--replay", type=Path, required=True)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=500, help="bootstrap draws")
    options = parser.parse_args()
    for line in report(mixture(options.replay, options.questions, Scorer.load()), options.draws):
        print(line, flush=True)  # noqa: T201 - a command


if __name__ == "__main__":
    main()
