from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.tokens import TokenCount
from policies.types import Budget, Usage
from router.errors import UpstreamError
from router.guard import GRACE, LOOK_EVERY_CHUNKS, SLACK_TOKENS, Guard
from router.wire.openai_answer import Assembler
from tests.fakes import chunk, deltas, usage_chunk

DONE = b"[DONE]"
ROLE = chunk({"role": "assistant", "content": ""})
STOP = chunk({}, "stop")

texts = st.text(min_size=1, max_size=30).filter(lambda t: "<" not in t)
events = st.one_of(
    texts.map(lambda t: chunk({"content": t})),
    texts.map(lambda t: chunk({"reasoning_content": t})),
    texts.map(lambda t: chunk({"reasoning": t})),
    texts.map(lambda t: chunk({"role": "assistant", "content": t}, usage=None)),
    st.integers(1, 5).map(lambda n: usage_chunk(n * 10, n)),
)
ends = st.just(STOP) | texts.map(lambda t: chunk({"content": t}, "length"))
streams = st.tuples(st.lists(events, max_size=25), ends).map(
    lambda parts: [ROLE, *parts[0], parts[1], usage_chunk(9), DONE]
)
budgets = st.builds(
    Budget,
    thinking=st.none() | st.integers(0, 40),
    output=st.none() | st.integers(1, 60),
)


def run(guard: Guard, batches: list[list[bytes]]) -> list[bytes]:
    passed: list[bytes] = []
    for batch in batches:
        if not (guard.cut or guard.done):
            passed += guard.feed(batch)
    return passed


@given(streams, budgets, st.data())
def test_how_a_stream_is_split_into_batches_makes_no_difference(
    stream: list[bytes], budget: Budget, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)))))
    batches = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    whole, split = Guard(budget), Guard(budget)
    assert run(whole, [stream]) == run(split, batches)
    assert (whole.cut, whole.done, whole.finish) == (split.cut, split.done, split.finish)
    assert whole.usage(5) == split.usage(5)


@given(streams)
def test_an_uncut_stream_passes_whole_and_the_collected_answer_is_the_same(
    stream: list[bytes],
) -> None:
    fast, slow = Guard(Budget()), Guard(Budget(), collect=Assembler())
    passed = run(fast, [stream])
    assert [orjson.loads(p) for p in passed] == [orjson.loads(p) for p in run(slow, [stream])]
    assert slow.collect is not None
    message = slow.collect.completion()["choices"][0]["message"]
    finish = [orjson.dumps(c) for c in fast.finish]
    assert deltas(passed) + deltas(finish) == message["content"]
    said = deltas(passed, "reasoning_content") + deltas(finish, "reasoning_content")
    assert said == message.get("reasoning_content", "")
    assert fast.usage(5) == slow.usage(5)


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda t: chunk({"content": t}), id="as openai writes"),
        pytest.param(lambda t: chunk({"role": "assistant", "content": t}), id="role in each"),
        pytest.param(lambda t: chunk({"content": t, "role": "assistant"}), id="role behind"),
        pytest.param(lambda t: chunk({"content": t}, usage=None), id="null usage"),
        pytest.param(
            lambda t: chunk({"content": t, "reasoning_content": None}), id="null reasoning"
        ),
        pytest.param(lambda t: _ascii(chunk({"content": t})), id="escaped to ascii"),
    ],
)
@pytest.mark.parametrize("word", ["word ", "推理过程", 'say "}', "a\\", "line\n"])
def test_a_known_shape_counts_like_a_parsed_chunk(write: Any, word: str) -> None:
    counted = TokenCount()
    counted.add("So ")
    for _ in range(50):
        counted.add(word)
    guard = Guard(Budget())
    run(guard, [[ROLE, write("So "), *[write(word)] * 50]])
    assert guard.spoken.tokens == pytest.approx(counted.tokens, rel=0.15)


def _ascii(payload: bytes) -> bytes:
    return (
        payload.decode().encode("ascii", "namereplace") if payload.isascii() else _escape(payload)
    )


def _escape(payload: bytes) -> bytes:
    return "".join(c if c.isascii() else f"\\u{ord(c):04x}" for c in payload.decode()).encode()


@given(st.integers(0, 400), st.integers(1, 12))
def test_thinking_is_cut_near_its_budget(budget: int, size: int) -> None:
    guard = Guard(Budget(thinking=budget))
    run(guard, [[chunk({"reasoning_content": "x" * size})] for _ in range(600)])
    assert guard.cut == "thinking_budget"
    per_chunk = 1 if size <= 8 else 2
    assert budget < guard.thought.tokens <= budget * GRACE + SLACK_TOKENS + per_chunk
    assert guard.thought.tokens <= budget * 1.1 + 32


def test_thinking_past_its_budget_may_end_its_sentence() -> None:
    guard = Guard(Budget(thinking=100))
    words = [*["so "] * 99, "it.", "is.", "more"]
    run(guard, [[chunk({"reasoning_content": w})] for w in words])
    assert guard.cut == "thinking_budget"
    assert guard.thought.tokens == 101
    assert guard.tail.endswith("it.is.")


def test_thinking_within_its_budget_is_left_alone() -> None:
    guard = Guard(Budget(thinking=100))
    run(guard, [[chunk({"reasoning_content": "so."})] for _ in range(100)])
    assert guard.cut is None


def test_a_model_whose_tokens_are_long_is_cut_earlier() -> None:
    guard = Guard(Budget(thinking=100), ratio=2.0)
    run(guard, [[chunk({"reasoning_content": "so "})] for _ in range(600)])
    assert guard.thought.tokens <= 100 * GRACE / 2 + SLACK_TOKENS


