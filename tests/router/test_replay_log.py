"""Replaying a log whose truth is known: what the command says is what the candidate would have reached."""

import json
import random
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import yaml

from policies.routing import Routing, decide
from policies.routing.offpolicy import Answer
from policies.routing.quality import Quality
from policies.types import Decision
from router.cli import main
from router.errors import ConfigError, RouterError
from router.replay_log import Log, Replayed, propose, read_log, replay
from tests.fakes import query
from tests.policies.routing.ladder import LADDER, questions

N = 3000
DEARER = 1.4
"""What was paid, in units of what was expected: the prediction of cost is wrong on purpose."""

LADDER_YAML = {
    "model_list": [
        {
            "model_name": tier.name,
            "litellm_params": {"model": f"openai/{tier.name}", "api_key": "k"},
            "price": {"input": tier.price.input, "output": tier.price.output},
        }
        for tier in LADDER.tiers
    ],
    "tiers": [
        {
            "name": tier.name, "rung": tier.rung, "models": [tier.name],
            "thinking": "off" if tier.rung == "short" else "on",
        }
        | ({"max_thinking_tokens": tier.max_thinking_tokens} if tier.max_thinking_tokens else {})
        for tier in LADDER.tiers
    ],
}  # fmt: skip


def line(name: str, decision: Decision, **fields: Any) -> dict[str, Any]:
    assert decision.difficulty is not None
    return {
        "type": "decision", "decision_id": name, "status": "ok", "cache": "miss", "calls": 1,
        "tier": decision.tier.name, "rung": decision.tier.rung, "routed": decision.tier.name,
        "strategy": decision.plan.strategy, "cause": decision.cause, "policy": decision.policy,
        "dial": decision.dial, "propensity": decision.propensity, "p_solve": dict(decision.p_solve),
        "expected": {
            name: {"tokens": e.tokens, "cost_usd": e.cost_usd} for name, e in decision.expected.items()
        },
        "score": decision.difficulty.as_dict(), "usage": {"prompt": 12, "completion": 300},
        "cost_usd": DEARER * decision.expected[decision.tier.name].cost_usd,
    } | fields  # fmt: skip


def log_lines(
    n: int = N, *, routing: Routing = LADDER, explore: float = 0.3, judged: float = 1.0
) -> list[dict[str, Any]]:
    """Return a log of a server that draws lots, and the verdicts of some of its clients."""
    rng = random.Random(11)
    server, lines = replace(routing, explore=explore), []
    for i, asked in enumerate(questions(n, seed=5, optimism=0.6)):
        decision = decide(server, asked.score, query("12 tokens?"), draw=rng.random())
        lines.append(line(f"d{i}", decision))
        if rng.random() < judged:
            right = asked.right[decision.tier.name]
            lines.append({"type": "feedback", "decision_id": f"d{i}", "correct": right})
    return lines


def written(folder: Path, lines: list[dict[str, Any]]) -> Path:
    file = folder / "log"
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return file


def candidate(folder: Path, routing: dict[str, Any], **rest: Any) -> Path:
    file = folder / "candidate.yaml"
    file.write_text(yaml.safe_dump({"routing": routing} | rest), encoding="utf-8")
    return file


def replayed(
    folder: Path, lines: list[dict[str, Any]], routing: dict[str, Any], **rest: Any
) -> Replayed:
    log = read_log(written(folder, lines))
    return replay(log, propose(candidate(folder, routing, **rest), log))


def truth(routing: Routing) -> tuple[float, float]:
    """Return success and cost of a policy on the questions of the log."""
    took = [
        (decide(routing, q.score, query("12 tokens?")), q) for q in questions(N, 5, optimism=0.6)
    ]
    return (
        fmean(q.right[d.tier.name] for d, q in took),
        fmean(DEARER * d.expected[d.tier.name].cost_usd for d, q in took),
    )


def off(answer: Answer, name: str, value: float) -> float:
    """Return how far an estimate is from the truth, in its standard errors."""
    estimate = getattr(answer, name)
    return float((estimate.value - value) / estimate.error)


@pytest.mark.parametrize("rest", [{}, LADDER_YAML], ids=["a routing section", "a configuration"])
@pytest.mark.parametrize(
    "routing", [{"policy": "quality", "epsilon": 0.08}, {"dial": 0.2}], ids=str
)
def test_the_estimates_are_what_the_candidate_would_have_reached(
    routing: dict[str, Any], rest: dict[str, Any], tmp_path: Path
) -> None:
    found = replayed(tmp_path, log_lines(judged=0.6), routing, **rest)
    server = replace(LADDER, policy=routing.get("policy", "utility"), dial=routing.get("dial", 0.5))
    server = replace(server, tuned={"quality": Quality(routing.get("epsilon"))})
    right, usd = truth(server)
    for name in ("weighted", "doubly_robust"):
        assert abs(off(found.success, name, right)) < 4
        assert abs(off(found.cost_usd, name, usd)) < 4
    assert abs(off(found.cost_usd, "direct", usd)) > 10, (
        "it knows what was expected, not what was paid"
    )
    assert found.n == N


