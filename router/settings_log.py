"""The shape of the configuration's ``log`` section: where decisions and feedback are written down."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, field_validator

from .settings_values import OnOff, Section, Text, spelled

Place = Annotated[Text, BeforeValidator(spelled, json_schema_input_type=str | Literal[False])]


class LogSettings(Section):
    """The decision log.

    Attributes:
        decisions: File that gets a JSON line per request and per verdict; ``off`` for none.
        redis_stream: Stream of the cache's server that gets the same lines; ``off`` for none.
        prompts: Whether the lines hold the question: ``calibrate`` and ``train`` need it.
    """

    decisions: Place = "off"
    redis_stream: Place = "off"
    prompts: OnOff = "off"

    @field_validator("decisions", "redis_stream")
    @classmethod
    def _names_a_place(cls, place: str) -> str:
        if place == "on":
            raise ValueError("must say where: off, or a name")
        return place

    @property
    def file(self) -> Path | None:
        """Return the file; ``None`` if there is none."""
        return None if self.decisions == "off" else Path(self.decisions)

    @property
    def stream(self) -> str | None:
        """Return the stream's name; ``None`` if there is none."""
        return None if self.redis_stream == "off" else self.redis_stream
