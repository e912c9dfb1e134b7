"""Models behind the OpenAI Responses API, asked directly. Inside, as everywhere, bodies are chat completions."""

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import aiohttp
import orjson

from router.errors import InvalidRequestError, UpstreamError
from router.wire.responses_upstream import as_responses
from router.wire.responses_upstream_answer import ChatChunks, as_completion, trouble_in

from .direct import Connections, Endpoint, WholeUpstream
from .port import ModelSpec, Upstream
from .refusals import refusal
from .unenforced import OPENAI_REASONS

log = logging.getLogger(__name__)

PATH = "/responses"

_ANSWERED = ("completed", "incomplete", None)
"""Statuses of a response that is an answer; some servers tell none."""


class ResponsesBackend:
    """One model behind a URL that takes ``POST /responses``.

    Reasoning models are asked for a summary of their reasoning, which is all of it that OpenAI shows. OpenAI refuses it to
    organisations that it has not verified: then the model is asked without, from the first refusal on.
    """

    def __init__(
        self,
        spec: ModelSpec,
        connections: Connections,
        *,
        base_url: str,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.spec = spec
        self._at = Endpoint(
            spec.name, connections, base_url=base_url, api_key=api_key, headers=headers
        )
        self._summary = bool(OPENAI_REASONS.search(spec.model))

    async def complete(self, body: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Return the completion of ``body``; raises ApiError."""
        return await self._read(await self._post(body, timeout_s), timeout_s)

    async def open(self, body: Mapping[str, Any], timeout_s: float) -> Upstream:
        """Return the open stream of ``body``; raises ApiError.

        A server that cannot stream answers with a whole response, which then is the stream.
        """
        response = await self._post(body, timeout_s)
        if response.content_type == "application/json":
            return WholeUpstream(await self._read(response, timeout_s))
        return ResponsesUpstream(self._at.stream(response, timeout_s))

    async def close(self) -> None:
        """Nothing of its own: the connections are shared."""

    async def _post(self, body: Mapping[str, Any], timeout_s: float) -> aiohttp.ClientResponse:
        summary = self._summary
        asked = as_responses(body, self.spec.extra, summary=summary)
        try:
            return await self._at.post(PATH, asked | {"model": self.spec.model}, timeout_s)
        except InvalidRequestError as error:
            if not (summary and _about_summaries(error)):
                raise
            log.warning("%s; asked without a summary from now on", error)
        self._summary = False
        return await self._post(body, timeout_s)

    async def _read(self, response: aiohttp.ClientResponse, timeout_s: float) -> dict[str, Any]:
        told = await self._at.read(response, timeout_s)
        name = self.spec.name
        if isinstance(told, dict) and (trouble := trouble_in(told)):
            raise refusal(name, trouble["status"], orjson.dumps({"error": trouble}), {})
        if not isinstance(told, dict) or not isinstance(told.get("output"), list):
            raise UpstreamError(f"{name}: the upstream answered 200 with JSON that has no output")
        if told.get("status") not in _ANSWERED:
            raise UpstreamError(f"{name}: the upstream's response is {told['status']}, no answer")
        return as_completion(told)


class ResponsesUpstream:
    """An open stream of a response, as the chunks of a chat."""

    def __init__(self, events: Upstream) -> None:
        self._events = events

    async def batches(self) -> AsyncGenerator[list[bytes], None]:
        """Yield the JSON payloads of the chunks, as many at a time as one read brought."""
        chunks = ChatChunks()
        async with aclosing(self._events.batches()) as batches:
            async for batch in batches:
                if payloads := [out for payload in batch for out in chunks.feed(payload)]:
                    yield payloads

    async def close(self) -> None:
        """Close the connection, or give it back if the answer was read to its end."""
        await self._events.close()


def _about_summaries(error: InvalidRequestError) -> bool:
    """Return whether a refusal is about summaries of reasoning."""
    said = str(error)
    return "reasoning summar" in said or "reasoning.summary" in said
