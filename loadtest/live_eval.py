"""Every routing policy on recorded questions, through a running proxy: accuracy, tokens and dollars at several dials.

``python -m loadtest.live_eval --url http://127.0.0.1:8400 --replay FILE --report DIR`` asks each question once per policy and dial,
as a client would (``model: router-<policy>-<dial>``), past the answer cache. It compares with always the same tier, with the best
random mix at equal cost, and with an oracle. What is recorded and what is declared: ``loadtest.replay_eval``.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from loadtest.asking import Reply, ask_all, bearer
from loadtest.live_figures import Way, figures, way_of
from loadtest.live_report import CAVEAT, ORACLE, Report, table, write_report
from loadtest.records import COMPLETION_TOKENS, TIERS, Record, load_records, sample_records
from loadtest.replay_eval import cheapest_right

POLICIES = "utility,quality,threshold,cascade"
"""Those that need no calibration and no allowance."""

DIALS = "0.1,0.3,0.5,0.7,0.9"

DIALLESS = ("guaranteed",)
"""Policies that no dial moves: asked once."""

PAST_THE_CACHE = {"x-router-cache": "no-store"}


async def ask_every_way(
    url: str,
    records: Sequence[Record],
    ways: Sequence[tuple[str, float]],
    *,
    concurrency: int,
    key: str,
    told: Callable[[], None],
) -> list[list[Reply]]:
    """Return the replies to every question, one list per policy and dial."""
    headers = bearer(key) | PAST_THE_CACHE
    return [
        await ask_all(
            url,
            records,
            model=f"router-{policy}-{dial:g}",
            concurrency=concurrency,
            headers=headers,
            told=told,
        )
        for policy, dial in ways
    ]


def fixed_ways(records: Sequence[Record]) -> list[Way]:
    """Return what always asking one tier comes to, cheap to dear, and the oracle, who takes the cheapest right tier."""
    always = [
        way_of(f"always {tier}", [recorded(record, tier) for record in records]) for tier in TIERS
    ]
    oracle = [recorded(record, cheapest_right(record)) for record in records]
    return [*always, way_of(ORACLE, oracle)]


def recorded(record: Record, tier: str) -> Reply:
    """Return what a tier would have replied."""
    output = record.outputs[tier]
    return Reply(
        tier,
        output.tokens,
        is_recorded=True,
        correct=output.correct,
        cost_usd=output.cost_usd(tier),
    )


def report_of(
    records: Sequence[Record],
    ways: Sequence[tuple[str, float]],
    replies: Sequence[Sequence[Reply]],
) -> Report:
    """Return the whole comparison."""
    live = [
        way_of(
            policy if policy in DIALLESS else f"{policy} {dial:g}", own, policy=policy, dial=dial
        )
        for (policy, dial), own in zip(ways, replies, strict=True)
    ]
    baselines = fixed_ways(records)
    fixed = baselines[: len(TIERS)]
    every = [reply for own in replies for reply in own]
    return Report(
        n=len(records),
        requests=len(every),
        failed=sum(bool(reply.error) for reply in every),
        recorded_texts=sum(reply.is_recorded for reply in every),
        policies=figures(live, fixed),
        baselines=figures(baselines, fixed),
        warnings=_warnings(every),
    )


def _warnings(replies: Sequence[Reply]) -> list[str]:
    other = sum(not reply.priced_alike for reply in replies)
    if not other:
        return []
    return [
        f"the proxy reckons {other} answers with other prices than the declared ones, so what it says of searches is not "
        "in the same money as the other rows, and it decides by other prices; see docs/evaluation.md"
    ]


def main(argv: list[str] | None = None) -> int:
    """Run the comparison; 0 when every question was answered, 1 when some were not, 2 for unusable arguments."""
    args = _parser().parse_args(argv)
    try:
        records = load_records(args.replay, args.profile)
    except (OSError, ValueError) as error:
        return _unusable(str(error))
    records = sample_records([r for r in records if set(TIERS) <= set(r.outputs)], args.limit)
    if not records:
        return _unusable("no question has a recorded answer of every tier")
    ways = [
        (policy, dial)
        for policy in args.policies
        for dial in (args.dials[:1] if policy in DIALLESS else args.dials)
    ]
    with _progress() as progress:
        task = progress.add_task("questions", total=len(ways) * len(records))
        replies = asyncio.run(
            ask_every_way(
                args.url.rstrip("/"),
                records,
                ways,
                concurrency=args.concurrency,
                key=args.key,
                told=lambda: progress.advance(task),
            )
        )
    report = report_of(records, ways, replies)
    written = write_report(report, args.report)
    print("\n".join(table(report)))
    for warning in report.warnings:
        print(f"live_eval: warning: {warning}", file=sys.stderr)
    print(CAVEAT)
    print(
        f"{report.failed} of {report.requests} requests failed; wrote {', '.join(written)} to {args.report}"
    )
    complaints = dict.fromkeys(reply.error for own in replies for reply in own if reply.error)
    for complaint in list(complaints)[:3]:
        print(f"live_eval: {complaint}", file=sys.stderr)
    return 1 if report.failed else 0


def _unusable(why: str) -> int:
    print(f"live_eval: {why}", file=sys.stderr)
    return 2


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _dials(text: str) -> list[float]:
    dials = sorted(float(dial) for dial in _names(text))
    if not dials or not 0 <= dials[0] <= dials[-1] <= 1:
        raise argparse.ArgumentTypeError("dials are numbers from 0 to 1, separated by commas")
    return dials


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.live_eval", description="Compare routing policies through a proxy."
    )
    parser.add_argument("--url", default="http://127.0.0.1:8400", help="the proxy, without /v1")
    parser.add_argument(
        "--replay", type=Path, required=True, help="the file that the upstream replays"
    )
    parser.add_argument("--report", type=Path, required=True, help="folder for the report")
    parser.add_argument(
        "--limit", type=int, default=400, help="questions, balanced over the sources"
    )
    parser.add_argument("--policies", type=_names, default=POLICIES, help=f"default {POLICIES}")
    parser.add_argument("--dials", type=_dials, default=DIALS, help=f"default {DIALS}")
    parser.add_argument("--key", default="", help="sent as a bearer token")
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument(
        "--profile",
        choices=sorted(COMPLETION_TOKENS),
        default="benchmark",
        help="as given to the simulator",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
