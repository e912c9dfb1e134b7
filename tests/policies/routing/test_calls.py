import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.operators import Tally
from policies.strategies.chances import CONCENTRATION, expected_calls
from policies.strategies.stopping import BATCH
from policies.strategies.vote import stop_rule
from policies.types import Candidate, SearchPlan


@given(st.floats(0, 1), st.integers(1, 40), st.sampled_from(["beta", "certain", "first", "esc"]))
def test_a_vote_makes_its_first_batch_and_all_its_samples_at_most(
    p_solve: float, n: int, stop: str
) -> None:
    calls = expected_calls(SearchPlan("vote", n, stop=stop), p_solve)
    assert min(n, BATCH) <= calls <= n + 1e-9


def test_a_sure_question_takes_fewer_calls_than_an_even_one() -> None:
    plan = SearchPlan("vote", 16)
    sure, even = expected_calls(plan, 0.99), expected_calls(plan, 0.5)
    assert 4 <= sure < 5 < even < 16
    assert expected_calls(SearchPlan("best_of_n", 16), 0.99) == 16
    assert expected_calls(SearchPlan(), 0.5) == 1


@pytest.mark.parametrize("p_solve", [0.5, 0.8])
@pytest.mark.parametrize("stop", ["beta", "certain"])
def test_it_is_what_the_vote_itself_needs(p_solve: float, stop: str) -> None:
    """The strategy's own stop rule on drawn samples: one wrong answer, questions of mixed hardness."""
    plan, rng, runs = SearchPlan("vote", 9, stop=stop), random.Random(5), 1500
    rule, _ = stop_rule(plan)
    calls = 0
    for _ in range(runs):
        theta = rng.betavariate(CONCENTRATION * p_solve, CONCENTRATION * (1 - p_solve))
        tally = Tally()
        while tally.arrived < plan.n and (tally.arrived < BATCH or rule(tally) is None):
            right = rng.random() < theta
            tally.add(Candidate(text="x", key="right" if right else "wrong"))
            calls += 1
    assert calls / runs == pytest.approx(expected_calls(plan, p_solve), abs=0.25)
