"""The Responses API over real HTTP, through the official client."""

from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI
from openai.types.responses import Response

from tests.e2e.hearing import ROUTER_KEYS, client_of
from tests.e2e.world import Server, configured, ladder, model, serving, stats

EASY = "What is 6 * 7?"
FRESH = {"router": {"cache": "no-store"}}


def router_of(response: Response) -> dict[str, Any]:
    """Return our own object on a response."""
    assert response.model_extra is not None
    found: dict[str, Any] = response.model_extra["router"]
    return found


async def test_a_text_is_answered_with_items_and_usage(client: AsyncOpenAI) -> None:
    response = await client.responses.create(model="auto:long", input=EASY, extra_body=FRESH)
    kinds = [item.type for item in response.output]
    assert kinds == ["reasoning", "message"]
    assert "answer is" in response.output_text
    assert response.status == "completed"
    assert response.id.startswith("resp_")
    assert response.usage is not None
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens
    assert response.usage.output_tokens_details.reasoning_tokens > 0
    assert set(router_of(response)) >= ROUTER_KEYS - {"unenforced"}
    assert router_of(response)["tier"] == "long"


async def test_the_events_of_a_stream_come_in_order(client: AsyncOpenAI) -> None:
    stream = await client.responses.create(
        model="sim-long", input=EASY, stream=True, extra_body=FRESH
    )
    events = [event async for event in stream]
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    once = list(dict.fromkeys(kinds))
    assert once == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.completed",
    ]
    said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == said
    assert events[-1].response.usage is not None
    assert router_of(events[-1].response)["model"] == "sim-long"


@pytest.mark.parametrize("model", ["auto:short", "auto:long"], ids=["single", "search"])
async def test_the_stream_helper_puts_a_response_together(client: AsyncOpenAI, model: str) -> None:
    async with client.responses.stream(model=model, input=EASY, extra_body=FRESH) as stream:
        said = [event.delta async for event in stream if event.type == "response.output_text.delta"]
        response = await stream.get_final_response()
    assert "".join(said) == response.output_text
    assert "answer is" in response.output_text


async def test_a_stored_answer_has_an_id_of_its_own(client: AsyncOpenAI, stream: bool) -> None:
    asked: dict[str, Any] = {"model": "auto", "input": f"What is 12 * 11? ({stream})"}
    answers = []
    for _ in range(2):
        if stream:
            async with client.responses.stream(**asked) as heard:
                answers.append(await heard.get_final_response())
        else:
            answers.append(await client.responses.create(**asked))
    first, again = answers
    assert first.id != again.id
    assert first.output_text == again.output_text
    assert (router_of(first)["calls"], router_of(again)["calls"]) == (1, 0)
    assert again.usage is not None
    assert again.usage.total_tokens == 0


async def test_a_conversation_goes_on_from_a_response(client: AsyncOpenAI, stream: bool) -> None:
    first = await client.responses.create(
        model="auto:short", input="What is 20 + 5?", instructions="Be brief.", extra_body=FRESH
    )
    asked: dict[str, Any] = {
        "model": "auto:short", "input": EASY, "previous_response_id": first.id, "extra_body": FRESH,
    }  # fmt: skip
    if stream:
        async with client.responses.stream(**asked) as heard:
            second = await heard.get_final_response()
    else:
        second = await client.responses.create(**asked)
    assert second.previous_response_id == first.id
    assert first.usage is not None
    assert second.usage is not None
    assert second.usage.input_tokens > first.usage.input_tokens
    third = await client.responses.create(
        model="auto:short", input=EASY, previous_response_id=second.id, extra_body=FRESH
    )
    assert third.usage is not None
    assert third.usage.input_tokens > second.usage.input_tokens


async def test_a_kept_response_can_be_read_and_removed(client: AsyncOpenAI) -> None:
    response = await client.responses.create(model="auto", input=EASY, extra_body=FRESH)
    read = await client.responses.retrieve(response.id)
    assert read.output_text == response.output_text
    await client.responses.delete(response.id)
    with pytest.raises(openai.NotFoundError, match="no response"):
        await client.responses.retrieve(response.id)
    with pytest.raises(openai.NotFoundError):
        await client.responses.delete(response.id)


