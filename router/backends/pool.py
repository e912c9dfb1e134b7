"""Inside a tier: which model next, when to try again, which one must cool down.

Retries happen before the first byte of an answer only, on connect errors, 429 and 5xx; never on a
caller's mistake. Knows no dialect and no budget.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from router.errors import ApiError, OverloadedError

from .port import Backend

T = TypeVar("T")

COOL_AFTER = 5
"""Failures in a row after which a model rests: more than one request's retries."""

COOL_S = 3.0
"""Rest of a failing model; one that names its own ``retry-after`` rests that long."""

LONGEST_COOL_S = 60.0
BACKOFF_S = 0.2
LONGEST_WAIT_S = 5.0
"""We wait this long for a busy model at most; longer waits are the client's to decide."""


@dataclass(slots=True)
class Deployment:
    """One place where a model is served, and how it has been doing."""

    backend: Backend
    failures: int = 0
    rests_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Reached(Generic[T]):
    """What a call brought, from which model, after how many attempts."""

    backend: Backend
    value: T
    attempts: int


class Pool:
    """The models of every tier, with their health.

    Args:
        backends: By ``model_name``.
        retries: Attempts beyond the first, over all models of the tier together.
        now: Monotonic seconds.
        twins: Further deployments under the same ``model_name``, as LiteLLM balances load: what is known
            of a model is taken from the first.
    """

    def __init__(
        self,
        backends: Mapping[str, Backend],
        retries: int,
        now: Callable[[], float],
        twins: Mapping[str, Sequence[Backend]] | None = None,
    ) -> None:
        self.backends = backends
        self._retries = retries
        self._now = now
        self._deployments = {
            name: [Deployment(each) for each in (backend, *(twins or {}).get(name, ()))]
            for name, backend in backends.items()
        }
        self._turn = 0

    async def call(
        self, names: Sequence[str], use: Callable[[Backend], Awaitable[T]]
    ) -> Reached[T]:
        """Return what ``use`` brings from the first model that answers.

        Raises:
            OverloadedError: If every model is cooling down.
            ApiError: What the last attempt raised.
        """
        attempts = 0
        while True:
            try:
                chosen = self._next(names, attempts)
            except OverloadedError as error:
                error.attempts = attempts
                raise
            attempts += 1
            try:
                value = await use(chosen.backend)
            except ApiError as error:
                self._failed(chosen, error)
                if not error.retryable or attempts > self._retries:
                    error.attempts = attempts
                    raise
                wait_s = self._wait_s(names, attempts, error)
                if wait_s is None:
                    error.attempts = attempts
                    raise
                await asyncio.sleep(wait_s)
            else:
                chosen.failures = 0
                return Reached(chosen.backend, value, attempts)

    async def close(self) -> None:
        """Close every backend."""
        for deployments in self._deployments.values():
            for each in deployments:
                await each.backend.close()

    def _next(self, names: Sequence[str], attempts: int) -> Deployment:
        """Return the next deployment: healthy ones take turns."""
        healthy = self._healthy(names)
        if not healthy:
            every = [each for name in names for each in self._deployments[name]]
            rest_s = min(each.rests_until for each in every) - self._now()
            raise OverloadedError(
                f"every model of the tier is cooling down ({', '.join(names)}); "
                f"the first is back in {rest_s:.1f} s",
                retry_after_s=rest_s,
            )
        if attempts == 0:
            self._turn += 1
        return healthy[(self._turn + attempts) % len(healthy)]

    def _healthy(self, names: Sequence[str]) -> list[Deployment]:
        now = self._now()
        return [
            each for name in names for each in self._deployments[name] if each.rests_until <= now
        ]

    def _failed(self, deployment: Deployment, error: ApiError) -> None:
        if not error.retryable:
            return
        deployment.failures += 1
        if deployment.failures >= COOL_AFTER:
            rest_s = min(error.retry_after_s or COOL_S, LONGEST_COOL_S)
            deployment.rests_until = self._now() + rest_s
            deployment.failures = 0

    def _wait_s(self, names: Sequence[str], attempts: int, error: ApiError) -> float | None:
        """Return how long to wait before the next attempt; ``None`` is too long."""
        if len(self._healthy(names)) > 1:
            return 0.0  # another model is free now
        jitter = 1.0 + random.random() / 4  # noqa: S311 - spreads retries, guards nothing
        wait_s: float = BACKOFF_S * 2 ** (attempts - 1) * jitter
        if error.retry_after_s is None:
            return wait_s
        return None if error.retry_after_s > LONGEST_WAIT_S else max(wait_s, error.retry_after_s)
