"""Writes ``data/model_abilities.json`` anew from the model map of the installed litellm.

``python -m router.abilities_update``, after an upgrade of litellm, beside ``router.prices_update``. Only facts are taken, for
the models that have a price: what litellm says they support, and how much they read.
"""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .abilities import LITELLM_NAMES
from .prices_update import MAP_FILE, full_name, in_lines, model_map, select

TARGET = Path(__file__).parent / "data" / "model_abilities.json"


def select_abilities(models: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what is known of the models worth shipping, by ``provider/model``; what is not known is absent."""
    priced = select(models)
    found: dict[str, dict[str, Any]] = {}
    for name, entry in models.items():
        full = full_name(name, entry)
        if full in priced:
            found[full] = {
                ours: entry[theirs]
                for ours, theirs in LITELLM_NAMES.items()
                if isinstance(entry.get(theirs), int)
            }
    return dict(sorted((name, row) for name, row in found.items() if row))


def main() -> None:
    """Write the table and say how many models it holds."""
    table = {
        "date": datetime.now(UTC).date().isoformat(),
        "source": f"capabilities as facts from litellm {version('litellm')}, {MAP_FILE} (MIT)",
        "models": select_abilities(model_map()),
    }
    TARGET.write_text(in_lines(table), encoding="utf-8")
    sys.stdout.write(f"{len(table['models'])} models\n")


if __name__ == "__main__":
    main()
