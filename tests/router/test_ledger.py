import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from policies.routing import Routing, decide
from policies.types import Price, Usage
from router.ledger import Lease, Ledger
from router.reply import router_object
from router.wire.openai_answer import write_usage
from tests.fakes import difficulty, query, tier

PRICE = Price(input=1.0, output=10.0)
counts = st.integers(0, 3000)
LADDER = Routing((tier("short", rung="short"), tier("long")))


class Requests(RuleBasedStateMachine):
    """Calls of one request reserve, overrun and settle in any order."""

    leases = Bundle("leases")
    done = Bundle("done")

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(2000, held=300)
        self.settled: list[Usage] = []
        self.final = False
        self.allowed = 0
        self.usual = 0

    @rule(
        target=leases, want=st.none() | st.integers(1, 3000), floor=st.integers(1, 200),
        final=st.booleans(),
    )  # fmt: skip
    def reserve(self, want: int | None, floor: int, final: bool) -> Lease | None:
        assert self.ledger.available is not None
        free = self.ledger.available - (0 if final else self.ledger.held)
        lease = self.ledger.reserve(want, floor=floor, final=final)
        if lease is None:
            assert min(free, 3000 if want is None else want) < floor
            return None
        assert lease.cap == (free if want is None else min(want, free))
        self.final |= final
        self.allowed += lease.cap
        self.usual += 0 if final else lease.cap
        return lease

    @rule(
        target=done, lease=consumes(leases), prompt=counts, completion=counts,
        estimated=st.booleans(),
    )  # fmt: skip
    def settle(
        self, lease: Lease | None, prompt: int, completion: int, *, estimated: bool
    ) -> Lease | None:
        """A call ends, by itself or cancelled, told by its upstream or counted by us, within its cap or past it."""
        if lease is not None:
            usage = Usage(prompt, 0, completion, completion // 2, estimated)
            lease.settle(usage, PRICE)
            self.settled.append(usage)
        return lease

    @rule(lease=leases, prompt=counts, completion=counts)
    def lose(self, lease: Lease | None, prompt: int, completion: int) -> None:
        """An attempt fails and is tried again: it is billed, and the lease stays what it is."""
        if lease is None:
            return
        assert self.ledger.available is not None
        free = max(0, self.ledger.available - self.ledger.held)
        before = self.ledger.reserved
        usage = Usage(prompt, 0, completion, estimated=True)
        lease.lose(usage, PRICE)
        self.settled.append(usage)
        self.allowed += min(completion, free)
        assert self.ledger.reserved == before

    @rule(lease=done)
    def settle_again(self, lease: Lease | None) -> None:
        if lease is not None:
            before = (self.ledger.usage, self.ledger.cost_usd, self.ledger.reserved)
            lease.settle(Usage(completion=999), PRICE)
            lease.lose(Usage(completion=999), PRICE)
            assert (self.ledger.usage, self.ledger.cost_usd, self.ledger.reserved) == before

    @rule(total=st.integers(0, 4000))
    def limit(self, total: int) -> None:
        """A tier that falls back brings a total of its own; what was spent and leased stays."""
        used = self.ledger.spent + self.ledger.reserved
        self.ledger.limit(total, 300)
        assert self.ledger.total == max(total, used)
        assert self.ledger.available == max(0, total - used)
        assert self.ledger.held <= max(0, total - used) // 2

    @invariant()
    def what_is_spent_and_reserved_fits_the_total(self) -> None:
        assert self.ledger.total is not None
        assert self.ledger.spent + self.ledger.reserved <= self.ledger.total
        assert self.ledger.reserved >= 0
        assert self.ledger.available is not None
        assert self.ledger.available >= 0

    @invariant()
    def what_is_held_is_there_until_a_final_call_takes_it(self) -> None:
        assert self.ledger.available is not None
        assert self.final or self.ledger.available >= self.ledger.held

    @invariant()
    def what_was_counted_by_us_says_so(self) -> None:
        assert self.ledger.usage.estimated == any(usage.estimated for usage in self.settled)

    @invariant()
    def what_is_settled_fits_the_total_but_for_overruns(self) -> None:
        assert self.ledger.total is not None
        assert self.ledger.usage.completion <= self.ledger.total + self.ledger.overrun

    @invariant()
    def the_usage_is_the_sum_and_overruns_are_kept_apart(self) -> None:
        total = sum(self.settled, Usage())
        assert self.ledger.usage == total
        assert self.ledger.spent == total.completion - self.ledger.overrun
        assert self.ledger.spent <= self.allowed
        assert abs(self.ledger.cost_usd - PRICE.usd(total)) < 1e-9


TestRequests = Requests.TestCase


@given(st.lists(st.integers(1, 500)), st.integers(0, 1000))
def test_what_is_held_is_for_the_final_call_only(wants: list[int], held: int) -> None:
    ledger = Ledger(1000, held=held)
    for want in wants:
        ledger.reserve(want)
    assert ledger.reserved <= 1000 - held
    last = ledger.reserve(None, final=True)
    assert (last.cap if last else 0) == 1000 - (ledger.reserved - (last.cap or 0 if last else 0))


def test_an_overrun_is_not_taken_from_other_calls() -> None:
    ledger = Ledger(1000)
    one, other = ledger.reserve(300), ledger.reserve(None)
    assert one is not None
    assert other is not None
    assert other.cap == 700
    one.settle(Usage(completion=5000), PRICE)
    assert (ledger.spent, ledger.overrun, ledger.available) == (300, 4700, 0)


def test_what_a_call_did_not_use_is_given_back() -> None:
    ledger = Ledger(1000)
    lease = ledger.reserve(800)
    assert lease is not None
    assert ledger.reserve(300, floor=250) is None
    lease.settle(Usage(completion=100), PRICE)
    assert ledger.available == 900


def test_without_a_total_every_call_gets_what_it_wants() -> None:
    ledger = Ledger()
    wanted, free = ledger.reserve(10**9), ledger.reserve(None)
    assert wanted is not None
    assert free is not None
    assert (wanted.cap, free.cap, ledger.available, ledger.calls) == (10**9, None, None, 2)
    wanted.settle(Usage(completion=2 * 10**9), PRICE)
    assert ledger.overrun == 10**9


def test_a_limit_that_is_lifted_or_set_meets_leases_that_are_open() -> None:
    ledger = Ledger()
    free, capped = ledger.reserve(None), ledger.reserve(400)
    ledger.limit(1000, 300)
    assert (ledger.available, ledger.held) == (600, 300)
    assert free is not None
    assert capped is not None
    capped.settle(Usage(completion=100), PRICE)
    free.settle(Usage(completion=50), PRICE)
    assert (ledger.reserved, ledger.available) == (0, 850)
    ledger.limit(None, 300)
    assert (ledger.available, ledger.held) == (None, 0)


def test_a_tiny_total_still_lets_the_first_call_begin() -> None:
    ledger = Ledger()
    ledger.limit(3, 512)
    first = ledger.reserve(None)
    assert first is not None
    assert (first.cap, ledger.held) == (2, 1)


@given(st.lists(st.integers(1, 300), min_size=1), st.floats(0, 0.01))
def test_once_the_money_is_spent_only_a_final_call_begins(spends: list[int], usd: float) -> None:
    ledger = Ledger(usd=usd)
    for spent in spends:
        paid = ledger.cost_usd
        lease = ledger.reserve(None)
        assert (lease is None) == (0 < paid >= usd) == (ledger.exhausted and lease is None)
        if lease is not None:
            lease.settle(Usage(completion=spent), PRICE)
    assert ledger.cost_usd <= usd + PRICE.usd(Usage(completion=300))
    assert ledger.reserve(None, final=True) is not None


calls = st.tuples(
    st.builds(
        Usage, prompt=counts, cached=st.just(0), completion=st.integers(1000, 3000),
        reasoning=st.integers(0, 1000), estimated=st.booleans(),
    ),
    st.builds(Price, input=st.floats(0, 50), output=st.floats(0, 50)),
)  # fmt: skip


@given(st.lists(calls, max_size=6), st.none() | st.integers(1, 9000))
def test_usage_and_the_router_object_tell_the_same(
    made: list[tuple[Usage, Price]], total: int | None
) -> None:
    decision = decide(LADDER, difficulty(), query())
    ledger = Ledger(total)
    booked: list[tuple[Usage, Price]] = []
    for usage, price in made:
        lease = ledger.reserve(None)
        if lease is not None:
            lease.settle(usage, price)
            booked.append((usage, price))
    told, written = router_object(decision, ledger), write_usage(ledger.usage)
    assert written["completion_tokens"] == told["upstream_tokens"]
    assert written["completion_tokens_details"]["reasoning_tokens"] == told["thinking_tokens"]
    assert written["total_tokens"] == written["prompt_tokens"] + written["completion_tokens"]
    assert told["upstream_tokens"] == sum(usage.completion for usage, _ in booked)
    assert told["calls"] == len(booked)
    assert told["estimated"] == any(usage.estimated for usage, _ in booked)
    each = sum(price.usd(usage) for usage, price in booked)
    assert told["cost_usd"] == pytest.approx(each, abs=1e-8)
