"""The commands that judge routing on what happened: ``replay`` on a decision log, ``evaluate --live`` through a running proxy."""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .errors import ConfigError

if TYPE_CHECKING:
    from policies.routing.offpolicy import Answer, Estimate

    from .replay_log import Replayed

NAMES = {
    "logged": "the log itself",
    "direct": "candidate, by the predictions",
    "weighted": "candidate, inverse propensity",
    "doubly_robust": "candidate, doubly robust",
    "change": "change, doubly robust",
}


def replay(options: argparse.Namespace) -> int:
    """Estimate what another policy would have reached; 1 where the log cannot say."""
    from .replay_log import propose, read_log
    from .replay_log import replay as ask

    log = read_log(options.log)
    found = ask(log, propose(options.policy, log))
    if options.json:
        print(json.dumps(_numbers(found), indent=2))
    else:
        _show(found)
    return 1 if found.success.refusals and found.cost_usd.refusals else 0


def evaluate(options: argparse.Namespace) -> int:
    """Measure routing quality on recorded outcomes, or through a running proxy."""
    from .cli_commands import evaluate as on_outcomes

    given = {"--questions": options.questions, "--outcomes": options.outcomes}
    if options.live is None:
        missing = [name for name, value in given.items() if value is None]
        if missing:
            raise ConfigError([f"evaluate needs {' and '.join(missing)}, or --live and --replay"])
        return on_outcomes(options)
    if options.replay is None:
        raise ConfigError(
            ["evaluate --live needs --replay: the answers that the proxy's upstream replays"]
        )
    # A program of its own: it speaks HTTP only, and so measures what a client would see.
    command = [sys.executable, "-m", "loadtest.live_eval", "--url", options.live]
    command += ["--replay", str(options.replay), "--report", str(options.report)]
    for name in ("limit", "policies", "dials", "key"):
        if (value := getattr(options, name)) is not None:
            command += [f"--{name}", str(value)]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own program


def _show(found: "Replayed") -> None:
    print(f"{found.n} decisions; share of each tier, in the log and by the candidate:")
    for tier, share in found.shares.items():
        print(f"  {tier:<32} {100 * found.logged_shares[tier]:6.1f} %  {100 * share:6.1f} %")
    _show_answer("success", found.success, 1.0)
    _show_answer("USD per 1,000 requests", found.cost_usd, 1000.0)
    for note in found.notes:
        print(f"note: {note}")


def _show_answer(title: str, answer: "Answer", unit: float) -> None:
    print(f"{title}, 95 % intervals:")
    for key, name in NAMES.items():
        estimate: Estimate | None = getattr(answer, key)
        if estimate is not None:
            low, high = (unit * bound for bound in estimate.interval)
            print(f"  {name:<32} {unit * estimate.value:8.4f}  [{low:.4f}, {high:.4f}]")
    if not answer.refusals:
        print(f"  worth {answer.effective:.0f} decisions of the candidate's own")
    for why in answer.refusals:
        print(f"  the log cannot say: {why}")


def _numbers(found: "Replayed") -> Mapping[str, Any]:
    def shown(answer: "Answer") -> dict[str, Any]:
        estimates = {}
        for key in NAMES:
            estimate = getattr(answer, key)
            estimates[key] = estimate and asdict(estimate) | {"ci95": estimate.interval}
        return estimates | {"effective": answer.effective, "refusals": answer.refusals}

    return {
        "n": found.n,
        "shares": found.shares,
        "logged_shares": found.logged_shares,
        "success": shown(found.success),
        "cost_usd": shown(found.cost_usd),
        "notes": found.notes,
    }
