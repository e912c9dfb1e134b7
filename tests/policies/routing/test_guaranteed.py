import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.routing import decide
from policies.routing.guaranteed import Guaranteed
from policies.routing.risk import SETTINGS, NotSupportedError, control, e_value, fewest
from tests.fakes import query

from .ladder import LADDER, NAMES, Asked, questions

LOSS, CONFIDENCE = 0.02, 0.95


def losses(asked: list[Asked], limits: Sequence[float]) -> dict[float, list[float]]:
    """Return, for each limit, what each question loses against the dearest tier."""
    found: dict[float, list[float]] = {limit: [] for limit in limits}
    for each in asked:
        situation, best = each.situation, float(each.right["long"])
        for limit in limits:
            taken = NAMES[Guaranteed(limit)(situation).index]
            found[limit].append(best - float(each.right[taken]))
    return found


@given(
    st.floats(0.01, 0.5), st.lists(st.sampled_from([-1.0, 0.0, 0.5, 1.0]), min_size=1, max_size=30)
)
def test_more_loss_is_never_more_evidence(limit: float, seen: list[float]) -> None:
    worse = [1.0, *seen[1:]]
    assert e_value(Counter(worse), limit) <= e_value(Counter(seen), limit) * (1 + 1e-9)


@pytest.mark.parametrize("limit", [0.05, 0.3])
@pytest.mark.parametrize("worst", [0.0, 0.3])
def test_evidence_has_mean_1_at_most_where_the_loss_is_as_large_as_the_limit(
    limit: float, worst: float
) -> None:
    """All outcomes of five questions, exactly: gains of -1 with probability ``worst / 2``, losses to match."""
    chances = {-1.0: worst / 2, 1.0: limit + worst / 2}
    chances[0.0] = 1 - sum(chances.values())
    mean = sum(
        prod(chances[loss] for loss in seen) * e_value(Counter(seen), limit)
        for seen in product(chances, repeat=5)
    )
    assert mean == pytest.approx(1.0)


def test_a_promise_takes_the_outcomes_it_says() -> None:
    n = fewest(0.01, 0.95)
    assert 300 < n < 600
    assert control(lambda _: [0.0] * n, 0.01, 0.95) == 1.0
    with pytest.raises(NotSupportedError, match=rf"{n - 1} outcomes do not show .* it takes {n} "):
        control(lambda _: [0.0] * (n - 1), 0.01, 0.95)


def _drawn(recorded: dict[float, list[float]], rows: list[int], limit: float) -> list[float]:
    return [recorded[limit][row] for row in rows]


@pytest.mark.parametrize("optimism", [0.0, 1.5])
def test_the_promise_is_kept_in_95_of_100_splits_whatever_the_classifier_is_worth(
    optimism: float,
) -> None:
    """The whole is the traffic; each draw fits its limit on 1,000 questions of it, drawn with replacement."""
    whole = list(questions(2000, seed=0, optimism=optimism))
    recorded = losses(whole, SETTINGS)
    true_loss = {limit: sum(each) / len(whole) for limit, each in recorded.items()}
    rng = random.Random(1)
    kept, saved = 0, 0.0
    for _ in range(100):
        rows = rng.choices(range(len(whole)), k=1000)
        limit = control(partial(_drawn, recorded, rows), LOSS, CONFIDENCE)
        kept += true_loss[limit] <= LOSS
        law = Guaranteed(limit)
        saved += sum(NAMES[law(each.situation).index] != "long" for each in whole[:100]) / 100
    assert kept >= 95
    assert saved / 100 > 0.25 or optimism, "a promise that never dares anything is no use"


def test_without_a_limit_only_the_dearest_tier_keeps_the_promise() -> None:
    routing = replace(LADDER, policy="guaranteed")
    for each in questions(20, seed=1):
        decision = decide(routing, each.score, query())
        assert decision.tier.name == "long"
        assert "No limit is calibrated for a loss of at most 1 %" in decision.reason


def test_a_bolder_limit_never_takes_a_dearer_tier() -> None:
    order = [tier.name for tier in LADDER.tiers]
    for each in questions(50, seed=2):
        places = []
        for limit in (-0.05, 0.0, 0.02, 0.1, 0.5, 1.0):
            routing = replace(LADDER, policy="guaranteed", tuned={"guaranteed": Guaranteed(limit)})
            places.append(order.index(decide(routing, each.score, query()).tier.name))
        assert places == sorted(places, reverse=True)
