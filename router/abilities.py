"""What models can do: said in the configuration, else told by a dated table, else by how their server is spoken to.

The table is shipped with the product; litellm, whose facts it holds, is not imported for it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from policies.routing.fitness import UNKNOWN, Abilities

from .backends.build import split
from .backends.dialects import dialect_of
from .prices import spellings
from .settings_schema import ModelSettings

LITELLM_NAMES = {
    "tools": "supports_function_calling",
    "images": "supports_vision",
    "audio": "supports_audio_input",
    "files": "supports_pdf_input",
    "json_schema": "supports_response_schema",
    "max_input_tokens": "max_input_tokens",
}
"""What LiteLLM calls our abilities, in its map and in ``model_info``."""

_ONE_ANSWER = Abilities(choices=False, logprobs=False)

BY_DIALECT: Mapping[str, Abilities] = {
    "anthropic_budget": _ONE_ANSWER,
    "anthropic_adaptive": _ONE_ANSWER,
    "bedrock": _ONE_ANSWER,
    "groq": _ONE_ANSWER,
    "ollama": Abilities(choices=False),  # it would answer once, and say nothing of it
    "mistral": Abilities(logprobs=False),
}
"""What no model behind such a server can do. Sources and their dates are in ``docs/dialects.md``."""


@dataclass(frozen=True, slots=True)
class AbilityTable:
    """Abilities by ``provider/model``.

    Attributes:
        date: When they were taken, ISO 8601.
        source: Where from, and under which licence.
        models: By LiteLLM's model string, with its provider prefix.
    """

    date: str
    source: str
    models: Mapping[str, Abilities]

    @classmethod
    @cache
    def load(cls) -> "AbilityTable":
        """Read the table shipped with the package, once per process."""
        table = json.loads(files("router").joinpath("data/model_abilities.json").read_text("utf-8"))
        models = {name: Abilities(**row) for name, row in table["models"].items()}
        return cls(table["date"], table["source"], models)

    def find(self, model: str) -> Abilities:
        """Return the abilities of a LiteLLM model string, with or without its provider prefix."""
        found = (self.models[name] for name in spellings(model) if name in self.models)
        return next(found, UNKNOWN)


def abilities_of(entry: ModelSettings, table: AbilityTable) -> Abilities:
    """Return what one entry of ``model_list`` can do, as far as anybody says."""
    model = entry.litellm_params.model
    served = BY_DIALECT.get(entry.dialect or dialect_of(*split(model)), UNKNOWN)
    informed: dict[str, Any] = {
        name: entry.model_info[theirs]
        for name, theirs in LITELLM_NAMES.items()
        if isinstance(entry.model_info.get(theirs), int)
    }
    own = UNKNOWN if entry.capabilities is None else entry.capabilities.abilities()
    return own.over(Abilities(**informed)).over(table.find(model)).over(served)