def test_a_whole_configuration_decides_as_its_server_would(tmp_path: Path) -> None:
    log = read_log(written(tmp_path, log_lines(300, explore=0.0)))
    proposal = propose(candidate(tmp_path, {"dial": 0.5}, **LADDER_YAML), log)
    assert [proposal.wanted(each).tier.name for each in log.decisions] == [
        each["routed"] for each in log.decisions
    ]


def test_a_section_alone_decides_nearly_as_the_server_did(tmp_path: Path) -> None:
    log = read_log(written(tmp_path, log_lines(500, explore=0.0)))
    proposal = propose(candidate(tmp_path, {"dial": 0.5}), log)
    same = fmean(proposal.wanted(each).tier.name == each["routed"] for each in log.decisions)
    assert same > 0.98


def test_the_last_verdict_counts_and_a_rating_is_one(tmp_path: Path) -> None:
    lines = log_lines(200, judged=0.0)
    lines += [{"type": "feedback", "decision_id": "d0", "correct": True}]
    lines += [{"type": "feedback", "decision_id": "d0", "rating": 0.25}]
    assert read_log(written(tmp_path, lines)).verdicts == {"d0": 0.25}


def test_what_takes_no_part_is_counted_by_its_reason(tmp_path: Path) -> None:
    changes: list[dict[str, Any]] = [
        {"cache": "hit"}, {"cause": "forced"}, {"status": "upstream_error"}, {"policy": "cascade"},
        {"score": None}, {"expected": {"a": {"tokens": 1, "cost_usd": 1.0}}},
    ]  # fmt: skip
    lines = log_lines(10, judged=0.0)
    del lines[6]["propensity"]
    lines[:6] = [each | change for each, change in zip(lines, changes, strict=False)]
    file = written(tmp_path, lines)
    with file.open("a", encoding="utf-8") as log:
        log.write('\n{"type": "decision", "deci')
    read = read_log(file)
    assert (len(read.decisions), sum(read.left_out.values()), list(read.broken)) == (3, 7, [11])
    assert len(read.left_out) == 6
    assert read.left_out["not decided by a policy: by the request, a rule, or without a score"] == 2


def test_a_log_without_a_decision_says_what_was_in_it(tmp_path: Path) -> None:
    lines = [each | {"cache": "hit"} for each in log_lines(3, judged=0.0)]
    with pytest.raises(
        RouterError, match="no decision that can be replayed: 3 answered by the cache"
    ):
        read_log(written(tmp_path, lines))


@pytest.mark.parametrize(
    ("routing", "says"),
    [
        ({"policy": "cascade"}, "cascade cannot be replayed from a log"),
        ({"policy": "paced", "pace": {"usd": 1.0}}, "paced cannot be replayed from a log"),
        ({"policy": "guaranteed"}, "needs routing.guarantee.limit"),
        ({"policy": "pinned", "pinned_tier": "lnog"}, 'did you mean "long"'),
        ({"dail": 0.5}, 'did you mean "dial"'),
        ({"boundaries": [0.5]}, "3 tiers take 2"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_candidate_that_cannot_be_replayed_is_refused(
    routing: dict[str, Any], says: str, tmp_path: Path
) -> None:
    log: Log = read_log(written(tmp_path, log_lines(20)))
    with pytest.raises(ConfigError, match=says):
        propose(candidate(tmp_path, routing), log)


def command(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["replay", *map(str, arguments)])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_the_command_prints_estimates_and_exits_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = written(tmp_path, log_lines(1500))
    file = candidate(tmp_path, {"policy": "quality", "epsilon": 0.08})
    code, out, error = command(capsys, log, "--policy", file)
    assert (code, error) == (0, "")
    assert out.count("candidate, doubly robust") == 2
    assert "the tiers are read off the log" in out
    code, out, _ = command(capsys, log, "--policy", file, "--json")
    numbers = json.loads(out)
    low, high = numbers["success"]["doubly_robust"]["ci95"]
    assert 0 < low < numbers["success"]["doubly_robust"]["value"] < high <= 1
    assert sum(numbers["shares"].values()) == pytest.approx(1)


def test_a_log_without_lots_exits_1_and_says_what_to_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = written(tmp_path, log_lines(300, explore=0.0))
    code, out, _ = command(capsys, log, "--policy", candidate(tmp_path, {"dial": 0.9}))
    assert code == 1
    assert out.count("the log cannot say") == 2
    assert "routing.explore" in out
    assert "by the predictions" in out


def test_without_verdicts_cost_is_still_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = written(tmp_path, log_lines(1500, judged=0.0))
    code, out, _ = command(capsys, log, "--policy", candidate(tmp_path, {"dial": 0.4}))
    assert code == 0
    assert "POST /v1/feedback" in out
    assert out.count("doubly robust") == 2, "of cost: the estimate and the change"
