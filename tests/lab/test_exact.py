"""Closed forms against known values and against independent simulations, within 4 standard errors."""

from collections import Counter

import numpy as np
import pytest

from tests.lab import exact, exact_steps
from tests.lab.exact import assert_mean, assert_share
from tests.policies.voting import plurality as by_summing

TRIALS = 40_000


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


def votes(rng: np.random.Generator, law: tuple[float, ...], n: int, trials: int) -> np.ndarray:
    return rng.choice(len(law), size=(trials, n), p=law)


def leaders(drawn: np.ndarray, answers: int) -> np.ndarray:
    """Return the answer with the most votes in each row, the one seen first on a tie."""
    counts = np.stack([(drawn == j).sum(1) for j in range(answers)], 1)
    most = counts.max(1, keepdims=True) == counts
    n = drawn.shape[1]
    first = np.stack(
        [np.where((drawn == j).any(1), (drawn == j).argmax(1), n) for j in range(answers)], 1
    )
    return np.asarray(np.where(most, first, n + 1).argmin(1))


@pytest.mark.parametrize(
    ("law", "n", "known"),
    [
        ((0.6, 0.2, 0.1, 0.1), 5, 0.8014),
        ((0.4, 0.35, 0.15, 0.1), 8, 0.5173),
        ((0.3, 0.4, 0.3), 16, 0.2295),
        ((0.55, 0.45), 4, 0.5748),
    ],
)
def test_plurality(rng: np.random.Generator, law: tuple[float, ...], n: int, known: float) -> None:
    share = exact.plurality(law, n)
    assert round(share, 4) == known
    assert share == pytest.approx(by_summing(law, n))
    drawn = votes(rng, law, n, TRIALS)
    assert_share(int((leaders(drawn, len(law)) == 0).sum()), TRIALS, share)


@pytest.mark.parametrize(
    ("a", "mu", "n", "known"),
    [(0.3, 1, 4, 0.5187), (0.3, 1, 16, 0.7002), (0.1, 2, 16, 0.6104), (0.6, 0.5, 8, 0.7573)],
)
def test_best_of_n(rng: np.random.Generator, a: float, mu: float, n: int, known: float) -> None:
    share = exact.best_of_n(a, n, mu)
    assert round(share, 4) == known
    right = rng.random((TRIALS, n)) < a
    best = (mu * right + rng.normal(size=(TRIALS, n))).argmax(1)
    assert_share(int(right[np.arange(TRIALS), best].sum()), TRIALS, share)


def test_a_perfect_verifier_finds_any_right_sample(rng: np.random.Generator) -> None:
    assert exact.best_of_n(0.2, 5, 11) == pytest.approx(exact.pass_at(0.2, 5), abs=1e-6)
    right = (rng.random((TRIALS, 5)) < 0.2).any(1)
    assert_share(int(right.sum()), TRIALS, exact.pass_at(0.2, 5))


def test_the_first_accepted(rng: np.random.Generator) -> None:
    share = exact.first_accepted(0.3, 0.8, 0.2, 6)
    assert round(share, 4) == 0.5957
    right = rng.random((TRIALS, 6)) < 0.3
    accepted = rng.random((TRIALS, 6)) < np.where(right, 0.8, 0.2)
    first = right[np.arange(TRIALS), accepted.argmax(1)] & accepted.any(1)
    assert_share(int(first.sum()), TRIALS, share)


def test_a_leader_is_believed_after_four_unanimous_votes() -> None:
    known = [0.75, 0.875, 0.9375, 0.9688, 0.9844]
    assert [round(exact.lead(k, 0), 4) for k in range(1, 6)] == known


@pytest.mark.parametrize(
    ("law", "cap", "known_right", "known_taken"),
    [
        ((0.9, 0.1), 40, 1.0, 5.62),
        ((0.7, 0.2, 0.1), 40, 0.998, 11.77),
        ((0.45, 0.35, 0.2), 20, 0.668, 17.75),
    ],
)
def test_adaptive_consistency(
    rng: np.random.Generator,
    law: tuple[float, ...],
    cap: int,
    known_right: float,
    known_taken: float,
) -> None:
    right, taken = exact.adaptive(law, cap)
    assert (round(right, 3), round(taken, 2)) == (known_right, known_taken)
    enough = {
        (a, b): exact.lead(a, b) >= 0.95 for a in range(cap + 1) for b in range(min(a, cap - a) + 1)
    }
    hits, lengths = 0, []
    for row in votes(rng, law, cap, 2000):
        counts: Counter[int] = Counter()
        for vote in row.tolist():
            counts[vote] += 1
            (leader, first), *rest = counts.most_common(2)
            if enough[first, rest[0][1] if rest else 0]:
                break
        hits += leader == 0
        lengths.append(counts.total())
    assert_share(hits, 2000, right)
    assert_mean(lengths, taken)


@pytest.mark.parametrize(
    ("law", "windows", "known"),
    [((0.9, 0.1), 8, 8.46), ((0.7, 0.2, 0.1), 8, 22.90), ((0.45, 0.35, 0.2), 4, 19.29)],
)
def test_windows(
    rng: np.random.Generator, law: tuple[float, ...], windows: int, known: float
) -> None:
    taken = exact.windowed(law, 5, windows)
    assert round(taken, 2) == known
    drawn = votes(rng, law, 5 * windows, TRIALS).reshape(TRIALS, windows, 5)
    unanimous = (drawn == drawn[:, :, :1]).all(2)
    used = np.where(unanimous.any(1), unanimous.argmax(1) + 1, windows)
    assert_mean(5 * used, taken)


