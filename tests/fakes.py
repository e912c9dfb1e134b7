"""Real objects of the public API that do as they are told: backends, streams, tiers, queries."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from classifier.types import Ask, Difficulty
from policies.types import Ceilings, Price, Query, Tier, Wishes
from router.backends.direct import WholeUpstream
from router.backends.pool import Pool
from router.backends.port import ModelSpec, Upstream
from router.call import World
from router.errors import ApiError
from router.ratios import Ratios
from router.trust import Trust


@dataclass
class Clock:
    """Monotonic seconds that pass only when told to."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def chunk(delta: Mapping[str, Any] | None = None, finish: str | None = None, **top: Any) -> bytes:
    """Return one event's payload, as OpenAI writes it."""
    choice = {"index": 0, "delta": delta or {}, "logprobs": None, "finish_reason": finish}
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return orjson.dumps(head | {"choices": [choice]} | top)


def usage_chunk(completion: int, reasoning: int = 0, prompt: int = 7) -> bytes:
    """Return the payload of a usage chunk."""
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }
    return chunk(choices=[], usage=usage)


def completion(text: str = "ok", finish: str = "stop", **message: Any) -> dict[str, Any]:
    """Return a plain completion with its usage."""
    said = {"role": "assistant", "content": text} | message
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": said, "logprobs": None, "finish_reason": finish}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }


def deltas(data: Sequence[bytes], name: str = "content") -> str:
    """Return the text of one delta field over some payloads."""
    choices = [c for payload in data for c in orjson.loads(payload)["choices"]]
    return "".join(choice["delta"].get(name) or "" for choice in choices)


@dataclass
class ScriptedUpstream:
    """A stream that brings its batches, then what ``ends_with`` says."""

    script: Sequence[Sequence[bytes]]
    ends_with: ApiError | None = None
    closed: int = 0

    async def batches(self) -> AsyncGenerator[list[bytes], None]:
        for batch in self.script:
            yield list(batch)
        if self.ends_with is not None:
            raise self.ends_with

    async def close(self) -> None:
        self.closed += 1


@dataclass
class ScriptedBackend:
    """A backend that answers each call with the next item of its script; the last one is repeated.

    Attributes:
        script: Completions, which a streamed call gets as a stream, streams for streamed calls, errors.
        bodies: What it was asked, in order.
    """

    spec: ModelSpec
    script: list[Any]
    bodies: list[dict[str, Any]] = field(default_factory=list)

    async def complete(self, body: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        answer = self._next(body)
        assert isinstance(answer, dict)
        return answer

    async def open(self, body: Mapping[str, Any], timeout_s: float) -> Upstream:
        answer = self._next(body)
        if isinstance(answer, dict):
            return WholeUpstream(answer)
        assert isinstance(answer, ScriptedUpstream)
        return answer

    async def close(self) -> None:
        """Nothing is held."""

    def _next(self, body: Mapping[str, Any]) -> Any:
        self.bodies.append(dict(body))
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(answer, ApiError):
            raise answer
        return answer


def backend(name: str, *script: Any, dialect: str = "openai", model: str = "") -> ScriptedBackend:
    """Return a backend of that ``model_name``."""
    price = Price(input=1.0, output=10.0)
    return ScriptedBackend(ModelSpec(name, model or name, dialect, price), list(script))


def tier(name: str = "t", *models: str, **settings: Any) -> Tier:
    """Return a tier on the long rung unless said otherwise."""
    return Tier(**{"name": name, "rung": "long", "models": models or ("m",)} | settings)


def query(text: str = "What is 6 * 7?", **fields: Any) -> Query:
    """Return a query for ``auto``; ``body`` adds fields to the body."""
    body = {"messages": [{"role": "user", "content": text}], **fields.pop("body", {})}
    return Query(
        body=body,
        model=fields.pop("model", "auto"),
        ask=Ask(text),
        wishes=Wishes(**fields.pop("wishes", {})),
        ceilings=Ceilings(**fields.pop("ceilings", {})),
        **fields,
    )


def difficulty(
    short: float = 0.3, distilled: float = 0.6, long: float = 0.9, *, thinking: int = 4000
) -> Difficulty:
    """Return a score with these probabilities."""
    return Difficulty(
        difficulty=1 - short,
        p_solve={"short": short, "distilled": distilled, "long": long},
        thinking_p50=thinking,
        thinking_p90=2 * thinking,
        domain={"math": 1.0},
        language="en",
        truncated=False,
        classifier="2026.11-00000000",
    )


def world(
    *backends: ScriptedBackend,
    cheapest: Tier | None = None,
    retries: int = 0,
    now: Clock | None = None,
) -> World:
    """Return a world of these backends."""
    clock = now or Clock()
    pool = Pool({b.spec.name: b for b in backends}, retries, clock)
    return World(pool, Ratios(), Trust(), clock, cheapest or tier("cheap", backends[0].spec.name))
