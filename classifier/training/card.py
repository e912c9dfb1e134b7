"""The model card: what the artefact was trained on, by which licence, and how good it measured."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from classifier.features import schema
from classifier.training.dataset import Question
from classifier.types import RUNGS

Card = dict[str, object]

_BUILDS: dict[object, str] = {
    "all": "every row given, contest wordings and share-alike licences among them",
    "permissive": "without contest wordings and without rows whose licence is "
    "share-alike, non-commercial or unclear",
}


def make_card(
    *,
    artifact: Path,
    date: str,
    domains: Sequence[str],
    typical: Sequence[float],
    rows: Mapping[str, Sequence[Question]],
    n_outcomes: int,
    metrics: Mapping[str, object],
    recipe: Mapping[str, object],
) -> Card:
    """Return the card of an artefact that is already written.

    Args:
        artifact: The ONNX file; its hash and size are taken.
        date: Day of the training, ISO format.
        domains: Names of the domain outputs, in order.
        typical: Mean dense features of the training texts.
        rows: Questions per split.
        n_outcomes: Recorded answers used for training.
        metrics: Measured on the dev rows.
        recipe: Sizes and strengths of the fit.
    """
    content = artifact.read_bytes()
    return {
        "version": date[:7].replace("-", "."),
        "date": date,
        "sha256": sha256(content).hexdigest(),
        "bytes": len(content),
        "feature_schema": schema(),
        "rungs": list(RUNGS),
        "domains": list(domains),
        "typical": [round(value, 5) for value in typical],
        "rows": {split: len(questions) for split, questions in rows.items()},
        "outcomes": n_outcomes,
        "sources": _sources(rows),
        "languages": dict(Counter(q.language for q in rows["train"]).most_common()),
        "recipe": dict(recipe),
        "metrics": dict(metrics),
    }


def write_card(card: Card, out: Path) -> None:
    """Write ``model_card.json`` for machines and ``model_card.md`` for people."""
    text = json.dumps(card, indent=2, ensure_ascii=False)
    (out / "model_card.json").write_text(text + "\n", encoding="utf-8")
    (out / "model_card.md").write_text(_markdown(card), encoding="utf-8")


def _sources(rows: Mapping[str, Sequence[Question]]) -> list[dict[str, object]]:
    """Return name, licences, label kind and counts of every source."""
    counts: dict[str, Counter[str]] = {}
    licences: dict[str, set[str]] = {}
    for split, questions in rows.items():
        for question in questions:
            counts.setdefault(question.source, Counter())[split] += 1
            licence = str(question.meta.get("license") or "not stated")
            licences.setdefault(question.source, set()).add(licence)
    return [
        {"name": name, "licences": sorted(licences[name]), **dict(counts[name])}
        for name in sorted(counts)
    ]


def _markdown(card: Card) -> str:
    metrics = json.dumps(card["metrics"], indent=2, ensure_ascii=False)
    recipe = json.dumps(card["recipe"], ensure_ascii=False)
    sources, chosen = card["sources"], card["recipe"]
    assert isinstance(sources, list)
    assert isinstance(chosen, dict)
    build = chosen["licences"]
    lines = [
        f"# Difficulty classifier {card['version']}",
        "",
        f"Trained {card['date']} with scikit-learn, served with ONNX Runtime. "
        f"sha256 `{card['sha256']}`, {card['bytes']} bytes, feature schema `{card['feature_schema']}`.",
        "",
        f"Build `{build}`: {_BUILDS[build]}.",
        "",
        "It predicts, from the text alone, how likely an ordinary chat model, a distilled reasoner "
        "and a full reasoner answer correctly, how many tokens the full one thinks, and the domain.",
        "",
        "## What it can't know",
        "The base rate of traffic it never saw: calibrate on outcomes of your own. Human levels and "
        "everyday asks entered with success rates that we assumed; thinking tokens were measured on "
        "few questions and interpolated between. No training row carried turns, tools or images.",
        "",
        "## Measured on the dev split (rows with outcomes only)",
        "```json",
        metrics,
        "```",
        "",
        "## Recipe",
        f"`{recipe}`",
        "",
        f"## Data ({card['rows']}, {card['outcomes']} recorded answers)",
        "| source | licence | train | dev |",
        "|---|---|---|---|",
        *(
            f"| {row['name']} | {', '.join(row['licences'])} | {row.get('train', 0)} | {row.get('dev', 0)} |"
            for row in sources
        ),
        "",
    ]
    return "\n".join(lines)
