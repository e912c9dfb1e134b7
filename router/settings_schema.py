"""The shape of the configuration file, as frozen pydantic models.

Nothing here reads a file or the environment, and nothing here checks one part against another:
`settings` loads, `settings_checks` compares. Unknown keys are errors everywhere except in
``litellm_params`` and ``model_info``, which are LiteLLM's and are kept as they are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Annotated, Any, Literal, get_args

from pydantic import ConfigDict, Field, SecretStr
from typing_extensions import override

from classifier.types import Rung
from policies.routing.fitness import Abilities
from policies.types import Price, Tier

from .addresses import without_credentials
from .catalogue import Catalogue
from .prices import PriceTable
from .settings_cache import CacheSettings
from .settings_log import LogSettings
from .settings_routing import RoutingSettings
from .settings_search import SearchSettings
from .settings_values import (
    Amount,
    Count,
    Logits,
    Seconds,
    Section,
    Switch,
    Text,
    ThinkingSwitch,
)

Dialect = Literal[
    "openai", "openai_responses", "anthropic_budget", "anthropic_adaptive", "gemini_budget",
    "gemini_level", "deepseek", "dashscope", "kimi", "xai", "mistral", "openrouter", "groq",
    "together", "ollama", "vllm", "sglang", "llamacpp", "gpt_oss", "bedrock",
]  # fmt: skip
DIALECTS: tuple[str, ...] = get_args(Dialect)
"""Every way of asking a server for a thinking budget."""


class PriceSettings(Section):
    """USD per million tokens; what is absent costs what `policies.types.Price` says."""

    input: Amount = 0.0
    output: Amount = 0.0
    cached_input: Amount | None = None
    reasoning: Amount | None = None

    def build(self) -> Price:
        """Return the value that decisions use."""
        return Price(self.input, self.output, self.cached_input, self.reasoning)


class LiteLLMParams(Section):
    """What LiteLLM would be called with. Keys unknown to us are kept and handed on."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    model: Text
    api_key: SecretStr | None = None
    api_base: str | None = None
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None

    def call_params(self) -> dict[str, Any]:
        """Return every given parameter as LiteLLM expects it, the key in clear: never log it."""
        params = self.model_dump(exclude_none=True, exclude={"api_key"})
        if self.api_key is not None:
            params["api_key"] = self.api_key.get_secret_value()
        return params

    @override
    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        # Any extra parameter may be a secret (aws_secret_access_key, vertex_credentials).
        yield "model", self.model
        if self.api_base is not None:
            yield "api_base", without_credentials(self.api_base)
        for name in self.model_extra or ():
            yield name, "***"


class CapabilitySettings(Section):
    """What a model can do, where nobody knows or what is known is wrong.

    How it may be asked is for ``backends.capabilities``; what it may be asked, for ``policies.routing.fitness``.
    """

    prefill: Switch | None = None
    prefill_thinking: Switch | None = None
    native_budget: Switch | None = None
    usage_in_stream: Switch | None = None
    cancel_frees: Switch | None = None
    stop: Switch | None = None
    logprobs: Annotated[int, Field(ge=0, le=20, strict=True)] | None = None
    seed: Switch | None = None
    tools: Switch | None = None
    images: Switch | None = None
    audio: Switch | None = None
    files: Switch | None = None
    json_schema: Switch | None = None
    choices: Switch | None = None
    max_input_tokens: Count | None = None

    def abilities(self) -> Abilities:
        """Return what of it decides which requests the model may be asked."""
        told = self.model_dump(include={field.name for field in fields(Abilities)})
        some = told["logprobs"]
        return Abilities(**told | {"logprobs": None if some is None else some > 0})


class ModelSettings(Section):
    """One entry of LiteLLM's ``model_list``, with our price and dialect."""

    model_name: Text
    litellm_params: LiteLLMParams
    model_info: Mapping[str, Any] = Field(default_factory=dict, repr=False)
    price: PriceSettings | None = None
    dialect: Dialect | None = None
    capabilities: CapabilitySettings | None = None

    def price_in(self, prices: PriceTable) -> Price | None:
        """Return the price: given here, else LiteLLM's per-token keys, else the table's."""
        if self.price is not None:
            return self.price.build()
        for given in (self.litellm_params.model_extra or {}, self.model_info):
            per_token = (given.get("input_cost_per_token"), given.get("output_cost_per_token"))
            if any(isinstance(cost, int | float) for cost in per_token):
                return Price(*(float(cost or 0.0) * 1e6 for cost in per_token))
        return prices.find(self.litellm_params.model)


