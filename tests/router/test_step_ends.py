"""When a generation that may have been stopped behind a step has ended the answer: servers say it, or the text does."""

from dataclasses import replace
from typing import Any

import pytest

from policies.answers import Kind
from policies.ports import Prompt
from policies.types import SearchPlan
from tests.lab.problem import Problem
from tests.lab.solving import Lab

STEP = "12 - 4 = 8"
ANSWER = "The answer is 8."


@pytest.mark.parametrize(
    ("text", "told", "ended"),
    [
        pytest.param(STEP, {}, False, id="a step that ends in a number is no answer"),
        pytest.param(ANSWER, {}, True, id="an answer"),
        pytest.param("", {}, True, id="nothing is left to say"),
        pytest.param(STEP, {"stop_reason": "\n\n"}, False, id="vLLM was stopped"),
        pytest.param(STEP, {"stop_reason": None}, False, id="vLLM does not say"),
        pytest.param(ANSWER, {"stop_reason": "\n\n"}, False, id="the text that stopped it counts"),
        pytest.param(STEP, {"matched_stop": "\n\n"}, False, id="SGLang was stopped"),
        pytest.param(STEP, {"matched_stop": 151645}, True, id="SGLang met the end of the turn"),
        pytest.param(f"{ANSWER}\n\nBut wait", {}, False, id="the server ignores stop strings"),
    ],
)
async def test_a_step_has_ended_the_answer_when_the_server_or_a_mark_says_so(
    text: str, told: dict[str, Any], ended: bool
) -> None:
    session = Lab().search(Problem(), SearchPlan()).session
    completion = {
        "choices": [{"message": {"content": text}, "finish_reason": "stop", **told}],
        "usage": {"completion_tokens": 3},
    }
    prompt = Prompt(begun="5 + 7 = 12\n\n", stop=("\n\n",))
    found = await session.candidate(completion, prompt, "lab", "lab")
    assert found.complete
    assert found.ended is ended


@pytest.mark.parametrize(
    ("begun", "kind", "ended"),
    [
        pytest.param("Let x be the number of apples.\n\n", "auto", False, id="no answer so far"),
        pytest.param("5 + 7 = 12\n\n", "auto", True, id="there is an answer"),
        pytest.param("They lived happily ever after.\n\n", "text", True, id="prose has no mark"),
    ],
)
async def test_silence_ends_an_answer_only_where_there_is_one(
    begun: str, kind: Kind, ended: bool
) -> None:
    search = Lab().search(Problem(), SearchPlan())
    session = replace(search.session, task=replace(search.task, kind=kind))
    completion = {"choices": [{"message": {"content": None}, "finish_reason": "stop"}]}
    prompt = Prompt(begun=begun, stop=("\n\n",))
    assert (await session.candidate(completion, prompt, "lab", "lab")).ended is ended