def test_reasoning_after_the_answer_began_is_not_cut() -> None:
    guard = Guard(Budget(thinking=3))
    run(guard, [[chunk({"content": "42"}), *[chunk({"reasoning_content": "hm. "})] * 100]])
    assert guard.cut is None


def test_output_past_its_limit_is_cut_within_one_read() -> None:
    guard = Guard(Budget(output=100))
    passed = run(guard, [[chunk({"content": "word "})] * 1000])
    assert guard.cut == "output_budget"
    # The first look after the limit, its grace and its slack are passed.
    looks = int((100 * GRACE + SLACK_TOKENS) // LOOK_EVERY_CHUNKS) + 1
    assert len(passed) == looks * LOOK_EVERY_CHUNKS


def test_muted_reasoning_is_counted_and_not_passed_on() -> None:
    guard = Guard(Budget(), mute_thinking=True)
    passed = run(guard, [[chunk({"reasoning_content": "hm"}), chunk({"content": "42"})]])
    assert (deltas(passed, "reasoning_content"), deltas(passed)) == ("", "42")
    assert guard.usage(0).reasoning == 1


@pytest.mark.parametrize(
    ("delta", "reasoning", "answer"),
    [
        pytest.param({"reasoning": "hm"}, "hm", "", id="vllm and openrouter"),
        pytest.param({"reasoning_content": None, "reasoning": "hm"}, "hm", "", id="both names"),
        pytest.param({"content": [{"type": "text", "text": "42"}]}, "", "42", id="text parts"),
        pytest.param(
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]},
            "hm", "", id="mistral",
        ),
    ],
)  # fmt: skip
def test_reasoning_has_one_name_whatever_the_upstream_calls_it(
    delta: dict[str, Any], reasoning: str, answer: str
) -> None:
    guard = Guard(Budget())
    passed = guard.feed([chunk(delta)])
    assert (deltas(passed, "reasoning_content"), deltas(passed)) == (reasoning, answer)
    assert guard.answered == bool(answer)
    assert guard.usage(0).reasoning == bool(reasoning)


def test_finish_chunks_are_held_back_for_the_routers_words() -> None:
    guard = Guard(Budget())
    passed = guard.feed([ROLE, chunk({"content": "4"}), chunk({"content": "2"}, "stop"), DONE])
    assert deltas(passed) == "4"
    assert [c["choices"][0]["delta"] for c in guard.finish] == [{"content": "2"}]
    assert guard.done


def test_a_chunk_where_one_of_two_choices_ends_is_held_back_too() -> None:
    def both(text: str, finish: str | None) -> bytes:
        choices = [
            {"index": 0, "delta": {"content": text}, "finish_reason": None},
            {"index": 1, "delta": {"content": text}, "finish_reason": finish},
        ]
        return chunk(choices=choices)

    guard = Guard(Budget())
    guard.feed([both("a", None), both("b", None), both("c", "stop")])
    assert len(guard.finish) == 1
    assert guard.spoken.chunks == 6


@pytest.mark.parametrize(
    ("events", "starved"),
    [
        ([chunk({"reasoning_content": "hm"}), chunk({}, "length")], True),
        ([chunk({"reasoning_content": "hm"}), chunk({}, "stop")], True),
        ([chunk({"content": ""}), chunk({}, "stop")], False),
        ([chunk({"content": "4"}), chunk({}, "length")], False),
        ([chunk({"tool_calls": [{"index": 0, "id": "x"}]}), chunk({}, "length")], False),
    ],
    ids=["ran out", "thought, then nothing", "an empty answer", "said something", "called a tool"],
)
def test_a_stream_that_ran_out_before_saying_anything_is_starved(
    events: list[bytes], starved: bool
) -> None:
    guard = Guard(Budget())
    guard.feed(events)
    assert guard.starved is starved


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (b"<html>", "not JSON"),
        (b"[1]", "not an object"),
        (b'{"error": {"message": "out of memory"}}', "out of memory"),
        (b'{"error": "went away"}', "went away"),
    ],
)
def test_a_failing_upstream_is_an_error_and_never_an_answer(payload: bytes, says: str) -> None:
    with pytest.raises(UpstreamError, match=says):
        Guard(Budget()).feed([ROLE, payload])


def test_usage_is_the_upstreams_where_it_gave_one() -> None:
    guard = Guard(Budget())
    passed = guard.feed([chunk({"content": "42"}), usage_chunk(50, 40, prompt=9), DONE])
    assert guard.usage(1) == Usage(9, 0, 50, 40)
    assert len(passed) == 1


def test_usage_is_ours_and_says_so_where_there_was_none() -> None:
    guard = Guard(Budget(), ratio=1.5)
    guard.feed([*[chunk({"reasoning_content": "hm"})] * 4, *[chunk({"content": "42"})] * 2])
    assert guard.usage(11) == Usage(11, 0, 9, 6, estimated=True)


def test_reasoning_that_passed_is_counted_where_the_upstream_forgot_it() -> None:
    guard = Guard(Budget())
    guard.feed([*[chunk({"reasoning_content": "hm"})] * 4, usage_chunk(30), DONE])
    assert guard.usage(1) == Usage(7, 0, 30, 4, estimated=True)


def test_a_stream_that_goes_on_for_another_takes_its_name() -> None:
    guard = Guard(Budget(), head={"id": "first", "created": 5, "model": "x"}, mute_thinking=True)
    passed = guard.feed([chunk({"content": "42"})])
    told = orjson.loads(passed[0])
    assert (told["id"], told["created"], told["model"]) == ("first", 5, "x")
