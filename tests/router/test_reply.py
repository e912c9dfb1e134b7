from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.routing import Routing, decide
from policies.types import Price, Usage
from router.errors import ApiError, OverloadedError, RateLimitedError, UpstreamError
from router.ledger import Ledger
from router.reply import (
    Told,
    decision_headers,
    describe,
    error_event,
    error_reply,
    router_object,
    served_from_cache,
)
from router.wire.sse import Splitter
from tests.fakes import difficulty, query, tier

TOLD = Told("d_1", "miss", 1.2345, 2)
LADDER = Routing(
    (tier("short", "s", rung="short", price=Price(0.1, 0.6)), tier("long", "l", price=Price(2, 12)))
)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_header_is_visible_ascii_whatever_the_name(name: str) -> None:
    headers = dict(decision_headers(TOLD, {"tier": name, "model": name}, cost_known=False))
    for value in headers.values():
        assert all(0x20 <= byte < 0x7F for byte in value)
    if name and "%" not in name:
        assert unquote(headers[b"x-router-tier"].decode()) == name


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("long", b"long"),
        ("a b/c:d", b"a b/c:d"),
        ("café", b"caf%C3%A9"),
        ("x\r\nset-cookie: a=b", b"x%0D%0Aset-cookie: a=b"),
        ("推理", b"%E6%8E%A8%E7%90%86"),
        ("nul\x00", b"nul%00"),
    ],
)
def test_a_name_cannot_break_out_of_its_header(name: str, written: bytes) -> None:
    headers = dict(decision_headers(TOLD, {"tier": name}, cost_known=False))
    assert headers[b"x-router-tier"] == written


def test_headers_say_what_is_known_and_leave_out_the_rest() -> None:
    headers = dict(decision_headers(TOLD, {"model": "", "difficulty": None}, cost_known=False))
    assert headers == {
        b"x-router-decision-id": b"d_1", b"x-router-cache": b"miss",
        b"x-router-overhead-ms": b"1.234", b"x-router-attempts": b"2",
    }  # fmt: skip
    priced = dict(decision_headers(TOLD, {"cost_usd": 0.00000123}, cost_known=True))
    assert priced[b"x-router-cost-usd"] == b"0.00000123"


def test_the_router_object_has_the_contracts_keys_and_counts() -> None:
    decision = decide(LADDER, difficulty(), query(wishes={"tier": "short"}))
    ledger = Ledger()
    lease = ledger.reserve(100)
    assert lease is not None
    lease.settle(Usage(10, 0, 50, 20), Price(1.0, 10.0))
    told = router_object(decision, ledger, model="s", agreement=0.5, samples=2)
    assert list(told) == [
        "tier", "model", "difficulty", "p_solve", "cause", "strategy", "stop_reason",
        "thinking_budget", "thinking_tokens", "upstream_tokens", "calls", "samples", "agreement",
        "cost_usd", "baseline_cost_usd", "estimated", "unenforced",
    ]  # fmt: skip
    assert told["unenforced"] == []
    left = router_object(
        decision, ledger, unenforced=frozenset({"thinking_tokens", "thinking_off"})
    )
    assert left["unenforced"] == ["thinking_off", "thinking_tokens"]
    assert (told["thinking_tokens"], told["upstream_tokens"], told["calls"]) == (20, 50, 1)
    assert told["cost_usd"] == pytest.approx(510e-6)
    assert told["baseline_cost_usd"] == pytest.approx(decision.baseline_usd)
    hit = served_from_cache(told)
    assert (hit["cost_usd"], hit["calls"], hit["tier"]) == (0.0, 0, "short")


@pytest.mark.parametrize("name", ["short", "long"])
def test_the_baseline_was_fixed_before_the_first_call_whatever_came_then(name: str) -> None:
    decision = decide(LADDER, difficulty(), query(wishes={"tier": name}))
    told = router_object(decision, Ledger(cost_usd=0.25))
    expected = decide(LADDER, difficulty(), query()).expected["long"].cost_usd
    assert told["baseline_cost_usd"] == pytest.approx(expected)
    assert told["cost_usd"] == 0.25


def test_without_a_score_nothing_counts_as_saved() -> None:
    told = router_object(decide(LADDER, None, query()), Ledger(cost_usd=0.25))
    assert told["baseline_cost_usd"] == told["cost_usd"] == 0.25


@pytest.mark.parametrize("scored", [True, False], ids=["scored", "classifier failed"])
def test_a_decision_is_described_in_the_contracts_shape(scored: bool) -> None:
    decision = decide(LADDER, difficulty() if scored else None, query())
    told = describe("d_1", decision, [("length", 0.5)], ["single", "vote"])
    assert list(told) == [
        "decision_id", "tier", "model", "strategy", "n", "cause", "reason", "policy", "dial",
        "difficulty", "p_solve", "expected", "thinking_budget", "max_total_tokens", "score",
        "explanation", "what_if", "strategies",
    ]  # fmt: skip
    assert told["explanation"] == [{"feature": "length", "effect": 0.5}]
    assert set(told["expected"]) == ({"short", "long"} if scored else set())
    assert (told["score"] is None) is not scored
    assert orjson.dumps(told)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OverloadedError("x", retry_after_s=2.1), {b"retry-after": b"3"}),
        (OverloadedError("x", retry_after_s=0.2), {b"retry-after": b"1"}),
        (RateLimitedError("x"), {b"retry-after": b"1"}),
        (RateLimitedError("x", retry_after_s=60.0), {b"retry-after": b"60"}),
        (UpstreamError("x", retry_after_s=9.0), {}),
    ],
)
@pytest.mark.parametrize("final", [False, True])
def test_an_error_tells_sdks_when_and_whether_to_try_again(
    error: ApiError, expected: dict[bytes, bytes], final: bool
) -> None:
    error.final = final
    reply = error_reply(error, [(b"x-router-tier", b"t")])
    headers = dict(reply.headers)
    wanted: dict[bytes, Any] = expected | ({b"x-should-retry": b"false"} if final else {})
    assert headers == wanted | {b"x-router-tier": b"t", b"content-type": b"application/json"}
    assert (reply.status, orjson.loads(reply.body)) == (error.status, error.body())


def test_an_error_after_the_status_is_an_event() -> None:
    error = UpstreamError("broke\noff")
    assert [orjson.loads(p) for p in Splitter().feed(error_event(error))] == [error.body()]


def test_a_score_without_a_tier_of_its_rung_is_no_trouble() -> None:
    only = replace(LADDER, tiers=(LADDER.tiers[1], LADDER.tiers[1]))
    assert router_object(decide(only, difficulty(), query()), Ledger())["p_solve"] == {"long": 0.9}
