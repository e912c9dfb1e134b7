"""A model server in virtual time: the simulated reasoner behind the ``Backend`` port, and how it misbehaves.

It takes bodies and gives completions and chunks in OpenAI's shape. Randomness is a function of what is asked, the
request's ``seed`` and, without one, of how often it was asked before: not of when. At temperature 0 every sample is the same.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from random import Random
from typing import Any

import orjson

from policies.types import Price
from router.backends.capabilities import CAPABILITIES, Capabilities
from router.backends.port import ModelSpec
from router.errors import (
    ApiError,
    RateLimitedError,
    UpstreamBrokeOffError,
    UpstreamTimeoutError,
)
from tests.lab.conduct import Counts, Faults, Pace
from tests.lab.payloads import completion, payloads, usage
from tests.lab.problem import Problem
from tests.lab.prompts import Ask, read_ask
from tests.lab.reasoner import speak
from tests.lab.speech import Limits, Speech, plainly

NO_PROBLEM = "The capital of France is Paris."
"""Said to whoever asks for something that is no problem of the lab."""


@dataclass(slots=True)
class Job:
    """One call being served: what it says, and how much of that was generated."""

    number: int
    speeches: list[Speech]
    prompt: int
    said: int = 0

    @property
    def tokens(self) -> int:
        """What it says in all."""
        return sum(speech.thought + speech.said for speech in self.speeches)


@dataclass
class LabBackend:
    """One simulated model.

    Attributes:
        name: Its ``model_name``, and as a judge its own opinion.
        skill: Laws of this model in place of the question's: ``{"p": 0.95, "think": 1}``.
        lift: It gets so much of what the question's ``p`` loses right after all: 0.5 halves the chance of a slip.
        dialect: How it takes a thinking budget.
        can: What it can do; by default its dialect's.
        price: Of its tokens.
        pace: How fast it is.
        faults: How it misbehaves.
        seed: Another world.
        counts: What happened.
        bodies: What it was asked, where ``records`` is set.
    """

    name: str = "lab"
    skill: Mapping[str, Any] = field(default_factory=dict)
    lift: float = 0.0
    dialect: str = "vllm"
    can: Capabilities | None = None
    price: Price = Price(input=1.0, output=10.0)
    pace: Pace = field(default_factory=Pace)
    faults: Faults = field(default_factory=Faults)
    seed: int = 0
    records: bool = False
    counts: Counts = field(default_factory=Counts)
    bodies: list[Mapping[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        can = self.can or CAPABILITIES[self.dialect]
        self.spec = ModelSpec(self.name, self.name, self.dialect, self.price, capabilities=can)
        self._asked: Counter[bytes] = Counter()
        self._skilled: dict[Problem, Problem] = {}

    @classmethod
    def without_prefill(cls, **options: Any) -> "LabBackend":
        """Return a vLLM-like server that begins every turn anew."""
        vllm = CAPABILITIES["vllm"]
        return cls(can=replace(vllm, prefill=None, prefill_thinking=False), **options)

    async def complete(self, body: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Return the completion of ``body``; raises ApiError."""
        job = await self._begin(body, timeout_s)
        loop = asyncio.get_running_loop()
        begun, took_s = loop.time(), job.tokens * self.pace.token_s
        try:
            if job.number in self.faults.breaks:
                await asyncio.sleep(took_s / 2)
                raise UpstreamBrokeOffError(f"{self.name}: the connection broke off")
            left_s = timeout_s - self.pace.first_s
            await asyncio.sleep(min(took_s, left_s))
            if took_s > left_s:
                raise self._late(timeout_s)
            job.said = job.tokens
        except (ApiError, asyncio.CancelledError):
            passed = loop.time() - begun
            job.said = round(passed / self.pace.token_s) if self.pace.token_s else 0
            raise
        finally:
            self._end(job)
        answer = completion(self.name, job.speeches, self._top(body))
        if job.number in self.faults.mute:
            for choice in answer["choices"]:
                choice["message"]["content"] = None
        if self.faults.usage != "none":
            answer["usage"] = usage(job.prompt, job.speeches)
        return answer

    async def open(self, body: Mapping[str, Any], timeout_s: float) -> "LabUpstream":
        """Return the open stream of ``body``; raises ApiError."""
        job = await self._begin(body, timeout_s)
        until = asyncio.get_running_loop().time() + timeout_s - self.pace.first_s
        asked = bool((body.get("stream_options") or {}).get("include_usage"))
        return LabUpstream(self, job, until, timeout_s, self._top(body), usage_asked=asked)

    async def close(self) -> None:
        """Nothing is held."""

    async def _begin(self, body: Mapping[str, Any], timeout_s: float) -> Job:
        """Take a call, and let the time to its first token pass."""
        faults, counts, number = self.faults, self.counts, self.counts.calls
        counts.calls += 1
        if self.records:
            self.bodies.append(body)
        if number in faults.refuses:
            counts.refused += 1
            told = f"{self.name}: the upstream answered 429"
            raise RateLimitedError(told, retryable=True, retry_after_s=1.0)
        job = self._job(body, number)
        counts.read += job.prompt
        counts.open += 1
        counts.most_open = max(counts.most_open, counts.open)
        try:
            hangs = number in faults.hangs or self.pace.first_s > timeout_s
            await asyncio.sleep(timeout_s if hangs else self.pace.first_s)
            if hangs:
                raise self._late(timeout_s)
        except (ApiError, asyncio.CancelledError):
            self._end(job)
            raise
        return job

    def _job(self, body: Mapping[str, Any], number: int) -> Job:
        messages = body["messages"]
        ask = read_ask(messages, continues=self.spec.can.prefill is not None and _begun(messages))
        told = "\x1e".join([f"{m['role']}\x1f{m.get('content')}" for m in messages])
        prompt = len(told.split())
        limits, n = self._limits(body), body.get("n") or 1
        n = 1 if "n" in self.faults.ignores else n
        speeches = [self._speech(ask, self._chance(body, told, i), limits) for i in range(n)]
        self.counts.corrupted += any(speech.corrupted for speech in speeches)
        return Job(number, speeches, prompt)

    def _speech(self, ask: Ask, rng: Random, limits: Limits) -> Speech:
        if ask.problem is None:
            return plainly(NO_PROBLEM)
        problem = self._skilled.get(ask.problem)
        if problem is None:
            problem = ask.problem.by(self.skill)
            problem = problem.by({"p": 1 - (1 - problem.p) * (1 - self.lift)})
            self._skilled[ask.problem] = problem
        return speak(ask, problem, rng, limits, self.name)

    def _chance(self, body: Mapping[str, Any], told: str, index: int) -> Random:
        digest = blake2b(f"{self.seed} {self.name} {told}".encode(), digest_size=8).digest()
        seed = body.get("seed")
        if body.get("temperature") == 0:
            nonce = "greedy"
        elif seed is not None and "seed" not in self.faults.ignores:
            nonce = f"seed {seed} {index}"
        else:
            nonce = f"draw {self._asked[digest]}"
            self._asked[digest] += 1
        return Random(digest + nonce.encode())

    def _limits(self, body: Mapping[str, Any]) -> Limits:
        ignores = self.faults.ignores
        tokens = body.get("max_tokens") or body.get("max_completion_tokens")
        stops = body.get("stop") or ()
        thinking = body.get("thinking_token_budget")
        if (body.get("chat_template_kwargs") or {}).get("enable_thinking") is False:
            thinking = 0
        return Limits(
            thinking=None if "thinking" in ignores else thinking,
            tokens=None if "max_tokens" in ignores else tokens,
            stops=() if "stop" in ignores else (stops,) if isinstance(stops, str) else tuple(stops),
        )

    def _top(self, body: Mapping[str, Any]) -> int | None:
        """Return how many alternatives each token comes with; ``None`` for no logprobs at all."""
        wanted = self.faults.logprobs and body.get("logprobs")
        return body.get("top_logprobs") or 0 if wanted else None

    def _late(self, timeout_s: float) -> UpstreamTimeoutError:
        return UpstreamTimeoutError(f"{self.name}: no whole answer within {timeout_s:g} s")

    def _end(self, job: Job) -> None:
        """Book what a call has generated."""
        counts = self.counts
        counts.open -= 1
        counts.cancelled += job.said < job.tokens
        if self.faults.keeps_generating:
            job.said = job.tokens
        counts.generated += job.said
        counts.thought += min(job.said, sum(speech.thought for speech in job.speeches))


