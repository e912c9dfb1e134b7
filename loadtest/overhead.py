"""What the proxy costs: `python -m loadtest.overhead` starts a mock upstream and the proxy, and measures the proxy alone.

The main figure is CPU milliseconds per request: user and system time of the proxy's process tree (without the embedded cache
server) over the requests answered. It does not depend on who else uses the machine as much as latency does. The cache is off;
every request is classified (`model: auto`) and every prompt is different. Linux only.
"""

import argparse
import shlex
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import orjson
import uvloop
from rich.console import Console
from rich.table import Table

from loadtest.clients import LoadError, run_load
from loadtest.processes import cpu_s, has_litellm, rss_mb
from loadtest.rig import Proxy, start_proxy, start_upstream
from loadtest.workloads import raw_requests

TABLE_COLUMNS = 96  # a pipe has no width of its own
TARGET_PLAIN_MS = 0.6
TARGET_STREAM_MS = 1.0
TARGET_READY_S = 2.0
TARGET_RSS_MB = 150.0


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of load; `target_ms` is CPU per request, None where there is no target."""

    name: str
    stream: bool
    concurrency: int
    n_requests: int
    target_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What one shape cost over all rounds; added latency is against the upstream asked directly."""

    shape: Shape
    cpu_ms: tuple[float, ...]
    p50_ms: tuple[float, ...]
    direct_p50_ms: float
    requests_per_s: tuple[float, ...]


def measure(proxy: Proxy, upstream_url: str, shapes: list[Shape], n_rounds: int) -> list[Cost]:
    """Return the cost of each shape; rounds are interleaved, so that a noisy minute touches all shapes alike."""
    cpu_ms: dict[Shape, list[float]] = {shape: [] for shape in shapes}
    p50_ms: dict[Shape, list[float]] = {shape: [] for shape in shapes}
    rates: dict[Shape, list[float]] = {shape: [] for shape in shapes}
    direct = {shape: _run(upstream_url, shape, seed=-1, n=200)[1] for shape in shapes}
    for shape in shapes:
        _run(proxy.url, shape, seed=-2, n=200)  # first calls compile, connect and fill pools
    for number in range(n_rounds):
        for shape in shapes:
            before = cpu_s(proxy.pid)
            rate, p50 = _run(proxy.url, shape, seed=number, n=shape.n_requests)
            cpu_ms[shape].append((cpu_s(proxy.pid) - before) * 1000 / shape.n_requests)
            p50_ms[shape].append(p50)
            rates[shape].append(rate)
    return [Cost(s, tuple(cpu_ms[s]), tuple(p50_ms[s]), direct[s], tuple(rates[s])) for s in shapes]


def _run(url: str, shape: Shape, *, seed: int, n: int) -> tuple[float, float]:
    """Return requests per second and the median latency in ms of one run."""
    address = urlsplit(url)
    host, port = address.hostname or "127.0.0.1", address.port or 80
    requests = raw_requests(n, host=f"{host}:{port}", model="auto", stream=shape.stream, seed=seed)
    run = uvloop.run(run_load(host, port, requests, concurrency=shape.concurrency))
    return run.n / run.wall_s, run.p50_ms


def print_costs(costs: list[Cost], console: Console) -> None:
    """Print the table of shapes."""
    table = Table(title="CPU ms per request of the proxy, cache off, all classified")
    for heading in (
        "load",
        "CPU ms",
        "best",
        "p50 ms",
        "added",
        "req/s",
        "target",
        "",
    ):
        is_name = heading == "load"
        table.add_column(heading, justify="left" if is_name else "right", no_wrap=True)
    for cost in costs:
        cpu, target = median(cost.cpu_ms), cost.shape.target_ms
        table.add_row(
            cost.shape.name,
            f"{cpu:.3f}",
            f"{min(cost.cpu_ms):.3f}",
            f"{median(cost.p50_ms):.2f}",
            f"{median(cost.p50_ms) - cost.direct_p50_ms:.2f}",
            f"{median(cost.requests_per_s):,.0f}",
            "" if target is None else f"{target}",
            "" if target is None else _verdict(is_met=cpu <= target),
        )
    console.print(table)


