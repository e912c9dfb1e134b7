"""The lab's server: time, shapes, counts, and each way to misbehave."""

import asyncio
import time
from collections.abc import Mapping
from math import exp
from typing import Any

import numpy as np
import orjson
import pytest

from router.backends.port import Backend
from router.errors import ApiError, RateLimitedError, UpstreamError, UpstreamTimeoutError
from router.wire.openai_answer import Assembler
from tests.lab.asking import PATIENCE_S, samples, user
from tests.lab.backend import LabBackend
from tests.lab.chain import ON_TRACK, read_chain
from tests.lab.clock import now, run
from tests.lab.conduct import Faults, Pace
from tests.lab.exact import assert_mean
from tests.lab.problem import Problem

PROBLEM = Problem(id=1, think=1, rounds=1)
BODY: Mapping[str, Any] = {"messages": [user(PROBLEM.question())], "seed": 3}
STREAM = {**BODY, "stream": True, "stream_options": {"include_usage": True}}
TOKENS = 84
"""Of the answer to BODY: six steps of 10, a check of 17, a result and a sentence."""


async def read(backend: Backend, body: Mapping[str, Any], timeout_s: float = PATIENCE_S) -> Any:
    """Return the chunks of a whole stream, [DONE] as text."""
    upstream = await backend.open(body, timeout_s)
    try:
        payloads = [payload async for batch in upstream.batches() for payload in batch]
    finally:
        await upstream.close()
    return [orjson.loads(p) if p != b"[DONE]" else "[DONE]" for p in payloads]


def assembled(chunks: list[Any]) -> dict[str, Any]:
    assembler = Assembler()
    for chunk in chunks:
        if chunk != "[DONE]":
            assembler.add(chunk)
    return assembler.completion()


def answer_to(backend: Backend, **fields: Any) -> dict[str, Any]:
    return run(backend.complete({**BODY, **fields}, PATIENCE_S))


def test_a_plain_answer_takes_the_time_of_its_tokens() -> None:
    async def main() -> tuple[dict[str, Any], float]:
        return await backend.complete(BODY, PATIENCE_S), now()

    backend = LabBackend(pace=Pace(first_s=0.5, token_s=0.1))
    answer, took_s = run(main())
    assert answer["usage"]["completion_tokens"] == TOKENS
    assert answer["usage"]["completion_tokens_details"] == {"reasoning_tokens": 77}
    assert took_s == pytest.approx(0.5 + 0.1 * TOKENS)
    counts = backend.counts
    assert (counts.calls, counts.generated, counts.thought, counts.open) == (1, TOKENS, 77, 0)
    assert counts.read == answer["usage"]["prompt_tokens"]


@pytest.mark.parametrize("chunk_tokens", [1, 3, 16])
@pytest.mark.parametrize("fields", [{}, {"max_tokens": 40}, {"logprobs": True, "top_logprobs": 3}])
def test_a_stream_is_the_plain_answer_in_pieces(chunk_tokens: int, fields: dict[str, Any]) -> None:
    backend = LabBackend(pace=Pace(chunk_tokens=chunk_tokens))
    plain = answer_to(backend, **fields)
    chunks = run(read(backend, {**STREAM, **fields}))
    streamed = assembled(chunks)["choices"][0]
    whole = plain["choices"][0]
    assert streamed["finish_reason"] == whole["finish_reason"]
    for name in ("content", "reasoning_content"):
        assert streamed["message"].get(name) == whole["message"].get(name)
    assert streamed["logprobs"] == whole["logprobs"]
    assert chunks[-1] == "[DONE]"
    assert chunks[-2]["usage"] == plain["usage"]
    texts = ["".join(filter(None, c["choices"][0]["delta"].values())) for c in chunks[1:-2]]
    assert max(len(text.split()) for text in texts) <= chunk_tokens
    message = whole["message"]
    words = f"{message['reasoning_content']} {message['content']}".split()
    assert len(words) == plain["usage"]["completion_tokens"]


def test_the_same_seed_says_the_same_whatever_else_is_asked() -> None:
    async def main(seeds: list[int]) -> dict[int, str]:
        backend = LabBackend()

        async def one(seed: int) -> tuple[int, str]:
            await asyncio.sleep(seed % 3)
            answer = await backend.complete({**BODY, "seed": seed}, PATIENCE_S)
            return seed, answer["choices"][0]["message"]["reasoning_content"]

        return dict(await asyncio.gather(*map(one, seeds)))

    forwards, backwards = run(main(list(range(9)))), run(main(list(range(12))[::-1]))
    assert forwards == {seed: backwards[seed] for seed in forwards}
    assert len(set(backwards.values())) == 12


