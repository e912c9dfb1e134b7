"""Flights whose leader or server is lost, and leaders whose clients leave."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pytest
from redis.asyncio import Redis

from router.cache import flights as flights_module
from router.cache.leases import DONE, GONE, Leases
from router.cache.redis_store import RedisStore
from router.cache.store import NullStore
from tests.router.cache.flying import RECORD, SAID, Process, heard, process


async def test_a_leader_that_dies_is_replaced_by_one_follower(
    here: Process, valkey: str, clean: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flights_module, "GRACE_S", 0.3)
    async with process(valkey) as dying:
        led, _ = await dying.board()
        lease = led.lease
        assert lease is not None
        dying.launch(led, parts=100, step_s=0.1)
        followers = [await here.board() for _ in range(5)]
        await asyncio.sleep(0.3)
        # As after SIGKILL: no word more, and no sign of life.
        for task in dying.flights._tasks:
            task.cancel()
        await (client := Redis.from_url(valkey)).delete(
            f"tt-process:{{{led.lease.process}}}:alive" if led.lease else ""
        )
        await client.aclose()
        flight = followers[0][0]
        await asyncio.wait_for(heard(flight), 5)
        assert flight.state == GONE
        boarded = await asyncio.gather(*[here.board(flight) for _ in range(5)])
        assert [leads for _, leads in boarded].count(True) == 1
        here.launch(boarded[0][0])
        assert await heard(boarded[1][0]) == SAID
        # The dead one wakes up: what it says reaches nobody.
        assert await dying.leases.tell(lease, [b"dstale"], DONE)
        found = await dying.leases.read(lease, 0)
        assert found is not None
        assert found[0] == GONE
        assert b"dstale" not in found[1]


async def test_a_flight_whose_leading_client_left_goes_on_for_its_followers(
    here: Process, there: Process
) -> None:
    led, _ = await here.board()
    here.launch(led, parts=3, step_s=0.2)
    followed, _ = await there.board()
    leaving = asyncio.create_task(here.flights.leave(led))
    assert await heard(followed) == SAID
    await leaving
    assert followed.final is not None


async def test_a_flight_that_nobody_follows_ends_with_its_client(
    here: Process, clean: Redis
) -> None:
    led, _ = await here.board()
    here.launch(led, parts=100, step_s=0.1)
    await asyncio.sleep(0.05)
    await here.flights.leave(led)
    assert led.pump is not None
    assert led.pump.cancelled()
    assert led.state == GONE
    assert await clean.exists(RECORD) == 0


async def test_a_flight_ends_when_its_last_follower_leaves_too(here: Process) -> None:
    led, _ = await here.board()
    here.launch(led, parts=100, step_s=0.1)
    followed, _ = await here.board()
    leaving = asyncio.create_task(here.flights.leave(led))
    await asyncio.sleep(0.05)
    assert not leaving.done()
    here.flights.alight(followed)
    await asyncio.wait_for(leaving, 1)
    assert led.state == GONE


async def test_without_a_server_one_process_still_shares() -> None:
    alone = Process(NullStore())
    led, leads = await alone.board()
    assert leads
    followed, leads = await alone.board()
    assert not leads
    alone.launch(led)
    assert await heard(followed) == SAID
    await alone.flights.close()


async def test_a_server_that_goes_away_leaves_each_process_on_its_own(
    short_server: Mapping[str, Any],
) -> None:
    async with process(short_server["url"]) as one, process(short_server["url"]) as two:
        led, _ = await one.board()
        one.launch(led, parts=20, step_s=0.1)
        followed, _ = await two.board()
        await asyncio.sleep(0.2)
        short_server["server"].terminate()
        await asyncio.wait_for(heard(followed), 5)
        assert followed.state == GONE
        again, leads = await two.board(followed)
        assert leads
        two.launch(again)
        assert await heard(again) == SAID


async def test_many_processes_try_to_lead_and_one_does(valkey: str, clean: Redis) -> None:
    store = RedisStore(valkey, secret=b"s" * 32, clock=time.monotonic)
    every = [Leases(store, 60) for _ in range(50)]
    leases = await asyncio.gather(*[one.lead(RECORD) for one in every])
    assert [lease.mine for lease in leases if lease].count(True) == 1
    assert len({lease.token for lease in leases if lease}) == 1
    # All find the leader lost, and again one takes its place.
    token = leases[0].token if leases[0] else ""
    after = await asyncio.gather(*[one.lead(RECORD, token) for one in every])
    assert [lease.mine for lease in after if lease].count(True) == 1
    assert {lease.token for lease in after if lease} != {token}
    await store.close()
