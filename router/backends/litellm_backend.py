"""Every provider that does not speak OpenAI, through litellm's SDK. Imported on first use, off the hot path.

Budgets never go through litellm's own translation: native fields pass verbatim. Its retries are off,
its price map is the local one, and its exceptions end here.
"""

import asyncio
import importlib
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from typing import Any

import orjson

from router.errors import ApiError, UpstreamError, UpstreamTimeoutError
from router.settings import keep_litellm_offline

from .direct import COMPATIBLE
from .port import ModelSpec
from .refusals import refusal

ACCEPTED = frozenset(
    {
        "add_generation_prompt", "audio", "chat_template_kwargs", "continue_final_message", "custom_params", "enable_thinking", "frequency_penalty", "function_call", "functions",
        "logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "messages", "min_p", "modalities", "n",
        "output_config", "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key",
        "reasoning", "reasoning_budget_tokens", "reasoning_effort", "repetition_penalty", "response_format", "safety_identifier", "seed",
        "service_tier", "stop", "stream", "stream_options", "temperature", "thinking", "thinking_budget",
        "thinkingConfig", "thinking_budget_tokens", "thinking_token_budget",
        "tool_choice", "tools", "top_k", "top_logprobs", "top_p", "user", "verbosity", "web_search_options",
    }
)  # fmt: skip
"""What of a request's body becomes arguments of litellm. Hundreds of others would steer whom it calls, with
which credentials and from which file; none of them may come from a client."""

EMBEDDING_FIELDS = frozenset(
    {"dimensions", "encoding_format", "input", "input_type", "truncate", "user"}
)
"""The same of a request for embeddings."""

_VERBATIM = frozenset(
    {
        "chat_template_kwargs", "custom_params", "enable_thinking", "max_completion_tokens", "output_config",
        "reasoning", "reasoning_budget_tokens", "reasoning_effort", "thinking", "thinking_budget",
        "thinking_budget_tokens", "thinking_token_budget",
    }
)  # fmt: skip
"""Fields of our dialects that litellm would refuse, rename or drop for some server that speaks OpenAI. In
``extra_body`` it leaves them alone."""


CLOSE_S = 5.0
"""How long a provider's client may take to close a stream: the client that asked waits for it."""


def arguments_for(model: str, body: Mapping[str, Any], *, compatible: bool) -> dict[str, Any]:
    """Return the arguments of litellm that put the fields of ``body`` on the wire as they are.

    Args:
        model: litellm's string, provider first.
        body: Fields that litellm may be given at all.
        compatible: The provider speaks OpenAI chat completions.
    """
    provider, _, name = model.partition("/")
    if provider in ("ollama", "ollama_chat"):
        return _with_think(name, body)
    if not compatible:
        return dict(body)  # the dialects of these providers are litellm's own arguments
    own = {field: value for field, value in body.items() if field in _VERBATIM}
    rest = {field: value for field, value in body.items() if field not in own}
    return rest | ({"extra_body": own} if own else {})


