"""Reasoning that ends too early goes on: the rule, and what it does over real HTTP with a simulated reasoner."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from time import monotonic
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.budgets import plan_budget
from policies.types import Tier
from router.answer import Answer
from router.backends.capabilities import capabilities_of
from router.backends.direct import Connections, DirectBackend
from router.backends.pool import Pool
from router.backends.port import ModelSpec
from router.call import Trace, World
from router.errors import InvalidRequestError, UpstreamError
from router.ledger import Ledger
from router.lengthening import UNCHANGED, WAIT, Lengthening
from router.ratios import Ratios
from router.trust import Trust
from router.wire.openai_answer import Assembler
from tests.fakes import ScriptedUpstream, backend, chunk, deltas, query, tier, usage_chunk, world
from tests.loadtest.simulated import simulator

LEAST = 500
CEILING = 700
SUM = "What is 12 + 7?"


@given(
    st.integers(1, 2000),
    st.integers(0, 8),
    st.lists(st.tuples(st.integers(0, 300), st.sampled_from(["19", "21", None])), min_size=12),
)
def test_reasoning_goes_on_a_bounded_number_of_times_and_never_past_its_least(
    least: int, wait: int, parts: list[tuple[int, str | None]]
) -> None:
    longer = Lengthening(least, wait)
    went_on = 0
    for tokens, answer in parts:
        if not longer.goes_on(tokens, answer):
            break
        assert 0 < longer.thought < least
        went_on += 1
    else:
        pytest.fail("twelve parts, and eight extensions at the most")
    latest = longer.answers[-(UNCHANGED + 1) :]
    unchanged = len(latest) > UNCHANGED and set(latest) == {latest[0]} and latest[0] is not None
    assert went_on == wait or longer.thought >= least or longer.thought == 0 or unchanged


@pytest.mark.parametrize(
    ("answers", "extensions"),
    [
        (["19", "19", "19", "19", "19"], 2),
        (["19", "21", "21", "21", "21"], 3),
        (["19", "21", "19", "21", "19"], 4),
        ([None, None, None, None, None], 4),
    ],
    ids=["never changed", "changed once", "to and fro", "cannot be told"],
)
def test_two_extensions_that_change_nothing_are_enough(
    answers: list[str | None], extensions: int
) -> None:
    longer = Lengthening(1000, 4)
    asked = [longer.goes_on(10, answer) for answer in answers]
    assert asked == [True] * extensions + [False] * (len(answers) - extensions)


@pytest.fixture(scope="module")
def simulated() -> Iterator[str]:
    with simulator("--speed", "4") as url:
        yield url


@asynccontextmanager
async def asking(
    url: str,
    asked: Tier,
    model: str = "sim-distilled",
    total: int | None = 4000,
    can: Mapping[str, bool] | None = None,
) -> AsyncIterator[Answer]:
    """Yield an answer of a simulated model that continues open reasoning, unless ``can`` says otherwise."""
    connections = Connections()
    spec = ModelSpec("m", model, "vllm", capabilities=capabilities_of("vllm", can))
    here = DirectBackend(spec, connections, base_url=f"{url}/v1")
    pool = Pool({"m": here}, 0, monotonic)
    there = World(pool, Ratios(), Trust(), monotonic, replace(asked, name="cheap"))
    question = query(SUM, body={"seed": 1})
    budget = plan_budget(asked, question.ceilings)
    try:
        ledger = Ledger()
        ledger.limit(total, budget.answer_reserve)
        yield Answer(there, question, asked, budget, ledger, Trace(), collect=Assembler())
    finally:
        await connections.close()


async def heard(answer: Answer, *, plain: bool = False) -> dict[str, Any]:
    """Return the message of the answer."""
    if plain:
        whole = await answer.complete()
    else:
        await answer.start()
        async for _ in answer.payloads():
            pass
        assert answer.collect is not None
        whole = answer.collect.completion()
    (choice,) = whole["choices"]
    assert choice["finish_reason"] == "stop"
    assert isinstance(choice["message"], dict)
    return choice["message"]


def thinker(wait: int, least: int = LEAST) -> Tier:
    return tier(
        thinking="on", max_thinking_tokens=CEILING, min_thinking_tokens=least, wait=wait,
        answer_reserve_tokens=60,
    )  # fmt: skip


def generated(url: str) -> int:
    tokens = httpx.get(f"{url}/stats", verify=False).json()["tokens_generated"]
    assert isinstance(tokens, int)
    return tokens


async def test_without_waiting_reasoning_ends_where_it_does(simulated: str) -> None:
    async with asking(simulated, thinker(0)) as usual, asking(simulated, tier(
        thinking="on", max_thinking_tokens=CEILING, answer_reserve_tokens=60
    )) as before:  # fmt: skip
        assert await heard(usual) == await heard(before)
        assert usual.ledger == before.ledger
        assert usual.ledger.calls == 1
        assert usual.ledger.usage.reasoning < LEAST


@pytest.mark.parametrize("plain", [False, True], ids=["streamed", "plain"])
async def test_reasoning_that_ends_early_goes_on_and_every_call_is_billed(
    simulated: str, plain: bool
) -> None:
    async with asking(simulated, thinker(0)) as short:
        first = await heard(short)
    before = generated(simulated)
    async with asking(simulated, thinker(2)) as answer:
        message = await heard(answer, plain=plain)
    usage = answer.ledger.usage
    assert answer.ledger.calls == 3
    assert message["reasoning_content"].count(WAIT) >= 2
    assert message["reasoning_content"].startswith(first["reasoning_content"].rstrip()[:200])
    assert usage.reasoning > short.ledger.usage.reasoning * 1.5
    assert usage.reasoning <= CEILING * 1.1 + 32
    assert message["content"].count("19") == 1
    assert "<think>" not in message["content"]
    assert usage.prompt > 3 * short.ledger.usage.prompt, "what was thought is sent again"
    assert usage.completion == pytest.approx(generated(simulated) - before, rel=0.1, abs=32)
    assert usage.estimated
    assert (answer.stop_reason, answer.trace.unenforced) == ("done", frozenset())
    assert answer.ledger.reserved == 0


async def test_it_goes_on_no_more_when_the_answer_does_not_change(simulated: str) -> None:
    async with asking(simulated, thinker(9, least=600)) as answer:
        message = await heard(answer)
    assert answer.ledger.calls == 1 + UNCHANGED
    assert message["reasoning_content"].count("answer is 19") > UNCHANGED
    assert answer.ledger.usage.reasoning < 600


async def test_the_ceiling_on_thinking_is_the_same_for_all_of_it(simulated: str) -> None:
    asked = replace(thinker(9), max_thinking_tokens=200)
    async with asking(simulated, asked) as answer:
        await heard(answer)
    assert answer.ledger.calls > 1
    assert answer.ledger.usage.reasoning <= 200 * 1.1 + 32


async def test_the_total_holds_for_all_calls_together(simulated: str) -> None:
    async with asking(simulated, thinker(9), total=250) as answer:
        await heard(answer)
    assert answer.ledger.spent + answer.ledger.reserved <= 250


@pytest.mark.parametrize("tagged", ["tags", "reasoning-field"])
async def test_reasoning_between_tags_goes_on_as_reasoning(simulated: str, tagged: str) -> None:
    async with asking(simulated, thinker(1), f"sim-distilled+{tagged}") as answer:
        message = await heard(answer)
    assert answer.ledger.calls == 2
    assert WAIT in message["reasoning_content"]
    assert "</think>" not in message["content"] + message["reasoning_content"]
    assert answer.ledger.usage.reasoning <= CEILING * 1.1 + 32


@pytest.mark.parametrize(
    "can", [{"prefill": False}, {"prefill_thinking": False}, {"cancel_frees": False}], ids=str
)
async def test_a_model_that_cannot_go_on_is_left_alone_and_the_client_told(
    simulated: str, can: dict[str, bool]
) -> None:
    async with asking(simulated, thinker(2), can=can) as answer:
        await heard(answer)
    assert answer.ledger.calls == 1
    assert answer.trace.unenforced == {"min_thinking_tokens"}
    async with asking(simulated, replace(thinker(2), thinking="off"), can=can) as answer:
        await heard(answer)
    assert answer.trace.unenforced == frozenset(), "who may not think need not think on"


THOUGHT = [chunk({"reasoning_content": "So the answer is 42. "})]
SAYS = [chunk({"content": "42"}), chunk({}, "stop"), usage_chunk(5), b"[DONE]"]


@pytest.mark.parametrize(
    ("trouble", "next_time"),
    [(InvalidRequestError("no open reasoning"), 1), (UpstreamError("broken"), 3)],
    ids=["refused", "broken"],
)
async def test_an_extension_that_fails_still_ends_in_an_answer(
    trouble: Exception, next_time: int
) -> None:
    early, forced = ScriptedUpstream([THOUGHT, SAYS]), ScriptedUpstream([SAYS])
    m = backend("m", early, trouble, forced, early, trouble, forced, dialect="vllm")
    here = world(m)
    for calls in (3, next_time):
        asked = thinker(1)
        budget = plan_budget(asked, query().ceilings)
        made = Answer(here, query(), asked, budget, Ledger(), Trace(), collect=Assembler())
        await made.start()
        passed = [payload async for batch in made.payloads() for payload in batch]
        assert deltas(passed) == "42"
        assert made.trace.unenforced >= {"min_thinking_tokens"}
        assert made.ledger.calls == calls
        assert made.ledger.reserved == 0
