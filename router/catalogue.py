"""How able well-known models are against the typical model of their rung: a dated table shipped with the product.

Where a tier starts from before it has outcomes of its own; an ``ability`` in the configuration always wins. To add a model,
add its line: the number is a difference in logits, so 0.7 turns p = 0.50 into 0.67.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from classifier.types import Rung

_DATE = re.compile(r"-(?:(?:20)?\d\d-?\d\d-?\d\d|\d{4}|latest)$")
_KIND = re.compile(r"-(?:instruct|inst|chat|it)(?:-fp8)?$")
_POINT = re.compile(r"(?<=\d)-(?=\d(?:-|$))")  # claude-3-5-sonnet is claude-3.5-sonnet


@dataclass(frozen=True, slots=True)
class Ability:
    """What one model's recorded answers say.

    Attributes:
        rung: The rung it answered on.
        ability: Difference to that rung's typical model, in logits.
        outcomes: Recorded answers it rests on.
    """

    rung: Rung
    ability: float
    outcomes: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Abilities by model.

    Attributes:
        date: When they were fitted, ISO 8601.
        models: By ``model_key``.
    """

    date: str
    models: Mapping[str, Ability]

    @classmethod
    @cache
    def load(cls) -> "Catalogue":
        """Read the table shipped with the package, once per process."""
        table = json.loads(files("router").joinpath("data/abilities.json").read_text("utf-8"))
        return cls(table["date"], {name: Ability(**row) for name, row in table["models"].items()})

    def ability(self, model: str, rung: Rung) -> float:
        """Return the ability of a LiteLLM model string; 0 for one that is not known on that rung."""
        found = self.models.get(model_key(model))
        return found.ability if found is not None and found.rung == rung else 0.0


def model_key(model: str) -> str:
    """Return one name for one model, whoever serves it: no provider, release date or ``instruct``."""
    name = model.lower().split("@")[0].rsplit("/", maxsplit=1)[-1].replace("_", ".")
    return _POINT.sub(".", _KIND.sub("", _DATE.sub("", name.removeprefix("meta-"))))
