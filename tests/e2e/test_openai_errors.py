"""What OpenAI's official client raises, by status and in the middle of a stream."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.e2e.hearing import plain_client_of as client_of
from tests.e2e.recorder import Recorder
from tests.e2e.world import Server, configured, model, serving
from tests.fakes import chunk

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def asking(recorded_proxy: Server) -> Iterator[OpenAI]:
    with client_of(recorded_proxy.url, "right") as client:
        yield client


def test_a_stream_that_breaks_off_raises_what_users_catch(
    asking: OpenAI, recorder: Recorder
) -> None:
    recorder.events = [chunk({"role": "assistant", "content": "The"}), chunk({"content": " a"})]
    got = asking.chat.completions.create(model="auto:short", messages=HELLO, stream=True)
    with pytest.raises(openai.APIError) as broken:
        list(got)
    assert broken.value.code == "upstream_error"


def test_every_status_has_its_class_and_headers(
    recorded_proxy: Server, recorder: Recorder, upstream: str
) -> None:
    faults = {
        "http-400": (openai.BadRequestError, "invalid_request"), "http-429": (openai.RateLimitError, "rate_limited"),
        "http-500": (openai.InternalServerError, "upstream_error"), "html": (openai.InternalServerError, "upstream_error"),
        "http-503": (openai.InternalServerError, "upstream_error"),
    }  # fmt: skip
    models = [model(upstream, f"sim-short+{fault}") for fault in faults]
    tiers = [{"name": name, "models": [models[i]["model_name"]]} for i, name in enumerate("ab")]
    with (
        serving(configured(models, tiers, retries=0)) as server,
        client_of(server.url, "k") as client,
    ):
        for fault, (kind, code) in faults.items():
            with pytest.raises(kind) as failed:
                client.chat.completions.create(model=f"sim-short+{fault}", messages=HELLO)
            assert failed.value.code == code
            told = failed.value.response.headers
            assert failed.value.request_id == told["x-request-id"]
            assert ("retry-after" in told) == (fault == "http-429")
            assert told.get("x-should-retry") == (None if fault == "http-400" else "false")
    rows: list[tuple[str, dict[str, Any], type[openai.APIStatusError], int]] = [
        ("wrong", {}, openai.AuthenticationError, 401),
        ("short-only", {"model": "auto:long"}, openai.PermissionDeniedError, 403),
        ("right", {"model": "nobody"}, openai.NotFoundError, 404),
        ("right", {"temperature": 9}, openai.BadRequestError, 400),
        (
            "right",
            {"messages": [{"role": "user", "content": "x" * 100_000}]},
            openai.APIStatusError,
            413,
        ),
    ]
    for key, fields, kind, status in rows:
        with client_of(recorded_proxy.url, key) as client, pytest.raises(kind) as refused:
            client.chat.completions.create(**{"model": "auto", "messages": HELLO} | fields)
        assert refused.value.status_code == status
        assert set(refused.value.response.json()["error"]) == {"message", "type", "param", "code"}
        assert refused.value.request_id
    assert recorder.bodies == []
