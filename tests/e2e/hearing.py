"""What a client hears: one record of an answer, whether it came whole or as a stream, through the official client."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from openai import AsyncOpenAI, OpenAI

ROUTER_KEYS = frozenset(
    {
        "tier", "model", "difficulty", "p_solve", "cause", "strategy", "stop_reason",
        "thinking_budget", "thinking_tokens", "upstream_tokens", "calls", "samples", "agreement",
        "cost_usd", "baseline_cost_usd", "estimated", "unenforced",
    }
)  # fmt: skip

EARLY_HEADERS = frozenset(
    {
        "x-router-tier", "x-router-model", "x-router-difficulty", "x-router-cause",
        "x-router-strategy", "x-router-decision-id", "x-router-cache", "x-router-overhead-ms",
        "x-router-attempts",
    }
)  # fmt: skip
"""Those that a stream's headers can already tell."""


@dataclass(slots=True)
class Heard:
    """One answer.

    Attributes:
        headers: Of the response.
        text: The visible answer.
        thought: ``reasoning_content``.
        finish: ``finish_reason``.
        usage: As a mapping; ``None`` if there was none.
        router: The last ``router`` object.
        places: Where ``router`` objects stood in a stream: ``finish``, ``usage`` or ``delta``.
        chunks: Of a stream.
    """

    headers: httpx.Headers
    text: str = ""
    thought: str = ""
    finish: str | None = None
    usage: dict[str, Any] | None = None
    router: dict[str, Any] = field(default_factory=dict)
    places: list[str] = field(default_factory=list)
    chunks: list[dict[str, Any]] = field(default_factory=list)
    message: dict[str, Any] = field(default_factory=dict)

    @property
    def cache(self) -> str:
        """Return what the cache did."""
        return self.headers["x-router-cache"]

    @property
    def reasoning_tokens(self) -> int:
        """Return the reasoning tokens of the usage."""
        assert self.usage is not None
        return int(self.usage["completion_tokens_details"]["reasoning_tokens"])


@asynccontextmanager
async def client_of(url: str, key: str = "tester", **options: Any) -> AsyncIterator[AsyncOpenAI]:
    """Yield an official client that retries nothing by itself."""
    # verify=False: reading the certificates costs more than a whole test.
    http = httpx.AsyncClient(verify=False, timeout=30)
    given = {"max_retries": 0} | options
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key=key, http_client=http, **given) as client:
        yield client


def plain_client_of(url: str, key: str = "tester") -> OpenAI:
    """Return an official client that blocks, and retries nothing by itself."""
    http = httpx.Client(verify=False, timeout=30)
    return OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, http_client=http)


async def ask(
    client: AsyncOpenAI,
    question: str,
    *,
    model: str = "auto",
    stream: bool = False,
    router: Mapping[str, Any] | None = None,
    cache: str | None = "no-store",
    **fields: Any,
) -> Heard:
    """Return the answer to one question; a stream is asked for its usage, too.

    Nothing comes from the cache unless ``cache`` is ``None``.
    """
    if stream:
        fields = {"stream_options": {"include_usage": True}} | fields | {"stream": True}
    wishes = ({} if cache is None else {"cache": cache}) | dict(router or {})
    if wishes:
        fields["extra_body"] = {"router": wishes} | fields.get("extra_body", {})
    raw = await client.chat.completions.with_raw_response.create(
        model=model, messages=[{"role": "user", "content": question}], **fields
    )
    heard = Heard(raw.headers)
    if not stream:
        _hear_whole(heard, raw.parse().model_dump())
        return heard
    async with raw.parse() as chunks:
        async for chunk in chunks:
            _hear_chunk(heard, chunk.model_dump())
    return heard


def _hear_whole(heard: Heard, answer: Mapping[str, Any]) -> None:
    (choice,) = answer["choices"]
    heard.message = choice["message"]
    heard.text = heard.message["content"] or ""
    heard.thought = heard.message.get("reasoning_content") or ""
    heard.finish = choice["finish_reason"]
    heard.usage = answer["usage"]
    heard.router = answer["router"]


def _hear_chunk(heard: Heard, chunk: dict[str, Any]) -> None:
    heard.chunks.append(chunk)
    place = "delta" if chunk["choices"] else "usage"
    for choice in chunk["choices"]:
        delta = choice["delta"]
        heard.text += delta.get("content") or ""
        heard.thought += delta.get("reasoning_content") or ""
        if choice["finish_reason"]:
            heard.finish = choice["finish_reason"]
            place = "finish"
    if chunk.get("usage"):
        heard.usage = chunk["usage"]
    if "router" in chunk:
        heard.router = chunk["router"]
        heard.places.append(place)
