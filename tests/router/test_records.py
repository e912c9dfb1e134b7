import timeit
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.types import Ask, Difficulty
from policies.routing import Routing
from policies.types import Candidate, Price, Usage
from router.cache.recall import Recall
from router.cache.store import NullStore
from router.errors import ApiError, InvalidRequestError, UpstreamError
from router.pipeline import Pipeline
from router.records import Ending, Records, outcome_efficiency
from tests.fakes import (
    ScriptedUpstream,
    backend,
    chunk,
    difficulty,
    query,
    tier,
    usage_chunk,
    world,
)

SPENT = Usage(prompt=10, cached=0, completion=400, reasoning=300)
TOLD: dict[str, Any] = {
    "tier": "long", "model": "big", "cause": "classifier", "stop_reason": "done",
    "thinking_budget": 1000, "thinking_tokens": 300, "calls": 1, "cost_usd": 0.25,
    "baseline_cost_usd": 1.0, "difficulty": 0.5,
}  # fmt: skip
ENDING = Ending("d_1", "ok", "miss", 0.002, SPENT, baseline_tokens=5000)


def test_an_answered_request_is_booked_under_its_tier() -> None:
    records = Records()
    for _ in range(2):
        records.ended(TOLD, ENDING)
    assert records.requests.get("long", "classifier", "ok") == 2
    assert records.cache.get("miss") == 2
    kinds = ("prompt", "completion", "reasoning")
    assert [records.tokens.get("long", kind) for kind in kinds] == [20, 800, 600]
    assert records.baseline_tokens.get("long") == 10_000
    money = (records.cost, records.baseline, records.saved)
    assert [metric.get("long") for metric in money] == [0.5, 2.0, 1.5]
    text = records.exposition()
    assert 'thinkthrift_reasoning_tokens_bucket{tier="long",le="256"} 0\n' in text
    assert 'thinkthrift_reasoning_tokens_bucket{tier="long",le="1024"} 2\n' in text
    assert 'thinkthrift_overhead_seconds_sum{cache="miss"} 0.004\n' in text
    assert "# TYPE thinkthrift_saved_usd gauge\n" in text
    assert text.endswith("\n")


@pytest.mark.parametrize("status", ["upstream_error", "cancelled"])
def test_what_failed_cost_money_and_saved_none(status: str) -> None:
    records = Records()
    records.ended(TOLD, replace(ENDING, status=status))
    assert (records.cost.get("long"), records.baseline.get("long")) == (0.25, 0)
    assert records.saved.get("long") == -0.25
    assert records.baseline_tokens.get("long") == 0
    assert "thinkthrift_reasoning_tokens_count" not in records.exposition()


def test_an_answer_from_the_cache_saves_all_of_its_baseline_and_thinks_nothing() -> None:
    records = Records()
    hit = {**TOLD, "calls": 0, "cost_usd": 0.0, "thinking_tokens": 0, "stop_reason": "done"}
    records.ended(hit, Ending("d_1", "ok", "hit", 0.001))
    assert (records.saved.get("long"), records.cost.get("long")) == (1.0, 0)
    assert "thinkthrift_reasoning_tokens_count" not in records.exposition()


def test_a_request_that_was_not_decided_has_no_tier() -> None:
    records = Records()
    records.ended({}, Ending("d_1", "invalid_request", "bypass", 0.0))
    assert records.requests.get("none", "none", "invalid_request") == 1


@pytest.mark.parametrize(
    ("told", "cut", "ignored"),
    [
        ({}, 0, 0),
        ({"stop_reason": "consensus", "calls": 3, "thinking_tokens": 3000}, 0, 0),
        ({"stop_reason": "thinking_budget", "calls": 2}, 1, 1),
        ({"stop_reason": "loop", "calls": 2}, 1, 0),
        ({"thinking_tokens": 1132}, 0, 0),
        ({"thinking_tokens": 1133}, 0, 1),
        ({"thinking_tokens": 9999, "thinking_budget": None}, 0, 0),
    ],
    ids=["fine", "searched", "cut", "looped", "in tolerance", "past it", "no budget"],
)
def test_cuts_and_ignored_budgets_are_told_apart(
    told: dict[str, Any], cut: int, ignored: int
) -> None:
    records = Records()
    records.ended(TOLD | told, ENDING)
    assert records.cuts.get("long", (TOLD | told)["stop_reason"]) == cut
    assert records.ignored.get("big") == ignored


