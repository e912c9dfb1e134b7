"""``thinkthrift doctor --live`` against simulated models that keep what is declared of them, and some that do not."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_commands import NOWHERE, run
from tests.e2e.world import UPSTREAM_KEY, configured, model, stats, write

PROBES = {
    "provider_default", "off", "budget", "usage", "prefill", "prefill_thinking", "stop", "seed", "logprobs",
    "cancel",
}  # fmt: skip
Lines = dict[str, dict[str, tuple[str, str]]]


def live(file: Path, models: Sequence[dict[str, Any]], code: int) -> Lines:
    """Return (ok or differs, what was said) by model and probe; the first model is not to think."""
    first, *others = [entry["model_name"] for entry in models]
    tiers = [
        {"name": "short", "models": [first], "thinking": "off"},
        {"name": "long", "models": others, "thinking": "on"},
    ]
    config = configured(models, tiers, cache={"url": "off"})
    out, error = run("doctor", "--live", "--config", write(config, file), code=code)
    assert error == ""
    for hidden in (UPSTREAM_KEY, "17 * 24", "Start with", "8374"):
        assert hidden not in out
    cost = re.search(r"asking cost (\d+\.\d{6}) USD", out)
    assert cost
    assert float(cost[1]) > 0
    found: Lines = {}
    for line in out.splitlines():
        if told := re.match(r"(\S+): (.+?) +(ok|differs) +(.+)", line):
            found.setdefault(told[1], {})[told[2]] = (told[3], told[4])
    return found


def test_what_keeps_its_word_is_ok(upstream: str, tmp_path: Path) -> None:
    before = stats(upstream)
    mended = model(upstream, "sim-long+no-usage", capabilities={"usage_in_stream": False})
    models = [model(upstream, "sim-short"), model(upstream, "sim-long"), mended]
    found = live(tmp_path / "c.yaml", models, code=0)
    assert {name: set(lines) for name, lines in found.items()} == {
        entry["model_name"]: PROBES for entry in models
    }
    assert {mark for lines in found.values() for mark, _ in lines.values()} == {"ok"}
    thought = re.fullmatch(r"thought (\d+) tokens of 256", found["sim-long"]["budget"][1])
    assert thought
    assert int(thought[1]) <= 256
    after = stats(upstream)
    assert after["open_streams"] == before["open_streams"]
    assert after["corrupted_handovers"] == before["corrupted_handovers"]


@pytest.fixture(scope="module")
def broken(upstream: str, tmp_path_factory: pytest.TempPathFactory) -> Lines:
    silent = model(upstream, "sim-long+timeout")
    silent["litellm_params"]["timeout"] = 0.5
    faults = ("ignore-budget", "no-usage", "forever", "http-400")
    models = [
        model(upstream, "sim-short"),
        *(model(upstream, f"sim-long+{fault}") for fault in faults),
        silent,
        model(NOWHERE, "sim-long"),
    ]
    return live(tmp_path_factory.mktemp("doctor") / "c.yaml", models, code=1)


@pytest.mark.parametrize(
    ("fault", "probe", "write_this"),
    [
        ("ignore-budget", "budget", "capabilities: {native_budget: false}"),
        ("ignore-budget", "off", "dialect:"),
        ("no-usage", "usage", "capabilities: {usage_in_stream: false}"),
    ],
)
def test_what_breaks_it_is_named_with_the_line_that_mends_it(
    broken: Lines, fault: str, probe: str, write_this: str
) -> None:
    mark, said = broken[f"sim-long+{fault}"][probe]
    assert mark == "differs"
    assert write_this in said


def test_a_broken_model_says_nothing_about_the_others(broken: Lines) -> None:
    assert {mark for mark, _ in broken["sim-short"].values()} == {"ok"}
    differs = {what for what, (mark, _) in broken["sim-long+no-usage"].items() if mark == "differs"}
    assert differs == {"usage"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sim-long", "cannot connect"),
        ("sim-long+http-400", "the upstream answered 400"),
        ("sim-long+timeout", "no whole answer within 0.5 s"),
        ("sim-long+forever", "past its output limit"),
    ],
)
def test_a_model_that_cannot_be_asked_is_one_line(broken: Lines, name: str, said: str) -> None:
    assert list(broken[name]) == ["cannot be asked"]
    mark, line = broken[name]["cannot be asked"]
    assert mark == "differs"
    assert said in line
