import orjson
import pytest

from router.backends.refusals import refusal, refused_in, retry_after
from router.errors import (
    ApiError,
    ContextLengthExceededError,
    InvalidRequestError,
    RateLimitedError,
    UpstreamError,
    UpstreamTimeoutError,
)
from tests.fakes import chunk


@pytest.mark.parametrize(
    ("status", "message", "kind", "retryable"),
    [
        (400, "bad tool", InvalidRequestError, False),
        (422, "bad tool", InvalidRequestError, False),
        (400, "This model's maximum context length is 8192 tokens", ContextLengthExceededError, False),
        (400, "prompt is too long: 210000 tokens > 200000 maximum", ContextLengthExceededError, False),
        (400, "The input token count (2000000) exceeds the maximum", ContextLengthExceededError, False),
        (400, "the request exceeds the available context size", ContextLengthExceededError, False),
        (413, "too large", InvalidRequestError, False),
        (401, "bad key", UpstreamError, False),
        (403, "no", UpstreamError, False),
        (404, "no such model", UpstreamError, False),
        (302, "", UpstreamError, False),
        (408, "slow", UpstreamTimeoutError, True),
        (504, "slow", UpstreamTimeoutError, True),
        (429, "busy", RateLimitedError, True),
        (500, "oops", UpstreamError, True),
        (502, "oops", UpstreamError, True),
        (503, "oops", UpstreamError, True),
        (529, "overloaded", UpstreamError, True),
    ],
)  # fmt: skip
def test_a_refusal_is_the_callers_the_providers_or_worth_another_try(
    status: int, message: str, kind: type[ApiError], retryable: bool
) -> None:
    error = refusal("big", status, orjson.dumps({"error": {"message": message}}), {})
    assert type(error) is kind
    assert error.retryable is retryable
    assert str(error).startswith(f"big: the upstream answered {status}")
    assert message in str(error)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{"error": {"message": "why"}}', ": why"),
        (b'{"error": "why"}', ": why"),
        (b'{"message": "why"}', ": why"),
        (b'"why"', ": why"),
        (b"<html><body>Bad gateway</body></html>", ""),
        (b"", ""),
        (b'{"error": null}', ""),
        (orjson.dumps({"error": {"message": "x" * 9000}}), ": " + "x" * 500),
    ],
    ids=["openai", "text", "message", "string", "html", "empty", "null", "endless"],
)
def test_what_the_upstream_said_is_passed_on_if_it_can_be_read(raw: bytes, said: str) -> None:
    assert str(refusal("m", 500, raw, {})) == f"m: the upstream answered 500{said}"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("3", 3.0), ("0.5", 0.5), ("-1", 0.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("", None),
     ("inf", None), ("nan", None)],
)  # fmt: skip
def test_retry_after_is_read_where_it_is_a_number_of_seconds(
    header: str, seconds: float | None
) -> None:
    assert retry_after({"retry-after": header}) == seconds
    assert retry_after({}) is None


def test_a_refused_key_names_the_entry_and_never_the_key() -> None:
    assert "check the api_key of model_name big" in str(refusal("big", 401, b"", {}))


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        ({"message": "no", "code": 400}, InvalidRequestError, False),
        ({"message": "busy", "code": 429}, RateLimitedError, True),
        ({"message": "busy", "code": "503"}, UpstreamError, True),
        ({"message": "slow", "status": 504, "code": "x"}, UpstreamTimeoutError, True),
        ({"message": "oops", "code": None}, UpstreamError, True),
        ({"message": "oops", "code": "server_error"}, UpstreamError, True),
        ({"message": "oops", "code": 7}, UpstreamError, True),
        ("just text", UpstreamError, True),
    ],
)
def test_an_error_that_begins_a_stream_is_a_refusal(
    error: object, kind: type[ApiError], retryable: bool
) -> None:
    found = refused_in("m", [chunk({"role": "assistant"}), orjson.dumps({"error": error})])
    assert type(found) is kind
    assert found.retryable is retryable
    assert str(error["message"] if isinstance(error, dict) else error) in str(found)


@pytest.mark.parametrize(
    "payload",
    [
        chunk({"content": 'say "error"'}), chunk({"content": "x"}, error=None), b"[DONE]", b'"error"',
        b'{"error" broken', b"{}",
    ],
)  # fmt: skip
def test_nothing_else_is(payload: bytes) -> None:
    assert refused_in("m", [payload]) is None