def test_without_a_seed_every_call_draws_and_at_temperature_0_none_does() -> None:
    backend = LabBackend()
    body = {"messages": BODY["messages"]}

    def drawn(**fields: Any) -> set[str]:
        answers = [run(backend.complete(body | fields, PATIENCE_S)) for _ in range(5)]
        return {answer["choices"][0]["message"]["reasoning_content"] for answer in answers}

    assert len(drawn()) == 5
    assert len(drawn(temperature=0)) == 1
    assert drawn(temperature=0) == drawn(temperature=0, seed=8)
    assert len(drawn(temperature=0.7, seed=8)) == 1


def test_a_call_left_early_is_billed_for_what_was_said() -> None:
    async def main() -> None:
        call = asyncio.create_task(backend.complete(BODY, PATIENCE_S))
        await asyncio.sleep(0.2 + 0.305)
        call.cancel()
        upstream = await backend.open(STREAM, PATIENCE_S)
        async for _ in upstream.batches():
            if backend.counts.open and now() > 1:
                break
        await upstream.close()
        await upstream.close()

    backend = LabBackend()
    run(main())
    counts = backend.counts
    assert (counts.calls, counts.cancelled, counts.open) == (2, 2, 0)
    assert 30 <= counts.generated < 2 * TOKENS
    assert counts.generated == counts.thought


def test_a_server_may_keep_generating() -> None:
    async def main() -> None:
        upstream = await backend.open(STREAM, PATIENCE_S)
        await anext(upstream.batches())
        await upstream.close()

    backend = LabBackend(faults=Faults(keeps_generating=True))
    run(main())
    assert (backend.counts.generated, backend.counts.cancelled) == (TOKENS, 1)


def test_a_burst_of_refusals() -> None:
    backend = LabBackend(faults=Faults(refuses=range(1, 3)))
    for number in range(4):
        if number in (1, 2):
            with pytest.raises(RateLimitedError) as caught:
                answer_to(backend)
            assert (caught.value.retryable, caught.value.retry_after_s) == (True, 1.0)
        else:
            answer_to(backend)
    assert (backend.counts.calls, backend.counts.refused) == (4, 2)


@pytest.mark.parametrize("plain", [True, False])
def test_a_break_in_the_middle(plain: bool) -> None:
    backend = LabBackend(faults=Faults(breaks=(0,)))
    call = backend.complete(BODY, PATIENCE_S) if plain else read(backend, STREAM)
    with pytest.raises(UpstreamError, match="lab: the connection broke off"):
        run(call)
    assert TOKENS / 2 - 1 <= backend.counts.generated <= TOKENS / 2 + 16
    assert backend.counts.open == 0


def test_a_chunk_may_be_no_json() -> None:
    with pytest.raises(orjson.JSONDecodeError):
        run(read(LabBackend(faults=Faults(garbles=(0,))), STREAM))


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("timeout_s", [0.1, 0.5])
@pytest.mark.parametrize("faults", [Faults(), Faults(hangs=(0,))])
def test_what_is_late_ends_in_time(plain: bool, timeout_s: float, faults: Faults) -> None:
    async def main() -> float:
        call = backend.complete(BODY, timeout_s) if plain else read(backend, STREAM, timeout_s)
        with pytest.raises(UpstreamTimeoutError, match="lab: no whole answer within"):
            await call
        return now()

    backend = LabBackend(faults=faults)
    assert run(main()) == pytest.approx(timeout_s)
    assert backend.counts.open == 0