def said(key: str | None, tokens: int = 100) -> Candidate:
    return Candidate(text="x" * 4 * tokens + str(key), key=key)


@pytest.mark.parametrize(
    ("keys", "answer", "share"),
    [
        ("a", "a", 1.0), ("aa", "a", 0.5), ("aaaa", "a", 0.25), ("baa", "a", 2 / 3),
        ("bba", "a", 1.0), ("bb", "a", None), ("", "a", None), ("aa", None, None),
    ],
)  # fmt: skip
def test_efficiency_is_the_share_of_tokens_until_the_answer_first_stood(
    keys: str, answer: str | None, share: float | None
) -> None:
    found = outcome_efficiency([said(key) for key in keys], said(answer))
    assert found == (None if share is None else pytest.approx(share, abs=0.02))
    assert outcome_efficiency([said(key) for key in keys], None) is None


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 500)), min_size=1))
def test_efficiency_is_a_share_and_more_samples_after_the_answer_lower_it(
    made: list[tuple[str, int]],
) -> None:
    arrived = [said(*one) for one in made]
    share = outcome_efficiency(arrived, arrived[0])
    assert share is not None
    assert 0 < share <= 1
    more = outcome_efficiency([*arrived, said("a")], arrived[0])
    assert more is not None
    assert more < share


def test_recording_costs_less_than_ten_microseconds() -> None:
    records = Records()
    rounds = timeit.repeat(lambda: records.ended(TOLD, ENDING), number=200, repeat=30)
    assert min(rounds) / 200 < 10e-6


class Gauge:
    def score(self, ask: Ask) -> Difficulty:
        return difficulty()

    def explain(self, ask: Ask) -> list[tuple[str, float]]:
        return []


def pipeline(*script: Any) -> Pipeline:
    cheap, dear = (
        tier("short", "m", rung="short"),
        tier("long", "m", max_thinking_tokens=1000, price=Price(1.0, 10.0)),
    )
    return Pipeline(
        Routing((cheap, dear)), Gauge(), Recall(NullStore(), b"k"), world(backend("m", *script)),
        {}, "highest", lambda: "d_1",
    )  # fmt: skip


def saying(*texts: str) -> ScriptedUpstream:
    last = [chunk({}, "stop"), usage_chunk(20), b"[DONE]"]
    return ScriptedUpstream([*([chunk({"content": text})] for text in texts), last])


async def heard(here: Pipeline, *, most: int = 99, **asked: Any) -> None:
    reply = await here.answer(here.begin(query("a secret", wishes={"tier": "long"}, **asked)))
    if reply.stream is not None:
        for _ in range(most):
            if await anext(reply.stream, None) is None:
                break
        await reply.stream.aclose()


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_every_end_of_a_request_is_counted_once(stream: bool) -> None:
    here = pipeline(saying("4", "2"))
    await heard(here, stream=stream)
    assert here.records.requests.get("long", "forced", "ok") == 1
    assert here.records.tokens.get("long", "completion") == 20
    assert here.records.decisions.get("forced") == 1
    broken = pipeline(UpstreamError("broken"))
    with pytest.raises(ApiError):
        await heard(broken, stream=stream)
    assert broken.records.requests.get("long", "forced", "upstream_error") == 1
    for counted in (here, broken):
        assert counted.records.exposition().count("thinkthrift_requests_total{") == 1
        assert "secret" not in counted.records.exposition()


async def test_a_client_that_leaves_is_counted_as_cancelled_and_pays() -> None:
    here = pipeline(saying("4", "2", "!"))
    await heard(here, stream=True, most=1)
    assert here.records.requests.get("long", "forced", "cancelled") == 1
    assert here.records.saved.get("long") < 0


async def test_a_dry_run_is_a_decision_and_no_request() -> None:
    here = pipeline(saying("42"))
    await heard(here, dry_run=True)
    assert here.records.decisions.get("forced") == 1
    assert "thinkthrift_requests_total{" not in here.records.exposition()


async def test_a_request_that_is_refused_is_counted_without_a_tier() -> None:
    here = pipeline(saying("42"))
    with pytest.raises(InvalidRequestError):
        await here.answer(here.begin(query(wishes={"tier": "nobody"})))
    assert here.records.requests.get("none", "none", "invalid_request") == 1
