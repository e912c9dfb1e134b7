"""The simulator on the wire: shapes, limits, seeds, continuation."""

import asyncio
import itertools
import sys
from typing import Any

import orjson
import pytest
from openai import AsyncOpenAI

from tests.loadtest.simulated import Client, client_of, simulator

EASY = "What is the capital of France?"
SUM = "What is 17 * 24 - 9?"


def joined(events: list[str], field: str) -> str:
    return "".join(
        choice["delta"].get(field) or ""
        for event in events[:-1]
        for choice in orjson.loads(event)["choices"]
    )


async def test_models_and_health_are_served(client: Client) -> None:
    async with client.session.get("/v1/models") as response:
        assert [m["id"] for m in (await response.json())["data"]] == [
            "sim-short",
            "sim-distilled",
            "sim-long",
        ]
    async with client.session.get("/health") as response:
        assert response.status == 200


async def test_a_stream_has_role_reasoning_content_finish_usage_done_in_this_order(
    client: Client,
) -> None:
    events = await client.stream(
        "sim-distilled", SUM, seed=1, stream_options={"include_usage": True}
    )
    assert events[-1] == "[DONE]"
    chunks = [orjson.loads(event) for event in events[:-1]]
    kinds = [
        "usage"
        if not chunk["choices"]
        else chunk["choices"][0]["finish_reason"] or next(iter(chunk["choices"][0]["delta"]))
        for chunk in chunks
    ]
    assert [kind for kind, _ in itertools.groupby(kinds)] == [
        "role",
        "reasoning_content",
        "content",
        "stop",
        "usage",
    ]


async def test_usage_comes_in_a_stream_only_when_asked_for(client: Client) -> None:
    events = await client.stream("sim-short", SUM, seed=1)
    assert not any("usage" in orjson.loads(event) for event in events[:-1])


async def test_streamed_and_whole_answers_are_the_same(client: Client) -> None:
    events = await client.stream("sim-distilled", SUM, seed=5)
    message = (await client.ask("sim-distilled", SUM, seed=5))["choices"][0]["message"]
    assert joined(events, "content") == message["content"]
    assert joined(events, "reasoning_content") == message["reasoning_content"]


async def test_usage_is_the_number_of_words_sent(client: Client) -> None:
    answer = await client.ask("sim-long", SUM, seed=1)
    message, usage = answer["choices"][0]["message"], answer["usage"]
    n_reasoning = len(message["reasoning_content"].split())
    assert usage["completion_tokens_details"]["reasoning_tokens"] == n_reasoning
    assert usage["completion_tokens"] == n_reasoning + len(message["content"].split())
    assert (await client.stats())["tokens_generated"] == usage["completion_tokens"]


async def test_the_long_tier_thinks_long_on_an_easy_question_and_the_short_one_does_not_think(
    client: Client,
) -> None:
    long = await client.ask("sim-long", EASY)
    short = await client.ask("sim-short", EASY)
    assert long["usage"]["completion_tokens_details"]["reasoning_tokens"] >= 600
    assert short["usage"]["completion_tokens_details"]["reasoning_tokens"] == 0
    assert all("Paris" in answer["choices"][0]["message"]["content"] for answer in (long, short))


async def test_a_seed_fixes_the_sample_and_another_seed_draws_another(client: Client) -> None:
    texts = [
        (await client.ask("sim-long", SUM, seed=s))["choices"][0]["message"]["reasoning_content"]
        for s in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]


async def test_without_a_seed_draws_differ(client: Client) -> None:
    texts = [
        (await client.ask("sim-long", SUM))["choices"][0]["message"]["reasoning_content"]
        for _ in range(2)
    ]
    assert texts[0] != texts[1]


async def test_max_tokens_cuts_and_says_so_and_thinking_may_eat_it_all(client: Client) -> None:
    answer = await client.ask("sim-long", SUM, max_completion_tokens=50)
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["choices"][0]["message"]["content"] == ""
    assert answer["usage"]["completion_tokens"] == 50


@pytest.mark.parametrize(
    "fields",
    [
        {"chat_template_kwargs": {"enable_thinking": False}},
        {"reasoning_effort": "none"},
        {"thinking_token_budget": 0},
        {"thinking": {"type": "disabled"}},
    ],
    ids=["template", "effort", "budget", "deepseek"],
)
async def test_thinking_can_be_switched_off(client: Client, fields: dict[str, Any]) -> None:
    answer = await client.ask("sim-long", SUM, **fields)
    assert answer["usage"]["completion_tokens_details"]["reasoning_tokens"] == 0
    assert "The answer is" in answer["choices"][0]["message"]["content"]


async def test_a_thinking_budget_is_kept_and_still_ends_in_an_answer(client: Client) -> None:
    answer = await client.ask("sim-long", SUM, thinking_token_budget=40)
    assert answer["usage"]["completion_tokens_details"]["reasoning_tokens"] == 40
    assert answer["choices"][0]["message"]["content"].startswith("The answer is")


@pytest.mark.parametrize(
    "stop", ["\n\n", "8\n\nstep", ["never", " = "]], ids=["blank", "across", "list"]
)
async def test_a_stop_string_ends_the_content_before_it(
    client: Client, stop: str | list[str]
) -> None:
    whole = (await client.ask("sim-short", SUM, seed=1))["choices"][0]["message"]["content"]
    answer = await client.ask("sim-short", SUM, seed=1, stop=stop)
    last = stop if isinstance(stop, str) else stop[-1]
    assert answer["choices"][0]["message"]["content"] == whole.split(last)[0] != whole
    assert answer["choices"][0]["finish_reason"] == "stop"


