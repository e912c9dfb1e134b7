"""What the engine costs per upstream call, and the ledger per lease: ``python -m tests.lab.bench``.

CPU time in microseconds, in virtual time, so that no waiting counts. A call is measured twice over the same simulated
server: as a sample of a vote, and as a bare ``Answer``; the difference is what test-time search adds to a call: a share of the
budget, a candidate with its key, the tally, the tasks.
"""

from collections.abc import Callable
from functools import partial
from time import process_time

from policies.answers import answer_key
from policies.types import Price, SearchPlan, Usage
from router.answer import Answer
from router.call import Trace
from router.ledger import Ledger
from router.search import Solve
from tests.lab.clock import run
from tests.lab.problem import Problem
from tests.lab.solving import Lab, law_of

SAMPLES = 16
PROBLEM = law_of(Problem(id=1, distractors=1), 0.5)
"""An even race: a vote over it is never certain before its end, or hardly ever."""


def search_us(searches: int) -> float:
    """Return the time of one call inside a vote."""
    plan = SearchPlan("vote", n=SAMPLES, stop="certain")

    async def main() -> float:
        made = [_search(plan, trial) for trial in range(searches)]
        begun = process_time()
        for search in made:
            await search.run()
        took = process_time() - begun
        return 1e6 * took / sum(search.ledger.calls for search in made)

    return run(main())


def answer_us(answers: int) -> float:
    """Return the time of one call without a search."""

    async def main() -> float:
        made = [_search(SearchPlan(), trial) for trial in range(answers)]
        begun = process_time()
        for search in made:
            model = search.model
            changes = {"seed": search.session.first_seed, "temperature": 0.7}
            await Answer(
                search.world, search.query, model.tier, model.budget, search.ledger, Trace(), changes
            ).complete()  # fmt: skip
        return 1e6 * (process_time() - begun) / answers

    return run(main())


def key_us(answers: int) -> float:
    """Return the time to read what one answer amounts to."""
    begun = process_time()
    for number in range(answers):
        answer_key(f"step 1: mkadnpmoekaaln is in that.\n\nThe answer is {number}.")
    return 1e6 * (process_time() - begun) / answers


def lease_us(open_at_once: int, rounds: int) -> float:
    """Return the time to reserve and settle one lease while so many are open."""
    ledger = Ledger()
    ledger.limit(open_at_once * rounds * 10, 0)
    usage, price = Usage(prompt=9, completion=7), Price(input=1.0, output=10.0)
    begun = process_time()
    for _ in range(rounds):
        leases = [ledger.reserve(10) for _ in range(open_at_once)]
        for lease in leases:
            if lease is not None:
                lease.settle(usage, price)
    return 1e6 * (process_time() - begun) / (open_at_once * rounds)


def _search(plan: SearchPlan, trial: int) -> Solve:
    return Lab(tier={"thinking": "provider_default"}).search(PROBLEM, plan, trial)


def best(measure: Callable[[], float], times: int = 3) -> float:
    """Return the least of several measurements: what disturbs them only ever adds."""
    return min(measure() for _ in range(times))


def main() -> None:
    """Print the measurements."""
    search, answer = best(lambda: search_us(40)), best(lambda: answer_us(400))
    print(f"a call as a sample of a vote   {search:8.1f} us CPU")  # noqa: T201
    print(f"a call alone                   {answer:8.1f} us CPU")  # noqa: T201
    print(f"the engine's part              {search - answer:8.1f} us CPU")  # noqa: T201
    print(f"... of which to read its key   {best(lambda: key_us(2000)):8.1f} us CPU")  # noqa: T201
    for count in (10, 1_000):
        told = best(partial(lease_us, count, 20_000 // count))
        print(f"a lease while {count:5} are open  {told:8.2f} us CPU")  # noqa: T201


if __name__ == "__main__":
    main()
