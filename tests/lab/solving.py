"""A lab problem through the real engine: ``router.search.Solve`` over ``LabBackend``s, in virtual time.

Every backend is a tier of its own, named as the backend is, cheap to dear; the search is the last one's. A trial draws from
seeds that no other trial uses, so trials are independent, and the same trial of two strategies meets the same world.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from policies.answers import answer_key
from policies.budgets import plan_budget
from policies.strategies import completed
from policies.types import Ceilings, SearchPlan, Tier, VerifierPlan
from router.backends.direct import Connections
from router.backends.pool import Pool
from router.backends.reward import RewardEndpoint
from router.cache.pools import Pools
from router.call import Trace, World
from router.ledger import Ledger
from router.ratios import Ratios
from router.search import Solve
from router.trust import Trust
from tests.fakes import query
from tests.lab import clock
from tests.lab.asking import key_of
from tests.lab.backend import LabBackend
from tests.lab.problem import Problem, find_problem
from tests.lab.verifier import chance

SEEDS = 1000
"""Of one trial: more than any search draws."""

REWARD = VerifierPlan("reward", "scores")
"""The lab's score law as a reward model; ``accept`` lies where no score does."""


class LabReward(RewardEndpoint):
    """The score law of a problem, served without a socket."""

    async def score(
        self, prompt: str, candidates: Sequence[str], timeout_s: float, *, steps: bool = False
    ) -> list[float | None]:
        """Return the chances of some candidates."""
        problem = find_problem(prompt)
        assert problem is not None
        return [chance(problem, text, self.name) for text in candidates]


@dataclass(frozen=True, slots=True)
class Lab:
    """Where problems are solved.

    Attributes:
        backends: One tier each, cheap to dear.
        tier: Fields of every tier, such as ``thinking`` or ``max_thinking_tokens``.
        tiers: Fields of single tiers, by name.
        ceilings: The client's.
        body: Fields of the client's body.
        retries: Inside a tier.
        pools: Samples of earlier searches.
        ledger: Makes the account.
    """

    backends: Sequence[LabBackend] = field(default_factory=lambda: (LabBackend(),))
    tier: Mapping[str, Any] = field(default_factory=dict)
    tiers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ceilings: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    retries: int = 0
    pools: Pools | None = None
    ledger: type[Ledger] = Ledger

    def search(
        self, problem: Problem, plan: SearchPlan, trial: int = 0, *, question: str = ""
    ) -> Solve:
        """Return the search for a problem's answer; needs a running loop, ``run()`` does the rest.

        Args:
            problem: What is asked, unless there is a ``question``.
            plan: The strategy.
            trial: Which of the independent ones.
            question: In other words than the problem's.
        """
        pool = Pool({b.name: b for b in self.backends}, self.retries, clock.now)
        tiers = [self._tier(backend, problem) for backend in self.backends]
        rewards = {"scores": LabReward("scores", "", Connections(), {})}
        world = World(pool, Ratios(), Trust(), clock.now, tiers[0], rewards=rewards)
        asked = query(
            question or problem.question(),
            body={"seed": trial * SEEDS, **self.body},
            ceilings=dict(self.ceilings),
        )
        plan = completed(plan)
        budgets = [(t, plan_budget(t, Ceilings(**self.ceilings), plan=plan)) for t in tiers]
        tier, budget = budgets[-1]
        ledger = self.ledger()
        ledger.limit(budget.total, budget.answer_reserve)
        until = clock.now() + tier.timeout_s
        return Solve(
            world, asked, tier, plan, budgets, ledger, Trace(until), until, self.pools
        )  # fmt: skip

    def _tier(self, backend: LabBackend, problem: Problem) -> Tier:
        fields: dict[str, Any] = {"thinking": "on" if problem.think else "off"}
        fields |= {**self.tier, **self.tiers.get(backend.name, {})}
        return Tier(backend.name, "long", (backend.name,), price=backend.price, **fields)


class Solved(NamedTuple):
    """What a search brought.

    Attributes:
        completion: The winner's.
        search: What ran, with its ledger and its register.
        right: Whether the answer is the truth.
    """

    completion: dict[str, Any]
    search: Solve
    right: bool

    @property
    def tokens(self) -> int:
        """Completion tokens of all calls together."""
        return self.search.ledger.usage.completion


async def solve(
    problem: Problem, plan: SearchPlan, lab: Lab | None = None, *, trial: int = 0
) -> Solved:
    """Return what a search for a problem's answer brings; raises ApiError."""
    search = (lab or Lab()).search(problem, plan, trial)
    found = await search.run()
    text = found["choices"][0]["message"]["content"] or ""
    return Solved(found, search, answer_key(text) == key_of(problem.truth))


def trials(
    problem: Problem, plan: SearchPlan, count: int, lab: Lab | None = None, *, first: int = 0
) -> list[Solved]:
    """Return what ``count`` searches bring, one after the other in virtual time."""
    where = lab or Lab()

    async def main() -> list[Solved]:
        return [await solve(problem, plan, where, trial=first + i) for i in range(count)]

    return clock.run(main())


def law_of(problem: Problem, right: float) -> Problem:
    """Return a problem whose one step is right with this probability: its answers have that law."""
    return problem.by({"steps": 1, "p": right})


def share_right(solved: Sequence[Solved]) -> int:
    """Return how many are right."""
    return sum(each.right for each in solved)
