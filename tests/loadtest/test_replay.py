"""Recorded answers are replayed as recorded, and billed as declared."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from loadtest.records import load_records, sample_records
from tests.loadtest.simulated import Client, client_of, simulator


def output(
    model: str, tier: str, text: str, *, correct: int, tokens: int, kind: str
) -> dict[str, Any]:
    fields = {
        "reasoning_text": None,
        "correct": correct,
        "output_tokens": tokens,
        "tokens_kind": kind,
        "status": "ok",
    }
    return {"model": model, "tier": tier, "text": text} | fields


def record(number: int, source: str) -> dict[str, Any]:
    return {
        "id": f"q_{number}",
        "source": source,
        "prompt": f"Riddle number {number}?",
        "outputs": [
            output("zeta-chat", "short", "wrong words", correct=0, tokens=2, kind="text"),
            output("Alpha-chat", "short", "plain words here", correct=1, tokens=7, kind="text"),
            output(
                "mini", "distilled", "thought over", correct=1, tokens=3, kind="visible_text_only"
            ),
            output("big", "full", "thought through", correct=1, tokens=3, kind="visible_text_only"),
        ],
    }


@pytest.fixture(scope="module")
def replay_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("replay") / "replay.jsonl"
    records = [record(n, "one" if n < 8 else "two") for n in range(10)]
    path.write_bytes(b"\n".join(map(orjson.dumps, records)))
    return path


@pytest.fixture
async def replayer(replay_file: Path) -> AsyncIterator[Client]:
    with simulator("--no-delay", "--replay", str(replay_file)) as url:
        async with client_of(url) as client:
            yield client


async def test_the_recorded_answer_is_served_and_hidden_reasoning_billed_as_simulated(
    replayer: Client,
) -> None:
    short = await replayer.ask("replay-short", "Riddle number 3?")
    assert short["choices"][0]["message"]["content"] == "plain words here"
    assert short["usage"]["completion_tokens"] == 7
    assert "simulated" not in short["usage"]
    long = await replayer.ask("replay-long", "Please answer. Riddle number 4? Thank you.")
    assert long["choices"][0]["message"]["content"] == "thought through"
    assert "not a recording" in long["choices"][0]["message"]["reasoning_content"]
    assert long["usage"]["simulated"] is True
    assert long["usage"]["completion_tokens"] == 4500
    assert long["usage"]["completion_tokens_details"]["reasoning_tokens"] == 4497
    assert (await replayer.stats())["tokens_generated"] == 4507


async def test_hidden_reasoning_is_a_few_chunks_of_a_stream(replayer: Client) -> None:
    events = await replayer.stream(
        "replay-long", "Riddle number 3?", stream_options={"include_usage": True}
    )
    assert len(events) < 20
    assert orjson.loads(events[-2])["usage"]["completion_tokens"] == 4500


async def test_a_prompt_that_was_not_recorded_is_404(replayer: Client) -> None:
    status, answer = await replayer.post(replayer.body("replay-short", "Riddle number?"))
    assert (status, answer["error"]["code"]) == (404, "not_recorded")


async def test_the_simulated_models_are_served_beside_it(replayer: Client) -> None:
    assert "5" in (await replayer.ask("sim-long", "2+3"))["choices"][0]["message"]["content"]


def test_a_sample_is_balanced_over_the_sources_and_always_the_same(replay_file: Path) -> None:
    records = load_records(replay_file)
    sample = sample_records(records, 4)
    assert sorted(r.source for r in sample) == ["one", "one", "two", "two"]
    assert sample == sample_records(records[::-1], 4)
    assert len(sample_records(records, 99)) == 10


def test_a_line_that_is_no_record_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(orjson.dumps(record(1, "one")) + b'\n{"id": 1}')
    with pytest.raises(ValueError, match="line 2"):
        load_records(path)
