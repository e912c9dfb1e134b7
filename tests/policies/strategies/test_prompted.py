"""``single``'s arms, ``plan``, ``templates`` and ``stepwise`` through the real engine: the law of each, and what is asked."""

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest

from policies.strategies.plan import outline_steps, shares
from policies.strategies.single import ARMS, QUIET_ARMS
from policies.strategies.stepwise import MOST_STEPS, is_last
from policies.types import Decision, SearchPlan, Template
from router.spend import Spending
from tests.lab.backend import LabBackend
from tests.lab.clock import run
from tests.lab.conduct import Faults
from tests.lab.exact import assert_share, chain
from tests.lab.problem import Problem
from tests.lab.solving import Lab, share_right, trials
from tests.policies.strategies.scripted import Body, Scripted, search, told

RUNS = 200
PROBLEM = Problem(id=1, steps=4, p=0.8, plan=0.6)
FOLLOWED = chain(1 - 0.2 * 0.4, 4)
OWN = Template("Lab work", "lab", ("Find what is given.", "Say the value."))
TEMPLATES = SearchPlan("templates", templates=(OWN,))
STEPWISE = SearchPlan("stepwise")

EVERY = (
    *(SearchPlan("single", arm=arm) for arm in ARMS), SearchPlan("plan"), TEMPLATES, STEPWISE,
    SearchPlan("synthesis"), SearchPlan("synthesis", arm="merge"), SearchPlan("debate"),
)  # fmt: skip


@pytest.mark.parametrize("arm", [None, *ARMS])
def test_an_arm_switches_thinking_off_or_leaves_it_on(arm: str | None) -> None:
    problem = replace(PROBLEM, think=1, write=0.6)
    solved = trials(problem, SearchPlan("single", arm=arm), RUNS)
    assert_share(share_right(solved), RUNS, chain(0.6 if arm in QUIET_ARMS else 0.8, 4))
    thought = sum(each.search.ledger.usage.reasoning for each in solved)
    assert (thought == 0) == (arm in QUIET_ARMS)


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_is_asked_for_in_the_clients_own_turn(arm: str) -> None:
    backend = LabBackend(records=True)
    trials(PROBLEM, SearchPlan("single", arm=arm), 1, Lab((backend,)))
    (turn,) = backend.bodies[0]["messages"]
    assert turn["content"] == f"{PROBLEM.question()}\n\n{ARMS[arm]}".strip()


@pytest.mark.parametrize("arm", [None, *ARMS])
def test_a_call_without_a_search_asks_the_same(arm: str | None) -> None:
    """A single answer is streamed as it comes, past the engine of searches."""
    plan, problem = SearchPlan("single", arm=arm), replace(PROBLEM, think=1)
    backend = LabBackend(records=True)

    async def both() -> None:
        search = Lab((backend,)).search(problem, plan)
        budget = search.model.budget
        decision = Decision(search.tier, plan, budget, "", "", "none", 0.5)
        await search.run()
        await Spending(search.world, search.query, decision, [search.tier]).complete()

    run(both())
    engine, direct = backend.bodies
    for field in ("messages", "chat_template_kwargs"):
        assert engine[field] == direct[field]


def test_a_plan_makes_every_step_more_likely_right() -> None:
    cheap, dear = LabBackend(name="cheap"), LabBackend(name="dear")
    solved = trials(PROBLEM, SearchPlan("plan"), RUNS, Lab((cheap, dear)))
    assert_share(share_right(solved), RUNS, FOLLOWED)
    assert (cheap.counts.calls, dear.counts.calls) == (RUNS, RUNS)
    assert {each.search.stop_reason for each in solved} == {"done"}


def test_without_an_outline_the_question_is_answered_as_it_stands() -> None:
    for faults in (Faults(refuses={0}), Faults(mute={0})):
        backend = LabBackend(faults=faults, records=True)
        (solved,) = trials(PROBLEM, SearchPlan("plan"), 1, Lab((backend,)))
        assert solved.search.stop_reason == "no_plan"
        (turn,) = backend.bodies[1]["messages"]
        assert turn["content"] == PROBLEM.question()