async def test_n_gives_that_many_different_samples_billed_together(client: Client) -> None:
    answer = await client.ask("sim-distilled", SUM, n=3, seed=1)
    messages = [choice["message"] for choice in answer["choices"]]
    assert len({message["reasoning_content"] for message in messages}) == 3
    n_words = sum(len(f"{m['reasoning_content']} {m['content']}".split()) for m in messages)
    assert answer["usage"]["completion_tokens"] == n_words


async def test_open_thinking_is_continued_as_thinking(client: Client) -> None:
    prefix = {"role": "assistant", "content": "<think>\nstep 1: 17 * 24 = 408\n\n"}
    messages = [{"role": "user", "content": SUM}, prefix]
    body = {"model": "sim-long", "messages": messages, "continue_final_message": True, "seed": 1}
    _, answer = await client.post(body)
    message = answer["choices"][0]["message"]
    assert "step 2: 408 - 9 = 399" in message["reasoning_content"]
    assert "step 1:" not in message["reasoning_content"]


async def test_closed_thinking_is_continued_with_the_bare_answer(client: Client) -> None:
    prefix = "<think>\nstep 1: 17 * 24 = 408\n\nstep 2: 408 - 9 = 399\n</think>\n\nFinal answer:"
    messages = [{"role": "user", "content": SUM}, {"role": "assistant", "content": prefix}]
    _, answer = await client.post(
        {"model": "sim-long", "messages": messages, "continue_final_message": True}
    )
    assert answer["choices"][0]["message"]["content"] == " 399"


async def test_thinking_handed_over_beside_a_prefix_has_ended(client: Client) -> None:
    thought = "step 1: 17 * 24 = 408\n\nstep 2: 408 - 9 = 399"
    prefix = {"role": "assistant", "content": "", "reasoning_content": thought, "prefix": True}
    messages = [{"role": "user", "content": SUM}, prefix]
    _, answer = await client.post({"model": "sim-long", "messages": messages})
    assert answer["choices"][0]["message"]["content"] == "The answer is 399."


async def test_a_corrupted_hand_over_is_counted(client: Client) -> None:
    prefix = {"role": "assistant", "content": "step 1: 17 * 24 = 777\n\n"}
    messages = [{"role": "user", "content": SUM}, prefix]
    await client.post({"model": "sim-long", "messages": messages, "continue_final_message": True})
    assert (await client.stats())["corrupted_handovers"] == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ([], 400),
        ({"model": "sim-short"}, 400),
        ({"model": "sim-short", "messages": ["hi"]}, 400),
        (
            {
                "model": "sim-short",
                "messages": [{"role": "user", "content": "1+1"}],
                "max_tokens": "many",
            },
            400,
        ),
        ({"model": "sim-nothing", "messages": [{"role": "user", "content": "1+1"}]}, 404),
        ({"model": "sim-short+nothing", "messages": [{"role": "user", "content": "1+1"}]}, 400),
    ],
    ids=["list", "no messages", "string message", "type", "model", "fault"],
)
async def test_bad_requests_get_the_error_envelope(client: Client, body: Any, status: int) -> None:
    seen, answer = await client.post(body)
    assert seen == status
    assert set(answer["error"]) == {"message", "type", "param", "code"}


async def test_odd_content_never_breaks_it(client: Client) -> None:
    for content in (
        None,
        [],
        [{"type": "image_url"}, {"type": "text", "text": "1+1"}],
        "\x00",
        "加",
        "9" * 5000,
    ):
        status, _ = await client.post(
            {"model": "sim-short", "messages": [{"role": "user", "content": content}]}
        )
        assert status == 200


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_a_client_that_leaves_stops_the_generation(*, stream: bool) -> None:
    with simulator("--speed", "0.5") as url:
        async with client_of(url) as client:
            body = client.body("sim-long", SUM, stream=stream)
            with pytest.raises(TimeoutError):
                async with (
                    asyncio.timeout(0.2),
                    client.session.post("/v1/chat/completions", json=body) as response,
                ):
                    await response.read()
            await asyncio.sleep(0.15)
            before = await client.stats()
            await asyncio.sleep(0.1)
            assert await client.stats() == before
            assert (before["cancelled_streams"], before["open_streams"]) == (1, 0)
            assert 0 < before["tokens_generated"] < 250


async def test_delays_are_per_token() -> None:
    with simulator("--speed", "1") as url:
        async with client_of(url) as client:
            clock = asyncio.get_running_loop().time
            started = clock()
            answer = await client.ask("sim-long", EASY)
            assert clock() - started >= answer["usage"]["completion_tokens"] / 1000


async def test_an_unreadable_replay_file_is_a_plain_error() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "loadtest.simulator",
        "--replay",
        "missing.jsonl",
        stderr=asyncio.subprocess.PIPE,
    )
    _, complaint = await process.communicate()
    assert process.returncode == 2
    assert b"missing.jsonl" in complaint
    assert b"Traceback" not in complaint


async def test_the_official_client_reads_it(simulator_url: str) -> None:
    async with AsyncOpenAI(base_url=f"{simulator_url}/v1", api_key="any") as openai:
        stream = await openai.chat.completions.create(
            model="sim-distilled",
            messages=[{"role": "user", "content": SUM}],
            stream=True,
            seed=1,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    assert "The answer is" in "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 80


async def test_a_long_hostile_message_is_answered_in_good_time(client: Client) -> None:
    async with asyncio.timeout(5):
        for content in ("step 1: " * 20_000, "(" * 200_000, "1+" * 100_000):
            assert (await client.ask("sim-short", content))["choices"]
