"""The main job on real input: recorded questions through a running proxy, graded by the record.

``python -m loadtest.replay_eval --url http://127.0.0.1:8400 --replay FILE`` sends each question as a client would and reads
which tier answered from `x-router-tier`. The answer is graded by the recorded grade of its very text, or of that tier's
answer where the text was never recorded; tokens are those of `usage`. Answers are recordings; tokens of hidden reasoning are
declared means (`loadtest.records`), so the saving is a simulation of real models, not a measurement. The upstream must be
``python -m loadtest.simulator --replay FILE``. Every policy at several dials: ``loadtest.live_eval``.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from loadtest.asking import Reply, ask_all, bearer
from loadtest.records import (
    COMPLETION_TOKENS,
    TIERS,
    Record,
    load_records,
    sample_records,
)

TABLE_COLUMNS = 96  # a pipe has no width of its own


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a way to route, over all questions.

    Attributes:
        shares: Fraction of the questions that each tier answered.
        accuracy: Fraction answered correctly, by the recorded grades.
        tokens: Completion tokens, all questions together.
        cost_usd: Declared price of them.
    """

    name: str
    shares: Mapping[str, float]
    accuracy: float
    tokens: float
    cost_usd: float


def compare(records: Sequence[Record], replies: Sequence[Reply]) -> list[Row]:
    """Return the proxy's row, then always-X, the random mix of the same shares and the oracle.

    Failed requests count as wrong in the proxy's row and have no tier. The random mix is an expectation, not a draw. The
    oracle takes the cheapest tier that is right, and the cheapest of all where none is.
    """
    n = len(records)
    routed = Row(
        "thinkthrift",
        {tier: sum(reply.tier == tier for reply in replies) / n for tier in TIERS},
        sum(reply.correct for reply in replies) / n,
        sum(reply.tokens for reply in replies),
        sum(reply.cost_usd for reply in replies),
    )
    always = [_fixed(f"always {tier}", records, [tier] * n) for tier in TIERS]
    shares = routed.shares
    mix = Row(
        "random, same shares",
        shares,
        sum(shares[row.name.removeprefix("always ")] * row.accuracy for row in always),
        sum(shares[row.name.removeprefix("always ")] * row.tokens for row in always),
        sum(shares[row.name.removeprefix("always ")] * row.cost_usd for row in always),
    )
    return [routed, *always, mix, _fixed("oracle", records, list(map(cheapest_right, records)))]


def cheapest_right(record: Record) -> str:
    """Return the tier that the oracle takes."""
    return next((tier for tier in TIERS if record.outputs[tier].correct), TIERS[0])


def _fixed(name: str, records: Sequence[Record], tiers: Sequence[str]) -> Row:
    """Return the row of a choice of tiers made without the proxy."""
    outputs = [record.outputs[tier] for record, tier in zip(records, tiers, strict=True)]
    return Row(
        name,
        {tier: sum(chosen == tier for chosen in tiers) / len(tiers) for tier in TIERS},
        sum(output.correct for output in outputs) / len(outputs),
        sum(output.tokens for output in outputs),
        sum(output.cost_usd(tier) for output, tier in zip(outputs, tiers, strict=True)),
    )


def print_table(rows: Iterable[Row], n: int, console: Console) -> None:
    """Print the comparison; tokens per question, costs per thousand questions, saving against always-long."""
    rows = list(rows)
    dearest = next(row.cost_usd for row in rows if row.name == f"always {TIERS[-1]}")
    table = Table(title=f"{n} recorded questions")
    for heading in (
        "routing",
        "short/distilled/long",
        "accuracy",
        "tokens each",
        "USD/1,000",
        "saved",
    ):
        is_name = heading == "routing"
        table.add_column(heading, justify="left" if is_name else "right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.name,
            "/".join(f"{row.shares[tier]:.0%}" for tier in TIERS),
            f"{row.accuracy:.1%}",
            f"{row.tokens / n:,.0f}",
            f"{row.cost_usd / n * 1000:.2f}",
            f"{1 - row.cost_usd / dearest:.0%}",
        )
    console.print(table)


def main(argv: list[str] | None = None) -> int:
    """Run the comparison; 0 when every question was answered, 1 when some were not, 2 for unusable arguments."""
    args = _parser().parse_args(argv)
    try:
        records = [
            r for r in load_records(args.replay, args.profile) if set(TIERS) <= set(r.outputs)
        ]
    except (OSError, ValueError) as error:
        print(f"replay_eval: {error}", file=sys.stderr)
        return 2
    records = sample_records(records, args.limit)
    if not records:
        print("replay_eval: no question has a recorded answer of every tier", file=sys.stderr)
        return 2
    replies = asyncio.run(
        ask_all(
            args.url.rstrip("/"),
            records,
            model=args.model,
            concurrency=args.concurrency,
            headers=bearer(args.key),
        )
    )
    rows = compare(records, replies)
    console = Console(width=max(Console().width, TABLE_COLUMNS))
    print_table(rows, len(records), console)
    errors = [reply.error for reply in replies if reply.error]
    n_recorded = sum(reply.is_recorded for reply in replies)
    console.print(
        f"{n_recorded} of {len(records)} answers are the recorded text; {len(errors)} requests failed."
    )
    console.print(
        "Answers and grades are recordings; tokens of hidden reasoning and prices are declared: docs/simulator.md."
    )
    for complaint in errors[:3]:
        print(f"replay_eval: {complaint}", file=sys.stderr)
    if args.json:
        report = {
            "n": len(records),
            "failed": len(errors),
            "recorded_texts": n_recorded,
            "rows": [asdict(r) for r in rows],
        }
        args.json.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    return 1 if errors else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.replay_eval", description="Grade a running proxy by records."
    )
    parser.add_argument("--url", default="http://127.0.0.1:8400", help="the proxy, without /v1")
    parser.add_argument(
        "--replay", type=Path, required=True, help="the file that the upstream replays"
    )
    parser.add_argument(
        "--limit", type=int, default=200, help="questions, balanced over the sources"
    )
    parser.add_argument("--model", default="auto")
    parser.add_argument("--key", default="", help="sent as a bearer token")
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument(
        "--profile",
        choices=sorted(COMPLETION_TOKENS),
        default="benchmark",
        help="as given to the simulator",
    )
    parser.add_argument("--json", type=Path, help="also write the rows here")
    return parser


if __name__ == "__main__":
    sys.exit(main())