def _verdict(*, is_met: bool) -> str:
    return "pass" if is_met else "FAIL"


def main(argv: list[str] | None = None) -> int:
    """Measure and print; 0 when every target is met, 1 when one is not or the proxy fails."""
    args = _parser().parse_args(argv)
    if bool(args.url) != bool(args.pid):
        print("overhead: --url and --pid go together", file=sys.stderr)
        return 2
    n = args.requests
    shapes = [
        Shape(
            "plain, 32 connections",
            stream=False,
            concurrency=32,
            n_requests=n,
            target_ms=TARGET_PLAIN_MS,
        ),
        Shape("plain, 1 connection", stream=False, concurrency=1, n_requests=n // 4),
        Shape(
            "100 chunks, 32 connections",
            stream=True,
            concurrency=32,
            n_requests=n // 4,
            target_ms=TARGET_STREAM_MS,
        ),
        Shape("100 chunks, 1 connection", stream=True, concurrency=1, n_requests=n // 8),
    ]
    try:
        with ExitStack() as stack:
            upstream_url = args.upstream_url or stack.enter_context(start_upstream())
            proxy = (
                Proxy(args.url.rstrip("/"), args.pid, None)
                if args.url
                else stack.enter_context(start_proxy(args.command, upstream_url, args.port))
            )
            costs = measure(proxy, upstream_url, shapes, args.rounds)
            memory_mb, litellm = rss_mb(proxy.pid), has_litellm(proxy.pid)
    except (LoadError, OSError) as error:
        print(f"overhead: {error}", file=sys.stderr)
        return 1
    console = Console(width=max(Console().width, TABLE_COLUMNS))
    print_costs(costs, console)
    checks = [
        (
            f"resident memory {memory_mb:.0f} MB, target < {TARGET_RSS_MB:.0f}",
            memory_mb < TARGET_RSS_MB,
        ),
        (f"litellm {'loaded' if litellm else 'not loaded'}", not litellm),
    ]
    if proxy.ready_s is not None:
        checks.append(
            (
                f"ready after {proxy.ready_s:.2f} s, target < {TARGET_READY_S:.0f}",
                proxy.ready_s < TARGET_READY_S,
            )
        )
    for text, is_met in checks:
        console.print(f"{text}: {_verdict(is_met=is_met)}")
    met = [median(c.cpu_ms) <= c.shape.target_ms for c in costs if c.shape.target_ms is not None]
    if args.json:
        rows = [
            {
                "load": c.shape.name,
                "cpu_ms": c.cpu_ms,
                "p50_ms": c.p50_ms,
                "direct_p50_ms": c.direct_p50_ms,
            }
            for c in costs
        ]
        report = {
            "costs": rows,
            "rss_mb": memory_mb,
            "ready_s": proxy.ready_s,
            "litellm_loaded": litellm,
        }
        args.json.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    return 0 if all(met) and all(is_met for _, is_met in checks) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.overhead", description="CPU cost of the proxy."
    )
    parser.add_argument(
        "--command",
        default=shlex.quote(str(Path(sys.executable).with_name("thinkthrift"))),
        help="the proxy's command",
    )
    parser.add_argument(
        "--port", type=int, default=0, help="where the proxy is started; 0 takes a free port"
    )
    parser.add_argument("--url", help="measure a proxy that runs already; needs --pid")
    parser.add_argument("--pid", type=int, help="its process")
    parser.add_argument("--upstream-url", help="its upstream, for the latency that the proxy adds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--requests",
        type=int,
        default=2000,
        help="per round of the first load; the others send fewer",
    )
    parser.add_argument("--json", type=Path, help="also write the figures here")
    return parser


if __name__ == "__main__":
    sys.exit(main())
