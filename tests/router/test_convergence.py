import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.convergence import MOST_ANSWERS, Convergence, Statements

SETTLED = (
    "First 12 + 7 = 19. So the answer is 42.\n\nWait, let me check this. 6 times 7 is 42, so the answer is 42. "
    "Let me verify it another way. 7 + 7 + 7 + 7 + 7 + 7 = 42. That gives 42 again.\n\n"
)
CONVERGED = {
    "stated, checked, confirmed": SETTLED,
    "boxed": r"So \boxed{42}. Let me verify. Yes, \boxed{42}. Another way: it is \boxed{42}. ",
    "in Chinese": "所以答案是42。让我验证一下。答案是42。再检查一遍，答案是42。",
    "as a fraction and a decimal": "The answer is 1/2. Wait. The answer is 0.5. Check once more: the answer is 0.50.\n",
    "a choice": "The answer is (B). Let me double check. The answer is (B). Alternatively, still answer: (B).\n",
}
OPEN = {
    "stated twice": "The answer is 42. Let me check. The answer is 42.\n",
    "never checked": "The answer is 42. The answer is 42. The answer is 42. The answer is 42.\n",
    "another answer": "The answer is 42. Wait, the answer is 41. Let me check, the answer is 42. Check: the answer is 41.\n",
    "a doubt": "The answer is 42. Check: the answer is 42. Hmm, I made a mistake. Check: the answer is 42.\n",
    "denied": "The answer is 42. Wait. The answer is not 42. Wait. The answer is 42. Check: the answer is 42.\n",
    "only supposed": "If the answer is 42, check it. Suppose the answer is 42. Maybe the answer is 42, wait. Is the answer 42?\n",
    "only perhaps": "Perhaps the answer is 42. Wait. Perhaps the answer is 42. Check. Perhaps the answer is 42.\n",
    "only steps": "6 * 7 = 42. Wait. 6 * 7 = 42. Check. 6 * 7 = 42. Verify. 6 * 7 = 42.\n",
    "prose": "The answer is that all things flow. Wait. The answer is that all things flow. Check. It is that all things flow.\n",
    "unfinished": "The answer is 42. Check: the answer is 42. Check: the answer is 42",
    "nothing": "",
}


@pytest.mark.parametrize("text", CONVERGED.values(), ids=CONVERGED.keys())
def test_the_same_answer_stated_and_checked_three_times_has_converged(text: str) -> None:
    assert Convergence().feed(text)


@pytest.mark.parametrize("text", OPEN.values(), ids=OPEN.keys())
def test_anything_less_has_not(text: str) -> None:
    assert not Convergence().feed(text)


@given(st.sampled_from([*CONVERGED.values(), *OPEN.values()]), st.data())
def test_how_the_text_is_cut_makes_no_difference(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)))))
    whole, split = Convergence(), Convergence()
    whole.feed(text)
    for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        split.feed(text[begin:end])
    assert (split.key, split.times, split.held) == (whole.key, whole.times, whole.held)


@given(st.text())
def test_any_text_is_read_and_little_of_it_is_kept(text: str) -> None:
    convergence = Convergence()
    convergence.feed(text)
    assert len(convergence.held) <= 1000


def test_a_decimal_point_ends_no_sentence() -> None:
    convergence = Convergence()
    for piece in ("So the answer is 3.", "14. ", "Then"):
        convergence.feed(piece)
    assert convergence.key is not None
    assert convergence.key != Convergence(key="3").key
    told = Convergence()
    told.feed("So the answer is 3.14. ")
    assert convergence.key == told.key


def stated(text: str) -> Statements:
    here = Statements()
    here.feed(text)
    here.end()
    return here


@given(st.sampled_from([*CONVERGED.values(), *OPEN.values()]), st.data())
def test_how_the_text_is_cut_makes_no_difference_to_what_was_stated(
    text: str, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)))))
    split = Statements()
    for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        split.feed(text[begin:end])
    split.end()
    whole = stated(text)
    assert (split.first, split.last, split.seen) == (whole.first, whole.last, whole.seen)


@given(st.lists(st.sampled_from(["The answer is 42. ", "Hm. ", "Wait, the answer is 7. "])))
def test_outcome_efficiency_is_the_share_up_to_the_first_statement(said: list[str]) -> None:
    text = "".join(said)
    here = stated(text)
    found = here.efficiency("So it is: the answer is 42.", reasoning=90, completion=100)
    if not here.first:
        assert found is None
    elif "The answer is 42. " not in said:
        assert found == 1.0
    else:
        until = text.index("42.") + 3
        assert found == pytest.approx(until / len(text) * 0.9)


@pytest.mark.parametrize(
    ("thought", "answer"),
    [("", "The answer is 42."), ("Hm. Well.", "The answer is 42."), ("The answer is 42. ", "It depends on many things.")],
    ids=["no reasoning to read", "nothing stated", "nothing to compare"],
)  # fmt: skip
def test_an_efficiency_that_cannot_be_known_is_none(thought: str, answer: str) -> None:
    assert stated(thought).efficiency(answer, 10, 20) is None


def test_a_supposed_or_doubted_answer_is_not_stated() -> None:
    assert stated("Suppose the answer is 41. The answer is not 40. The answer is 42.").first == {
        "number:42": 65
    }


def test_only_so_many_answers_are_kept() -> None:
    assert len(stated("".join(f"The answer is {i}. " for i in range(500))).first) == MOST_ANSWERS
