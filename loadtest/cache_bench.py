"""What the cache costs and saves: `python -m loadtest.cache_bench` starts a mock upstream and the proxy, and asks over HTTP.

- CPU milliseconds per request of the proxy's process tree, without the cache's server: hits (plain, streamed) and misses.
- Single flight: 500 identical requests at once over four workers must be one upstream call.
- Memory: bytes of the cache's server per 10,000 different answers.

Linux only.
"""

import argparse
import asyncio
import json
import os
import shlex
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import uvloop
from rich.console import Console
from rich.table import Table

from loadtest.clients import LoadError, run_load
from loadtest.processes import cpu_s
from loadtest.rig import Proxy, start_proxy, start_upstream
from loadtest.workloads import raw_requests

TARGET_HIT_MS = 0.5
TABLE_COLUMNS = 96
N_TOGETHER = 500
N_ENTRIES = 10_000
CONCURRENCY = 32
EMBEDDED = "{url: embedded, memory_mb: 512}"


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU milliseconds per request and the median latency of one kind of load, by round."""

    load: str
    cpu_ms: tuple[float, ...]
    p50_ms: tuple[float, ...]
    target_ms: float | None = None

    @property
    def met(self) -> bool:
        """Whether the target, if there is one, is met."""
        return self.target_ms is None or median(self.cpu_ms) <= self.target_ms


@dataclass(frozen=True, slots=True)
class Together:
    """What many identical requests at once were answered with."""

    stream: bool
    results: dict[str, int]
    wall_s: float

    @property
    def upstream_calls(self) -> int:
        """Every answer that was neither stored nor shared was asked for upstream."""
        return self.results.get("miss", 0) + self.results.get("bypass", 0)


def measure_costs(proxy: Proxy, n: int, rounds: int) -> list[Cost]:
    """Return the cost of hits and misses."""
    costs = []
    for place, (load, stream, hits) in enumerate(
        (
            ("hit, plain", False, True),
            ("hit, streamed", True, True),
            ("miss, plain", False, False),
            ("miss, streamed", True, False),
        )
    ):
        cpu_ms, p50_ms = [], []
        for number in range(-1, rounds):
            # All are different from one another; what is to hit was asked in the first round, which
            # also compiles and connects, and does not count.
            seed = 1000 * (place + 1) + (0 if hits else number + 1)
            requests = _requests(proxy.url, n, stream=stream, seed=seed)
            before = cpu_s(proxy.pid)
            run = _run(proxy.url, requests)
            if number >= 0:
                cpu_ms.append((cpu_s(proxy.pid) - before) * 1000 / n)
                p50_ms.append(run)
        costs.append(Cost(load, tuple(cpu_ms), tuple(p50_ms), TARGET_HIT_MS if hits else None))
    return costs


def measure_memory(proxy: Proxy, command: str, n: int) -> float:
    """Return the bytes of the cache's server per entry, over `n` different answers."""
    before, held = _stats(proxy, command)
    _run(proxy.url, _requests(proxy.url, n, stream=False, seed=77))
    after, holds = _stats(proxy, command)
    if holds - held < n * 0.99:
        raise LoadError(f"only {holds - held} of {n} answers were kept")
    return (after - before) / (holds - held)


def measure_together(proxy: Proxy, n: int, *, stream: bool) -> Together:
    """Return what `n` identical requests at once were answered with."""
    (request,) = _requests(proxy.url, 1, stream=stream, seed=99 + stream)
    started = time.perf_counter()
    results = uvloop.run(_all_at_once(proxy.url, request, n))
    return Together(stream, dict(Counter(results)), time.perf_counter() - started)


async def _all_at_once(url: str, request: bytes, n: int) -> list[str]:
    address = urlsplit(url)
    closing = request.replace(b"\r\n", b"\r\nconnection: close\r\n", 1)

    async def one() -> str:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(closing)
        head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
        writer.close()
        lines = head.decode().split("\r\n")
        if " 200 " not in lines[0] or not body:
            raise LoadError(lines[0])
        found = [line for line in lines if line.startswith("x-router-cache:")]
        return found[0].partition(": ")[2] if found else "unknown"

    return await asyncio.gather(*[one() for _ in range(n)])


def _requests(url: str, n: int, *, stream: bool, seed: int) -> list[bytes]:
    address = urlsplit(url)
    host = f"{address.hostname}:{address.port}"
    return list(raw_requests(n, host=host, model="auto:short", stream=stream, seed=seed))


