"""Every fault does what its name says."""

import asyncio

import aiohttp
import orjson
import pytest

from loadtest.simulator.faults import Fault
from tests.loadtest.simulated import Client

SUM = "What is 17 * 24 - 9?"


@pytest.mark.parametrize(
    ("fault", "status"),
    [("http-429", 429), ("http-500", 500), ("http-503", 503), ("http-400", 400)],
)
async def test_it_refuses(client: Client, fault: str, status: int) -> None:
    body = client.body(f"sim-long+{fault}", SUM)
    async with client.session.post("/v1/chat/completions", json=body) as response:
        assert response.status == status
        assert "message" in (await response.json())["error"]
        assert ("retry-after" in response.headers) == (status == 429)


async def test_a_header_asks_for_a_fault_too(client: Client) -> None:
    status, _ = await client.post(client.body("sim-long", SUM), x_sim_fault="http-503")
    assert status == 503


@pytest.mark.parametrize(("fault", "status"), [("html", 200), ("html-502", 502)])
async def test_html(client: Client, fault: str, status: int) -> None:
    async with client.session.post(
        "/v1/chat/completions", json=client.body(f"sim-long+{fault}", SUM)
    ) as response:
        assert (response.status, response.content_type) == (status, "text/html")


@pytest.mark.parametrize("fault", ["timeout", "forever"])
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_no_end_until_the_client_leaves(client: Client, fault: str, *, stream: bool) -> None:
    body = client.body(
        f"sim-short+{fault}", SUM, stream=stream, max_tokens=20, thinking_token_budget=10
    )
    with pytest.raises(TimeoutError):
        async with (
            asyncio.timeout(0.3),
            client.session.post("/v1/chat/completions", json=body) as response,
        ):
            await response.read()
    await asyncio.sleep(0.1)
    stats = await client.stats()
    assert (stats["cancelled"], stats["open_streams"]) == ({"sim-short": 1}, 0)
    assert (stats["tokens_generated"] > 50) == (fault == "forever")


async def test_ignoring_the_budget_still_honours_max_tokens(client: Client) -> None:
    answer = await client.ask(
        "sim-long+ignore-budget",
        SUM,
        thinking_token_budget=10,
        reasoning_effort="none",
        max_tokens=100,
    )
    assert answer["usage"]["completion_tokens_details"]["reasoning_tokens"] == 100


async def test_a_loop_repeats_one_sentence_for_pages(client: Client) -> None:
    message = (await client.ask("sim-long+loop", SUM))["choices"][0]["message"]
    assert message["reasoning_content"].count("Wait, maybe I should consider") == 400
    assert message["content"].startswith("The answer is")


async def test_no_usage_anywhere(client: Client) -> None:
    assert "usage" not in await client.ask("sim-short+no-usage", SUM)
    events = await client.stream("sim-short+no-usage", SUM, stream_options={"include_usage": True})
    assert all(not orjson.loads(event).get("usage") for event in events[:-1])


@pytest.mark.parametrize(("fault", "opened"), [("tags", 1), ("tags-unopened", 0)])
async def test_tags_come_in_the_content_and_split(client: Client, fault: str, opened: int) -> None:
    events = await client.stream(f"sim-distilled+{fault}", SUM, seed=1)
    pieces = [
        orjson.loads(event)["choices"][0]["delta"].get("content", "") for event in events[:-1]
    ]
    text = "".join(pieces)
    assert (text.count("<think>"), text.count("</think>")) == (opened, 1)
    assert not any("think>" in piece and "<" in piece for piece in pieces)
    assert "reasoning_content" not in str(events)
    whole = await client.ask(f"sim-distilled+{fault}", SUM, seed=1)
    assert whole["choices"][0]["message"]["content"] == text


async def test_the_other_field_name(client: Client) -> None:
    message = (await client.ask("sim-distilled+reasoning-field", SUM))["choices"][0]["message"]
    assert message["reasoning"]
    assert "reasoning_content" not in message


async def test_null_content(client: Client) -> None:
    answer = await client.ask("sim-distilled+null-content", SUM)
    assert answer["choices"][0]["message"]["content"] is None
    assert answer["choices"][0]["finish_reason"] == "stop"
    events = await client.stream("sim-distilled+null-content", SUM)
    assert not any(
        orjson.loads(event)["choices"][0]["delta"].get("content") for event in events[:-1]
    )


async def test_generating_on_after_the_client_has_gone(client: Client) -> None:
    async with client.session.post(
        "/v1/chat/completions",
        json=client.body("sim-long+keep-generating+slow-first", SUM, stream=True),
    ) as response:
        response.close()
    await asyncio.sleep(0.8)
    assert (await client.stats())["tokens_generated"] > 600


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_the_connection_dies_in_the_middle(client: Client, *, stream: bool) -> None:
    body = client.body("sim-long+die", SUM, stream=stream)
    async with client.session.post("/v1/chat/completions", json=body) as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_a_stream_without_a_finish(client: Client) -> None:
    events = await client.stream("sim-short+no-finish", SUM)
    assert "[DONE]" not in events
    assert all(orjson.loads(event)["choices"][0]["finish_reason"] is None for event in events)


async def test_an_event_that_is_not_json(client: Client) -> None:
    events = await client.stream("sim-long+bad-sse", SUM)
    broken = [event for event in events if not event.endswith(("}", "]"))]
    assert len(broken) == 1


async def test_the_first_token_is_slow(client: Client) -> None:
    clock = asyncio.get_running_loop().time
    started = clock()
    await client.ask("sim-short+slow-first", SUM)
    assert clock() - started >= 0.3


async def test_flaky_fails_once_per_key(client: Client) -> None:
    body = client.body("sim-short+flaky", SUM)
    statuses = [(await client.post(body, x_sim_key=key))[0] for key in ("a", "a", "b", "b")]
    assert statuses == [500, 200, 500, 200]


async def test_faults_combine(client: Client) -> None:
    events = await client.stream(
        "sim-short+ignore-budget+tags+no-usage", SUM, reasoning_effort="none"
    )
    assert "</th" in str(events)


async def test_the_complaint_about_an_unknown_fault_lists_all(client: Client) -> None:
    _, answer = await client.post(client.body("sim-long+nothing", SUM))
    assert all(fault.value in answer["error"]["message"] for fault in Fault)
