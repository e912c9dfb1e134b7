"""The kinds of value that the configuration is made of."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from policies.types import Thinking


def spelled(value: object) -> object:
    """Return what was written where YAML 1.1 read a bare on or off as a boolean."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=1, strict=True)]
Amount = Annotated[float, Field(ge=0, strict=True, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, strict=True, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, strict=True, allow_inf_nan=False)]
Logits = Annotated[float, Field(ge=-9, le=9, strict=True, allow_inf_nan=False)]
Switch = Annotated[bool, Field(strict=True)]
ThinkingSwitch = Annotated[
    Thinking, BeforeValidator(spelled, json_schema_input_type=Thinking | bool)
]
OnOff = Annotated[
    Literal["on", "off"],
    BeforeValidator(spelled, json_schema_input_type=Literal["on", "off"] | bool),
]


class Section(BaseModel):
    """A mapping of the file: frozen, and every key must be known."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
