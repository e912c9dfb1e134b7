"""The state of a chain is in its text, and cannot be had or changed without the key."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.answers import answer_key
from tests.lab.asking import samples
from tests.lab.chain import ON_TRACK, WRONG, Chain, read_chain, seal, unseal
from tests.lab.problem import Problem, find_problem
from tests.lab.speech import split_tokens

PROBLEM = Problem(id=5, steps=4, p=0.8, rounds=1, fix=0.2, spoil=0.2)
TEXTS = [message["content"] for message in samples(PROBLEM, 30)]
TAG = re.compile(r"[a-p]{14}")

chains = st.builds(
    Chain, st.integers(0, 999), st.integers(0, 2), st.integers(-1, 60), st.integers(0, 65535)
)


@given(st.integers(0, 10**6), chains, st.integers(0, 65535))
def test_a_tag_is_read_back(problem_id: int, chain: Chain, link: int) -> None:
    assert unseal(problem_id, chain.done, seal(problem_id, chain, link)) == (chain, link)


@given(st.sampled_from(TEXTS), st.data())
def test_a_changed_tag_is_caught(text: str, data: st.DataObject) -> None:
    tag = data.draw(st.sampled_from(list(TAG.finditer(text))))
    at = data.draw(st.integers(tag.start(), tag.end() - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnop".replace(text[at], "")))
    read = read_chain(PROBLEM.id, text[:at] + letter + text[at + 1 :])
    assert read.corrupted
    assert read.chain.health != ON_TRACK


@given(st.sampled_from(TEXTS), st.data())
def test_wherever_a_text_is_cut_its_whole_steps_count(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    read = read_chain(PROBLEM.id, text[:cut])
    assert not read.corrupted
    assert read.chain.done == len(re.findall(r"(?:step|check) [^.]*\.", text[:cut]))
    if read.broken_off is not None:
        assert read.broken_off[0].done == read.chain.done + 1


@given(st.sampled_from(TEXTS), st.integers(1, 4))
def test_a_tail_of_the_steps_is_enough(text: str, first: int) -> None:
    tail = text[text.index(f"step {first}:") :]
    assert read_chain(PROBLEM.id, tail).chain == read_chain(PROBLEM.id, text).chain
    assert not read_chain(PROBLEM.id, tail).corrupted


def test_a_step_left_out_and_a_step_of_another_chain_are_caught() -> None:
    one, other = TEXTS[0].split("\n\n"), TEXTS[1].split("\n\n")
    assert read_chain(PROBLEM.id, "\n\n".join(one[:1] + one[2:])).corrupted
    assert read_chain(PROBLEM.id, "\n\n".join(one[:1] + other[1:])).corrupted
    assert not read_chain(PROBLEM.id, "\n\n".join(one)).corrupted


def test_a_tag_of_another_problem_is_caught() -> None:
    read = read_chain(PROBLEM.id + 1, TEXTS[0])
    assert read.corrupted
    assert read.chain.health == WRONG


def test_words_between_the_steps_do_no_harm() -> None:
    steps = TEXTS[0].split("\n\n")
    assert read_chain(PROBLEM.id, "Well then:\n- " + "\n- ".join(steps)) == read_chain(
        PROBLEM.id, TEXTS[0]
    )


@pytest.mark.parametrize("text", TEXTS[:5])
def test_what_is_not_an_answer_yet_gives_no_key(text: str) -> None:
    words = split_tokens(text[: text.index("check")])
    for n in range(len(words)):
        assert answer_key("".join(words[:n])) is None
    assert answer_key(text) is not None


def test_right_and_wrong_steps_look_alike() -> None:
    """Nothing but the key tells them apart: tags of equal chains differ, their letters are spread evenly."""
    tags = [seal(1, Chain(1, health, -1, nonce), 0) for health in (0, 1) for nonce in range(4000)]
    assert len(set(tags)) == len(tags)
    for half in (tags[:4000], tags[4000:]):
        letters = "".join(tag[5:] for tag in half)
        shares = [letters.count(letter) / len(letters) for letter in "abcdefghijklmnop"]
        assert max(shares) - min(shares) < 0.01


laws = st.builds(
    Problem,
    id=st.integers(0, 8999),
    steps=st.integers(1, 40),
    p=st.sampled_from([0.0, 0.25, 0.7, 1.0]),
    mu=st.sampled_from([0.5, 2.0]),
    drag=st.sampled_from([1.0, 2.5]),
    think=st.integers(0, 1),
)


@given(laws)
def test_a_problem_is_read_back_from_its_question(problem: Problem) -> None:
    assert find_problem(f"Hello. {problem.question()} Thanks [1].") == problem


def test_an_unknown_law_is_refused() -> None:
    with pytest.raises(ValueError, match="no law 'speed' in a lab problem; there are id, steps"):
        find_problem("[[lab speed=3]]")


@given(laws, st.integers(0, 7))
def test_beliefs_and_values_correspond(problem: Problem, belief: int) -> None:
    assert problem.belief(problem.answer(belief)) == belief
    assert problem.belief(problem.answer(belief) + 1) is None
    assert sum(problem.law) == pytest.approx(1)
