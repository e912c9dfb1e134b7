"""The voting tier: samples, agreement, one bill for all calls, and answers that are right more often."""

import asyncio
from math import comb
from random import Random

import pytest
from openai import AsyncOpenAI

from policies.answers import answer_key
from tests.e2e.hearing import ask, client_of
from tests.e2e.world import PRICES, Server, stats

N_QUESTIONS = 64


async def test_the_voting_tier_samples_and_agrees(client: AsyncOpenAI, stream: bool) -> None:
    heard = await ask(client, "What is 17 * 24 - 9?", model="auto:long", stream=stream)
    assert heard.router["strategy"] == heard.headers["x-router-strategy"] == "vote"
    assert 3 <= heard.router["samples"] <= 5
    assert 0.5 < heard.router["agreement"] <= 1
    assert heard.router["stop_reason"] in ("certain", "consensus", "exhausted")
    assert heard.router["calls"] >= heard.router["samples"]
    assert "399" in heard.text
    assert heard.finish == "stop"


async def test_the_bill_of_a_vote_is_the_sum_of_all_its_calls(
    client: AsyncOpenAI, upstream: str, stream: bool
) -> None:
    before = stats(upstream)
    # Prose has no answer to vote for: no stop rule is reached before all samples are in.
    heard = await ask(
        client, "Tell me a story.", model="auto:distilled", stream=stream, router={"n": 3}
    )
    after = stats(upstream)
    assert heard.usage is not None
    assert heard.router["samples"] == heard.router["calls"] == 3
    assert after["requests_total"] - before["requests_total"] == 3
    spent = after["tokens_generated"] - before["tokens_generated"]
    assert heard.usage["completion_tokens"] == heard.router["upstream_tokens"] == spent
    thought = after["reasoning_tokens"]["sim-distilled"] - before["reasoning_tokens"].get(
        "sim-distilled", 0
    )
    assert heard.reasoning_tokens == heard.router["thinking_tokens"] == thought
    price_in, price_out = PRICES["sim-distilled"]
    cost = (heard.usage["prompt_tokens"] * price_in + spent * price_out) / 1e6
    assert heard.router["cost_usd"] == pytest.approx(cost, abs=1e-8)


@pytest.mark.parametrize(
    ("wishes", "strategy", "most"),
    [
        ({"strategy": "vote", "n": 7}, "vote", 7),
        ({"n": 4}, "vote", 4),
        ({"tier": "long", "strategy": "single"}, "single", 1),
        ({"tier": "long", "n": 2}, "vote", 2),
    ],
    ids=["strategy and n", "n alone means vote", "a vote tier, one sample", "fewer samples"],
)
async def test_a_client_can_choose_strategy_and_samples(
    client: AsyncOpenAI, wishes: dict[str, str | int], strategy: str, most: int
) -> None:
    heard = await ask(client, "What is 12 * 12 + 5?", router=wishes)
    assert heard.router["strategy"] == strategy
    assert 1 <= heard.router["samples"] <= most
    assert heard.text


async def test_voting_beats_a_single_sample_by_more_than_chance(client: AsyncOpenAI) -> None:
    rng = Random(1)

    async def right(question: str, value: int, **wishes: str | int) -> bool:
        heard = await ask(client, question, model="auto:short", seed=value, router=wishes)
        return answer_key(heard.text) == f"number:{value}"

    asked = []
    for _ in range(N_QUESTIONS):
        value = start = rng.randrange(2, 40)
        words = [f"Start with {start}"]
        for _ in range(7):
            step = rng.randrange(2, 9)
            value += step
            words.append(f"add {step}")
        asked.append((", ".join(words) + ".", value))
    single = await asyncio.gather(*(right(*each) for each in asked))
    voted = await asyncio.gather(*(right(*each, strategy="vote", n=7) for each in asked))
    only_vote = sum(v and not s for v, s in zip(voted, single, strict=True))
    only_single = sum(s and not v for v, s in zip(voted, single, strict=True))
    differ = only_vote + only_single
    by_chance = sum(comb(differ, k) for k in range(only_vote, differ + 1)) / 2**differ
    assert by_chance < 0.01, f"{only_vote} won, {only_single} lost"


@pytest.mark.parametrize("total", [1, 60, 500, 3000])
async def test_a_small_total_shrinks_the_samples_and_never_refuses(
    client: AsyncOpenAI, total: int, stream: bool
) -> None:
    heard = await ask(
        client, "What is 17 * 24 - 9?", model="auto:long", stream=stream,
        router={"max_total_tokens": total},
    )  # fmt: skip
    assert heard.text
    assert heard.usage is not None
    assert heard.usage["completion_tokens"] <= total * 1.1 + 32


async def test_the_clients_output_ceiling_bounds_every_sample(
    client: AsyncOpenAI, stream: bool
) -> None:
    heard = await ask(
        client, "What is 17 * 24 - 9?", model="auto:long", stream=stream, max_completion_tokens=30
    )
    assert heard.usage is not None
    assert 0 < heard.usage["completion_tokens"] <= 30 * heard.router["calls"]


async def test_a_search_leaves_nothing_open(client: AsyncOpenAI, upstream: str) -> None:
    await ask(client, "What is 8 * 8?", model="auto:long")
    assert stats(upstream)["open_streams"] == 0


async def test_a_harder_look_at_the_same_question_starts_from_the_samples_there_are(
    client: AsyncOpenAI, stream: bool
) -> None:
    question = f"What is 31 * 12 + {7 + stream}?"
    first = await ask(
        client, question, model="auto:long", stream=stream, cache=None, router={"n": 5}
    )
    again = await ask(
        client, question, model="auto:long", stream=stream, cache=None, router={"n": 9}
    )
    assert first.router["calls"] >= 3
    assert again.cache == "miss"
    assert again.text == first.text
    assert again.usage is not None
    if first.router["agreement"] == 1.0 and first.router["samples"] > 3:
        assert again.router["calls"] == again.usage["completion_tokens"] == 0
    else:
        assert again.router["calls"] < 9


async def test_a_pool_that_does_not_agree_is_topped_up_with_new_seeds(client: AsyncOpenAI) -> None:
    for number in range(20):
        words = f"Start with {number + 3}, " + ", ".join(["multiply by 3, subtract 4"] * 4) + "."
        few = await ask(
            client, words, model="auto:short", cache=None, router={"strategy": "vote", "n": 3}
        )
        if few.router["agreement"] < 0.5:
            break
    more = await ask(
        client, words, model="auto:short", cache=None, router={"strategy": "vote", "n": 12}
    )
    assert few.router["agreement"] < 0.5
    assert 0 < more.router["calls"] <= 12 - few.router["samples"]


async def test_pools_are_a_tenants_own(proxy: Server) -> None:
    question = "What is 14 * 14 + 14?"
    for tenant in ("one", "two"):
        async with client_of(proxy.url, key=f"sk-{tenant}") as client:
            heard = await ask(client, question, model="auto:long", cache=None)
            assert heard.router["calls"] >= 3
