"""``GET /v1/models``: every name that ``model`` may have, in OpenAI's or Anthropic's shape. Pure."""

from typing import Any

from .admission import AUTO
from .errors import ModelNotFoundError
from .pipeline import Pipeline

CREATED = 1767225600
"""Both APIs want a date; these names have none, so all share 2026-01-01."""

CREATED_AT = "2026-01-01T00:00:00Z"


def names(pipeline: Pipeline) -> list[str]:
    """Return ``auto``, ``auto:<tier>`` of every tier, and every ``model_list`` name."""
    forced = [f"{AUTO}:{tier.name}" for tier in pipeline.routing.tiers]
    return [AUTO, *forced, *pipeline.models]


def list_models(pipeline: Pipeline, *, anthropic: bool) -> dict[str, Any]:
    """Return the list of models."""
    data = [_shape(name, anthropic=anthropic) for name in names(pipeline)]
    if not anthropic:
        return {"object": "list", "data": data}
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]}
    return {"data": data, "has_more": False, **ends}


def one_model(pipeline: Pipeline, name: str, *, anthropic: bool) -> dict[str, Any]:
    """Return one model.

    Raises:
        ModelNotFoundError: If there is none of that name.
    """
    known = names(pipeline)
    if name not in known:
        raise ModelNotFoundError(
            f"no model {name!r} here. Served: {', '.join(known)}", param="model"
        )
    return _shape(name, anthropic=anthropic)


def _shape(name: str, *, anthropic: bool) -> dict[str, Any]:
    if anthropic:
        return {"type": "model", "id": name, "display_name": name, "created_at": CREATED_AT}
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "thinkthrift"}
