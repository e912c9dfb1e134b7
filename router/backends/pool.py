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
class Health:
    """How a model has been doing."""

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
    """

    def __init__(
        self, backends: Mapping[str, Backend], retries: int, now: Callable[[], float]
    ) -> None:
        self.backends = backends
        self._retries = retries
        self._now = now
        self._health = {name: Health() for name in backends}
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
                backend = self._next(names, attempts)
            except OverloadedError as error:
                error.attempts = attempts
                raise
            attempts += 1
            try:
                value = await use(backend)
            except ApiError as error:
                self._failed(backend.spec.name, error)
                if not error.retryable or attempts > self._retries:
                    error.attempts = attempts
                    raise
                wait_s = self._wait_s(names, attempts, error)
                if wait_s is None:
                    error.attempts = attempts
                    raise
                await asyncio.sleep(wait_s)
            else:
                self._health[backend.spec.name].failures = 0
                return Reached(backend, value, attempts)

    async def close(self) -> None:
        """Close every backend."""
        for backend in self.backends.values():
            await backend.close()

    def _next(self, names: Sequence[str], attempts: int) -> Backend:
        """Return the next model: healthy ones take turns."""
        healthy = self._healthy(names)
        if not healthy:
            rest_s = min(self._health[name].rests_until for name in names) - self._now()
            raise OverloadedError(
                f"every model of the tier is cooling down ({', '.join(names)}); "
                f"the first is back in {rest_s:.1f} s",
                retry_after_s=rest_s,
            )
        if attempts == 0:
            self._turn += 1
        return self.backends[healthy[(self._turn + attempts) % len(healthy)]]

    def _healthy(self, names: Sequence[str]) -> list[str]:
        now = self._now()
        return [name for name in names if self._health[name].rests_until <= now]

    def _failed(self, name: str, error: ApiError) -> None:
        if not error.retryable:
            return
        health = self._health[name]
        health.failures += 1
        if health.failures >= COOL_AFTER:
            rest_s = min(error.retry_after_s or COOL_S, LONGEST_COOL_S)
            health.rests_until = self._now() + rest_s
            health.failures = 0

    def _wait_s(self, names: Sequence[str], attempts: int, error: ApiError) -> float | None:
        """Return how long to wait before the next attempt; ``None`` is too long."""
        if len(self._healthy(names)) > 1:
            return 0.0  # another model is free now
        jitter = 1.0 + random.random() / 4  # noqa: S311 - spreads retries, guards nothing
        wait_s: float = BACKOFF_S * 2 ** (attempts - 1) * jitter
        if error.retry_after_s is None:
            return wait_s
        return None if error.retry_after_s > LONGEST_WAIT_S else max(wait_s, error.retry_after_s)
