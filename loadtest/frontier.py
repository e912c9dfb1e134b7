"""Accuracy against tokens: `python -m loadtest.frontier` asks graded arithmetic through the real proxy, strategy by strategy.

It starts the simulator, whose models err by a stated law, and the proxy in front of it; every strategy answers the same
questions of 1 to 10 steps. What comes out is what the strategies do with models of that law (`docs/simulator.md`): the order
of strategies under these chances, not the score of any real model. Tokens are completion tokens of all calls, cancelled
ones too, as the proxy bills them; the cost is the proxy's own, by the prices in `CONFIG`, prompts included.
"""

import argparse
import asyncio
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import aiohttp
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from loadtest.clients import LoadError
from loadtest.graded import BANDS, Band, Question, make_questions, said_value
from loadtest.rig import start_proxy, start_upstream

CONFIG = """\
model_list:
  - {{model_name: sim-short, dialect: vllm, litellm_params: {{model: openai/sim-short, api_base: {url}/v1, api_key: sk-sim}}, price: {{input: 0.1, output: 0.6}}}}
  - {{model_name: sim-long, dialect: vllm, litellm_params: {{model: openai/sim-long, api_base: {url}/v1, api_key: sk-sim}}, price: {{input: 2.0, output: 12.0}}}}
  - {{model_name: scores, litellm_params: {{model: openai/scores, api_base: {url}/v1, api_key: sk-sim}}}}
tiers:
  - {{name: short, rung: short, models: [sim-short], thinking: off, max_output_tokens: 1024, search: {{verifier: {{kind: reward, model: scores}}}}}}
  - {{name: long, rung: long, models: [sim-long], thinking: on, max_thinking_tokens: 8192}}
cache: {cache}
"""

