"""One pays, the others follow: between tasks, between processes (here: two of them in one), and when leaders are lost."""

import asyncio

import pytest
from redis.asyncio import Redis

from router.cache.leases import FAILED
from router.errors import ApiError, ContextLengthExceededError, InvalidRequestError, UpstreamError
from tests.router.cache.flying import RECORD, SAID, TOLD, WHOLE, Process, heard


async def test_all_in_one_process_follow_the_first(here: Process) -> None:
    boarded = await asyncio.gather(*[here.board() for _ in range(50)])
    assert [leads for _, leads in boarded].count(True) == 1
    assert len({id(flight) for flight, _ in boarded}) == 1
    here.launch(boarded[0][0])
    for said in await asyncio.gather(*[heard(flight) for flight, _ in boarded]):
        assert said == SAID
    assert boarded[0][0].final == (WHOLE, TOLD)


async def test_another_process_hears_the_leader_live_and_gets_the_whole(
    here: Process, there: Process
) -> None:
    led, leads = await here.board()
    assert leads
    here.launch(led, parts=3, step_s=0.3)
    followed, leads = await there.board()
    assert not leads
    parts = [(part, led.final is None) async for part in followed.live(5.0)]
    assert b"".join(part for part, _ in parts) == SAID
    assert any(early for _, early in parts), "something was heard before the leader was done"
    assert followed.final is not None
    assert [dict(one) for one in followed.final] == [WHOLE, TOLD]
    assert followed.outlook == TOLD


async def test_followers_in_other_processes_cost_nothing_until_there_are_some(
    here: Process, clean: Redis
) -> None:
    led, _ = await here.board()
    here.launch(led, parts=3, step_s=0.1)
    await heard(led)
    await asyncio.sleep(0.05)
    assert await clean.keys("*flight*:*:*") == []
    assert await clean.hget(RECORD, "state") == b"done"
    assert 0 < await clean.pttl(RECORD) <= 2000


async def test_whoever_comes_just_after_the_end_is_told_to_look_again(
    here: Process, there: Process
) -> None:
    led, _ = await here.board()
    here.launch(led, parts=0)
    await heard(led)
    await asyncio.sleep(0.05)
    late, leads = await there.board()
    assert not leads
    assert late.over
    assert late.final is None
    again, leads = await there.board(late)
    assert leads, "an answer that was not kept leaves the place free"
    there.launch(again)
    assert await heard(again) == SAID


@pytest.mark.parametrize(
    ("error", "shared"),
    [
        (InvalidRequestError("no such field", param="tools"), True),
        (ContextLengthExceededError("too long"), True),
        (UpstreamError("broke off"), False),
        (RuntimeError("a defect"), False),
    ],
    ids=["400", "context", "502", "defect"],
)
@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "elsewhere"])
async def test_only_the_callers_mistake_fails_for_all(
    here: Process, there: Process, error: Exception, shared: bool, elsewhere: bool
) -> None:
    led, _ = await here.board()
    here.launch(led, step_s=0.15, ends=error)
    followed, _ = await (there if elsewhere else here).board()
    await heard(followed)
    assert led.state == FAILED
    assert followed.final is None
    verdict = followed.verdict
    if not shared:
        assert verdict is None
        return
    assert isinstance(verdict, ApiError)
    assert isinstance(error, ApiError)
    assert (type(verdict), str(verdict)) == (type(error), str(error))
    assert (verdict.param, verdict.status) == (error.param, error.status)


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "elsewhere"])
async def test_the_second_failure_is_everybodys(
    here: Process, there: Process, elsewhere: bool
) -> None:
    one, _ = await here.board()
    followed, _ = await here.board()
    here.launch(one, parts=1, ends=UpstreamError("dead"))
    await heard(followed)
    assert followed.verdict is None
    two, leads = await here.board(followed)
    assert leads
    second = await (there if elsewhere else here).board()
    here.launch(two, parts=1, step_s=0.3, ends=UpstreamError("dead again"))
    await heard(second[0])
    assert isinstance(second[0].verdict, UpstreamError)
    assert str(second[0].verdict) == "dead again"


async def test_a_follower_that_is_cancelled_as_news_comes_is_cancelled(here: Process) -> None:
    led, _ = await here.board()
    waiting = asyncio.create_task(led.news(60))
    await asyncio.sleep(0)
    led.say()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await here.flights.close()
