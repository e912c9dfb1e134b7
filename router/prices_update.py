"""Writes ``data/prices.json`` anew from the model map of the installed litellm.

``python -m router.prices_update``, after an upgrade of litellm. Only facts are taken: model names
and list prices. litellm's map is MIT-licensed; NOTICE names it.
"""

import json
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

from .prices import SNAPSHOT

TARGET = Path(__file__).parent / "data" / "prices.json"
MAP_FILE = "litellm/model_prices_and_context_window_backup.json"

PROVIDERS = (
    "openai", "anthropic", "gemini", "deepseek", "xai", "mistral", "groq", "together_ai",
    "dashscope", "moonshot",
)  # fmt: skip
"""OpenRouter is not here: the map lists none of its models, and it bills its vendors' prices."""

FIELDS = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cached_input": "cache_read_input_token_cost",
    "reasoning": "output_cost_per_reasoning_token",
}

ODD = re.compile(
    r"audio|realtime|tts|voxtral|lyria|omni|robotics|computer-use|deep-research|search|guard|"
    r"moderation|image|vision|-vl-|VL-|live|learnlm|leanstral|cyber|daybreak|rosalind|ft:|"
    r"preview-|-exp|beta|experimental|-gv2|multi-agent|container|codex|build|code-fast|cli-|"
    r"together-ai|codestral|devstral|pixtral|mistral-code|gemma|mistral/(?:zai-)?glm|"
    r"gpt-(?:3\.5|4|4-turbo|5-chat|5\.\d-chat|.*-16k|.*-\d{4}|4-\d{4}-preview)(?:-latest)?$|"
    r"moonshot-v1|mistral-(?:tiny|large-4-0|medium-3-5)|-0309|-2603|-2604|chat-latest|"
    r"Qwen/Qwen2|fp4$|qwen-turbo-2024",
    re.IGNORECASE,
)
"""Not models a text tier is made of, or second names of one that is listed."""

TOGETHER = re.compile(
    r"gpt-oss|DeepSeek-(?:R1|V3|V4)|Kimi-K|GLM-(?:4\.[67]|5)|Qwen3|QwQ|Llama-3\.[13]|Llama-4|"
    r"MiniMax-M",
)
"""Together resells some ninety models; these are the families people route between."""


def select(models: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return the prices worth shipping, USD per million tokens, by ``provider/model``.

    Args:
        models: litellm's map. Models withdrawn since are kept: gateways serve them on.
    """
    chosen: dict[str, dict[str, float]] = {}
    for name, entry in sorted(models.items()):
        provider = entry.get("litellm_provider")
        if provider not in PROVIDERS or not _is_text_model(name, entry):
            continue
        price = {
            ours: round(entry[theirs] * 1e6, 6)
            for ours, theirs in FIELDS.items()
            if entry.get(theirs) is not None
        }
        if price.get("reasoning") == price["output"]:
            del price["reasoning"]
        chosen[full_name(name, entry)] = price
    return {
        name: price
        for name, price in sorted(chosen.items())
        if SNAPSHOT.sub("", name) == name or chosen.get(SNAPSHOT.sub("", name)) != price
    }


def full_name(name: str, entry: Mapping[str, Any]) -> str:
    """Return a name of litellm's map with its provider in front."""
    provider = entry.get("litellm_provider")
    return name if name.startswith(f"{provider}/") else f"{provider}/{name}"


def model_map() -> Any:
    """Return the map of the installed litellm, which is not imported for it."""
    return json.loads(Path(str(distribution("litellm").locate_file(MAP_FILE))).read_bytes())


def in_lines(table: Mapping[str, Any]) -> str:
    """Return a table as JSON with one line per model, which keeps diffs readable."""
    lines = json.dumps(table, indent=1, ensure_ascii=False)
    return re.sub(r"\{\n\s{3}([^{}]*?)\n\s{2}\}", _on_one_line, lines) + "\n"


def _is_text_model(name: str, entry: Mapping[str, Any]) -> bool:
    return (
        entry.get("mode") in ("chat", "responses")
        and (entry.get("input_cost_per_token") or 0) > 0
        and entry.get("output_cost_per_token") is not None
        and not ODD.search(name)
        and (entry["litellm_provider"] != "together_ai" or TOGETHER.search(name) is not None)
    )


def main() -> None:
    """Write the table and say how many models it holds."""
    today = datetime.now(UTC).date().isoformat()
    table = {
        "date": today,
        "source": f"list prices as facts from litellm {version('litellm')}, {MAP_FILE} (MIT)",
        "unit": "USD per million tokens",
        "models": select(model_map()),
    }
    TARGET.write_text(in_lines(table), encoding="utf-8")
    sys.stdout.write(f"{len(table['models'])} models\n")


def _on_one_line(found: re.Match[str]) -> str:
    return "{" + re.sub(r"\s*\n\s*", " ", found.group(1)) + "}"


if __name__ == "__main__":
    main()
