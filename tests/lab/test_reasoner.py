"""The reasoner keeps its laws: shares against closed forms, within 4 standard errors, seeds fixed."""

from collections import Counter

import numpy as np
import pytest

from policies.answers import answer_key
from router.backends.capabilities import Begun
from tests.lab import exact, exact_steps
from tests.lab.asking import ask_each, assistant, begun, is_right, key_of, samples, user
from tests.lab.backend import LabBackend
from tests.lab.chain import ON_TRACK, read_chain
from tests.lab.exact import assert_mean, assert_share
from tests.lab.problem import Problem
from tests.lab.speech import split_tokens

TRIALS = 1200


def assert_law(problem: Problem, answers: list[dict[str, str]]) -> None:
    counts = Counter(answer_key(answer["content"]) for answer in answers)
    for belief, chance in enumerate(problem.law):
        assert_share(counts[key_of(problem.answer(belief))], len(answers), chance)
    assert counts.total() == sum(counts[key_of(problem.answer(b))] for b in range(8))


@pytest.mark.parametrize("think", [0, 1])
def test_every_answer_comes_as_often_as_its_law_says(think: int) -> None:
    problem = Problem(id=1, p=0.85, dom=0.4, think=think)
    answers = samples(problem, TRIALS)
    assert_law(problem, answers)
    assert all(("reasoning_content" in answer) == bool(think) for answer in answers)


def test_without_thinking_it_writes_its_steps() -> None:
    problem = Problem(id=2, p=0.95, write=0.8, think=1)
    answers = samples(problem, TRIALS, chat_template_kwargs={"enable_thinking": False})
    assert_share(sum(is_right(problem, a) for a in answers), TRIALS, 0.8**6)
    assert all("step 6:" in answer["content"] for answer in answers)


def test_another_model_may_be_better_at_the_same_problem() -> None:
    problem = Problem(id=3, p=0.5)
    answers = samples(problem, TRIALS, LabBackend(skill={"p": 0.9, "think": 1}))
    assert_share(sum(is_right(problem, answer) for answer in answers), TRIALS, 0.9**6)


def test_a_better_model_gets_some_of_the_slips_right() -> None:
    problem = Problem(id=16, p=0.8)
    answers = samples(problem, TRIALS, LabBackend(lift=0.5))
    assert_share(sum(is_right(problem, answer) for answer in answers), TRIALS, 0.9**6)


def test_some_answers_name_no_value() -> None:
    problem = Problem(id=4, p=0.9, mute=0.3)
    answers = samples(problem, TRIALS)
    assert_share(sum(answer_key(a["content"]) is None for a in answers), TRIALS, 0.3)
    assert_share(sum(is_right(problem, a) for a in answers), TRIALS, 0.7 * 0.9**6)


@pytest.mark.parametrize("rounds", [1, 4])
def test_checks_mend_and_break(rounds: int) -> None:
    problem = Problem(id=5, p=0.9, rounds=rounds, fix=0.1, spoil=0.3, think=1)
    right = sum(is_right(problem, answer) for answer in samples(problem, TRIALS))
    assert_share(right, TRIALS, exact.refined(0.9**6, 0.1, 0.3, rounds))


@pytest.mark.parametrize("budget", [0, 25, 60, 90])
def test_a_thinking_budget_leaves_steps_to_be_guessed(budget: int) -> None:
    problem = Problem(id=6, p=0.9, guess=0.6, tokens=8, geometric=1, think=1, write=0.5)
    answers = samples(problem, TRIALS, thinking_token_budget=budget)
    thought = [len(answer.get("reasoning_content", "").split()) for answer in answers]
    assert max(thought) <= budget
    within = exact_steps.steps_within(budget, 6, 8, overhead=3)
    share = exact_steps.truncated(0.9, within, lambda missing: 0.6**missing)
    share = share if budget else 0.5**6
    assert_share(sum(is_right(problem, answer) for answer in answers), TRIALS, share)


def test_a_limit_on_tokens_cuts_and_changes_nothing() -> None:
    problem = Problem(id=7, think=1, tokens=5)
    whole, cut = samples(problem, 50), samples(problem, 50, max_tokens=33)
    for one, other in zip(whole, cut, strict=True):
        assert "".join(split_tokens(one["reasoning_content"])[:33]) == other["reasoning_content"]
        assert other["content"] == ""


@pytest.mark.parametrize("stop", ["\n\n", ["so the"], "4:", "\n\nstep 2"])
def test_a_stop_string_ends_the_answer_and_is_not_said(stop: str | list[str]) -> None:
    problem = Problem(id=8, rounds=1)
    whole, cut = samples(problem, 20), samples(problem, 20, stop=stop)
    for one, other in zip(whole, cut, strict=True):
        mark = stop if isinstance(stop, str) else stop[0]
        assert other["content"] == one["content"].split(mark)[0]


