import pytest

from policies.types import Budget
from router.convergence import Convergence
from router.guard import CHECK_EVERY_CHARS, TAIL_CHARS, Guard
from router.repetition import repeats_itself
from tests.fakes import chunk

SENTENCE = "Wait, let me check that the sum of the first two terms is right. "
PROSE = " ".join(
    f"Step {i}: the remainder of {i * 37} by {i + 3} is {i * 37 % (i + 3)}." for i in range(400)
)
HARMLESS = {
    "prose that counts on": PROSE,
    "a rule": "-" * TAIL_CHARS,
    "white space": " \n" * TAIL_CHARS,
    "a sentence said three times": PROSE[:3000] + SENTENCE * 3,
    "a table": "".join(f"| {i:4d} | {i * i:8d} | prime: {i % 7 == 3} |\n" for i in range(200)),
    "nothing": "",
}
LOOPS = {
    "one sentence": SENTENCE * 100,
    "three sentences": (
        SENTENCE + "So it is 12. But is it? " + "Let me count again from the start. "
    )
    * 40,
    "after good reasoning": PROSE[:2000] + SENTENCE * 70,
    "Chinese": "等等,让我再检查一下第一个和第二个数的和是不是正确的,然后再继续往下算。" * 200,
}


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
def test_ordinary_reasoning_is_no_loop(text: str) -> None:
    assert not repeats_itself(text[-TAIL_CHARS:])


@pytest.mark.parametrize("text", LOOPS.values(), ids=LOOPS)
def test_saying_the_same_over_and_over_is_a_loop(text: str) -> None:
    assert repeats_itself(text[-TAIL_CHARS:])


def test_a_stream_that_loops_is_cut_long_before_its_budget() -> None:
    guard = Guard(Budget(thinking=100_000))
    n_fed = 0
    while guard.cut is None and n_fed < 1000:
        guard.feed([chunk({"reasoning_content": SENTENCE})])
        n_fed += 1
    assert guard.cut == "loop"
    assert n_fed * len(SENTENCE) < 3000
    assert guard.starved


ANSWERED = "So the answer is 42. Let me check: yes, the answer is 42. "


def fed(guard: Guard, field: str, text: str) -> None:
    """Feed a text in pieces of 40 characters, as long as it is not cut."""
    for i in range(0, len(text), 40):
        if guard.cut is None:
            guard.feed([chunk({field: text[i : i + 40]})])


def test_a_statement_counts_once_however_often_the_reasoning_is_looked_at() -> None:
    guard = Guard(Budget(), convergence=Convergence())
    fed(guard, "reasoning_content", ANSWERED + PROSE.replace("Step", "Check step"))
    assert guard.cut is None
    fed(guard, "reasoning_content", ANSWERED + PROSE[:CHECK_EVERY_CHARS])
    assert guard.cut == "converged"


def test_an_answer_that_has_begun_is_not_cut_for_reasoning_behind_it() -> None:
    guard = Guard(Budget(), convergence=Convergence())
    fed(guard, "content", "The answer is")
    fed(guard, "reasoning_content", 3 * ANSWERED + PROSE)
    assert guard.cut is None


def test_without_leave_settled_reasoning_goes_on() -> None:
    guard = Guard(Budget())
    fed(guard, "reasoning_content", 3 * ANSWERED + PROSE)
    assert guard.cut is None
