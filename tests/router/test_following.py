"""When an answer first stood: measured on single answers as they pass, and counted by tier."""

from typing import Any

import pytest

from policies.budgets import SINGLE, plan_budget
from policies.types import Decision
from router.call import World
from router.following import LAST_BYTES, Following
from router.records import OK, Ending, Records
from router.spend import Spending
from router.trust import PROBATION
from tests.fakes import (
    ScriptedBackend,
    ScriptedUpstream,
    backend,
    chunk,
    completion,
    query,
    tier,
    usage_chunk,
    world,
)

BEFORE = "Let me see. 6 times 7 is what? "
STATES = "So the answer is 42. "
AFTER = [f"Now look at side {i} of it, slowly. " for i in range(60)]
THOUGHTS = [BEFORE, STATES, *AFTER]
SHARE = len(BEFORE + STATES.rstrip()) / len("".join(THOUGHTS))
THOUGHT, SAID = 600, 200


def stream(*texts: str, thoughts: list[str] = THOUGHTS) -> ScriptedUpstream:
    says = [chunk({"content": text}) for text in texts]
    end = [chunk({}, "stop"), usage_chunk(THOUGHT + SAID, THOUGHT), b"[DONE]"]
    thinks = [chunk({"reasoning_content": text}) for text in thoughts]
    return ScriptedUpstream([thinks + says[:1], says[1:], end])


def plain(text: str, thoughts: list[str] = THOUGHTS) -> dict[str, Any]:
    whole = completion(text, reasoning_content="".join(thoughts))
    details = {"reasoning_tokens": THOUGHT}
    usage = {"completion_tokens": THOUGHT + SAID, "completion_tokens_details": details}
    return whole | {"usage": usage}


def spending(here: World, **asked: Any) -> Spending:
    thinks = tier("thinker", thinking="on")
    question = query(**asked)
    decision = Decision(
        thinks, SINGLE, plan_budget(thinks, question.ceilings), "forced", "", "utility", 0.5
    )
    return Spending(here, question, decision, (thinks,))


def trusted(m: ScriptedBackend) -> World:
    here = world(m)
    for _ in range(PROBATION):
        here.trust.observe("m", 0, 0)
    return here


async def efficiency(here: World, *, streamed: bool, **asked: Any) -> float | None:
    spent = spending(here, **asked)
    if streamed:
        answer = await spent.start()
        async for _ in answer.payloads():
            pass
    else:
        await spent.complete()
    return spent.at_the_end(Ending("d", OK, "bypass", 0.0)).efficiency


STOOD = SHARE * THOUGHT / (THOUGHT + SAID)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (["6 * 7 = 42.\n", "The ", "answer", " is", " 42", "."], STOOD),
        (["It is ", "41"], 1.0),
        (["It de", "pends ", "on many things."], None),
    ],
    ids=["stated early", "not stated before", "nothing to compare"],
)
@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "plain"])
async def test_an_answer_tells_how_early_it_stood(
    said: list[str], expected: float | None, streamed: bool
) -> None:
    m = backend("m", stream(*said) if streamed else plain("".join(said)))
    found = await efficiency(trusted(m), streamed=streamed)
    assert found == (expected if expected is None else pytest.approx(expected))


async def test_what_a_forced_answer_had_stated_before_the_cut_counts() -> None:
    loops = [BEFORE, STATES, *["The same words again and again and again, without an end. "] * 400]
    thinks = ScriptedUpstream([[chunk({"reasoning_content": text}) for text in loops]])
    m = backend("m", thinks, stream("42", thoughts=[]))
    spent = spending(trusted(m))
    answer = await spent.start()
    async for _ in answer.payloads():
        pass
    assert answer.stop_reason == "loop"
    assert answer.efficiency is not None
    assert 0 < answer.efficiency < 0.1


@pytest.mark.parametrize(
    ("asked", "thoughts"),
    [({"body": {"n": 2}}, THOUGHTS), ({}, [])],
    ids=["several choices", "no reasoning"],
)
async def test_where_it_cannot_be_known_nothing_is_claimed(
    asked: dict[str, Any], thoughts: list[str]
) -> None:
    m = backend("m", stream("The answer is 42.", thoughts=thoughts))
    assert await efficiency(trusted(m), streamed=True, **asked) is None


async def test_it_is_counted_by_tier() -> None:
    records = Records()
    spent = spending(trusted(backend("m", plain("42."))))
    await spent.complete()
    records.ended(spent.router(), spent.at_the_end(Ending("d", OK, "bypass", 0.0)))
    counted = [line for line in records.exposition().splitlines() if "outcome_efficiency" in line]
    assert 'thinkthrift_outcome_efficiency_count{tier="thinker"} 1' in counted
    (told,) = [line for line in counted if line.startswith("thinkthrift_outcome_efficiency_sum{")]
    assert float(told.split()[-1]) == pytest.approx(STOOD, rel=1e-3)


def test_little_of_a_long_answer_is_kept() -> None:
    follows = Following()
    follows.ends(STATES, 5)
    for _ in range(2000):
        follows.says(b"and so on, ")
    follows.says(b"The answer is 42.")
    assert len(follows.last) <= 2 * LAST_BYTES
    assert follows.efficiency(10, 20) is not None