def test_an_outline_is_read_whatever_its_form_and_the_first_steps_weigh_most() -> None:
    numbered = "Here is a plan:\n\n1. Find the rate\n2) Multiply\n- check"
    assert outline_steps(numbered) == ["Find the rate", "Multiply", "check"]
    assert outline_steps("Plan:\nFind the rate\n\nMultiply\n") == ["Find the rate", "Multiply"]
    assert outline_steps("\n".join(f"{i}. x" for i in range(9))) == ["x"] * 4
    assert outline_steps("") == []
    told_shares = [
        int(line.rpartition("(")[2].rstrip("%)")) for line in shares(list("abcd")).splitlines()
    ]
    assert told_shares == [round(100 * 0.8**i / (1 + 0.8 + 0.64 + 0.512)) for i in range(4)]


def test_a_template_that_fits_makes_every_step_more_likely_right() -> None:
    solved = trials(PROBLEM, TEMPLATES, RUNS)
    assert_share(share_right(solved), RUNS, FOLLOWED)
    assert {(each.search.stop_reason, each.search.ledger.calls) for each in solved} == {("done", 1)}


def test_without_a_template_that_fits_it_is_single() -> None:
    solved = trials(PROBLEM, SearchPlan("templates"), RUNS)
    alone = trials(PROBLEM, SearchPlan(), RUNS)
    assert [each.right for each in solved] == [each.right for each in alone]
    assert {each.search.stop_reason for each in solved} == {"no_template"}


def test_prose_follows_no_template() -> None:
    backend = Scripted(says=lambda body, number: told(body), records=True)
    question = "Write a short story about lab work."
    text, solve = search(backend, TEMPLATES, question=question)
    assert (text, solve.stop_reason) == (question, "no_template")


@pytest.mark.parametrize("depth", [2, 4, 24])
def test_steps_that_are_asked_for_singly_are_right_as_often_as_those_of_one_answer(
    depth: int,
) -> None:
    problem = replace(PROBLEM, guess=0.5)
    solved = trials(problem, replace(STEPWISE, depth=depth), RUNS)
    done = min(depth, 4)
    assert_share(share_right(solved), RUNS, chain(0.8, done) * 0.5 ** (4 - done))
    reasons = {(each.search.stop_reason, each.search.ledger.calls) for each in solved}
    assert reasons == {("depth" if depth < 4 else "done", done + 1)}


def test_each_step_is_json_behind_those_before() -> None:
    backend = LabBackend(records=True)
    trials(PROBLEM, STEPWISE, 1, Lab((backend,)))
    steps = [
        turn["content"] for turn in backend.bodies[-1]["messages"] if turn["role"] == "assistant"
    ]
    assert [json.loads(step)["title"] for step in steps] == [f"Step {i}" for i in (1, 2, 3, 4)]
    assert backend.counts.corrupted == 0


def test_steps_without_json_end_with_the_one_that_states_an_answer() -> None:
    said = ["First, 2 + 2 is 4.", "", "So the answer is 4.", "4"]
    backend = Scripted(says=lambda body, number: said[number], records=True)
    text, solve = search(backend, STEPWISE)
    assert (text, solve.stop_reason, solve.ledger.calls) == ("4", "done", 4)
    assert len(backend.bodies[2]["messages"]) == 3  # the empty step is asked for again


@pytest.mark.parametrize(
    ("step", "last"),
    [
        ('{"title": "a", "content": "b", "next_action": "final_answer"}', True),
        ('```json\n{"title": "a", "next_action": "continue"}\n```', False),
        ('{"title": "a", "next_action": "final_answer", "content": "cut', True),
        ("[1]", False), ("{}", False), ("Two and two make four.", False), ("The answer is 4.", True),
    ],
)  # fmt: skip
def test_a_step_says_whether_it_is_the_last(step: str, last: bool) -> None:
    assert is_last(step) == last