def _begun(messages: list[Mapping[str, Any]]) -> bool:
    return bool(messages[-1]["role"] == "assistant")


@dataclass(slots=True)
class LabUpstream:
    """An open stream."""

    backend: LabBackend
    job: Job
    until: float
    timeout_s: float
    top: int | None
    usage_asked: bool
    closed: bool = False

    async def batches(self) -> AsyncGenerator[list[bytes], None]:
        """Yield a chunk at a time, each when its tokens are generated."""
        loop, backend, job = asyncio.get_running_loop(), self.backend, self.job
        faults, half = backend.faults, job.tokens / 2
        mute = job.number in faults.mute
        made = payloads(backend.name, job.speeches, backend.pace.chunk_tokens, self.top, mute=mute)
        for payload, tokens in made:
            if job.number in faults.breaks and job.said >= half:
                raise UpstreamBrokeOffError(f"{backend.name}: the connection broke off")
            if job.number in faults.garbles and job.said >= half:
                yield [b'{"choices": [']
            if tokens:
                due = loop.time() + tokens * backend.pace.token_s
                await asyncio.sleep(min(due, self.until) - loop.time())
                if due > self.until:
                    raise backend._late(self.timeout_s)
            job.said += tokens
            yield [payload]
        last = [b"[DONE]"]
        if self.usage_asked and faults.usage != "none":
            told = {"id": "lab", "object": "chat.completion.chunk", "created": 1, "choices": []}
            said = orjson.dumps(
                told | {"model": backend.name, "usage": usage(job.prompt, job.speeches)}
            )
            last.insert(1 if faults.usage == "late" else 0, said)
        yield last

    async def close(self) -> None:
        """Close it; what was not generated yet will not be, unless the server keeps generating."""
        if not self.closed:
            self.closed = True
            self.backend._end(self.job)
