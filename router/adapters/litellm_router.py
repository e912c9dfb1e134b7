"""A routing strategy for LiteLLM's own Router: it keeps its deployments, its limits and its fallbacks, and asks us which model.

    strategy = ThinkThriftStrategy(router, litellm_router)
    litellm_router.set_custom_routing_strategy(strategy)
    await litellm_router.acompletion(model="auto", messages=[...])

Only the model is chosen here. How much it may think, searches, the answer cache and the forced answer after a cut are the
pipeline's, which LiteLLM's Router does not run.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from typing_extensions import override

from router.admission import AUTO
from router.errors import ConfigError
from router.sdk import Router
from router.settings import keep_litellm_offline

keep_litellm_offline()  # an import must not need the network; whoever imported it before has chosen

from litellm.router import Router as LiteLLMRouter  # noqa: E402
from litellm.types.router import CustomRoutingStrategyBase, RouterRateLimitError  # noqa: E402

_READ = ("tools", "response_format", "user")
"""What a decision reads of a request beside its messages."""

_OURS = re.compile(rf"{AUTO}|{AUTO}:.+|router-[a-z_]+-[0-9.]+")


class ThinkThriftStrategy(CustomRoutingStrategyBase):
    """Sends ``auto``, ``auto:<tier>`` and ``router-<policy>-<dial>`` to a model of the decided tier, other names as LiteLLM would.

    Args:
        router: Open; its configuration's ``model_list`` has the same names as LiteLLM's.
        deployments: LiteLLM's Router.

    Raises:
        ConfigError: If a tier names a model that LiteLLM's Router does not have.
    """

    def __init__(self, router: Router, deployments: LiteLLMRouter) -> None:
        self._router = router
        self._deployments = deployments
        served = set(deployments.get_model_names())
        missing = [
            f"tier {tier.name}: LiteLLM's Router has no model {name!r}"
            for tier in router.runtime.pipeline.routing.tiers
            for name in tier.models
            if name not in served
        ]
        if missing:
            raise ConfigError(missing)

    @override
    async def async_get_available_deployment(
        self,
        model: str,
        messages: list[dict[str, str]] | None = None,
        input: str | list[Any] | None = None,
        specific_deployment: bool | None = False,
        request_kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Return a deployment; raises ApiError if the request is wrong, and what LiteLLM raises if none is up."""
        own = LiteLLMRouter.async_get_available_deployment
        given: dict[str, Any] = {
            "messages": messages,
            "input": input,
            "specific_deployment": specific_deployment,
            "request_kwargs": request_kwargs or {},
        }
        last: RouterRateLimitError | None = None
        for name in self._models(model, messages, request_kwargs or {}):
            try:
                return await own(self._deployments, model=name, **given)
            except RouterRateLimitError as error:  # all its deployments are cooling down
                last = error
        assert last is not None, "a tier has a model at least"
        raise last

    @override
    def get_available_deployment(
        self,
        model: str,
        messages: list[dict[str, str]] | None = None,
        input: str | list[Any] | None = None,
        specific_deployment: bool | None = False,
        request_kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Return the same without awaiting."""
        own = LiteLLMRouter.get_available_deployment
        last: RouterRateLimitError | None = None
        for name in self._models(model, messages, request_kwargs or {}):
            try:
                return own(
                    self._deployments, name, messages, input, specific_deployment, request_kwargs
                )
            except RouterRateLimitError as error:
                last = error
        assert last is not None, "a tier has a model at least"
        raise last

    def _models(
        self, model: str, messages: list[dict[str, str]] | None, request: Mapping[str, Any]
    ) -> Iterator[str]:
        """Yield the model groups to try, best first."""
        if not _OURS.fullmatch(model) or messages is None:
            yield model
            return
        read = {name: request[name] for name in _READ if request.get(name) is not None}
        yield from self._router.decide(messages, model=model, **read).tier.models