TABLE_COLUMNS = 110
_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to answer: what is sent as ``router``, and in which tier."""

    name: str
    tier: str
    strategy: str
    n: int | None = None

    @property
    def router(self) -> dict[str, Any]:
        """Return the body object that asks for it."""
        asked = {"tier": self.tier, "strategy": self.strategy}
        return asked if self.n is None else asked | {"n": self.n}


ARMS = (
    Arm("single", "short", "single"),
    Arm("vote 3", "short", "vote", 3),
    Arm("vote 5", "short", "vote", 5),
    Arm("vote 9", "short", "vote", 9),
    Arm("weighted_vote 9", "short", "weighted_vote", 9),
    Arm("best_of_n 9", "short", "best_of_n", 9),
    Arm("dvts 16", "short", "dvts", 16),
    Arm("cascade", "long", "cascade"),
    Arm("early_exit", "long", "early_exit"),
    Arm("auto, short", "short", "auto"),
    Arm("auto, long", "long", "auto"),
    Arm("single, long", "long", "single"),
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: whether it is right, and what it took; ``error`` is empty where there was an answer."""

    is_right: bool
    tokens: int = 0
    cost_usd: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One arm in one band.

    Attributes:
        accuracy: Share of right answers; what failed is wrong.
        error: Its standard error.
        tokens: Completion tokens per question.
        cost_usd: Per question.
    """

    arm: str
    band: str
    n: int
    accuracy: float
    error: float
    tokens: float
    cost_usd: float


async def ask_all(
    url: str,
    arm: Arm,
    questions: Sequence[Question],
    seed: int,
    concurrency: int,
    tick: Callable[[], None],
) -> list[Reply]:
    """Return the replies to all questions, in their order."""
    gate = asyncio.Semaphore(concurrency)
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:

        async def one(number: int, question: Question) -> Reply:
            async with gate:
                try:
                    return await _ask(session, url, arm, question, seed + 1000 * number)
                except (aiohttp.ClientError, TimeoutError) as error:
                    return Reply(is_right=False, error=f"{type(error).__name__}: {error}")
                finally:
                    tick()

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(i, question)) for i, question in enumerate(questions)]
    return [task.result() for task in tasks]


async def _ask(
    session: aiohttp.ClientSession, url: str, arm: Arm, question: Question, seed: int
) -> Reply:
    messages = [{"role": "user", "content": question.text}]
    body = {"model": "auto", "messages": messages, "seed": seed, "router": arm.router}
    async with session.post(f"{url}/v1/chat/completions", json=body) as response:
        raw = await response.read()
    if response.status != 200:
        told = raw[:200].decode(errors="replace")
        return Reply(is_right=False, error=f"HTTP {response.status}: {told}")
    try:
        answer = orjson.loads(raw)
        text = answer["choices"][0]["message"]["content"] or ""
        tokens, cost_usd = answer["usage"]["completion_tokens"], answer["router"]["cost_usd"]
    except (orjson.JSONDecodeError, LookupError, TypeError) as error:
        return Reply(is_right=False, error=f"not a chat completion: {error!r}")
    return Reply(said_value(text) == question.value, tokens, cost_usd)


def summarise(arm: Arm, questions: Sequence[Question], replies: Sequence[Reply]) -> list[Figure]:
    """Return the figures of one arm: every band, then all questions together."""
    figures = []
    for band in (*BANDS, Band("all", BANDS[0].least, BANDS[-1].most)):
        part = [
            reply
            for question, reply in zip(questions, replies, strict=True)
            if band.least <= question.steps <= band.most
        ]
        n = len(part)
        if not n:
            continue
        accuracy = sum(reply.is_right for reply in part) / n
        figures.append(
            Figure(
                arm.name,
                band.name,
                n,
                accuracy,
                sqrt(accuracy * (1 - accuracy) / n),
                sum(reply.tokens for reply in part) / n,
                sum(reply.cost_usd for reply in part) / n,
            )
        )
    return figures


def print_table(figures: Sequence[Figure], console: Console) -> None:
    """Print accuracy with its standard error, tokens per question and the cost of a thousand, band by band."""
    bands = list(dict.fromkeys(figure.band for figure in figures))
    counts = {band: next(f.n for f in figures if f.band == band) for band in bands}
    told = ", ".join(f"{n} {band}" for band, n in counts.items())
    table = Table(
        title=f"accuracy % (standard error), completion tokens per question; questions: {told}"
    )
    table.add_column("strategy", no_wrap=True)
    for band in bands:
        table.add_column(band, justify="right", no_wrap=True)
        table.add_column("tokens", justify="right", no_wrap=True)
    table.add_column("USD/1,000", justify="right", no_wrap=True)
    for arm in dict.fromkeys(figure.arm for figure in figures):
        own = [figure for figure in figures if figure.arm == arm]
        cells = [
            cell
            for figure in own
            for cell in (
                f"{figure.accuracy:.0%} ({figure.error * 100:.0f})".replace("%", ""),
                f"{figure.tokens:,.0f}",
            )
        ]
        table.add_row(arm, *cells, f"{own[-1].cost_usd * 1000:.2f}")
    console.print(table)


def measure(args: argparse.Namespace, console: Console) -> tuple[list[Figure], list[str]]:
    """Start everything, ask everything; return the figures and what went wrong."""
    questions = make_questions(args.questions, args.seed)
    arms = [arm for arm in ARMS if not args.only or arm.name in args.only]
    figures: list[Figure] = []
    errors: list[str] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with ExitStack() as stack:
        upstream = stack.enter_context(
            start_upstream("--no-delay", "--seed", str(args.seed), module="loadtest.simulator")
        )
        proxy = stack.enter_context(start_proxy(args.command, upstream, 0, template=CONFIG))
        bar = stack.enter_context(Progress(*columns, console=console, transient=True))
        task = bar.add_task("asking", total=len(arms) * len(questions))
        for arm in arms:
            bar.update(task, description=arm.name)
            replies = asyncio.run(
                ask_all(
                    proxy.url,
                    arm,
                    questions,
                    args.seed,
                    args.concurrency,
                    lambda: bar.advance(task),
                )
            )
            figures += summarise(arm, questions, replies)
            errors += [f"{arm.name}: {reply.error}" for reply in replies if reply.error]
    return figures, errors


def main(argv: list[str] | None = None) -> int:
    """Measure, print, write; 0 when every question was answered, 1 when some were not, 2 for unusable arguments."""
    args = _parser().parse_args(argv)
    console = Console(width=max(Console().width, TABLE_COLUMNS))
    try:
        figures, errors = measure(args, console)
    except (LoadError, OSError) as error:
        print(f"frontier: {error}", file=sys.stderr)
        return 1
    print_table(figures, console)
    for complaint in errors[:3]:
        print(f"frontier: {complaint}", file=sys.stderr)
    args.out.mkdir(parents=True, exist_ok=True)
    report = {"questions": args.questions, "seed": args.seed, "failed": len(errors)}
    report |= {"figures": [asdict(figure) for figure in figures]}
    (args.out / "frontier.json").write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    try:
        from loadtest.frontier_plot import draw  # noqa: PLC0415  matplotlib is an extra
    except ModuleNotFoundError as error:
        print(f"frontier: no plot: {error}; install thinkthrift[train]", file=sys.stderr)
    else:
        draw(figures, [band.name for band in BANDS], args.out / "frontier.png")
    console.print(f"Written to {args.out}.")
    return 1 if errors else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.frontier", description="Accuracy against tokens, by strategy."
    )
    parser.add_argument("--questions", type=int, default=250, help="evenly of 1 to 10 steps")
    parser.add_argument(
        "--out", type=Path, default=Path(gettempdir()) / "frontier", help="folder for JSON and plot"
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=[arm.name for arm in ARMS],
        help="repeatable; default: all",
    )
    parser.add_argument("--seed", type=int, default=0, help="of questions and samples")
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument(
        "--command",
        default=shlex.quote(str(Path(sys.executable).with_name("thinkthrift"))),
        help="the proxy's command",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
