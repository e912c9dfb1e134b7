"""The recorded answers of real models, and what is billed for them.

Shared by the simulator, which replays them, and by `replay_eval`, which grades with them: both must choose the same record.
Reads a JSON-lines file, gzip or not; the format is the project's replay set (one line per question, `outputs` per model).
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

TIERS = ("short", "distilled", "long")
"""Cheap to dear; the records call the last one "full"."""
_RECORDED_TIERS = {"short": "short", "distilled": "distilled", "full": "long"}
COMPLETION_TOKENS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "everyday": MappingProxyType({"short": 120, "distilled": 350, "long": 600}),
        "benchmark": MappingProxyType({"short": 300, "distilled": 1200, "long": 4500}),
    }
)
"""Declared mean completion tokens per answer, reasoning included: billed where the record hides the reasoning."""
USD_PER_MILLION = MappingProxyType({"short": 0.6, "distilled": 4.4, "long": 12.0})
"""Declared prices per million completion tokens. Prompts cost nothing here: they are the same for every tier."""


@dataclass(frozen=True, slots=True)
class Output:
    """One recorded answer.

    Attributes:
        visible_tokens: Tokens of the recorded text, by the model's own count.
        tokens: Completion tokens billed, reasoning included.
        simulated: `tokens` is a declared mean, because the record hides the reasoning; else it was recorded.
    """

    model: str
    text: str
    reasoning: str
    correct: bool
    visible_tokens: int
    tokens: int
    simulated: bool

    def cost_usd(self, tier: str) -> float:
        """Return the declared price of this answer."""
        return self.tokens * USD_PER_MILLION[tier] / 1e6


@dataclass(frozen=True, slots=True)
class Record:
    """One question and, by tier, the recorded answers.

    Where a tier has several recorded models, the first by name (case ignored) stands for it, whatever it answered.

    Attributes:
        samples: Of each tier the answers of all its recorded models, by name.
    """

    record_id: str
    source: str
    prompt: str
    samples: Mapping[str, tuple[Output, ...]]

    @property
    def outputs(self) -> dict[str, Output]:
        """Return, by tier, the answer that stands for the tier."""
        return {tier: answers[0] for tier, answers in self.samples.items()}

    def recorded_as(self, tier: str, text: str) -> Output | None:
        """Return the recorded answer that says exactly this, the tier's own first; ``None`` if none does."""
        others = (answer for answers in self.samples.values() for answer in answers)
        every = (*self.samples.get(tier, ()), *others)
        return next((answer for answer in every if answer.text.strip() == text.strip()), None)


def load_records(path: Path, profile: str = "benchmark") -> list[Record]:
    """Read a replay file.

    Args:
        path: JSON lines, gzip-compressed if the name ends in .gz.
        profile: Key of `COMPLETION_TOKENS`.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If a line is not a record.
    """
    raw = path.read_bytes()
    lines = (gzip.decompress(raw) if path.suffix == ".gz" else raw).splitlines()
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(_record(orjson.loads(line), profile))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path.name}, line {number}: not a replay record: {error!r}"
            ) from error
    return records


def sample_records(records: list[Record], limit: int) -> list[Record]:
    """Return up to `limit` records, the same ones every time, as evenly over the sources as they last."""
    by_source: dict[str, list[Record]] = {}
    for record in sorted(
        records, key=lambda record: hashlib.sha256(record.record_id.encode()).digest()
    ):
        by_source.setdefault(record.source, []).append(record)
    ranked = [
        (rank, source, record)
        for source, own in by_source.items()
        for rank, record in enumerate(own)
    ]
    return [record for _, _, record in sorted(ranked, key=lambda entry: entry[:2])[:limit]]


def _record(line: Mapping[str, Any], profile: str) -> Record:
    by_tier: dict[str, list[Output]] = {}
    for output in sorted(line["outputs"], key=lambda o: (o["model"].casefold(), o["model"])):
        tier = _RECORDED_TIERS[output["tier"]]
        by_tier.setdefault(tier, []).append(_output(output, COMPLETION_TOKENS[profile][tier]))
    samples = {tier: tuple(own) for tier, own in by_tier.items()}
    return Record(line["id"], line["source"], line["prompt"], MappingProxyType(samples))


def _output(line: Mapping[str, Any], declared_tokens: int) -> Output:
    is_hidden = line["tokens_kind"] == "visible_text_only" or not line["output_tokens"]
    visible = int(line["output_tokens"] or 0)
    return Output(
        model=line["model"],
        text=line["text"] or "",
        reasoning=line["reasoning_text"] or "",
        correct=bool(line["correct"]),
        visible_tokens=visible,
        tokens=max(declared_tokens, visible) if is_hidden else visible,
        simulated=is_hidden,
    )