def _with_think(name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Say an effort as Ollama's own API does: gpt-oss knows the words, other models on and off."""
    effort = body.get("reasoning_effort")
    rest = {field: value for field, value in body.items() if field != "reasoning_effort"}
    if effort is None:
        return rest
    return rest | {"think": effort if "gpt-oss" in name else effort != "none"}


class LiteLLMBackend:
    """One model of any provider litellm knows.

    Args:
        spec: ``spec.model`` is litellm's own string, provider prefix included.
        params: Further ``litellm_params``, such as ``api_key`` and ``api_base``.
    """

    def __init__(self, spec: ModelSpec, params: Mapping[str, Any]) -> None:
        self.spec = spec
        self._params = dict(params)

    async def complete(self, body: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Return the completion of ``body``; raises ApiError."""
        response = await self._call(body, timeout_s)
        completion: dict[str, Any] = response.model_dump()
        if not completion.get("choices"):
            raise UpstreamError(f"{self.spec.name}: the provider answered without choices")
        return completion

    async def open(self, body: Mapping[str, Any], timeout_s: float) -> "LiteLLMUpstream":
        """Return the open stream of ``body``; raises ApiError."""
        return LiteLLMUpstream(self.spec.name, await self._call(body, timeout_s), timeout_s)

    async def close(self) -> None:
        """Nothing of its own."""

    async def embed(self, body: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Return the embeddings for ``body``; raises ApiError."""
        litellm, failures = await load()
        asked = {name: value for name, value in body.items() if name in EMBEDDING_FIELDS}
        arguments = {**self._params, **asked, "model": self.spec.model}
        try:
            # Where litellm asks through OpenAI's client it tries twice more, whatever it is told here.
            response = await litellm.aembedding(
                **arguments, timeout=timeout_s, num_retries=0, max_retries=0
            )
        except failures as error:
            raise translate(self.spec.name, error, timeout_s) from error
        told: dict[str, Any] = response.model_dump()
        return told

    async def _call(self, body: Mapping[str, Any], timeout_s: float) -> Any:
        litellm, failures = await load()
        asked = {name: value for name, value in body.items() if name in ACCEPTED}
        provider = self.spec.model.partition("/")[0]
        told = arguments_for(
            self.spec.model,
            {**self.spec.extra, **asked},
            compatible=provider in COMPATIBLE or provider in litellm.openai_compatible_providers,
        )
        own = {name: value for name, value in self._params.items() if name not in self.spec.extra}
        if "extra_body" in told:
            told["extra_body"] = {**own.get("extra_body", {}), **told["extra_body"]}
        arguments = {**own, **told, "model": self.spec.model}
        if "tools" in told:
            # Otherwise it imports its MCP gateway, which needs a package that litellm does not depend on.
            arguments["_skip_mcp_handler"] = True
        try:
            return await litellm.acompletion(
                **arguments, timeout=timeout_s, num_retries=0, max_retries=0, drop_params=False
            )
        except failures as error:
            raise translate(self.spec.name, error, timeout_s) from error


class LiteLLMUpstream:
    """An open stream through litellm; every chunk is brought into OpenAI's JSON."""

    def __init__(self, name: str, stream: Any, timeout_s: float) -> None:
        self._name = name
        self._stream = stream
        self._timeout_s = timeout_s

    async def batches(self) -> AsyncGenerator[list[bytes], None]:
        """Yield the JSON payload of one chunk at a time, and ``[DONE]`` at the proper end."""
        _, failures = await load()
        try:
            async for chunk in self._stream:
                yield [orjson.dumps(chunk.model_dump(exclude_none=True))]
            yield [b"[DONE]"]
        except failures as error:
            raise translate(self._name, error, self._timeout_s) from error

    async def close(self) -> None:
        """Close the provider's connection, where the provider's client lets us."""
        close = getattr(self._stream, "aclose", None) or getattr(
            getattr(self._stream, "completion_stream", None), "aclose", None
        )
        if close is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await close()


async def load() -> tuple[Any, type[Exception]]:
    """Return litellm and the root of its exceptions; the first call imports it in a thread (seconds)."""
    return await asyncio.to_thread(_import)


def _import() -> tuple[Any, type[Exception]]:
    keep_litellm_offline()
    litellm: Any = importlib.import_module("litellm")
    litellm.suppress_debug_info = True
    logging.getLogger("LiteLLM").setLevel(logging.WARNING)  # else it logs three lines a call
    # Every exception of litellm's derives from the openai SDK's, which it depends on.
    return litellm, importlib.import_module("openai").OpenAIError


def translate(name: str, error: Any, timeout_s: float) -> ApiError:
    """Return our error for one of litellm's, which all derive from the openai SDK's.

    litellm rewrites messages; the status is what can be trusted.
    """
    status = getattr(error, "status_code", None)
    if status in (408, 504) or type(error).__name__ in ("Timeout", "APITimeoutError"):
        return UpstreamTimeoutError(f"{name}: no whole answer within {timeout_s:g} s")
    if not isinstance(status, int):
        return UpstreamError(
            f"{name}: the provider failed ({type(error).__name__})", retryable=True
        )
    # Its own ``response`` is made up, without the provider's headers.
    headers = getattr(error, "litellm_response_headers", None) or {}
    raw = orjson.dumps({"error": {"message": str(getattr(error, "message", error))}})
    return refusal(name, status, raw, headers)
