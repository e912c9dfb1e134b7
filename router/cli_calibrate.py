"""The command ``calibrate``: fit a configuration to its user's own outcomes, and write the values into it."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import ConfigError
from .settings import load_settings

if TYPE_CHECKING:
    from .calibrate import Calibration


def calibrate(options: argparse.Namespace) -> int:
    """Fit tiers and dial; print what was found, and write it unless only printing was asked for."""
    from classifier.training.dataset import DataError

    from . import calibrate as fitting
    from .bootstrap import routing_of
    from .prices import PriceTable

    if not 0 < options.keep <= 1:
        raise ConfigError([f"--keep: {options.keep:g} is no share; give more than 0 and 1 at most"])
    settings = load_settings(options.config)
    routing = routing_of(settings, PriceTable.load())
    try:
        found = fitting.calibrate(
            settings, routing, options.questions, options.outcomes, keep=options.keep
        )
    except DataError as error:
        raise ConfigError([str(error)]) from error
    _show(found)
    promised = settings.routing.policy == "guaranteed"
    if not options.print:
        _write(options.config, found)
    return 1 if promised and found.limit is None else 0


def _show(found: "Calibration") -> None:
    for fit in found.fits:
        whose = "no outcomes: left as it is"
        if fit.outcomes:
            whose = f"+-{fit.error:.3f}, {fit.outcomes} outcomes"
            whose += " of other models on its rung: name your own to fit it" * fit.by_rung
        print(f"{fit.tier:<12} ability {fit.ability:+.3f} ({whose})")
    if found.dial is not None:
        print(
            f"dial         {found.dial:g} (accuracy {found.accuracy:.3f}; "
            f"the best single tier has {found.best:.3f})"
        )
    if found.boundaries is not None:
        print(f"boundaries   {', '.join(f'{cut:.3f}' for cut in found.boundaries)}")
    if found.limit is not None:
        print(f"limit        {found.limit:g}")
    for line in found.warnings:
        print(f"thinkthrift: warning: {line}", file=sys.stderr)


def _write(config: Path, found: "Calibration") -> None:
    from .calibrate_write import CannotWriteError, with_values

    values: dict[tuple[str | int, ...], Any] = {
        ("tiers", place, "ability"): fit.ability
        for place, fit in enumerate(found.fits)
        if fit.outcomes
    }
    if found.dial is not None:
        values["routing", "dial"] = found.dial
    if found.boundaries is not None:
        values["routing", "boundaries"] = [round(cut, 4) for cut in found.boundaries]
    if found.limit is not None:
        values["routing", "guarantee", "limit"] = found.limit
    try:
        text = with_values(config.read_text(encoding="utf-8"), values)
    except CannotWriteError as error:
        raise ConfigError(
            [f"{config}: {error}; use --print and write the values yourself"]
        ) from error
    beside = config.with_name(config.name + ".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(config)
    print(f"wrote {config}")
