"""The command ``export``: from a decision log to the files that ``calibrate`` and ``train`` read."""

import argparse
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from .errors import RouterError


def export(options: argparse.Namespace) -> int:
    """Write ``questions.jsonl`` and ``outcomes.jsonl``; say what was left out, and why."""
    from .log_export import export as read

    found = read(options.log)
    for number in found.broken:
        print(f"thinkthrift: line {number}: no line of a decision log", file=sys.stderr)
    for why, count in found.left_out.items():
        print(f"thinkthrift: left out: {count}, because {why}", file=sys.stderr)
    if not found.outcomes:
        raise RouterError(f"{options.log}: no answer with a verdict that can be used")
    options.out.mkdir(parents=True, exist_ok=True)
    _write(options.out / "questions.jsonl", found.questions)
    _write(options.out / "outcomes.jsonl", found.outcomes)
    print(
        f"wrote {len(found.questions)} questions, {len(found.outcomes)} outcomes to {options.out}"
    )
    return 0


def _write(file: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    file.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
