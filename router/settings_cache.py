"""The shape of the configuration's ``cache`` section."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_validator
from typing_extensions import override

from classifier.types import Rung

from .addresses import without_credentials
from .settings_values import Count, OnOff, Section, Switch, Text, spelled

CACHE_SCHEMES = (
    "redis", "rediss", "redis+cluster", "rediss+cluster", "redis+sentinel", "rediss+sentinel", "unix",
)  # fmt: skip

TTL_FACTORS: Mapping[Rung, int] = {"short": 1, "distilled": 4, "long": 24}
"""How much longer than the cheapest answers those of a rung are kept: they cost so much more to give again."""


class CacheSettings(Section):
    """Where answers are kept.

    Attributes:
        url: ``embedded``, ``off``, or a Redis or Valkey address; may hold a password.
        ttl_s: Seconds an answer is kept. Left out, an hour for the short rung, four for the
            distilled and a day for the long one.
        tier_ttl_s: Seconds by tier name, where ``ttl_s`` does not fit.
        near_duplicates: Whether paraphrases may share an answer.
        near_max_error: Share of answers shared by paraphrases that may be wrong.
        responses_ttl_s: Seconds that a response of ``/v1/responses`` is kept for ``previous_response_id``.
        sampled: Keep answers to an explicit ``temperature`` above 0 as well.
        max_value_bytes: Larger answers are not kept.
        memory_mb: What the embedded server may hold; beyond it the least recently used goes.
        tenant_header: A request header that tells tenants apart, set by a gateway that is trusted.
        shared: All tenants share their answers; off, none ever do.
        secret: Keys the hashes of cache keys; replicas that share a cache share it. Absent: from
            the address for a Redis, from a file in ``state_dir`` for the embedded server.
        state_dir: Directory of the embedded server; absent is the user's state directory.
    """

    url: Annotated[Text, BeforeValidator(spelled, json_schema_input_type=str | Literal[False])] = (
        "embedded"
    )
    ttl_s: Count = 3600
    tier_ttl_s: Mapping[str, Count] = Field(default_factory=dict)
    near_duplicates: OnOff = "off"
    near_max_error: Annotated[float, Field(gt=0, lt=1, strict=True, allow_inf_nan=False)] = 0.02
    responses_ttl_s: Count = 86_400
    sampled: Switch = False
    max_value_bytes: Count = 1_048_576
    memory_mb: Count = 256
    tenant_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")] | None = None
    shared: Switch = False
    secret: SecretStr | None = None
    state_dir: Path | None = None

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if url in ("embedded", "off"):
            return url
        scheme, separator, rest = url.partition("://")
        if not separator or scheme not in CACHE_SCHEMES or not rest:
            known = ", ".join(f"{scheme}://" for scheme in CACHE_SCHEMES)
            raise ValueError(f"must be embedded, off, or an address that starts with {known}")
        return url

    def ttl_of(self, tier: str, rung: Rung) -> int:
        """Return how long an answer of a tier is kept, in seconds."""
        if tier in self.tier_ttl_s:
            return self.tier_ttl_s[tier]
        return self.ttl_s * (1 if "ttl_s" in self.model_fields_set else TTL_FACTORS[rung])

    @override
    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, without_credentials(self.url) if name == "url" else value
