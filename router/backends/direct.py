"""The direct path: OpenAI-compatible upstreams over one pooled aiohttp session. The hot path."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import aiohttp
import orjson

from router.errors import (
    ApiError,
    UpstreamBrokeOffError,
    UpstreamError,
    UpstreamTimeoutError,
)
from router.wire.openai_answer import normalise
from router.wire.openai_stream import as_payloads
from router.wire.sse import EventTooLongError, Splitter

from .port import ModelSpec, Upstream
from .refusals import refusal

CONNECT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider prefix of litellm's that speaks OpenAI chat completions.

    Attributes:
        base_url: Its public address; ``None`` has none, and needs ``api_base``.
        key_variable: The environment variable its key usually is in.
    """

    base_url: str | None
    key_variable: str


COMPATIBLE: dict[str, Provider] = {
    "openai": Provider("https://api.openai.com/v1", "OPENAI_API_KEY"),
    "deepseek": Provider("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "openrouter": Provider("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "groq": Provider("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "together_ai": Provider("https://api.together.xyz/v1", "TOGETHERAI_API_KEY"),
    "xai": Provider("https://api.x.ai/v1", "XAI_API_KEY"),
    "mistral": Provider("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "dashscope": Provider(
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY"
    ),
    "moonshot": Provider("https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
    "ollama": Provider("http://127.0.0.1:11434/v1", "OLLAMA_API_KEY"),
    "hosted_vllm": Provider(None, "HOSTED_VLLM_API_KEY"),
    "openai_like": Provider(None, "OPENAI_LIKE_API_KEY"),
    "llamafile": Provider(None, "LLAMAFILE_API_KEY"),
    "lm_studio": Provider(None, "LM_STUDIO_API_KEY"),
}


class Connections:
    """The one client session of a process; opened on first use, inside the running loop."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def session(self) -> aiohttp.ClientSession:
        """Return the session, opening it on first use."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=55.0, ttl_dns_cache=60),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=True,
                read_bufsize=2**18,
            )
        return self._session

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None


class Endpoint:
    """A server that takes JSON. Whatever goes wrong there is one of our errors, under the model's name."""

    def __init__(
        self,
        name: str,
        connections: Connections,
        *,
        base_url: str,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._base_url = base_url.rstrip("/")
        self._connections = connections
        self._headers = {"content-type": "application/json", "accept-encoding": "identity"}
        if api_key:
            self._headers["authorization"] = f"Bearer {api_key}"
        self._headers.update(headers or {})

    async def post(
        self, path: str, body: Mapping[str, Any], timeout_s: float
    ) -> aiohttp.ClientResponse:
        """Return the response to ``body``, unread, if its status is good; raises ApiError."""
        payload = orjson.dumps(body)
        try:
            response = await self._connections.session().post(
                self._base_url + path,
                data=payload,
                headers=self._headers,
                timeout=_timeout(timeout_s),
                allow_redirects=False,
            )
            if response.status < 300:
                return response
            raw = await response.read()
            response.release()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise translate(self.name, error, timeout_s) from error
        raise refusal(self.name, response.status, raw, response.headers)

    async def read(self, response: aiohttp.ClientResponse, timeout_s: float) -> Any:
        """Return the JSON of a whole response; raises ApiError."""
        try:
            raw = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise translate(self.name, error, timeout_s) from error
        finally:
            response.release()
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise UpstreamError(_not_json(self.name, response)) from error

    def stream(self, response: aiohttp.ClientResponse, timeout_s: float) -> "DirectUpstream":
        """Return the open stream that a response is; raises UpstreamError if it is none."""
        if response.content_type != "text/event-stream":
            response.close()
            raise UpstreamError(
                f"{self.name}: the upstream answered a stream with {response.content_type}"
            )
        return DirectUpstream(self.name, response, timeout_s)


class DirectBackend:
    """One model behind an OpenAI-compatible URL."""

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

    async def complete(self, body: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Return the completion of ``body``; raises ApiError."""
        return await self._read(await self._post(body, timeout_s), timeout_s)

    async def _read(self, response: aiohttp.ClientResponse, timeout_s: float) -> dict[str, Any]:
        completion = await self._at.read(response, timeout_s)
        if not isinstance(completion, dict) or not completion.get("choices"):
            raise UpstreamError(
                f"{self.spec.name}: the upstream answered 200 with JSON that has no choices"
            )
        return completion

    async def open(self, body: Mapping[str, Any], timeout_s: float) -> Upstream:
        """Return the open stream of ``body``; raises ApiError.

        A server that cannot stream answers with a whole completion, which then is the stream.
        """
        response = await self._post(body, timeout_s)
        if response.content_type == "application/json":
            completion = await self._read(response, timeout_s)
            normalise(completion)
            return WholeUpstream(completion)
        return self._at.stream(response, timeout_s)

    async def embed(self, body: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Return the embeddings for ``body``; raises ApiError."""
        response = await self._post(body, timeout_s, "/embeddings")
        reply = await self._at.read(response, timeout_s)
        if not isinstance(reply, dict) or "data" not in reply:
            raise UpstreamError(
                f"{self.spec.name}: the upstream answered 200 with JSON that has no data"
            )
        return reply

    async def close(self) -> None:
        """Nothing of its own: the connections are shared."""

    async def _post(
        self, body: Mapping[str, Any], timeout_s: float, path: str = "/chat/completions"
    ) -> aiohttp.ClientResponse:
        if "thinkingConfig" in body:
            body = google_fields(body)
        asked = {**self.spec.extra, **body, "model": self.spec.model}
        return await self._at.post(path, asked, timeout_s)


def google_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``body`` with Gemini's thinking as Google's OpenAI-compatible endpoint takes it."""
    asked = body["thinkingConfig"]
    names = {
        "thinkingBudget": "thinking_budget",
        "thinkingLevel": "thinking_level",
        "includeThoughts": "include_thoughts",
    }
    config = {names[name]: value for name, value in asked.items()}
    rest = {name: value for name, value in body.items() if name != "thinkingConfig"}
    return rest | {"extra_body": {"google": {"thinking_config": config}}}


class DirectUpstream:
    """An open stream over HTTP."""

    def __init__(self, name: str, response: aiohttp.ClientResponse, timeout_s: float) -> None:
        self._name = name
        self._response = response
        self._timeout_s = timeout_s

    async def batches(self) -> AsyncGenerator[list[bytes], None]:
        """Yield the JSON payloads of the chunks, as many at a time as one read brought."""
        splitter = Splitter()
        try:
            while data := await self._response.content.readany():
                if payloads := splitter.feed(data):
                    yield payloads
            if payloads := splitter.rest():
                yield payloads
        except (aiohttp.ClientError, TimeoutError) as error:
            raise translate(self._name, error, self._timeout_s) from error
        except EventTooLongError as error:
            raise UpstreamError(f"{self._name}: {error}") from error

    async def close(self) -> None:
        """Give the connection back if the answer was read to its end, else drop it."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


class WholeUpstream:
    """A completion that came whole, as a stream."""

    def __init__(self, completion: Mapping[str, Any]) -> None:
        self._payloads = as_payloads(completion)

    async def batches(self) -> AsyncGenerator[list[bytes], None]:
        """Yield the payloads of all chunks at once."""
        yield self._payloads

    async def close(self) -> None:
        """Nothing is open."""


@lru_cache(maxsize=64)
def _timeout(total_s: float) -> aiohttp.ClientTimeout:
    """Return aiohttp's timeouts; kept, because making them costs more than using them."""
    return aiohttp.ClientTimeout(total=total_s, sock_connect=CONNECT_TIMEOUT_S)


def translate(name: str, error: aiohttp.ClientError | TimeoutError, timeout_s: float) -> ApiError:
    """Return our error for one of aiohttp's; the only place that knows them."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return UpstreamError(
            f"{name}: no connection within {CONNECT_TIMEOUT_S:.0f} s", retryable=True
        )
    if isinstance(error, asyncio.TimeoutError):
        return UpstreamTimeoutError(f"{name}: no whole answer within {timeout_s:g} s")
    if isinstance(error, aiohttp.ClientConnectionError) and not isinstance(
        error, aiohttp.ClientPayloadError
    ):
        # Nothing of an answer was read: refused, reset, or a pooled connection that had gone stale.
        return UpstreamError(f"{name}: cannot connect ({type(error).__name__})", retryable=True)
    return UpstreamBrokeOffError(f"{name}: the connection broke off ({type(error).__name__})")


def _not_json(name: str, response: aiohttp.ClientResponse) -> str:
    return f"{name}: the upstream answered {response.status} with {response.content_type}, not JSON"
