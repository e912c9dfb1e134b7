"""``POST /v1/messages`` as Anthropic's official client sees it, and what the upstream sees of it."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic.types import Message

from tests.e2e.recorder import Recorder, completion, recording
from tests.e2e.world import Server, configured, ladder, model, serving
from tests.fakes import chunk, usage_chunk

SUM = "What is 17 * 24 - 9?"
WEATHER = "What is the weather in Paris and Rome?"
SMALL_BODY = 100_000

TOOLS: list[Any] = [
    {
        "name": name,
        "description": f"The {name}.",
        "input_schema": {
            "type": "object",
            "properties": {field: {"type": "string"}},
            "required": [field],
        },
    }
    for name, field in (("get_weather", "city"), ("calculator", "expression"))
]


def client_of(server: Server, key: str = "tester") -> anthropic.Anthropic:
    http = httpx2.Client(verify=False, timeout=30)
    return anthropic.Anthropic(base_url=server.url, api_key=key, max_retries=0, http_client=http)


@pytest.fixture(scope="module")
def client(proxy: Server) -> Iterator[anthropic.Anthropic]:
    """An official client of the usual proxy."""
    with client_of(proxy) as client:
        yield client


@pytest.fixture(scope="module")
def recorded() -> Iterator[tuple[anthropic.Anthropic, Recorder]]:
    """A client of a proxy whose upstream writes down what it is sent."""
    with recording() as recorder:
        entry = model(recorder.url, "sim-short")
        tiers = [
            {"name": "short", "models": ["sim-short"], "thinking": "off"},
            {"name": "long", "models": ["sim-short"], "thinking": "on",
             "max_thinking_tokens": 4096},
        ]  # fmt: skip
        config = configured(
            [entry], tiers, cache={"url": "off"}, limits={"max_body_bytes": SMALL_BODY},
            keys=[{"key": "right", "tenant": "t"}, {"key": "short-only", "tenant": "t", "tiers": ["short"]}],
        )  # fmt: skip
        with serving(config) as server, client_of(server, "right") as client:
            yield client, recorder
            assert "Traceback" not in server.said()


@pytest.fixture
def upstream_of(recorded: tuple[anthropic.Anthropic, Recorder]) -> Recorder:
    recorded[1].forget()
    return recorded[1]


@pytest.fixture
def asking(recorded: tuple[anthropic.Anthropic, Recorder]) -> anthropic.Anthropic:
    return recorded[0]


def user(content: Any) -> list[Any]:
    return [{"role": "user", "content": content}]


def ask(
    client: anthropic.Anthropic, content: Any, *, streamed: bool = False, **fields: Any
) -> Message:
    """Return the message for one user turn, plain or through the streaming helper."""
    given: dict[str, Any] = {"model": "auto:long", "max_tokens": 8000} | fields
    given["extra_body"] = {"router": {"cache": "no-store"}} | given.get("extra_body", {})
    if "messages" not in given:
        given["messages"] = user(content)
    if not streamed:
        return client.messages.create(**given)
    with client.messages.stream(**given) as stream:
        return stream.get_final_message()


def kinds(message: Message) -> list[str]:
    return [block.type for block in message.content]


def test_a_question_gets_its_answer(client: anthropic.Anthropic, stream: bool) -> None:
    message = ask(client, SUM, streamed=stream)
    assert kinds(message) == ["text"], "reasoning is shown only to those who ask for it"
    assert "399" in message.content[0].text  # type: ignore[union-attr]
    assert (message.role, message.type) == ("assistant", "message")
    assert message.id.startswith("msg_")
    assert (message.stop_reason, message.stop_sequence) == ("end_turn", None)
    assert message.usage.output_tokens_details is not None
    thought = message.usage.output_tokens_details.thinking_tokens
    assert 0 < thought < message.usage.output_tokens
    assert message.usage.input_tokens > 0


@pytest.mark.parametrize(
    "thinking", [{"type": "enabled", "budget_tokens": 2000}, {"type": "adaptive"}]
)
def test_thinking_is_shown_to_those_who_ask_and_never_signed(
    client: anthropic.Anthropic, stream: bool, thinking: Any
) -> None:
    message = ask(client, SUM, streamed=stream, model="auto:distilled", thinking=thinking)
    thought, said = message.content
    assert thought.type == "thinking"
    assert thought.thinking
    assert thought.signature == ""
    assert said.type == "text"
    assert "399" in said.text


@pytest.mark.parametrize(
    "thinking", [{"type": "disabled"}, {"type": "adaptive", "display": "omitted"}]
)
def test_thinking_is_not_shown_otherwise(
    client: anthropic.Anthropic, stream: bool, thinking: Any
) -> None:
    message = ask(client, SUM, streamed=stream, model="auto:distilled", thinking=thinking)
    assert kinds(message) == ["text"]
    details = message.usage.output_tokens_details
    assert details is not None
    assert (details.thinking_tokens == 0) == (thinking["type"] == "disabled")


def test_the_tool_loop_of_the_manual(client: anthropic.Anthropic, stream: bool) -> None:
    messages = user(WEATHER)
    called = ask(client, "", streamed=stream, messages=messages, tools=TOOLS)
    assert called.stop_reason == "tool_use"
    uses = [block for block in called.content if block.type == "tool_use"]
    assert [(use.name, use.input) for use in uses] == [
        ("get_weather", {"city": "Paris"}),
        ("get_weather", {"city": "Rome"}),
    ]
    results = [
        {
            "type": "tool_result",
            "tool_use_id": use.id,
            "content": f"{use.input['city']}: 18 degrees",
        }
        for use in uses
    ]
    messages += [{"role": "assistant", "content": called.content}, *user(results)]
    told = ask(client, "", streamed=stream, messages=messages, tools=TOOLS)
    assert told.stop_reason == "end_turn"
    assert kinds(told) == ["text"]
    assert told.content[0].text == "The tools say: Paris: 18 degrees; Rome: 18 degrees"  # type: ignore[union-attr]


def test_the_clients_own_tool_runner_works(client: anthropic.Anthropic) -> None:
    asked: list[str] = []

    @anthropic.beta_tool
    def calculator(expression: str) -> str:
        """Work out an arithmetic expression.

        Args:
            expression: The expression.
        """
        asked.append(expression)
        return "399"

    runner = client.beta.messages.tool_runner(
        model="auto:short", max_tokens=900, tools=[calculator], messages=user(f"Calculate: {SUM}")
    )
    last = runner.until_done()
    assert asked == ["17 * 24 - 9"]
    assert "399" in last.content[0].text  # type: ignore[union-attr]


def test_one_call_at_a_time_where_parallel_calls_are_off(client: anthropic.Anthropic) -> None:
    choice = {"type": "any", "disable_parallel_tool_use": True}
    called = ask(client, WEATHER, tools=TOOLS, tool_choice=choice)
    assert kinds(called) == ["tool_use"]
    none = ask(client, WEATHER, tools=TOOLS, tool_choice={"type": "none"})
    assert kinds(none) == ["text"]


def test_a_stop_sequence_is_named(client: anthropic.Anthropic, stream: bool) -> None:
    message = ask(client, SUM, streamed=stream, model="auto:short", stop_sequences=["step 2"])
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "step 2")


def test_max_tokens_is_a_ceiling(client: anthropic.Anthropic, stream: bool) -> None:
    message = ask(client, SUM, streamed=stream, model="auto:short", max_tokens=3)
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens <= 3


def test_the_router_object_comes_along(client: anthropic.Anthropic, stream: bool) -> None:
    given = {"service_tier": "auto", "router": {"cache": "no-store"}}
    if not stream:
        router = ask(client, SUM, model="auto:short", extra_body=given).router  # type: ignore[attr-defined]
    else:
        events = client.messages.create(
            model="auto:short", max_tokens=99, messages=user(SUM), stream=True, extra_body=given
        )
        (router,) = (event.router for event in events if event.type == "message_delta")  # type: ignore[attr-defined]
    assert (router["tier"], router["cause"]) == ("short", "forced")
    assert router["cost_usd"] > 0
    assert router["ignored"] == ["service_tier"]


def test_events_come_in_anthropics_order(client: anthropic.Anthropic) -> None:
    raw = client.messages.with_streaming_response.create(
        model="auto:distilled", max_tokens=4000, messages=user(WEATHER), tools=TOOLS, stream=True,
        thinking={"type": "adaptive"}, extra_body={"router": {"cache": "no-store"}},
    )  # fmt: skip
    with raw as response:
        lines = list(response.iter_lines())
        headers = response.headers
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["x-router-tier"] == "distilled"
    assert headers["request-id"] == headers["x-request-id"] == headers["x-router-decision-id"]
    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    events = [
        json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")
    ]
    assert [event["type"] for event in events] == names
    assert names[0] == "message_start"
    assert names[-2:] == ["message_delta", "message_stop"]
    spelled = [
        (e["type"].removeprefix("content_block_"), e["index"]) for e in events if "index" in e
    ]
    once = list(dict.fromkeys(spelled))
    assert once == [(name, i) for i in range(3) for name in ("start", "delta", "stop")]
    assert spelled == sorted(spelled, key=lambda said: said[1]), "one block after another"


def test_a_long_search_pings(upstream: str) -> None:
    """The first sign of life comes after ten seconds; a search that thinks aloud needs none. Here: its form."""
    from router.wire.anthropic_stream import MessageEvents
    from tests.fakes import query

    assert MessageEvents(query()).comment(b": x\n\n") == b'event: ping\ndata: {"type":"ping"}\n\n'


SEEN: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("system as a string", {"system": "Be brief."}, {"messages": [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]}),
    ("system as blocks", {"system": [{"type": "text", "text": "Be brief.",
                                      "cache_control": {"type": "ephemeral"}},
                                     {"type": "text", "text": "Be kind."}]},
     {"messages": [{"role": "system", "content": [{"type": "text", "text": "Be brief."},
                                                  {"type": "text", "text": "Be kind."}]},
                   {"role": "user", "content": "Hi"}]}),
    ("an image, sent along", {"messages": user([
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
        {"type": "text", "text": "What is it?"}])},
     {"messages": user([{"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
                        {"type": "text", "text": "What is it?"}])}),
    ("an image by address", {"messages": user([
        {"type": "image", "source": {"type": "url", "url": "https://x.invalid/y.png"}}])},
     {"messages": user([{"type": "image_url", "image_url": {"url": "https://x.invalid/y.png"}}])}),
    ("stop sequences, user, top_k", {"stop_sequences": ["END"], "metadata": {"user_id": "u1"},
                                     "extra_body": {"top_k": 7, "min_p": 0.1, "temperature": 0.3}},
     {"stop": ["END"], "user": "u1", "top_k": 7, "min_p": 0.1, "temperature": 0.3}),
    ("a tool choice", {"tools": TOOLS[:1], "tool_choice": {"type": "tool", "name": "get_weather"}},
     {"tool_choice": {"type": "function", "function": {"name": "get_weather"}},
      "tools": [{"type": "function", "function": {
          "name": "get_weather", "description": "The get_weather.",
          "parameters": TOOLS[0]["input_schema"]}}]}),
    ("a schema of the answer", {"output_config": {"format": {
        "type": "json_schema", "schema": {"type": "object"}}}},
     {"response_format": {"type": "json_schema", "json_schema": {
         "name": "answer", "schema": {"type": "object"}, "strict": True}}}),
    ("parallel tool results, one failed, one with an image", {"messages": [
        *user("Hi"),
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": ""},
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
            {"type": "tool_use", "id": "b", "name": "f", "input": {}}]},
        *user([{"type": "tool_result", "tool_use_id": "a", "is_error": True, "content": "no"},
               {"type": "tool_result", "tool_use_id": "b", "content": [
                   {"type": "text", "text": "seen"},
                   {"type": "image", "source": {"type": "url", "url": "https://x.invalid/y"}}]},
               {"type": "text", "text": "Go on."}])]},
     {"messages": [
         *user("Hi"),
         {"role": "assistant", "content": "I look.", "tool_calls": [
             {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
             {"id": "b", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
         {"role": "tool", "tool_call_id": "a", "content": "Error: no"},
         {"role": "tool", "tool_call_id": "b", "content": "seen"},
         *user([{"type": "image_url", "image_url": {"url": "https://x.invalid/y"}},
                {"type": "text", "text": "Go on."}])]}),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "seen"), [case[1:] for case in SEEN], ids=[c[0] for c in SEEN])
def test_the_upstream_is_sent_chat_completions(
    asking: anthropic.Anthropic, upstream_of: Recorder, fields: Any, seen: dict[str, Any]
) -> None:
    ask(asking, "Hi", model="auto:short", **fields)
    body = upstream_of.body
    assert {name: body.get(name) for name in seen} == seen
    assert not {"system", "stop_sequences", "metadata", "output_config", "cache_control"} & set(
        body
    )


@pytest.mark.parametrize(
    ("thinking", "config", "budget"),
    [
        ({"type": "enabled", "budget_tokens": 1500}, None, 1500),
        ({"type": "enabled", "budget_tokens": 60000}, None, 4096),
        (None, {"effort": "low"}, 1024),
        ({"type": "adaptive"}, None, 4096),
        ({"type": "disabled"}, None, None),
    ],
)
def test_a_thinking_budget_lowers_and_never_raises(
    asking: anthropic.Anthropic,
    upstream_of: Recorder,
    thinking: Any,
    config: Any,
    budget: int | None,
) -> None:
    given = {"thinking": thinking} if thinking else {"output_config": config}
    ask(
        asking,
        "Prove that there are infinitely many primes.",
        max_tokens=64000,
        streamed=True,
        **given,
    )
    sent = upstream_of.body.get("thinking_token_budget")
    assert sent is None if budget is None else 0 < sent <= budget
    assert upstream_of.body.get("max_tokens", 0) <= 64000


def test_a_whole_answer_becomes_blocks(asking: anthropic.Anthropic, upstream_of: Recorder) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}
    upstream_of.answer = completion(
        "tool_calls", content="Let me see.", reasoning_content="Hm.", tool_calls=[call]
    )
    message = ask(asking, "Hi", model="auto:short", thinking={"type": "adaptive"})
    assert kinds(message) == ["thinking", "text", "tool_use"]
    assert message.content[2].input == {}  # type: ignore[union-attr]
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (8, 12, 9)


def test_a_refusal_is_told(asking: anthropic.Anthropic, upstream_of: Recorder) -> None:
    upstream_of.answer = completion(refusal="I will not.")
    message = ask(asking, "Hi", model="auto:short")
    assert message.stop_reason == "refusal"
    assert message.content[0].text == "I will not."  # type: ignore[union-attr]


def test_arguments_that_are_no_object_are_the_upstreams_fault(
    asking: anthropic.Anthropic, upstream_of: Recorder
) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{nonsense"}}
    upstream_of.answer = completion("tool_calls", tool_calls=[call])
    with pytest.raises(anthropic.InternalServerError) as bad:
        ask(asking, "Hi", model="auto:short")
    assert (bad.value.status_code, bad.value.error_code) == (502, "upstream_error")


@pytest.mark.parametrize("name", ["claude-sonnet-4-5", "some-other-model"])
def test_claudes_own_signature_passes_and_nobody_elses(
    asking: anthropic.Anthropic, upstream_of: Recorder, stream: bool, name: str
) -> None:
    signed = {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"}
    upstream_of.answer = completion(content="ok", reasoning_content="Hm.", thinking_blocks=[signed])
    upstream_of.answer["model"] = name
    upstream_of.events = [
        chunk({"role": "assistant", "reasoning_content": "Hm."}, model=name),
        chunk({"thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "c2lnbmVk"}]}),
        chunk({"content": "ok"}), chunk({}, "stop"), usage_chunk(3), b"[DONE]",
    ]  # fmt: skip
    message = ask(asking, "Hi", model="auto:short", thinking={"type": "adaptive"}, streamed=stream)
    thought = message.content[0]
    assert thought.type == "thinking"
    assert thought.thinking == "Hm."
    assert thought.signature == ("c2lnbmVk" if "claude" in name else "")


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"system": 4}, "system"), ({"messages": []}, "messages"),
    ({"messages": [*user("Hi"), {"role": "assistant", "content": "The answer is"}]}, "messages"),
    ({"messages": user([{"type": "video"}])}, "messages[0].content[0]"),
    ({"messages": [{"role": ["user"], "content": "x"}]}, "messages[0]"),
    ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"), ({"thinking": {"type": "odd"}}, "thinking.type"),
    ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0]"),
    ({"tools": [{"name": "f"}]}, "tools[0].input_schema"), ({"tool_choice": {"type": "tool"}}, "tool_choice"),
    ({"stop_sequences": "END"}, "stop_sequences"), ({"max_tokens": 0}, "max_tokens"),
    ({"extra_body": {"n": 2}}, "n"), ({"extra_body": {"mcp_servers": []}}, "mcp_servers"),
    ({"extra_body": {"api_base": "http://169.254.169.254"}}, "api_base"),
    ({"extra_body": {"router": {"tier": "huge"}}}, "router.tier"),
    ({"output_config": {"effort": "huge"}}, "reasoning_effort"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "param"), REFUSALS, ids=[json.dumps(f)[:50] for f, _ in REFUSALS]
)
def test_what_cannot_be_served_is_refused_by_name(
    asking: anthropic.Anthropic, upstream_of: Recorder, fields: Any, param: str
) -> None:
    with pytest.raises(anthropic.BadRequestError) as bad:
        ask(asking, "Hi", **fields)
    error = bad.value.body["error"]  # type: ignore[index]
    assert error["type"] == bad.value.type == "invalid_request_error"
    assert error["details"]["param"] == param
    assert bad.value.error_code == "invalid_request"
    assert bad.value.request_id
    assert upstream_of.bodies == []


def test_the_client_raises_the_class_of_every_status(
    recorded: tuple[anthropic.Anthropic, Recorder], client: anthropic.Anthropic
) -> None:
    asking, _ = recorded
    with pytest.raises(anthropic.NotFoundError) as missing:
        ask(client, "Hi", model="claude-nobody")
    assert missing.value.error_code == "model_not_found"
    with pytest.raises(anthropic.AuthenticationError) as unknown:
        ask(asking.copy(api_key="wrong"), "Hi")
    assert unknown.value.type == "authentication_error"
    with pytest.raises(anthropic.PermissionDeniedError) as closed:
        ask(asking.copy(api_key="short-only"), "Hi")
    assert closed.value.type == "permission_error"
    with pytest.raises(anthropic.APIStatusError) as large:
        ask(asking, "x" * SMALL_BODY)
    assert type(large.value).__name__ == "ContentTooLargeError"
    with pytest.raises(anthropic.APIStatusError) as nowhere:
        asking.messages.batches.list()
    assert nowhere.value.status_code == 404
    assert nowhere.value.type == "not_found_error"


@pytest.mark.parametrize(
    ("fault", "kind", "retry_after"),
    [
        ("http-429", "RateLimitError", "1"), ("http-503", "ServiceUnavailableError", "1"),
        ("http-500", "InternalServerError", None), ("http-400", "BadRequestError", None),
    ],
)  # fmt: skip
def test_an_upstreams_failure_has_its_class(
    upstream: str, fault: str, kind: str, retry_after: str | None
) -> None:
    models = [model(upstream, f"sim-short+{fault}"), model(upstream, "sim-long")]
    tiers = [
        {"name": name, "models": [m["model_name"]]} for name, m in zip("ab", models, strict=True)
    ]
    with serving(configured(models, tiers, retries=0)) as server, client_of(server) as client:
        with pytest.raises(anthropic.APIStatusError) as failed:
            ask(client, "Hi", model="auto:a")
    assert type(failed.value).__name__ == kind
    headers = failed.value.response.headers
    if retry_after:
        assert int(headers["retry-after"]) >= int(retry_after)


def test_a_stream_that_breaks_off_is_an_error_event(
    asking: anthropic.Anthropic, upstream_of: Recorder
) -> None:
    upstream_of.events = [chunk({"role": "assistant", "content": "The"}), chunk({"content": " an"})]
    got: list[str] = []
    with pytest.raises(anthropic.APIStatusError) as broken:  # noqa: PT012 - it breaks in the middle
        with asking.messages.stream(
            model="auto:short", max_tokens=9, messages=user("Hi")
        ) as stream:
            for event in stream:
                got.append(event.type)
    assert got[0] == "message_start"
    assert "message_stop" not in got
    assert broken.value.type == "api_error"


def test_tokens_are_counted_and_said_to_be_estimated(asking: anthropic.Anthropic) -> None:
    words = "How many roads must a man walk down before you call him a man?"
    count = asking.messages.count_tokens(model="auto", messages=user(words))
    assert len(words) // 5 < count.input_tokens < len(words) // 2
    assert count.estimated is True  # type: ignore[attr-defined]
    more = asking.messages.count_tokens(
        model="auto", system="Be brief.", tools=TOOLS, messages=user(words)
    )
    assert more.input_tokens > count.input_tokens + 20
    with pytest.raises(anthropic.BadRequestError):
        asking.messages.count_tokens(model="auto", messages=[])
    with pytest.raises(anthropic.APIStatusError) as large:
        asking.messages.count_tokens(model="auto", messages=user("x" * SMALL_BODY))
    assert large.value.status_code == 413
    with pytest.raises(anthropic.AuthenticationError):
        asking.copy(api_key="wrong").messages.count_tokens(model="auto", messages=user("Hi"))


def test_models_are_listed_in_anthropics_shape(asking: anthropic.Anthropic) -> None:
    names = [info.id for info in asking.models.list()]
    assert names == ["auto", "auto:short", "auto:long", "sim-short"]
    info = asking.models.retrieve("auto:long")
    assert (info.type, info.display_name) == ("model", "auto:long")
    with pytest.raises(anthropic.NotFoundError) as missing:
        asking.models.retrieve("nobody")
    assert missing.value.type == "not_found_error"


def test_the_same_question_is_answered_from_the_cache(client: anthropic.Anthropic) -> None:
    for fields in ({}, {"stream": True}):
        given: dict[str, Any] = {"model": "auto:short", "max_tokens": 777, "messages": user(SUM)}
        raw = client.messages.with_raw_response.create(**given, **fields)
        seen = raw.headers["x-router-cache"]
        if fields:
            assert seen == "hit"
            events = list(raw.parse())
            assert events[0].type == "message_start"
            assert events[-1].type == "message_stop"


async def test_the_asynchronous_client_works_as_well(proxy: Server) -> None:
    http = httpx2.AsyncClient(verify=False, timeout=30)
    async with anthropic.AsyncAnthropic(
        base_url=proxy.url, auth_token="bearer", http_client=http
    ) as client:
        async with client.messages.stream(
            model="auto", max_tokens=500, messages=user("What is the capital of France?")
        ) as stream:
            text = "".join([piece async for piece in stream.text_stream])
    assert "Paris" in text
