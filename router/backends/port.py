"""The port behind which every upstream hides. Bodies are OpenAI chat completions, whatever is spoken."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from policies.types import Price

from .capabilities import CAPABILITIES, Capabilities


class Upstream(Protocol):
    """An open stream: its status was good, and nothing of it has been read."""

    def batches(self) -> AsyncGenerator[list[bytes], None]:
        """Yield the JSON payloads of the chunks, as many at a time as one read brought."""

    async def close(self) -> None:
        """Close the connection; the upstream should stop generating. Safe to call twice."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One entry of ``model_list``, as a backend needs it.

    Attributes:
        name: Its ``model_name``.
        model: What the upstream calls it.
        dialect: How it takes a thinking budget.
        price: What its tokens cost.
        timeout_s: The model's own limit for one call; ``None`` leaves it to the tier.
        extra: Further ``litellm_params``, sent with every request unless the request says otherwise.
        capabilities: Where they are not its dialect's.
    """

    name: str
    model: str
    dialect: str = "openai"
    price: Price = Price()
    timeout_s: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    capabilities: Capabilities | None = None

    @property
    def can(self) -> Capabilities:
        """What the server can do."""
        return self.capabilities or CAPABILITIES[self.dialect]


@runtime_checkable
class Embedder(Protocol):
    """Where one model gives embeddings."""

    async def embed(self, body: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Return the reply to ``body``, in OpenAI's shape; raises ApiError."""


class Backend(Protocol):
    """Where one model is served."""

    @property
    def spec(self) -> ModelSpec:
        """The model."""

    async def complete(self, body: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Return the completion of ``body``; raises ApiError."""

    async def open(self, body: Mapping[str, Any], timeout_s: float) -> Upstream:
        """Return the open stream of ``body``; raises ApiError."""

    async def close(self) -> None:
        """Release what the backend holds."""
