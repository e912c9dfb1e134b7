"""A ladder of three tiers, and a world of questions that it answers with known probabilities."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from classifier.calibration import logit, sigmoid
from classifier.types import Difficulty
from policies.routing import Routing
from policies.routing.choice import Situation
from policies.routing.expectation import prospects
from policies.types import Price
from tests.fakes import difficulty, tier

SHORT = tier("short", rung="short", thinking="off", price=Price(0.1, 0.6))
MIDDLE = tier("distilled", rung="distilled", max_thinking_tokens=4096, price=Price(0.5, 4.4))
LONG = tier("long", rung="long", max_thinking_tokens=16384, price=Price(2.0, 12.0))
LADDER = Routing((SHORT, MIDDLE, LONG))
NAMES = [t.name for t in LADDER.tiers]


@dataclass(frozen=True)
class Asked:
    """A question: what is predicted, and whether each tier is right."""

    score: Difficulty
    right: dict[str, bool]

    @property
    def situation(self) -> Situation:
        """The question as policies see it at dial 0.5."""
        every = tuple(prospects(LADDER.tiers, self.score, 20))
        return Situation(every, every, self.score, 0.5, LADDER.typical_usd)


def questions(n: int, seed: int, *, optimism: float = 0.0) -> Iterator[Asked]:
    """Yield questions, half of them easy; ``optimism`` makes the cheap tier look better than it is, in logits."""
    rng = random.Random(seed)
    for _ in range(n):
        short = rng.gauss(3.5, 0.5) if rng.random() < 0.5 else rng.gauss(-0.5, 1.5)
        truth = [sigmoid(short), sigmoid(short + 1.5), sigmoid(short + 1.7)]
        seen = [sigmoid(logit(p) + rng.gauss(0, 0.3)) for p in truth]
        seen[0] = sigmoid(logit(seen[0]) + optimism)
        score = difficulty(*seen, thinking=round(4500 * (1 - truth[0]) + 250))
        luck = rng.random()  # one draw: a question that a weak tier solves, a strong one solves too
        yield Asked(score, {name: luck < p for name, p in zip(NAMES, truth, strict=True)})