def _run(url: str, requests: list[bytes]) -> float:
    address = urlsplit(url)
    host, port = address.hostname or "127.0.0.1", address.port or 80
    return uvloop.run(run_load(host, port, requests, concurrency=CONCURRENCY)).p50_ms


def _stats(proxy: Proxy, command: str) -> tuple[int, int]:
    """Return bytes and entries of the cache's server."""
    assert proxy.config is not None, "started here"
    env = os.environ | {"XDG_STATE_HOME": str(proxy.config.parent)}
    line = [*shlex.split(command), "cache", "stats", "--config", str(proxy.config)]
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=env)  # noqa: S603  the caller's
    if done.returncode:
        raise LoadError(f"cache stats failed: {done.stderr[-500:]}")
    told = json.loads(done.stdout)
    return int(told["used_bytes"]), int(told["entries"])


def print_costs(costs: list[Cost], console: Console) -> None:
    """Print the table of costs."""
    table = Table(title="CPU ms per request of the proxy, embedded cache")
    for heading in ("load", "CPU ms", "best", "p50 ms", "target", ""):
        table.add_column(heading, justify="left" if heading == "load" else "right", no_wrap=True)
    for cost in costs:
        target = cost.target_ms
        table.add_row(
            cost.load,
            f"{median(cost.cpu_ms):.3f}",
            f"{min(cost.cpu_ms):.3f}",
            f"{median(cost.p50_ms):.2f}",
            "" if target is None else f"< {target}",
            "" if target is None else _verdict(is_met=cost.met),
        )
    console.print(table)


def _verdict(*, is_met: bool) -> str:
    return "pass" if is_met else "FAIL"


def main(argv: list[str] | None = None) -> int:
    """Measure and print; 0 when every target is met, 1 when one is not or the proxy fails."""
    args = _parser().parse_args(argv)
    try:
        with ExitStack() as stack:
            fast = stack.enter_context(start_upstream())
            proxy = stack.enter_context(start_proxy(args.command, fast, 0, cache=args.cache))
            costs = measure_costs(proxy, args.requests, args.rounds)
            per_entry = measure_memory(proxy, args.command, args.entries)
        with ExitStack() as stack:
            slow = stack.enter_context(start_upstream("--delay-s", str(args.delay_s)))
            proxy = stack.enter_context(
                start_proxy(args.command, slow, 0, cache=args.cache, workers=args.workers)
            )
            together = [
                measure_together(proxy, args.together, stream=stream) for stream in (False, True)
            ]
    except (LoadError, OSError) as error:
        print(f"cache_bench: {error}", file=sys.stderr)
        return 1
    console = Console(width=max(Console().width, TABLE_COLUMNS))
    print_costs(costs, console)
    for one in together:
        console.print(
            f"{args.together} at once, {'streamed' if one.stream else 'plain'}: "
            f"{one.upstream_calls} upstream call(s), {one.results}, {one.wall_s:.2f} s: "
            f"{_verdict(is_met=one.upstream_calls == 1)}"
        )
    console.print(f"memory: {per_entry * N_ENTRIES / 1e6:.1f} MB per {N_ENTRIES:,} entries")
    if args.json:
        report = {
            "costs": [asdict(cost) for cost in costs],
            "together": [asdict(one) for one in together],
            "bytes_per_entry": per_entry,
        }
        args.json.write_text(json.dumps(report, indent=2), encoding="utf-8")
    alone = all(one.upstream_calls == 1 for one in together)
    return 0 if alone and all(cost.met for cost in costs) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.cache_bench", description="Cost and gain of the cache."
    )
    parser.add_argument(
        "--command",
        default=shlex.quote(str(Path(sys.executable).with_name("thinkthrift"))),
        help="the proxy's command",
    )
    parser.add_argument("--cache", default=EMBEDDED, help="the cache section, as YAML in one line")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=2000, help="per round")
    parser.add_argument("--entries", type=int, default=N_ENTRIES, help="to measure the memory with")
    parser.add_argument(
        "--together", type=int, default=N_TOGETHER, help="identical requests at once"
    )
    parser.add_argument("--delay-s", type=float, default=2.0, help="of the upstream, meanwhile")
    parser.add_argument("--workers", type=int, default=4, help="that they are spread over")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    return parser


if __name__ == "__main__":
    sys.exit(main())