def test_the_first_three_of_five(rng: np.random.Generator) -> None:
    share = exact.first_finished(5, 3, 0.5)
    assert round(share, 3) == 0.796
    lengths = rng.lognormal(0, 0.5, (TRIALS, 5))
    third = np.sort(lengths, 1)[:, 2:3]
    spent = np.minimum(lengths, third).sum(1) / (5 * np.exp(0.125))
    assert_mean(spent, share)
    assert exact.first_finished(4, 4, 0.5) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("p", "width", "known"), [(0.7, 1, 0.9524), (0.5, 4, 0.9997)])
def test_a_beam_with_a_perfect_verifier(
    rng: np.random.Generator, p: float, width: int, known: float
) -> None:
    share = exact_steps.beam(p, 6, width, 4)
    assert round(share, 4) == known
    survivors = np.full(TRIALS, width)
    for _ in range(6):
        survivors = np.minimum(width, rng.binomial(survivors * 4, p))
    assert_share(int((survivors > 0).sum()), TRIALS, share)


@pytest.mark.parametrize(
    ("p", "steps", "mu", "known"), [(0.7, 6, 1.5, 0.6523), (0.8, 8, 1.0, 0.5547)]
)
def test_a_subtree(rng: np.random.Generator, p: float, steps: int, mu: float, known: float) -> None:
    share = exact_steps.subtree(p, steps, 4, mu)
    assert round(share, 4) == known
    right = np.ones(TRIALS, bool)
    for _ in range(steps):
        children = right[:, None] & (rng.random((TRIALS, 4)) < p)
        best = (mu * children + rng.normal(size=(TRIALS, 4))).argmax(1)
        right = children[np.arange(TRIALS), best]
    assert_share(int(right.sum()), TRIALS, share)
    trees = rng.random((TRIALS, 4)) < share
    wrong = 1 + rng.choice(2, size=(TRIALS, 4), p=(0.6, 0.4))
    hits = int((leaders(np.where(trees, 0, wrong), 3) == 0).sum())
    voted = exact_steps.subtrees_by_vote(p, steps, 4, mu, 4, (0.6, 0.4))
    assert_share(hits, TRIALS, voted)


@pytest.mark.parametrize(
    ("p", "children", "steps", "known"),
    [(0.5, 3, 5, 0.7739), (0.3, 3, 5, 0.2468), (0.4, 2, 4, 0.2433)],
)
def test_the_ceiling_of_a_tree(
    rng: np.random.Generator, p: float, children: int, steps: int, known: float
) -> None:
    share = exact_steps.tree_ceiling(p, children, steps)
    assert round(share, 4) == known
    alive = np.ones(TRIALS, int)
    for _ in range(steps):
        alive = rng.binomial(alive * children, p)
    assert_share(int((alive > 0).sum()), TRIALS, share)


def test_revision(rng: np.random.Generator) -> None:
    share = exact.refined(0.5, 0.2, 0.1, 3)
    assert round(share, 4) == 0.6095
    right = rng.random(TRIALS) < 0.5
    for _ in range(3):
        right = np.where(right, rng.random(TRIALS) >= 0.1, rng.random(TRIALS) < 0.2)
    assert_share(int(right.sum()), TRIALS, share)


def test_a_budget_that_cuts(rng: np.random.Generator) -> None:
    within = exact_steps.steps_within(400, 6, 60)
    assert sum(within) == pytest.approx(1)
    assert round(exact_steps.truncated(0.9, within, lambda _: 0.0), 4) == 0.3490
    share = exact_steps.truncated(0.9, within, lambda missing: 0.5**missing)
    ends = rng.geometric(1 / 60, (TRIALS, 6)).cumsum(1)
    done = (ends <= 400).sum(1)
    right = rng.random(TRIALS) < 0.9**done * 0.5 ** (6 - done)
    assert_share(int(right.sum()), TRIALS, share)
    overhead = exact_steps.steps_within(400, 6, 60, overhead=3)
    seen = np.bincount((ends + 3 * np.arange(1, 7) <= 400).sum(1), minlength=7)
    for hits, chance in zip(seen, overhead, strict=True):
        assert_share(int(hits), TRIALS, chance)


def test_probes_of_a_settled_chain(rng: np.random.Generator) -> None:
    taken = exact.until_stable(3, 0.2)
    assert round(taken, 3) == 4.766
    assert exact.until_stable(3, 0.0) == 3
    counts = []
    for row in rng.random((4000, 200)) >= 0.2:
        three = row[:-2] & row[1:-1] & row[2:]
        counts.append(int(three.argmax()) + 3)
    assert_mean(counts, taken)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_probes_that_agree_too_early(rng: np.random.Generator, k: int) -> None:
    law, probes = (0.5, 0.3, 0.2), 6
    drawn = votes(rng, law, probes, TRIALS)
    agree = np.zeros(TRIALS, bool)
    for start in range(probes - k + 1):
        window = drawn[:, start : start + k]
        agree |= (window == window[:, :1]).all(1)
    assert_share(int(agree.sum()), TRIALS, exact.premature(law, k, probes))
    assert exact.premature((1.0,), k, probes) == pytest.approx(1)


def test_a_chain() -> None:
    assert exact.chain(0.95, 6) == pytest.approx(0.7351, abs=5e-5)


def test_a_share_that_is_off_is_reported() -> None:
    with pytest.raises(AssertionError, match=r"560 of 1000 is 0.5600; it should be 0.4900"):
        assert_share(560, 1000, 0.49)
    with pytest.raises(AssertionError, match=r"the mean of 4 is 2\.5"):
        assert_mean([1, 2, 3, 4], 9)
