"""Fits the shipped table of model abilities to recorded outcomes.

    python -m router.catalogue_make --questions Q --outcomes O --date 2026-11-22 > router/data/abilities.json

Needs the ``train`` extra.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson

from classifier.training.abilities import fit_scale, typical_abilities
from classifier.training.dataset import Outcomes, read_outcomes, read_questions
from classifier.types import RUNGS

from .catalogue import model_key

FEWEST = 100
"""Outcomes below which a model says too little about itself to be listed."""

LARGEST = 1.0
"""Differences are kept within this: recorded benchmarks exaggerate what everyday traffic shows."""

MARGINAL = 0.6
"""An ability is fitted with the demand of every single question known; a prediction knows it only roughly, and the shift
that fits a model's outcomes to predictions is smaller. 0.6 is the slope between the two over the recorded models."""


def fit(questions: Path, outcomes: Path, date: str) -> dict[str, object]:
    """Return the table: every model with enough outcomes, by name.

    Raises:
        DataError: If a file cannot be used.
    """
    asked = read_questions(questions)
    answered = _named_once(read_outcomes(outcomes, asked))
    _, source = np.unique([question.source for question in asked], return_inverse=True)
    scale = fit_scale(answered, source.astype(np.int64))
    n_models = len(scale.models)
    rung_of_model = np.zeros(n_models, np.int64)
    rung_of_model[answered.model] = answered.rung
    counts = np.bincount(answered.model, minlength=n_models)
    typical = np.array(typical_abilities(scale.abilities, rung_of_model))
    shift = np.clip(MARGINAL * (scale.abilities - typical[rung_of_model]), -LARGEST, LARGEST)
    models = {
        name: {
            "rung": RUNGS[rung_of_model[i]],
            "ability": round(float(shift[i]), 2),
            "outcomes": int(counts[i]),
        }
        for i, name in enumerate(scale.models)
        if counts[i] >= FEWEST
    }
    return {"date": date, "models": models}


def _named_once(outcomes: Outcomes) -> Outcomes:
    """Return the outcomes with one name per model: two spellings of one model link two benchmarks."""
    keys = [model_key(name) for name in outcomes.models]
    names = tuple(dict.fromkeys(keys))
    place = np.array([names.index(key) for key in keys], np.int64)
    return replace(outcomes, model=place[outcomes.model], models=names)


def main() -> None:
    """Write the table to standard output."""
    parser = argparse.ArgumentParser(description="Fit the shipped table of model abilities.")
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--outcomes", type=Path, required=True)
    parser.add_argument("--date", required=True, help="of the fit, ISO 8601")
    options = parser.parse_args()
    table = fit(options.questions, options.outcomes, options.date)
    sys.stdout.buffer.write(orjson.dumps(table, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
    sys.stdout.buffer.write(b"\n")


if __name__ == "__main__":
    main()
