"""The Responses API over real HTTP: one backend, one call."""

from typing import Any

import orjson
import pytest

from router.errors import (
    ApiError,
    InvalidRequestError,
    RateLimitedError,
    UpstreamBrokeOffError,
    UpstreamError,
    UpstreamTimeoutError,
)
from tests.fakes import deltas
from tests.router.backends.responses_server import (
    ASKED,
    BEGIN,
    SPEAKS,
    THINKS,
    Say,
    end,
    reasoned,
    response,
    said,
    serving,
    streams,
    text,
    thought,
    whole,
)


async def test_an_answer_comes_back_as_a_completion() -> None:
    async with serving(whole(response(reasoned("First.", "Then."), said("42")))) as served:
        answer = await served.backend.complete(ASKED, 5.0)
    assert served.bodies == [
        {
            "model": "gpt-5.5", "store": False, "reasoning": {"summary": "auto", "effort": "low"},
            "input": [{"role": "user", "content": "6 * 7?"}],
        }
    ]  # fmt: skip
    [choice] = answer["choices"]
    assert choice["message"]["content"] == "42"
    assert choice["message"]["reasoning_content"] == "First.\n\nThen."
    assert choice["finish_reason"] == "stop"
    assert answer["usage"]["completion_tokens_details"]["reasoning_tokens"] == 900
    assert answer["usage"]["prompt_tokens_details"]["cached_tokens"] == 12
    assert (answer["id"], answer["created"], answer["model"]) == ("resp_1", 1_780_000_000, "gpt-5.5-x")  # fmt: skip


async def test_a_stream_comes_as_chunks_its_usage_on_the_last() -> None:
    parts = (BEGIN, THINKS, thought("First."), thought("Then.", 1), SPEAKS, text("4"), text("2"), end())  # fmt: skip
    async with serving(streams(*parts)) as served:
        *chunks, usage, done = await served.stream()
    assert served.bodies[0]["stream"] is True
    assert done == b"[DONE]"
    assert orjson.loads(chunks[0])["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert deltas(chunks, "reasoning_content") == "First.\n\nThen."
    assert deltas(chunks) == "42"
    assert [orjson.loads(c)["choices"][0]["finish_reason"] for c in chunks[-2:]] == [None, "stop"]
    told = orjson.loads(usage)
    assert told["choices"] == []
    assert told["usage"]["completion_tokens_details"]["reasoning_tokens"] == 900
    assert {(orjson.loads(c)["id"], orjson.loads(c)["model"]) for c in chunks} == {("resp_1", "gpt-5.5-x")}  # fmt: skip


async def test_a_whole_answer_to_a_stream_is_accepted_as_one() -> None:
    async with serving(whole(response(reasoned("hm"), said("42")))) as served:
        *chunks, _, done = await served.stream()
    assert (deltas(chunks, "reasoning_content"), deltas(chunks), done) == ("hm", "42", b"[DONE]")


FAILED = {"code": "rate_limit_exceeded", "message": "slow down"}


@pytest.mark.parametrize(
    ("say", "kind", "message", "retryable"),
    [
        (whole({"error": {"message": "bad"}}, 400), InvalidRequestError, "bad", False),
        (whole({"error": {"message": "busy"}}, 429), RateLimitedError, "busy", True),
        (whole("<html>", 502), UpstreamError, "answered 502$", True),
        (whole("<html>"), UpstreamError, "text/html", False),
        (whole([]), UpstreamError, "no output", False),
        (whole(response(status="failed", error=FAILED)), RateLimitedError, "slow down", True),
        (whole(response(status="queued")), UpstreamError, "is queued", False),
        (streams(then="drop"), UpstreamBrokeOffError, "broke off", False),
    ],
    ids=["400", "429", "html 502", "html 200", "list", "failed", "queued", "dropped"],
)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_an_upstream_that_does_not_answer_is_a_typed_error(
    say: Say, kind: type[ApiError], message: str, retryable: bool, stream: bool
) -> None:
    async with serving(say) as served:
        with pytest.raises(kind, match=message) as caught:
            await (served.stream() if stream else served.backend.complete(ASKED, 5.0))
    assert (type(caught.value), caught.value.retryable) == (kind, retryable)
    assert "big" in str(caught.value)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_hanging_upstream_times_out(stream: bool) -> None:
    async with serving(streams(BEGIN, THINKS, then="hang")) as served:
        with pytest.raises(UpstreamTimeoutError, match=r"0\.2 s"):
            await (served.stream(0.2) if stream else served.backend.complete(ASKED, 0.2))


async def test_a_server_that_refuses_summaries_is_asked_without_them_from_then_on() -> None:
    told = "Your organization must be verified to generate reasoning summaries."
    refuses = whole({"error": {"message": told, "param": "reasoning.summary"}}, 400)
    async with serving(refuses, whole(response(said("42")))) as served:
        for _ in range(2):
            answer = await served.backend.complete(ASKED, 5.0)
            assert answer["choices"][0]["message"]["content"] == "42"
    summaries = [body["reasoning"].get("summary") for body in served.bodies]
    assert summaries == ["auto", None, None]


async def test_an_entrys_own_words_are_sent_too() -> None:
    own: dict[str, Any] = {
        "reasoning": {"summary": "detailed"},
        "truncation": "auto",
        "store": True,
    }
    async with serving(whole(response(said("42"))), **own) as served:
        await served.backend.complete(ASKED, 5.0)
    assert served.bodies[0]["reasoning"] == {"summary": "detailed", "effort": "low"}
    assert (served.bodies[0]["truncation"], served.bodies[0]["store"]) == ("auto", True)
