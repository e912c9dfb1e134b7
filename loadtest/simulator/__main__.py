"""The command `python -m loadtest.simulator`."""

import argparse
import asyncio
import contextlib
import socket
import sys
from pathlib import Path

import uvicorn

from loadtest.records import COMPLETION_TOKENS, load_records
from loadtest.simulator.app import Settings, create_app
from loadtest.simulator.delivery import Pace
from loadtest.simulator.laws import LAWS
from loadtest.simulator.replay import MODELS

BASE_TOKENS_PER_S = 1000.0
"""At `--speed 1`: ten times a fast model, so that a demo shows waiting without making anyone wait."""
FIRST_TOKEN_S = 0.02


def main(argv: list[str] | None = None) -> int:
    """Serve until interrupted; 0 after an interrupt, 2 when the replay file or the address is unusable."""
    args = _parser().parse_args(argv)
    try:
        records = tuple(load_records(args.replay, args.profile)) if args.replay else ()
        listener = socket.create_server((args.host, args.port), backlog=2048)
    except (OSError, ValueError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    is_instant = args.no_delay
    pace = Pace(
        token_s=0.0 if is_instant else 1 / (BASE_TOKENS_PER_S * args.speed),
        first_token_s=0.0 if is_instant else FIRST_TOKEN_S / args.speed,
        chunk_tokens=args.chunk_tokens,
        slow_first_s=args.slow_first_s,
    )
    models = (*LAWS, *MODELS) if records else tuple(LAWS)
    with listener, contextlib.suppress(KeyboardInterrupt):
        asyncio.run(
            _serve(
                Settings(args.seed, pace, records, args.replay_spread),
                listener,
                models if args.announce else (),
            )
        )
    return 0


async def _serve(settings: Settings, listener: socket.socket, models: tuple[str, ...]) -> None:
    config = uvicorn.Config(
        create_app(settings),
        log_level="critical",  # a fault that closes the connection is no error of ours
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():  # noqa: ASYNC110  uvicorn says it by a flag only
        await asyncio.sleep(0.005)
    host, port = listener.getsockname()[:2]
    print(f"simulator listening on http://{host}:{port}", flush=True)
    for model in models:
        print(f"  {model}", flush=True)
    await serving


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.simulator", description="Simulated upstream models."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 (default) takes a free port")
    parser.add_argument("--seed", type=int, default=0, help="changes every sample")
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument(
        "--speed",
        type=_positive,
        default=1.0,
        help=f"1 is {BASE_TOKENS_PER_S:.0f} tokens per second",
    )
    pace.add_argument("--no-delay", action="store_true", help="as fast as possible")
    parser.add_argument("--chunk-tokens", type=int, default=4, help="tokens per event, at most")
    parser.add_argument(
        "--slow-first-s", type=_positive, default=3.0, help="delay of the fault slow-first, seconds"
    )
    parser.add_argument("--replay", type=Path, help="recorded answers, JSON lines (.gz)")
    parser.add_argument(
        "--replay-spread",
        action="store_true",
        help="samples of a replay model come from the recorded models of its tier in turn",
    )
    parser.add_argument(
        "--profile",
        choices=sorted(COMPLETION_TOKENS),
        default="benchmark",
        help="billing of the replay",
    )
    parser.add_argument("--announce", action="store_true", help="also print the models, one a line")
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be above 0")
    return value


if __name__ == "__main__":
    sys.exit(main())
