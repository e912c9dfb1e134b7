"""A search that is watched: its ledger at every change, its register at every offer."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from policies.types import Candidate, Price, SearchPlan, Usage
from router.backends.capabilities import CAPABILITIES
from router.errors import ApiError
from router.ledger import Lease, Ledger
from router.search import Solve
from tests.lab.backend import LabBackend
from tests.lab.clock import now, run
from tests.lab.conduct import Faults
from tests.lab.problem import Problem
from tests.lab.solving import REWARD, Lab

TIMEOUT_S = 60.0
TOTAL = 4000


@dataclass(slots=True)
class WatchedLedger(Ledger):
    """A ledger that is looked at whenever it changes."""

    settled: Usage = Usage()

    def reserve(self, want: int | None, *, floor: int = 1, final: bool = False) -> Lease | None:
        lease = Ledger.reserve(self, want, floor=floor, final=final)
        self.check()
        return lease

    def lose(self, usage: Usage, price: Price) -> None:
        self.settled += usage
        Ledger.lose(self, usage, price)
        self.check()

    def close(self, lease: Lease, usage: Usage, price: Price) -> None:
        self.settled += usage
        Ledger.close(self, lease, usage, price)
        self.check()

    def check(self) -> None:
        assert self.total is not None
        assert self.reserved >= 0
        assert self.spent + self.reserved <= self.total


@dataclass
class WatchedSolve(Solve):
    """A search whose register is looked at.

    Attributes:
        offered: Candidates that were.
        quality: Of the leading one, after each offer.
        late: What the strategy did after it had said that it was over.
    """

    offered: set[int] = field(default_factory=set)
    quality: list[tuple[bool, float, float]] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    _calls: int | None = None

    def offer(
        self, candidate: Candidate, *, weight: float = 0.0, agreement: float | None = None
    ) -> None:
        if self._calls is not None:
            self.late.append("offers")
        assert agreement is None or 0.0 <= agreement <= 1.0
        super().offer(candidate, weight=weight, agreement=agreement)
        self.offered.add(candidate.id)
        self.quality.append(self._rank)

    def stop(self, reason: str) -> None:
        assert reason.replace("_", "").isalpha()
        self._calls = self.ledger.calls
        super().stop(reason)

    async def _make_do(self) -> None:
        if self._calls != self.ledger.calls:
            self.late.append("generates")
        self._calls = None  # what comes now is the engine's
        await super()._make_do()


@dataclass(frozen=True, slots=True)
class Heard:
    """What one search came to."""

    search: WatchedSolve
    backend: LabBackend
    ledger: WatchedLedger
    took_s: float
    completion: dict[str, Any] | None
    error: ApiError | None

    @property
    def text(self) -> str:
        assert self.completion is not None
        return self.completion["choices"][0]["message"]["content"] or ""


def hear(
    name: str, faults: Faults, think: int, *, leaves_s: float | None = None, **tier: Any
) -> Heard:
    """Return what a strategy does about an upstream of these faults.

    Args:
        name: The strategy's.
        faults: Of its upstream.
        think: 1 for a model that reasons.
        leaves_s: When the client leaves.
        tier: Fields of the tier.
    """
    problem = Problem(id=1, steps=6, p=0.9, write=0.9, tokens=20, think=think)
    can = replace(CAPABILITIES["vllm"], logprobs=2)  # few alternatives are quickly read
    backend = LabBackend(faults=faults, can=can)
    fields = {
        "timeout_s": TIMEOUT_S, "max_thinking_tokens": 400, "answer_reserve_tokens": 128, "max_total_tokens": TOTAL,
    }  # fmt: skip
    lab = Lab(backends=(backend,), tier=fields | tier, ledger=WatchedLedger)

    async def main() -> Heard:
        plain = lab.search(problem, SearchPlan(name, verifier=REWARD))
        search = WatchedSolve(
            plain.world, plain.query, plain.tier, plain.plan, plain.budgets, plain.ledger, plain.trace, plain.until
        )  # fmt: skip
        begun, completion, error = now(), None, None
        try:
            async with asyncio.timeout(leaves_s):
                completion = await search.run()
        except ApiError as caught:
            error = caught
        except TimeoutError:
            assert leaves_s is not None
        assert isinstance(search.ledger, WatchedLedger)
        return Heard(search, backend, search.ledger, now() - begun, completion, error)

    return run(main())
