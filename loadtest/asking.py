"""Sends recorded questions through a running proxy and grades what comes back by the record."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from loadtest.records import TIERS, USD_PER_MILLION, Record

_TIMEOUT_S = 120.0

PRICE_TOLERANCE = 0.01
"""How far a cost that the proxy tells may be from the declared one, relative."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one question.

    Attributes:
        tier: The tier that answered; empty when the request failed.
        tokens: Completion tokens of `usage`, all calls together.
        is_recorded: The text is a recorded one, so its grade is the grade of this very text.
        correct: Its grade.
        cost_usd: Declared price of the tokens if there was one call; what the proxy says if there were more.
        priced_alike: The proxy reckons with the declared prices, as far as this answer shows.
        error: Why it failed; empty when it did not.
    """

    tier: str
    tokens: int
    is_recorded: bool
    correct: bool = False
    cost_usd: float = 0.0
    priced_alike: bool = True
    error: str = ""


async def ask_all(
    url: str,
    records: Sequence[Record],
    *,
    model: str,
    concurrency: int,
    headers: Mapping[str, str],
    told: Callable[[], None] = lambda: None,
) -> list[Reply]:
    """Send every question once through the proxy; the replies are in the order of the records.

    Args:
        url: The proxy, without /v1.
        records: The questions.
        model: As a client names it.
        concurrency: Requests at a time.
        headers: Of every request.
        told: Called at every reply.
    """
    gate = asyncio.Semaphore(concurrency)
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:

        async def ask(record: Record) -> Reply:
            async with gate:
                try:
                    return await _ask(session, url, record, model)
                except (aiohttp.ClientError, TimeoutError) as error:
                    return _failed(f"{type(error).__name__}: {error}")
                finally:
                    told()

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(record)) for record in records]
    return [task.result() for task in tasks]


def bearer(key: str) -> dict[str, str]:
    """Return the headers of a client with this key; none without one."""
    return {"authorization": f"Bearer {key}"} if key else {}


async def _ask(session: aiohttp.ClientSession, url: str, record: Record, model: str) -> Reply:
    body = {"model": model, "messages": [{"role": "user", "content": record.prompt}]}
    async with session.post(f"{url}/v1/chat/completions", json=body) as response:
        raw = await response.read()
        tier = response.headers.get("x-router-tier", "")
    if response.status != 200:
        return _failed(f"HTTP {response.status}: {raw[:200].decode(errors='replace')}")
    if tier not in record.outputs:
        return _failed(f"x-router-tier is {tier!r}, not one of {', '.join(TIERS)}")
    try:
        answer = orjson.loads(raw)
        text = answer["choices"][0]["message"]["content"] or ""
        tokens = int(answer["usage"]["completion_tokens"])
    except (orjson.JSONDecodeError, LookupError, TypeError) as error:
        return _failed(f"not a chat completion: {error!r}")
    return _graded(record, tier, text, tokens, answer.get("router") or {})


def _graded(record: Record, tier: str, text: str, tokens: int, router: Mapping[str, Any]) -> Reply:
    found = record.recorded_as(tier, text)
    grade = found or record.outputs[tier]
    declared = tokens * USD_PER_MILLION[tier] / 1e6
    told = float(router.get("cost_usd", declared))
    is_one_call = router.get("calls", 1) == 1
    return Reply(
        tier,
        tokens,
        is_recorded=found is not None,
        correct=grade.correct,
        cost_usd=declared if is_one_call else told,
        priced_alike=not is_one_call or abs(told - declared) <= PRICE_TOLERANCE * declared,
    )


def _failed(error: str) -> Reply:
    return Reply("", 0, is_recorded=False, error=error)
