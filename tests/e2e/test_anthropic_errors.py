"""``/v1/messages`` and its neighbours when something is wrong, or is only asked about."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from tests.e2e.anthropic_client import TOOLS, ask, client_of, user
from tests.e2e.conftest import SMALL_BODY
from tests.e2e.recorder import Recorder
from tests.e2e.world import Server, configured, model, serving
from tests.fakes import chunk


@pytest.fixture
def asking(recorded_proxy: Server) -> Iterator[anthropic.Anthropic]:
    """A client of the proxy whose upstream writes down what it is sent."""
    with client_of(recorded_proxy, "right") as client:
        yield client


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
    ({"model": "auto", "extra_body": {"router": {"tier": "huge"}}}, "router.tier"),
    ({"output_config": {"effort": "huge"}}, "reasoning_effort"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "param"), REFUSALS, ids=[json.dumps(f)[:50] for f, _ in REFUSALS]
)
def test_what_cannot_be_served_is_refused_by_name(
    asking: anthropic.Anthropic, recorder: Recorder, fields: Any, param: str
) -> None:
    with pytest.raises(anthropic.BadRequestError) as bad:
        ask(asking, "Hi", **fields)
    error = bad.value.body["error"]  # type: ignore[index]
    assert error["type"] == bad.value.type == "invalid_request_error"
    assert error["details"]["param"] == param
    assert bad.value.error_code == "invalid_request"
    assert bad.value.request_id
    assert recorder.bodies == []


def test_the_client_raises_the_class_of_every_status(
    asking: anthropic.Anthropic,
) -> None:
    with pytest.raises(anthropic.NotFoundError) as missing:
        ask(asking, "Hi", model="claude-nobody")
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


def test_an_upstreams_failure_has_its_class(upstream: str) -> None:
    kinds = {
        "http-400": anthropic.BadRequestError, "http-429": anthropic.RateLimitError,
        "http-500": anthropic.InternalServerError, "http-503": anthropic.InternalServerError,
    }  # fmt: skip
    models = [model(upstream, f"sim-short+{fault}") for fault in kinds]
    tiers = [{"name": name, "models": [models[i]["model_name"]]} for i, name in enumerate("ab")]
    with serving(configured(models, tiers, retries=0)) as server, client_of(server) as client:
        for fault, kind in kinds.items():
            with pytest.raises(kind) as failed:
                ask(client, "Hi", model=f"sim-short+{fault}")
            headers = failed.value.response.headers
            assert ("retry-after" in headers) == (fault == "http-429")
            assert headers.get("x-should-retry") == (None if fault == "http-400" else "false")


def test_a_stream_that_breaks_off_is_an_error_event(
    asking: anthropic.Anthropic, recorder: Recorder
) -> None:
    recorder.events = [chunk({"role": "assistant", "content": "The"}), chunk({"content": " an"})]
    got: list[str] = []
    with (
        pytest.raises(anthropic.APIStatusError) as broken,
        asking.messages.stream(model="auto:short", max_tokens=9, messages=user("Hi")) as stream,
    ):
        got.extend(event.type for event in stream)
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