async def test_what_is_not_to_be_stored_is_not_found(client: AsyncOpenAI) -> None:
    response = await client.responses.create(
        model="auto", input=EASY, store=False, extra_body=FRESH
    )
    with pytest.raises(openai.NotFoundError) as caught:
        await client.responses.create(model="auto", input=EASY, previous_response_id=response.id)
    assert caught.value.code == "response_not_found"


async def test_another_client_finds_nothing(proxy: Server, client: AsyncOpenAI) -> None:
    response = await client.responses.create(model="auto", input=EASY, extra_body=FRESH)
    async with client_of(proxy.url, key="somebody-else") as other:
        with pytest.raises(openai.NotFoundError):
            await other.responses.retrieve(response.id)
        with pytest.raises(openai.NotFoundError):
            await other.responses.create(model="auto", input=EASY, previous_response_id=response.id)


async def test_without_a_cache_the_process_keeps_responses(upstream: str) -> None:
    config = ladder(upstream, cache={"url": "off"})
    with serving(config) as server:
        async with client_of(server.url) as client:
            first = await client.responses.create(model="auto", input=EASY)
            again = await client.responses.create(
                model="auto", input="And 7 * 8?", previous_response_id=first.id
            )
            assert again.previous_response_id == first.id
            await client.responses.delete(first.id)
            with pytest.raises(openai.NotFoundError):
                await client.responses.retrieve(first.id)


async def test_an_answer_that_is_cut_is_incomplete(client: AsyncOpenAI, stream: bool) -> None:
    asked: dict[str, Any] = {
        "model": "sim-short", "input": EASY, "max_output_tokens": 2, "extra_body": FRESH,
    }  # fmt: skip
    if stream:
        heard = await client.responses.create(**asked, stream=True)
        *_, last = [event async for event in heard]
        assert last.type == "response.incomplete"
        response = last.response
    else:
        response = await client.responses.create(**asked)
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"tools": [{"type": "web_search"}]}, "web_search is no function"),
        ({"background": True}, "background is not served here"),
        ({"conversation": "conv_1"}, "previous_response_id"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "item_reference"),
        ({"max_output_tokens": 0}, "max_output_tokens must be"),
        ({"reasoning": {"effort": "heroic"}}, "reasoning.effort must be one of"),
        ({"input": 7}, "input must be a text or a list of items"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
async def test_what_a_chat_cannot_express_is_refused(
    client: AsyncOpenAI, fields: dict[str, Any], says: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=says):
        await client.responses.create(**{"model": "auto", "input": EASY} | fields)


async def test_a_stream_that_breaks_off_ends_as_failed(upstream: str) -> None:
    dying = model(upstream, "sim-long+die")
    tiers = [{"name": name, "models": ["sim-long+die"]} for name in ("a", "b")]
    with serving(configured([dying], tiers)) as server:
        async with client_of(server.url) as client:
            heard = await client.responses.create(model="auto", input=EASY, stream=True)
            events = [event async for event in heard]
    assert events[-1].type == "response.failed"
    assert events[-1].response.error is not None
    assert events[-1].response.error.code == "server_error"
    assert [event.sequence_number for event in events] == list(range(len(events)))


async def test_a_dry_run_explains_the_decision(proxy: Server) -> None:
    body = {"model": "auto", "input": EASY, "router": {"dry_run": True}}
    async with httpx.AsyncClient(verify=False) as http:
        reply = await http.post(f"{proxy.url}/v1/responses", json=body)
    assert reply.json()["cause"] == "classifier"


async def test_effort_is_a_ceiling(upstream: str, client: AsyncOpenAI) -> None:
    before = stats(upstream)["reasoning_tokens"].get("sim-long", 0)
    response = await client.responses.create(
        model="auto:long", input=EASY, reasoning={"effort": "none"}, extra_body=FRESH
    )
    assert response.usage is not None
    assert response.usage.output_tokens_details.reasoning_tokens == 0
    assert stats(upstream)["reasoning_tokens"].get("sim-long", 0) == before
