"""What watching costs: processor time, best of many rounds, so that other work on the machine does not count."""

import random
from collections.abc import Sequence
from time import process_time

import pytest

from policies.types import Budget, Price, Usage
from router.convergence import Convergence
from router.following import Following
from router.guard import Guard
from router.ledger import Ledger
from tests.fakes import chunk, usage_chunk

PROMISED_S = 0.3e-3
"""Of a stream of 100 chunks, guard and ledger together."""

PATIENCE = 3
"""Slower machines, and coverage tools."""

ROUNDS = 60
WORDS = ("so", "the", "sum", "of", "seven", "and", "twelve", "must", "be", "nineteen.", "Wait,")

PLAIN = [chunk({"content": f"word {i} "}) for i in range(100)]
THOUGHTS = [chunk({"reasoning_content": f"thought {i}. "}) for i in range(100)]
STATED = [chunk({"reasoning_content": "So the answer is 42. "}), *THOUGHTS[:49], *PLAIN[:50]]
END = [chunk({}, "stop"), usage_chunk(100), b"[DONE]"]


def watched_s(payloads: Sequence[bytes], **options: bool) -> float:
    """Return the processor time of one stream, chunk by chunk as a paced one comes."""
    ledger, budget = Ledger(10_000, held=512), Budget(4000, 512, 4512, 10_000)
    price = Price(1.0, 10.0)
    begun = process_time()
    lease = ledger.reserve(4512)
    assert lease is not None
    settles = Convergence() if options.get("convergence") else None
    guard = Guard(budget, convergence=settles, follows=Following())
    for payload in payloads:
        guard.feed((payload,))
    lease.settle(guard.usage(10), price)
    spent = process_time() - begun
    assert guard.done
    assert guard.cut is None
    return spent


@pytest.mark.parametrize(
    "payloads", [PLAIN, THOUGHTS, STATED], ids=["plain", "reasoning", "stated, then said"]
)
def test_watching_a_hundred_chunks_costs_next_to_nothing(payloads: list[bytes]) -> None:
    best = min(watched_s([*payloads, *END]) for _ in range(ROUNDS))
    assert best < PATIENCE * PROMISED_S


def test_plain_chunks_are_cheaper_than_those_that_must_be_read() -> None:
    plain = min(watched_s([*PLAIN, *END]) for _ in range(ROUNDS))
    read = min(watched_s([*THOUGHTS, *END]) for _ in range(ROUNDS))
    assert plain < read


def test_looking_for_convergence_costs_less_than_ten_microseconds_a_chunk() -> None:
    draw = random.Random(1)
    texts = [" ".join(draw.choices(WORDS, k=3)) + " " for _ in range(1000)]
    stream = [*(chunk({"reasoning_content": text}) for text in texts), *END]
    without = min(watched_s(stream) for _ in range(5))
    with_it = min(watched_s(stream, convergence=True) for _ in range(5))
    assert (with_it - without) / len(texts) < PATIENCE * 10e-6


def test_a_lease_costs_microseconds() -> None:
    ledger = Ledger(10_000, held=512)
    best = float("inf")
    for _ in range(5):
        begun = process_time()
        for _ in range(1000):
            lease = ledger.reserve(512)
            assert lease is not None
            lease.settle(Usage(), Price())
        best = min(best, (process_time() - begun) / 1000)
    assert best < 50e-6