class TierSettings(Section):
    """One rung of the ladder; `policies.types.Tier` says what each field means."""

    name: Text
    rung: Rung | None = None
    models: Annotated[tuple[Text, ...], Field(min_length=1)]
    thinking: ThinkingSwitch = "provider_default"
    max_thinking_tokens: Annotated[int, Field(ge=0, strict=True)] | None = None
    answer_reserve_tokens: Count = 512
    max_output_tokens: Count | None = None
    max_total_tokens: Count | None = None
    timeout_s: Seconds = 600.0
    search: SearchSettings = SearchSettings()
    fallback_tier: str | None = None
    stop_when_converged: Switch = False
    min_thinking_tokens: Annotated[int, Field(ge=0, strict=True)] = 0
    wait: Annotated[int, Field(ge=0, le=10, strict=True)] = 0
    ability: Logits | None = None


class LimitsSettings(Section):
    """What one server takes at most.

    Attributes:
        max_body_bytes: Of a request.
        max_inflight: Requests at the same time.
        keep_alive_s: Seconds of silence after which a streamed search gives a sign of life.
    """

    max_body_bytes: Count = 4_194_304
    max_inflight: Count = 512
    keep_alive_s: Seconds = 10.0


class KeySettings(Section):
    """One client key: whose it is and what it may do. Absent limits are no limits."""

    key: Annotated[SecretStr, Field(min_length=1)]
    tenant: Text
    tiers: tuple[Text, ...] | None = None
    usd_per_day: Amount | None = None
    requests_per_minute: Count | None = None


class Settings(Section):
    """The whole configuration. `settings.load_settings` also checks the parts on each other."""

    model_list: Annotated[tuple[ModelSettings, ...], Field(min_length=1)]
    tiers: Annotated[tuple[TierSettings, ...], Field(min_length=2)]
    routing: RoutingSettings = RoutingSettings()
    cache: CacheSettings = CacheSettings()
    limits: LimitsSettings = LimitsSettings()
    retries: Annotated[int, Field(ge=0, le=10, strict=True)] = 2
    keys: Annotated[tuple[KeySettings, ...], Field(min_length=1)] | None = None
    log: LogSettings = LogSettings()

    def model(self, name: str) -> ModelSettings | None:
        """Return the ``model_list`` entry of that name."""
        return next((model for model in self.model_list if model.model_name == name), None)

    def rungs(self) -> tuple[Rung, ...]:
        """Return each tier's rung; one that is not given follows from the tier's place."""
        last = len(self.tiers) - 1
        places: dict[int, Rung] = {0: "short", last: "long"}
        return tuple(
            tier.rung or places.get(place, "distilled") for place, tier in enumerate(self.tiers)
        )

    def build_tiers(self, prices: PriceTable) -> tuple[Tier, ...]:
        """Return the tiers as decisions know them, cheap to dear.

        Price and ability are the first model's; a price nobody knows is 0, and `warnings` says so.
        """
        entries = self.model_list[::-1]  # of several under one name the first is meant
        given = {model.model_name: model.price_in(prices) for model in entries}
        known = {model.model_name: model.litellm_params.model for model in entries}
        catalogue = Catalogue.load()
        return tuple(
            Tier(
                name=tier.name,
                rung=rung,
                models=tier.models,
                thinking=tier.thinking,
                max_thinking_tokens=tier.max_thinking_tokens,
                answer_reserve_tokens=tier.answer_reserve_tokens,
                max_output_tokens=tier.max_output_tokens,
                max_total_tokens=tier.max_total_tokens,
                timeout_s=tier.timeout_s,
                search=tier.search.plan(),
                fallback_tier=tier.fallback_tier,
                stop_when_converged=tier.stop_when_converged,
                min_thinking_tokens=tier.min_thinking_tokens,
                wait=tier.wait,
                price=given.get(tier.models[0]) or Price(),
                ability=catalogue.ability(known.get(tier.models[0], ""), rung)
                if tier.ability is None
                else tier.ability,
            )
            for tier, rung in zip(self.tiers, self.rungs(), strict=True)
        )
