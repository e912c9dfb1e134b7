"""What well-known models cost: a dated table shipped with the product.

A price in the configuration always wins over the table. The table knows list prices of the
ordinary tier only: no batch, flex, priority, off-peak or long-context prices.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

from policies.types import Price

BARE_PROVIDERS = ("openai", "anthropic", "deepseek", "gemini")
"""Providers whose models LiteLLM accepts without a prefix."""

OPENROUTER_VENDORS = {
    "google": "gemini",
    "x-ai": "xai",
    "mistralai": "mistral",
    "moonshotai": "moonshot",
}
"""OpenRouter's vendor names where they differ; it bills the vendor's own list price."""

SNAPSHOT = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|20\d{6}|latest)$")


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices by ``provider/model``, USD per million tokens.

    Attributes:
        date: When the prices were taken, ISO 8601.
        source: Where from, and under which licence.
        prices: By LiteLLM's model string, with its provider prefix.
        sha256: Of the file it was read from, in hex; empty for a table made by hand.
    """

    date: str
    source: str
    prices: Mapping[str, Price]
    sha256: str = ""

    @classmethod
    @cache
    def load(cls) -> "PriceTable":
        """Read the table shipped with the package, once per process."""
        raw = files("router").joinpath("data/prices.json").read_bytes()
        table = json.loads(raw)
        return cls(
            date=table["date"],
            source=table["source"],
            prices={name: Price(**price) for name, price in table["models"].items()},
            sha256=sha256(raw).hexdigest(),
        )

    @property
    def version(self) -> str:
        """Date and hash, as people are shown them: two servers that show the same bill the same."""
        return f"{self.date}-{self.sha256[:8]}"

    def find(self, model: str) -> Price | None:
        """Return the price of a LiteLLM model string, with or without its provider prefix.

        A dated snapshot or ``-latest`` with no price of its own costs what the plain name costs. ``None`` is not
        known, which is not the same as free.
        """
        for name in spellings(model):
            price = self.prices.get(name)
            if price is not None:
                return price
        return None


def spellings(model: str) -> list[str]:
    """Return the names under which a table may list a LiteLLM model string, the likeliest first."""
    if model.startswith("openrouter/"):
        vendor, _, name = model.removeprefix("openrouter/").partition("/")
        # OpenRouter writes claude-sonnet-4.5 where Anthropic writes claude-sonnet-4-5.
        name = name.replace(".", "-") if vendor == "anthropic" else name
        names = [model, f"{OPENROUTER_VENDORS.get(vendor, vendor)}/{name}"]
    elif "/" in model:
        names = [model]
    else:
        names = [f"{provider}/{model}" for provider in BARE_PROVIDERS]
    return names + [SNAPSHOT.sub("", name) for name in names]