@pytest.mark.parametrize(
    ("ignored", "fields"),
    [
        ("stop", {"stop": "step"}),
        ("max_tokens", {"max_tokens": 5}),
        ("thinking", {"thinking_token_budget": 5}),
        ("thinking", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("seed", {"seed": 3}),
    ],
)
def test_a_field_may_have_no_effect(ignored: str, fields: dict[str, Any]) -> None:
    deaf = LabBackend(faults=Faults(ignores=frozenset({ignored})))
    whole = answer_to(LabBackend())["choices"]
    if ignored == "seed":
        assert answer_to(deaf, **fields)["choices"] != answer_to(deaf, **fields)["choices"]
    else:
        assert answer_to(deaf, **fields)["choices"] == whole
        assert answer_to(LabBackend(), **fields)["choices"] != whole


@pytest.mark.parametrize("stream", [True, False])
def test_several_choices_where_n_is_known(stream: bool) -> None:
    backend = LabBackend(faults=Faults(ignores=frozenset()))
    body = {**STREAM, "n": 3}
    answer = assembled(run(read(backend, body))) if stream else answer_to(backend, n=3)
    thoughts = {choice["message"]["reasoning_content"] for choice in answer["choices"]}
    assert len(thoughts) == 3
    assert len(answer_to(LabBackend(), n=3)["choices"]) == 1


@pytest.mark.parametrize(("usage", "last"), [("asked", -2), ("late", -1), ("none", None)])
def test_usage_may_come_late_or_never(usage: str, last: int | None) -> None:
    backend = LabBackend(faults=Faults(usage=usage))
    chunks = run(read(backend, STREAM))
    with_usage = [i for i, chunk in enumerate(chunks) if "usage" in chunk]
    assert with_usage == ([] if last is None else [len(chunks) + last])
    assert ("usage" in answer_to(backend)) is (usage != "none")
    assert not [c for c in run(read(backend, {**BODY, "stream": True})) if "usage" in c]


@pytest.mark.parametrize("stream", [True, False])
def test_content_may_be_null(stream: bool) -> None:
    backend = LabBackend(faults=Faults(mute=(0,)))
    if stream:
        deltas = [chunk["choices"][0]["delta"] for chunk in run(read(backend, STREAM))[:-2]]
        assert not any(delta.get("content") for delta in deltas)
    else:
        assert answer_to(backend)["choices"][0]["message"]["content"] is None


def test_logprobs_are_left_out_where_they_are_not_known() -> None:
    mute = LabBackend(faults=Faults(logprobs=False))
    assert answer_to(mute, logprobs=True, top_logprobs=5)["choices"][0]["logprobs"] is None


@pytest.mark.parametrize("top", [2, 5, 20])
def test_confidence_tells_right_from_wrong_steps(top: int) -> None:
    problem, trials = Problem(id=2, steps=1, p=0.5, conf=2.0, tokens=1), 1000
    backend = LabBackend()
    seen: dict[bool, list[float]] = {True: [], False: []}

    async def main() -> None:
        for seed in range(trials):
            body = {"messages": [user(problem.question())], "seed": seed}
            answer = await backend.complete(body | {"logprobs": True, "top_logprobs": top}, 60)
            choice = answer["choices"][0]
            right = read_chain(2, choice["message"]["content"]).chain.health == ON_TRACK
            token = choice["logprobs"]["content"][0]
            assert (
                "".join(t["token"] for t in choice["logprobs"]["content"])
                == choice["message"]["content"]
            )
            listed = [entry["logprob"] for entry in token["top_logprobs"]]
            assert len(listed) == top
            assert token["logprob"] == listed[0] == max(listed)
            assert sum(map(exp, listed)) <= 1
            seen[right].append(-float(np.mean(listed)))

    run(main())
    assert_mean(seen[True], 10.0)
    assert_mean([max(c, 5.5) for c in seen[False]], 8.0)


def test_a_verdict_has_the_probability_of_its_score() -> None:
    problem = Problem(id=3, p=0.9)
    text = samples(problem, 1)[0]["content"]
    told = f"{problem.question()}\n\nSolution:\n{text}\n\nIs it correct? Yes or No."
    body = {"messages": [user(told)], "logprobs": True, "top_logprobs": 2}
    choice = run(LabBackend().complete(body, 60))["choices"][0]
    entries = choice["logprobs"]["content"][0]["top_logprobs"]
    chances = {entry["token"]: exp(entry["logprob"]) for entry in entries}
    assert chances["Yes"] + chances["No"] == pytest.approx(1)
    assert max(chances, key=lambda word: chances[word]) == choice["message"]["content"]


def test_a_call_costs_little() -> None:
    """About 60 microseconds: thousands of trials are what makes a law visible."""
    begun = time.process_time()
    samples(Problem(id=4), 2000)
    assert (time.process_time() - begun) / 2000 < 0.001


def test_every_error_is_one_the_router_knows() -> None:
    backend: Backend = LabBackend(faults=Faults(refuses=(0,), breaks=(1,), hangs=(2,)))
    for _ in range(3):
        with pytest.raises(ApiError):
            run(backend.complete(BODY, 5))
