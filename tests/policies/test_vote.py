import random
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.operators import Tally
from policies.strategies.single import single
from policies.strategies.stopping import BATCH, lead_probability
from policies.strategies.vote import vote
from policies.types import Candidate
from tests.policies.voting import DrawnSearch, adaptive, draw, leads, plurality, winner

RUNS = 2000

LAWS = [
    pytest.param((0.6, 0.2, 0.1, 0.1), 5, 0.8014, id="a clear leader"),
    pytest.param((0.4, 0.35, 0.15, 0.1), 8, 0.5173, id="a close race"),
    pytest.param((0.3, 0.4, 0.3), 16, 0.2295, id="the wrong one leads"),
    pytest.param((0.55, 0.45), 4, 0.5748, id="two answers, ties"),
]


def near(share: float, exact: float, runs: int = RUNS) -> bool:
    return abs(share - exact) <= 4 * sqrt(exact * (1 - exact) / runs)


@pytest.mark.parametrize(("law", "n", "exact"), LAWS)
async def test_a_vote_wins_as_often_as_the_formula_says(
    law: tuple[float, ...], n: int, exact: float
) -> None:
    assert plurality(law, n) == pytest.approx(exact, abs=5e-5)
    right = 0
    for seed in range(RUNS):
        search = DrawnSearch(draw(law, n, seed), rule="certain")
        await vote(search)
        right += search.best == "0"
    assert near(right / RUNS, exact)


@pytest.mark.parametrize(("law", "n", "exact"), LAWS)
async def test_certainty_never_changes_the_winner(
    law: tuple[float, ...], n: int, exact: float
) -> None:
    saved = 0
    for seed in range(500):
        keys = draw(law, n, seed)
        search = DrawnSearch(keys, rule="certain")
        await vote(search)
        assert search.best == winner(keys)
        saved += n - search.finished
    assert saved > 0


@pytest.mark.parametrize(
    ("law", "cap", "accuracy", "mean"),
    [
        pytest.param((0.9, 0.1), 40, 1.0, 5.62, id="easy"),
        pytest.param((0.7, 0.2, 0.1), 40, 0.998, 11.77, id="middling"),
        pytest.param((0.45, 0.35, 0.2), 20, 0.668, 17.75, id="hard"),
    ],
)
async def test_adaptive_consistency_spends_what_the_dynamic_programme_says(
    law: tuple[float, ...], cap: int, accuracy: float, mean: float
) -> None:
    assert adaptive(law, cap, certain=False) == pytest.approx((accuracy, mean), abs=5e-3)
    exact, samples = adaptive(law, cap, certain=True)
    runs, right, spent = 600, 0, 0
    for seed in range(runs):
        search = DrawnSearch(draw(law, cap, seed))
        await vote(search)
        right += search.best == "0"
        spent += search.finished
    assert near(right / runs, exact, runs)
    assert spent / runs == pytest.approx(samples, abs=4 * cap / 3 / sqrt(runs))


@pytest.mark.parametrize(("votes", "golden"), [(1, 0.75), (2, 0.875), (3, 0.9375), (4, 0.96875)])
def test_unanimous_votes_lead_with_the_known_probability(votes: int, golden: float) -> None:
    assert lead_probability(votes, 0) == golden


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_lead_is_the_tail_of_a_beta_law(first: int, second: int) -> None:
    assert lead_probability(first, second) == pytest.approx(leads(first, second), abs=1e-4)
    assert lead_probability(first, second) + lead_probability(second, first) == pytest.approx(1)


keys = st.lists(st.none() | st.sampled_from("abc"), min_size=1, max_size=12)


@given(keys, st.randoms(use_true_random=False), st.none() | st.integers(0, 12))
async def test_a_vote_ends_with_the_leader_and_with_nothing_running(
    keys: list[str | None], rng: random.Random, refused: int | None
) -> None:
    search = DrawnSearch(keys, [rng.randrange(6) for _ in keys], refused)
    await vote(search)
    assert search.running == 0
    assert len(search.reasons) == 1
    assert search.widest <= BATCH
    assert search.asked <= len(keys)
    if search.best is None:
        assert all(candidate.key is None for candidate, _ in search.offers)
    else:
        seen = [c.key for c, _ in search.offers]
        assert search.best in seen
        assert 0 < (search.offers[-1][1] or 0) <= 1


@pytest.mark.parametrize(
    ("keys", "reason", "asked"),
    [
        pytest.param("aaaaaaaa", "consensus", 4, id="four alike are enough"),
        pytest.param("aaa", "certain", 3, id="two of three decide"),
        pytest.param("abc", "exhausted", 3, id="no majority"),
        pytest.param([None] * 8, "no_votable_answer", 3, id="free text"),
        pytest.param([None, None, "a", "a", "a", "a", "a", "a"], "certain", 6, id="abstentions"),
    ],
)
async def test_a_vote_stops_as_soon_as_more_cannot_pay(
    keys: list[str | None], reason: str, asked: int
) -> None:
    search = DrawnSearch(keys)
    await vote(search)
    assert (search.reasons, search.asked) == ([reason], asked)


async def test_running_samples_are_cancelled_once_the_winner_is_certain() -> None:
    search = DrawnSearch("aaa", delays=[0, 0, 10_000])
    await vote(search)
    assert search.reasons == ["certain"]
    assert (search.asked, search.finished, search.running) == (3, 2, 0)


async def test_a_refused_sample_ends_the_launches_and_what_runs_still_counts() -> None:
    search = DrawnSearch(["a", "b", "b", "b", "b"], delays=[0, 3, 6, 0, 0], refused=3)
    await vote(search)
    assert search.best == "b"
    assert search.finished == 3


async def test_a_vote_without_any_sample_offers_nothing() -> None:
    search = DrawnSearch("aaaa", refused=0)
    await vote(search)
    assert search.offers == []


async def test_cut_samples_abstain_and_are_shown_only_when_nobody_voted() -> None:
    search = DrawnSearch(["a", "a", "b"], cut=frozenset({0, 1}))
    await vote(search)
    assert search.best == "b"
    nobody = DrawnSearch([None, None, None], cut=frozenset({0}))
    await vote(nobody)
    assert nobody.offers[-1][0].complete


async def test_samples_that_come_back_together_count_in_their_order() -> None:
    for _ in range(20):
        search = DrawnSearch("abc")
        await vote(search)
        assert search.best == "a"


def test_among_equal_answers_the_shortest_text_is_shown() -> None:
    tally = Tally()
    for text in ("a long way round", "short", "longer again"):
        tally.add(Candidate(text, key="k"))
    leader = tally.leader()
    assert leader is not None
    assert (leader.text, tally.agreement) == ("short", 1.0)


async def test_a_single_answer_is_one_sample() -> None:
    search = DrawnSearch(["a", "b"])
    await single(search)
    assert (search.asked, search.best, search.reasons) == (1, "a", ["done"])
    poor = DrawnSearch(["a"], refused=0)
    await single(poor)
    assert (poor.offers, poor.reasons) == ([], ["budget"])
