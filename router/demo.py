"""``thinkthrift demo``: simulated tiers, embedded cache and proxy on this machine, over the real HTTP path."""

import asyncio
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn
from rich.console import Console
from rich.table import Table

from .app import create_app
from .errors import RouterError
from .settings import Settings, environment, settings_from

QUERIES = (
    "Hello! How are you today?",
    "What is 2+3?",
    "What is the capital of France?",
    "法国的首都是哪里？",
    "What is 17 * 24 - 9?",
    "Translate 'good morning' into Spanish.",
    "Start with 5, add 7, multiply by 3, subtract 4, multiply by 2, add 11.",
    "What is (12 + 7) * 3 - (44 - 8) * 2 + 19 * 4?",
    "Find all functions f: R -> R such that f(x + f(y)) = f(x) + y for all real x and y.",
    "Prove that there are infinitely many primes p such that p divides n^2 + 1 for some integer n.",
    "设 a, b, c 为正实数且 abc = 1，证明 a/(b+c) + b/(c+a) + c/(a+b) >= 3/2。",
    "What is the capital of France?",
)
"""Easy to hard, in two languages; the last repeats an earlier one, for the cache."""

WIDTH = 120

PRICES = {"short": (0.1, 0.6), "distilled": (0.5, 4.4), "long": (2.0, 12.0)}
"""USD per million tokens, input and output: those of the replay study's three tiers."""


class DemoError(RouterError):
    """A part of the demo did not start."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    query: str
    router: dict[str, Any]
    cache: str


def demo_settings(upstream: str, state_dir: Path | None = None) -> Settings:
    """Return three simulated tiers behind ``upstream``, with the embedded cache."""
    models = [
        {
            "model_name": f"sim-{name}",
            "litellm_params": {
                "model": f"openai/sim-{name}",
                "api_base": f"{upstream}/v1",
                "api_key": "none-needed",
            },
            "dialect": "vllm",
            "price": {"input": price_in, "output": price_out},
        }
        for name, (price_in, price_out) in PRICES.items()
    ]
    vote = {"strategy": "vote", "n": 5}
    tiers = [
        {"name": "short", "models": ["sim-short"], "thinking": "off", "max_output_tokens": 1024},
        {"name": "distilled", "models": ["sim-distilled"], "thinking": "on", "max_thinking_tokens": 4096},
        {
            "name": "long", "models": ["sim-long"], "thinking": "on", "max_thinking_tokens": 16384,
            "search": vote, "max_total_tokens": 40000,
        },
    ]  # fmt: skip
    cache = {"state_dir": str(state_dir)} if state_dir else {}
    return settings_from({"model_list": models, "tiers": tiers, "cache": cache}, environment())


def run(*, port: int, once: bool) -> int:
    """Run the demo; return the exit code."""
    return asyncio.run(_run(port, once=once))


async def _run(port: int, *, once: bool) -> int:
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)  # a pipe has no width of its own
    with tempfile.TemporaryDirectory(prefix="thinkthrift-demo-") as state:
        async with _simulator() as upstream, _proxy(upstream, Path(state), port) as url:
            console.print(f"simulated models at {upstream}, proxy at {url}\n")
            rows = [await _ask(url, query) for query in QUERIES]
            console.print(_table(rows))
            console.print(_totals(rows))
            if once:
                return 0
            console.print(
                f'\nStill serving. Try: openai.OpenAI(base_url="{url}/v1", api_key="any")'
            )
            console.print("Ctrl-C stops it.")
            await _interrupted()
    return 0


@asynccontextmanager
async def _simulator() -> AsyncGenerator[str, None]:
    """Yield the address of a simulator of our own, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest.simulator", "--port", "0", "--no-delay",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None, "asked for a pipe"
    try:
        line = (await process.stdout.readline()).decode()
        if "http://" not in line:
            raise DemoError("the simulator did not start; its message is above")
        yield line[line.index("http://") :].strip()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@asynccontextmanager
async def _proxy(upstream: str, state_dir: Path, port: int) -> AsyncGenerator[str, None]:
    """Yield the address of the proxy, served from this process."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        raise DemoError(f"port {port} is taken; try --port 0") from error
    app = create_app(demo_settings(upstream, state_dir))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if serving.done():
                raise DemoError("the proxy did not start; its message is above")
            await asyncio.sleep(0.02)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        listener.close()


async def _ask(url: str, query: str) -> Row:
    body = {"model": "auto", "messages": [{"role": "user", "content": query}]}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/v1/chat/completions", json=body) as response,
    ):
        answer = await response.json()
        if response.status != 200:  # noqa: PLR2004 - HTTP's own name for it
            raise DemoError(f"{query!r}: {answer['error']['message']}")
        return Row(query, answer["router"], response.headers["x-router-cache"])


def _table(rows: list[Row]) -> Table:
    table = Table()
    table.add_column("query", no_wrap=True, max_width=44)
    for name in ("difficulty", "tier", "strategy", "thinking tokens", "cost", "saved"):
        table.add_column(name)
    for row in rows:
        router = row.router
        saved = router["baseline_cost_usd"] - router["cost_usd"]
        table.add_row(
            row.query,
            f"{router['difficulty']:.2f}",
            router["tier"],
            _strategy(row),
            str(router["thinking_tokens"]),
            f"${router['cost_usd']:.5f}",
            f"${saved:.5f}",
        )
    return table


def _strategy(row: Row) -> str:
    if row.cache == "hit":
        return "cached"
    samples = row.router["samples"]
    return f"{row.router['strategy']} ×{samples}" if samples > 1 else str(row.router["strategy"])


def _totals(rows: list[Row]) -> str:
    cost = sum(row.router["cost_usd"] for row in rows)
    baseline = sum(row.router["baseline_cost_usd"] for row in rows)
    share = 100 * (1 - cost / baseline) if baseline else 0.0
    return f"spent ${cost:.4f}; always the dearest tier would be expected to cost ${baseline:.4f}: {share:.1f} % saved"


async def _interrupted() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    await stop.wait()