def test_wrong_chains_may_be_longer() -> None:
    problem = Problem(id=9, p=0.9, tokens=10, geometric=1, drag=2.0)
    right: list[int] = []
    wrong: list[int] = []
    for answer in samples(problem, TRIALS):
        written = read_chain(problem.id, answer["content"])
        first = answer["content"].split("step 6: ")[1].split(".")[0]
        (right if written.chain.health == ON_TRACK else wrong).append(len(first.split()) - 1)
    assert_mean(right, 10)
    assert_mean(wrong, 20)


@pytest.mark.parametrize("think", [0, 1])
def test_wherever_a_chain_is_cut_and_continued_its_law_stays(think: int) -> None:
    problem = Problem(id=10, p=0.85, geometric=1, think=think)
    backend, rng = LabBackend(), np.random.default_rng(1)
    turns = []
    for answer in samples(problem, TRIALS):
        words = split_tokens(answer["reasoning_content"] if think else answer["content"])
        cut = "".join(words[: int(rng.integers(len(words)))]).rstrip("\n")
        turns.append(Begun(cut, None) if think else Begun("", cut))
    ended = ask_each(backend, [begun(backend, problem, t) | {"seed": 7} for t in turns])
    wholes = [
        {"content": text["content"] if think else turn.text + text["content"]}
        for turn, text in zip(turns, ended, strict=True)
    ]
    assert_law(problem, wholes)
    assert backend.counts.corrupted == 0
    joined = [
        turn.text + (text["reasoning_content"] if think else text["content"])
        for turn, text in zip(turns, ended, strict=True)
    ]
    assert not any(read_chain(problem.id, text).corrupted for text in joined)


@pytest.mark.parametrize("kept", [(0, 2), (1, 0), (0, 1, 2, 3, 5)])
def test_a_garbled_prefix_is_counted_and_never_right(kept: tuple[int, ...]) -> None:
    problem = Problem(id=11, p=1.0)
    backend = LabBackend()
    whole = samples(problem, 1)[0]["content"].split("\n\n")
    turn = Begun("", "\n\n".join([*(whole[i] for i in kept), ""]))
    answers = ask_each(backend, [begun(backend, problem, turn)] * 20)
    assert not any(is_right(problem, answer) for answer in answers)
    assert backend.counts.corrupted == 20


@pytest.mark.parametrize("done", [0, 2, 6])
@pytest.mark.parametrize("cue", ["The final answer is \\boxed{", "Final answer:"])
def test_asked_in_the_middle_it_says_what_it_believes(done: int, cue: str) -> None:
    problem = Problem(id=12, p=1.0, guess=0.7, flip=0.2, think=1)
    steps = samples(problem, 1)[0]["reasoning_content"].split("\n\n")[:done]
    backend = LabBackend()
    body = begun(backend, problem, Begun("\n\n".join([*steps, ""]), cue))
    probes = ask_each(backend, [body | {"seed": s, "max_tokens": 20} for s in range(TRIALS)])
    share = 0.7 ** (6 - done) * 0.8 + (1 - 0.7 ** (6 - done)) * 0.2 / 7
    right = [is_right(problem, {"content": cue + probe["content"]}) for probe in probes]
    assert_share(sum(right), TRIALS, share)
    assert all(len(probe["content"].split()) == 1 for probe in probes)


def test_a_second_turn_hands_reasoning_over() -> None:
    problem = Problem(id=13, p=1.0, guess=0.5, think=1)
    thought = samples(problem, 1)[0]["reasoning_content"]
    tail = thought[thought.index("step 2") : thought.index("step 5")]
    told = f"Reasoning so far (may be incomplete):\n\n{tail}\n\nGive the final answer now."
    messages = [user(problem.question()), user(told)]
    answers = ask_each(LabBackend(), [{"messages": messages, "seed": s} for s in range(TRIALS)])
    assert_share(sum(is_right(problem, a) for a in answers), TRIALS, 0.25)
    assert all(len(answer["content"].split()) == 7 for answer in answers)


def test_closed_reasoning_without_a_step_makes_it_write() -> None:
    problem = Problem(id=14, p=0.99, write=0.8, think=1)
    backend = LabBackend()
    body = begun(backend, problem, Begun("Okay, I think I have finished thinking.", ""))
    answers = ask_each(backend, [body | {"seed": s} for s in range(TRIALS)])
    assert_share(sum(is_right(problem, answer) for answer in answers), TRIALS, 0.8**6)


def test_a_server_that_cannot_continue_begins_anew() -> None:
    problem = Problem(id=15, p=0.5)
    steps = samples(problem, 1)[0]["content"].split("step 4")[0]
    messages = [user(problem.question()), assistant(steps)]
    body = {"messages": messages, "continue_final_message": True, "add_generation_prompt": False}
    answer = ask_each(LabBackend.without_prefill(), [body])[0]
    assert answer["content"].startswith("step 1:")