def test_a_model_that_never_ends_is_asked_for_its_answer_all_the_same() -> None:
    backend = Scripted(says=lambda body, number: "And then?")
    _, solve = search(backend, replace(STEPWISE, depth=100))
    assert (solve.stop_reason, solve.ledger.calls) == ("depth", MOST_STEPS + 1)


CONVERSATION: list[Body] = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Hello."},
    {"role": "assistant", "content": "Hello! What is it?"},
    {"role": "user", "content": [{"type": "text", "text": PROBLEM.question()}]},
]


class TextOnly(LabBackend):
    """Reads the text of content parts."""

    def _job(self, body: Body, number: int) -> Any:
        turns = [turn | {"content": _text(turn["content"])} for turn in body["messages"]]
        return super()._job({**body, "messages": turns}, number)


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "\n".join(part["text"] for part in content)


@pytest.mark.parametrize("plan", EVERY, ids=lambda plan: f"{plan.strategy}-{plan.arm}")
def test_no_two_turns_of_one_role_follow_each_other(plan: SearchPlan) -> None:
    """Several chat templates refuse that."""
    backend = TextOnly(records=True)
    lab = Lab((backend,), body={"messages": CONVERSATION})
    trials(replace(PROBLEM, p=0.3), plan, 2, lab)
    for body in backend.bodies:
        roles = [turn["role"] for turn in body["messages"]]
        assert all(one != other for one, other in itertools.pairwise(roles))
        assert body["messages"][:3] == CONVERSATION[:3]


@pytest.mark.parametrize("plan", EVERY, ids=lambda plan: f"{plan.strategy}-{plan.arm}")
def test_what_is_aside_has_neither_the_clients_format_nor_its_stops_but_is_paid(
    plan: SearchPlan,
) -> None:
    backend = LabBackend(records=True)
    body = {"response_format": {"type": "text"}, "stop": ["END"], "top_p": 0.9}
    (solved,) = trials(PROBLEM, plan, 1, Lab((backend,), body=body))
    assert solved.tokens == backend.counts.generated
    asides = [body for body in backend.bodies if "top_p" not in body]
    assert all(not {"response_format", "stop"} & set(aside) for aside in asides)
    answers = [body for body in backend.bodies if "top_p" in body]
    assert all({"response_format", "stop"} <= set(answer) for answer in answers)
    assert answers


@pytest.mark.parametrize("total", [60, 120, 250, 500])
@pytest.mark.parametrize("plan", EVERY, ids=lambda plan: f"{plan.strategy}-{plan.arm}")
def test_a_budget_that_ends_midway_is_kept_and_brings_an_answer(
    plan: SearchPlan, total: int
) -> None:
    lab = Lab(ceilings={"max_total_tokens": total}, tier={"answer_reserve_tokens": 32})
    (solved,) = trials(replace(PROBLEM, tokens=20), plan, 1, lab)
    assert solved.tokens <= total
    assert solved.completion["choices"][0]["message"]["content"]


def test_one_answer_gets_the_whole_budget() -> None:
    """A plan, a template or a step is no sample: nothing is to be held back for another one."""
    problem = replace(PROBLEM, tokens=40)
    for plan in (SearchPlan("plan"), TEMPLATES):
        lab = Lab(ceilings={"max_total_tokens": 260}, tier={"answer_reserve_tokens": 32})
        (solved,) = trials(problem, plan, 1, lab)
        assert solved.completion["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("plan", [SearchPlan("plan"), TEMPLATES], ids=lambda plan: plan.strategy)
def test_it_beats_one_sample_where_an_outline_helps_and_nowhere_else(plan: SearchPlan) -> None:
    lost = replace(PROBLEM, steps=8)
    guided, alone = trials(lost, plan, RUNS), trials(lost, SearchPlan(), RUNS)
    assert share_right(guided) >= share_right(alone) + 0.2 * RUNS
    able = replace(lost, plan=0.0)
    assert_share(share_right(trials(able, plan, RUNS)), RUNS, chain(0.8, 8))
