"""The commands. Thin: they read arguments, call a room, and print. Errors are one readable line each.

Exit codes: 0 ok, 1 failed, 2 usage or configuration.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from .cli_calibrate import calibrate
from .cli_commands import (
    cache_purge,
    cache_stats,
    demo,
    doctor,
    route,
    score,
    serve,
    train,
    validate,
)
from .cli_export import export
from .cli_replay import evaluate, replay
from .errors import ConfigError, RouterError

OK, FAILED, USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code."""
    options = _parser().parse_args(arguments)
    try:
        code = options.run(options)
    except ConfigError as error:
        _complain(*error.problems)
        code = USAGE
    except RouterError as error:
        _complain(str(error))
        code = FAILED
    except OSError as error:
        _complain(f"{error.filename or options.command}: {error.strerror or error}")
        code = FAILED
    except ImportError as error:
        _complain(_missing(error))
        code = USAGE
    except (KeyboardInterrupt, asyncio.CancelledError):
        code = FAILED
    sys.exit(code)


def _complain(*lines: str) -> None:
    for line in lines:
        print(f"thinkthrift: {line}", file=sys.stderr)


def _missing(error: ImportError) -> str:
    package = (error.name or "").partition(".")[0]
    extra = {"onnxruntime": "cpu] or thinkthrift[gpu"}.get(package)
    if package in ("sklearn", "skl2onnx", "onnx", "matplotlib", "scipy"):
        extra = "train"
    if extra is None:
        return f"cannot import {package}: {error}"
    return f"{package} is not installed: install thinkthrift[{extra}] (uv: --extra {extra[:5].rstrip(']')})"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="thinkthrift",
        description="A drop-in LLM proxy that spends thinking tokens where they pay.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    one = command("demo", demo, "run simulated tiers, cache and proxy, and route a dozen queries")
    one.add_argument("--once", action="store_true", help="exit after the table")
    one.add_argument("--port", type=_port, default=8400, help="port of the proxy (0: any free one)")

    one = command("serve", serve, "run the proxy")
    _config(one)
    one.add_argument("--host", default="127.0.0.1", help="default 127.0.0.1")
    one.add_argument("--port", type=_port, default=8400, help="default 8400")
    one.add_argument("--workers", type=_count, default=1, help="processes, default 1")

    one = command("validate", validate, "check a configuration; every error at once")
    _config(one, required=True)

    one = command("route", route, "decide without calling anybody: where would this go, and why?")
    one.add_argument("text", help="the query")
    _config(one)
    one.add_argument("--json", action="store_true", help="the whole decision as JSON")

    one = command("score", score, "score JSON lines of {id, prompt} or {id, messages}")
    one.add_argument("file", nargs="?", type=Path, help="default: standard input")

    one = command("train", train, "train, calibrate and export the classifier")
    _outcomes(one)
    one.add_argument(
        "--out", type=Path, required=True, help="directory of the artefact and its card"
    )
    one.add_argument(
        "--licences",
        choices=("all", "permissive"),
        default="all",
        help="permissive: leave out contest wordings and share-alike, non-commercial or unclear rows",
    )

    _evaluation(command("evaluate", evaluate, "measure routing on recorded outcomes, or live"))
    _calibration(command("calibrate", calibrate, "fit tiers and dial to your own outcomes"))

    one = command("export", export, "turn a decision log into questions and outcomes")
    one.add_argument("log", type=Path, metavar="LOG", help="JSON lines, as log.decisions has them")
    one.add_argument("--out", type=Path, required=True, help="directory of the two files")

    _policy_replay(command("replay", replay, "what another policy would do, from a decision log"))

    one = command("doctor", doctor, "check configuration, classifier and cache")
    _config(one, required=True)
    one.add_argument(
        "--live",
        action="store_true",
        help="also ask each model a few questions, and see whether it does what is declared of it",
    )

    one = command("cache", cache_stats, "look at the cache, or empty it")
    _cache_actions(one)
    return parser


def _evaluation(parser: argparse.ArgumentParser) -> None:
    _outcomes(parser, required=False)
    parser.add_argument("--weak", help="the cheap model of the pair")
    parser.add_argument("--strong", help="the dear model of the pair")
    parser.add_argument(
        "--scores", type=Path, help="JSON lines of scores in place of the classifier's"
    )
    parser.add_argument(
        "--report", type=Path, required=True, help="directory of report.json and report.md"
    )
    live = parser.add_argument_group("through a running proxy, in place of recorded outcomes")
    live.add_argument("--live", metavar="URL", help="the proxy, without /v1")
    live.add_argument("--replay", type=Path, metavar="FILE", help="what its upstream replays")
    live.add_argument("--limit", type=_count, help="questions, default 400")
    live.add_argument("--policies", help="default utility,quality,threshold,cascade")
    live.add_argument("--dials", help="default 0.1,0.3,0.5,0.7,0.9")
    live.add_argument("--key", help="sent as a bearer token")


def _policy_replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("log", type=Path, metavar="LOG", help="JSON lines, as log.decisions has")
    parser.add_argument(
        "--policy",
        type=Path,
        required=True,
        metavar="FILE",
        help="YAML: a routing section alone, or a whole configuration",
    )
    parser.add_argument("--json", action="store_true", help="all numbers as JSON")


def _calibration(parser: argparse.ArgumentParser) -> None:
    _outcomes(parser)
    _config(parser, required=True)
    parser.add_argument("--print", action="store_true", help="print only, leave the file alone")
    parser.add_argument(
        "--keep",
        type=float,
        default=0.99,
        help="share of the best single tier's accuracy that the dial must keep, default 0.99",
    )


def _cache_actions(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    stats = actions.add_parser("stats", help="what it holds and how it has served")
    stats.set_defaults(run=cache_stats)
    purge = actions.add_parser("purge", help="remove entries")
    purge.add_argument("--tenant", help="of this tenant only")
    purge.set_defaults(run=cache_purge)
    for action in (stats, purge):
        _config(action)


def _config(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    parser.add_argument("--config", type=Path, required=required, metavar="FILE", help="YAML file")


def _outcomes(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    for name in ("--questions", "--outcomes"):
        parser.add_argument(name, type=Path, required=required, help="JSON lines, may be gzipped")


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port < 2**16:
        raise argparse.ArgumentTypeError(f"{port} is no port: 0 to 65535")
    return port


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return count


if __name__ == "__main__":
    main()
