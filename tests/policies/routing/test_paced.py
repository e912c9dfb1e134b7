import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.routing import Purse, decide
from policies.routing.paced import (
    HIGHEST_PRICE,
    Allowance,
    Pace,
    advance,
    priced,
    purse,
)
from tests.fakes import query

from .ladder import LADDER, questions

DAY_S = 86400.0
PACED = replace(LADDER, policy="paced", dial=0.9)


def arrivals(n: int, seed: int) -> list[float]:
    """Return times of a day with a working-hours hump and three bursts in which traffic is twenty-fold."""
    rng = random.Random(seed)
    bursts = [rng.uniform(0, DAY_S) for _ in range(3)]

    def rate(at: float) -> float:
        hump = 1 + 0.8 * math.sin(2 * math.pi * (at / DAY_S - 0.25))
        return hump + 20 * any(0 <= at - burst < 600 for burst in bursts)

    found: list[float] = []
    while len(found) < n:
        at = rng.uniform(0, DAY_S)
        if rng.random() < rate(at) / 22:
            found.append(at)
    return sorted(found)


def spend_a_day(allowance: Allowance, n: int, seed: int) -> tuple[float, list[float], int]:
    """Return what a day cost, the prices on its way, and how many were turned away.

    Actual costs scatter around the expected ones.
    """
    rng, pace = random.Random(seed), Pace()
    spent, largest, refused = 0.0, 0.0, 0
    prices: list[float] = []
    for at, asked in zip(arrivals(n, seed), questions(n, seed), strict=True):
        if spent >= allowance.amount:
            refused += 1
            continue
        decision = decide(PACED, asked.score, query(), purse=purse(allowance, pace))
        cost = decision.expected[decision.tier.name].cost_usd * rng.lognormvariate(-0.125, 0.5)
        spent, largest = spent + cost, max(largest, cost)
        pace = advance(allowance, pace, at, spent)
        prices.append(pace.price)
    assert spent <= allowance.amount + largest
    return spent, prices, refused


@pytest.mark.parametrize(("usd", "seed"), [(12.0, 0), (12.0, 2), (20.0, 1), (20.0, 3)])
def test_a_day_with_bursts_ends_within_two_per_cent_of_its_allowance(usd: float, seed: int) -> None:
    spent, prices, refused = spend_a_day(Allowance(usd, DAY_S), 3000, seed)
    assert spent == pytest.approx(usd, rel=0.02)
    assert max(prices) > 0
    assert refused == 0


amounts = st.floats(0, 100)
moments = st.floats(0, DAY_S)
states = st.builds(Pace, amounts, moments, st.floats(0, HIGHEST_PRICE))


@given(states, moments, amounts, amounts)
def test_spending_more_never_lowers_the_price(
    pace: Pace, later_s: float, a: float, b: float
) -> None:
    now_s = max(pace.at_s, later_s)
    less, more = (pace.spent + spent for spent in sorted((a, b)))
    allowance = Allowance(50.0, DAY_S)
    first, second = (advance(allowance, pace, now_s, spent) for spent in (less, more))
    assert 0 <= first.price <= second.price <= HIGHEST_PRICE


def test_an_allowance_that_is_spent_takes_the_highest_price() -> None:
    assert advance(Allowance(1.0, 60), Pace(1.5, 10, 0.0), 11, 1.5).price == HIGHEST_PRICE
    assert purse(Allowance(1.0, 60), Pace(1.5, 10)).left == 0


@given(st.floats(0, 1), st.floats(0, HIGHEST_PRICE), st.floats(0, HIGHEST_PRICE))
def test_a_price_only_lowers_the_dial(dial: float, a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert priced(dial, 0.0) == pytest.approx(dial, abs=2e-4)
    assert priced(dial, high) <= priced(dial, low) <= dial


def test_what_the_allowance_cannot_pay_is_not_taken() -> None:
    score = next(questions(1, 0)).score
    rich = decide(PACED, score, query(wishes={"dial": 1.0}), purse=Purse(0.0, 1.0))
    assert rich.tier.name != "short"
    poor = decide(PACED, score, query(wishes={"dial": 1.0}), purse=Purse(0.0, 1e-9))
    assert (poor.tier.name, poor.cause) == ("short", "classifier")
    tokens = rich.expected[rich.tier.name].tokens
    enough = decide(PACED, score, query(wishes={"dial": 1.0}), purse=Purse(0, tokens, "tokens"))
    short_of_one = Purse(0, tokens - 1, "tokens")
    assert enough.tier is rich.tier
    assert (
        decide(PACED, score, query(wishes={"dial": 1.0}), purse=short_of_one).tier is not rich.tier
    )
