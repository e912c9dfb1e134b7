import asyncio
import json
import stat
import timeit
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from classifier.types import Ask, Difficulty
from policies.routing import Routing
from policies.types import Price, Usage
from router.cache.recall import Recall
from router.cache.store import NullStore
from router.decision_log import MOST_WAITING, DecisionLog, check, open_decision_log
from router.errors import ApiError, ConfigError, UpstreamError
from router.journey import Journey
from router.pipeline import Pipeline
from router.records import Ending
from router.settings_log import LogSettings
from tests.e2e.world import until
from tests.fakes import backend, completion, difficulty, query, tier, world

NOW = 1_767_225_600.25
RUNGS = {"short": "short", "long": "long"}
SECRET = "My name is Ottilie."


class Gauge:
    def score(self, ask: Ask) -> Difficulty:
        return difficulty()

    def explain(self, ask: Ask) -> list[tuple[str, float]]:
        return []


def pipeline(log: DecisionLog, *script: Any) -> Pipeline:
    tiers = (tier("short", "m", rung="short"), tier("long", "m", price=Price(1.0, 10.0)))
    return Pipeline(
        Routing(tiers), Gauge(), Recall(NullStore(), b"k"), world(backend("m", *script)), {},
        "highest", lambda: "d_1", log=log.request,
    )  # fmt: skip


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


async def written(file: Path, *script: Any, prompts: str = "off", **asked: Any) -> Any:
    """Return the lines of one request's log."""
    settings = LogSettings(decisions=str(file), prompts=prompts)
    async with open_decision_log(
        settings, NullStore(), lambda: NOW, rungs=RUNGS, lost=lambda _: None
    ) as log:
        assert log is not None
        here = pipeline(log, *script)
        await here.answer(here.begin(query(SECRET, **asked)))
        log.feedback({"decision_id": "d_1", "correct": True})
    return lines_of(file)


async def test_a_line_has_what_a_replay_and_a_calibration_need(tmp_path: Path) -> None:
    decision, feedback = await written(tmp_path / "log", completion("42"))
    assert feedback == {
        "type": "feedback", "time": "2026-01-01T00:00:00.250+00:00", "decision_id": "d_1", "correct": True,
    }  # fmt: skip
    assert decision["type"] == "decision"
    assert decision["time"] == feedback["time"]
    assert decision["decision_id"] == "d_1"
    assert (decision["status"], decision["cache"]) == ("ok", "bypass")
    assert decision["tier"] == decision["routed"]
    assert decision["rung"] == RUNGS[decision["tier"]]
    assert (decision["policy"], decision["dial"], decision["propensity"]) == ("utility", 0.5, 1.0)
    assert decision["score"] == difficulty().as_dict()
    assert set(decision["expected"]) == set(decision["p_solve"]) == {"short", "long"}
    assert decision["usage"] == {
        "prompt": 7, "cached": 0, "completion": 3, "reasoning": 0, "estimated": False,
    }  # fmt: skip
    assert decision["cost_usd"] > 0
    assert {"stop_reason", "agreement", "samples", "calls", "model", "strategy"} <= set(decision)
    assert (decision["n_turns"], decision["tools"], decision["images"]) == (1, False, False)
    assert decision["characters"] == len(SECRET)


@pytest.mark.parametrize("prompts", ["off", "on"])
async def test_the_question_is_in_it_only_if_that_was_asked_for(
    tmp_path: Path, prompts: str
) -> None:
    asked = {"tenant": "team-a", "body": {"user": "u-77"}}
    lines = await written(tmp_path / "log", completion("the answer"), prompts=prompts, **asked)
    text = json.dumps(lines)
    assert (SECRET in text) == (prompts == "on")
    assert lines[0].get("prompt") == (SECRET if prompts == "on" else None)
    for never in ("the answer", "team-a", "u-77"):
        assert never not in text


