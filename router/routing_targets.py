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
from sklearn.linear_model import LogisticRegression

from classifier.scorer import Scorer
from classifier.types import RUNGS, Ask, Difficulty
from policies.routing import Routing, decide
from policies.routing.choice import RoutingPolicy
from policies.routing.guaranteed import Guaranteed
from policies.routing.paced import Allowance, Pace, advance, purse
from policies.routing.risk import SETTINGS, NotSupportedError, control
from policies.types import Query

from .routing_mixture import PAIR, Row, mixture
from .routing_served import LADDER, best_dial

KEEP = 0.99
"""Of the distilled tier's accuracy."""

UNSURE = (0.15, 0.93)
"""Predicted success of a short model between which its samples are asked for: below they are wasted, above not needed."""

PROMISE = (0.01, 0.95)
"""Loss and confidence that ``guaranteed`` is measured at."""

SPLITS, FOLDS, PRIOR = 10, 5, 0.3
"""Of the cross-fit: dealings that are averaged, parts of one, and how far a coefficient may go."""

DAY_S = 86_400.0

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

    def among(self, at: NDArray[np.int64]) -> "Method":
        """Return the same on the questions at the given places."""
        columns = (self.gain, self.low, self.high, self.low_usd, self.high_usd)
        return Method(*(column[at] for column in columns))

    def saving(self, all_usd: float, target: float) -> float:
        """Return the share of ``all_usd`` saved at the cheapest threshold whose accuracy is ``target``."""
        order = np.argsort(-self.gain, kind="stable")
        right = self.low.sum() + np.concatenate([[0.0], np.cumsum((self.high - self.low)[order])])
        more = (self.high_usd - self.low_usd)[order]
        usd = self.low_usd.sum() + np.concatenate([[0.0], np.cumsum(more)])
        enough = right / self.low.size >= target
        return float(1 - usd[enough].min() / all_usd) if enough.any() else float("nan")


def methods(rows: Sequence[Row], seed: int = 0) -> dict[str, Method]:
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
    led = np.where(sampled, [row.led for row in rows], right[:, 0])
    signs = _signs(rows, p, sampled)
    return {
        "random": plain(rng.random(len(rows))),
        "oracle": plain(right[:, 1] - right[:, 0]),
        "difficulty": plain(1 - p[:, 0]),
        "uplift": plain(uplift),
        "cascade": Method(
            _cross_fitted(signs, right[:, 1], rng) - _cross_fitted(signs, led, rng),
            led,
            right[:, 1],
            below,
            np.where(sampled, below, 0.0) + usd[:, 1],
        ),
    }


def _signs(rows: Sequence[Row], p: Floats, sampled: NDArray[np.bool_]) -> Floats:
    """Return what the gain of going up is read from: both predictions, and how the samples agree."""
    agreed = np.array([np.nan if row.agreed is None else row.agreed for row in rows])
    agreed = np.where(sampled, agreed, np.nan)
    three = np.array([row.samples > PAIR for row in rows])
    unanimous, none = agreed == 1, agreed == 0
    levels = (unanimous, unanimous & three, (agreed > 0) & ~unanimous, none, ~sampled)
    return np.column_stack([np.log(p[:, :2] / (1 - p[:, :2])), *levels]).astype(np.float64)


def _cross_fitted(signs: Floats, share: Floats, rng: np.random.Generator) -> Floats:
    """Return the probability of a right answer; no question is judged by a fit that saw its outcome.

    Mean over several dealings into folds, since one dealing alone moves the saving by two points either way.
    """
    found = np.zeros(share.size)
    for _ in range(SPLITS):
        fold = rng.permutation(share.size) % FOLDS
        for number in range(FOLDS):
            fit, use = fold != number, fold == number
            # A share of right answers is so many right ones and so many wrong ones.
            twice = np.concatenate([signs[fit], signs[fit]])
            weight = np.concatenate([share[fit], 1 - share[fit]])
            truth = np.repeat([1, 0], fit.sum())
            if 0 < share[fit].sum() < fit.sum():
                law = LogisticRegression(C=PRIOR, max_iter=500).fit(twice, truth, weight)
                found[use] += law.predict_proba(signs[use])[:, 1]
            else:
                found[use] += share[fit].mean()
    return found / SPLITS


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
    found, all_usd = methods(rows), np.array([row.usd[1] for row in rows])
    rng = np.random.default_rng(1)
    everyone = np.arange(len(rows))
    drawn = [rng.integers(0, len(rows), len(rows)) for _ in range(draws)]

    def saved(method: Method, at: NDArray[np.int64]) -> float:
        return method.among(at).saving(float(all_usd[at].sum()), KEEP * right[at, 1].mean())

    for name, method in found.items():
        low, high = np.nanquantile([saved(method, at) for at in drawn], [0.025, 0.975])
        yield (
            f"{name:<12} saves {100 * saved(method, everyone):5.1f} % of always distilled "
            f"[{100 * low:.1f}, {100 * high:.1f}]"
        )
    for policy in ("utility", "cascade"):
        dial, saving = best_dial(rows, policy, KEEP)
        yield f"policy {policy} as served: {100 * saving:.1f} % at its best dial, {dial:.2f}"
    yield _promise(rows)
    yield _day(rows)


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
