"""The measuring command on a small replay of its own."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from router.routing_mixture import Row, mixture
from router.routing_served import LADDER, best_dial, outcome
from router.routing_targets import Method, report
from tests.fakes import difficulty


class Guess:
    """A classifier that knows what the text says of itself."""

    def score(self, ask: Any) -> Any:
        return difficulty(0.99, 0.99, 0.99) if "easy" in ask.text else difficulty(0.5, 0.9, 0.9)


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.write("\n".join(json.dumps(row) for row in rows))
    return path


@pytest.fixture
def rows(tmp_path: Path) -> list[Row]:
    replay, questions = [], []
    for i in range(40):
        solved = i % 2 == 0  # the short models agree exactly where they are right
        outputs = [
            {"tier": "short", "text": f"Answer: {7 if solved else k}", "correct": int(solved)}
            for k in (1, 2)
        ]
        outputs += [{"tier": t, "text": "Answer: 7", "correct": 1} for t in ("distilled", "full")]
        replay.append({"source": "s", "prompt": f"hard {i}", "outputs": outputs})
        questions.append({"prompt": f"easy {i}", "split": "dev", "meta": {"assumed": "easy"}})
    return mixture(
        written(tmp_path / "r.gz", replay), written(tmp_path / "q.gz", questions), Guess()
    )


def test_agreement_finds_what_prediction_cannot_tell(rows: list[Row]) -> None:
    assert [row.agreed for row in rows[:2]] == [1.0, 0.0]
    assert sum(row.right[0] for row in rows) == 60
    lines = {line.split()[0]: line for line in report(rows, draws=5)}
    saved = {name: float(lines[name].split("saves")[1].split("%")[0]) for name in ("uplift", "cascade", "oracle")}  # fmt: skip
    assert saved["uplift"] < saved["cascade"] < saved["oracle"]
    assert "80 questions" in lines["80"]


def test_a_saving_is_that_of_the_cheapest_threshold_that_is_right_often_enough() -> None:
    gain, low = np.array([3.0, 2.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0, 1.0])
    method = Method(gain, low, np.ones(4), np.full(4, 1.0), np.full(4, 10.0))
    assert method.saving(40.0, 1.0) == pytest.approx(1 - 22 / 40)
    assert method.saving(40.0, 0.75) == pytest.approx(1 - 13 / 40)
    assert np.isnan(method.saving(40.0, 1.01))


def test_a_climb_pays_its_samples_and_goes_up_only_where_they_differ(rows: list[Row]) -> None:
    routing = replace(LADDER, tiers=LADDER.tiers[:2], policy="cascade", dial=0.5)
    low_usd, high_usd = rows[0].usd[:2]
    assert outcome(routing, rows[0]) == pytest.approx((1.0, 2 * low_usd))
    assert outcome(routing, rows[1]) == pytest.approx((1.0, 4 * low_usd + high_usd))
    alone = replace(rows[1], agreed=None, samples=1)
    assert outcome(routing, alone) == pytest.approx((1.0, high_usd))


def test_the_best_dial_keeps_what_is_asked_and_climbing_saves_more_than_predicting(
    rows: list[Row],
) -> None:
    saved = {policy: best_dial(rows, policy, 1.0)[1] for policy in ("utility", "cascade")}
    assert 0 < saved["utility"] < saved["cascade"]
    assert np.isnan(best_dial(rows, "utility", 1.01)).all()