async def test_a_request_that_failed_is_written_down_too(tmp_path: Path) -> None:
    with pytest.raises(ApiError):
        await written(tmp_path / "log", UpstreamError("broken"))
    (line,) = lines_of(tmp_path / "log")
    assert line["status"] == "upstream_error"


async def test_half_a_character_in_a_question_loses_a_line_and_no_request(tmp_path: Path) -> None:
    lost: list[int] = []
    log = DecisionLog([], lambda: NOW, rungs={}, prompts=True, lost=lost.append)
    log.request(Journey("d_1", query("\ud800"), 0.0), Ending("d_1", "ok", "miss", 0.0))
    assert lost == [1]


async def test_the_file_is_its_owners_alone_and_is_appended_to(tmp_path: Path) -> None:
    for _ in range(2):
        await written(tmp_path / "log", completion("42"))
    assert len(lines_of(tmp_path / "log")) == 4
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600


async def test_a_file_that_was_moved_away_is_opened_anew(tmp_path: Path) -> None:
    file = tmp_path / "log"
    settings = LogSettings(decisions=str(file))
    async with open_decision_log(
        settings, NullStore(), lambda: NOW, rungs={}, lost=lambda _: None
    ) as log:
        assert log is not None
        log.feedback({"decision_id": "d_1"})
        await asyncio.to_thread(until, lambda: lines_of(file))
        file.rename(tmp_path / "log.1")
        log.feedback({"decision_id": "d_2"})
    found = [lines_of(each)[0]["decision_id"] for each in (tmp_path / "log.1", file)]
    assert found == ["d_1", "d_2"]


async def test_a_disk_that_is_full_costs_lines_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lost: list[int] = []
    settings = LogSettings(decisions="/dev/full")
    async with open_decision_log(
        settings, NullStore(), lambda: NOW, rungs={}, lost=lost.append
    ) as log:
        assert log is not None
        for _ in range(2):
            log.feedback({"decision_id": "d_1"})
            await asyncio.sleep(0.1)
    assert sum(lost) == 2
    assert caplog.text.count("cannot be written: No space left on device") == 1


class Hung:
    """A sink that takes its time."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.lines: list[bytes] = []

    async def write(self, lines: Sequence[bytes]) -> bool:
        await self.release.wait()
        self.lines += lines
        return True


async def test_a_sink_that_hangs_holds_up_nobody_and_memory_stays_bounded() -> None:
    lost: list[int] = []
    sink = Hung()
    log = DecisionLog([sink], lambda: NOW, rungs={}, lost=lost.append)
    writer = asyncio.create_task(log.run())
    log.feedback({"decision_id": "first"})
    await asyncio.sleep(0.1)
    for number in range(MOST_WAITING + 5):
        log.feedback({"decision_id": str(number)})
    assert sum(lost) == 5
    sink.release.set()
    log.close()
    await writer
    assert len(sink.lines) == 1 + MOST_WAITING


def test_a_line_costs_less_than_a_tenth_of_a_millisecond() -> None:
    log = DecisionLog([], lambda: NOW, rungs=RUNGS, prompts=True)
    journey = Journey("d_1", query(), 0.0)
    ending = Ending("d_1", "ok", "miss", 0.002, Usage(10, 0, 400, 300))
    rounds = timeit.repeat(lambda: log.request(journey, ending), number=100, repeat=20)
    assert min(rounds) / 100 < 100e-6


@pytest.mark.parametrize("place", ["/nowhere/at/all", "/"])
def test_a_log_that_cannot_be_opened_is_a_configuration_error(place: str) -> None:
    with pytest.raises(ConfigError, match=r"log\.decisions: .* cannot be written"):
        check(LogSettings(decisions=place))


def test_on_is_no_place_and_off_is_none() -> None:
    with pytest.raises(ValueError, match="must say where"):
        LogSettings.model_validate({"decisions": True})
    off = LogSettings.model_validate({"decisions": False, "redis_stream": False, "prompts": False})
    assert (off.file, off.stream, off.prompts) == (None, None, "off")
