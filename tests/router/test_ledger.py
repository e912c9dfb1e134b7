from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from policies.types import Price, Usage
from router.ledger import Lease, Ledger

PRICE = Price(input=1.0, output=10.0)
counts = st.integers(0, 3000)


class Requests(RuleBasedStateMachine):
    """Calls of one request reserve, overrun and settle in any order."""

    leases = Bundle("leases")
    done = Bundle("done")

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(2000, held=300)
        self.settled: list[Usage] = []
        self.allowed = 0
        self.usual = 0

    @rule(
        target=leases, want=st.none() | st.integers(1, 3000), floor=st.integers(1, 200),
        final=st.booleans(),
    )  # fmt: skip
    def reserve(self, want: int | None, floor: int, final: bool) -> Lease | None:
        free = 2000 - self.ledger.spent - self.ledger.reserved - (0 if final else 300)
        lease = self.ledger.reserve(want, floor=floor, final=final)
        if lease is None:
            assert min(free, 3000 if want is None else want) < floor
            return None
        assert lease.cap == (free if want is None else min(want, free))
        self.allowed += lease.cap
        self.usual += 0 if final else lease.cap
        return lease

    @rule(target=done, lease=consumes(leases), prompt=counts, completion=counts)
    def settle(self, lease: Lease | None, prompt: int, completion: int) -> Lease | None:
        if lease is not None:
            usage = Usage(prompt=prompt, completion=completion, reasoning=completion // 2)
            lease.settle(usage, PRICE)
            self.settled.append(usage)
        return lease

    @rule(lease=done)
    def settle_again(self, lease: Lease | None) -> None:
        if lease is not None:
            before = (self.ledger.usage, self.ledger.cost_usd, self.ledger.reserved)
            lease.settle(Usage(completion=999), PRICE)
            assert (self.ledger.usage, self.ledger.cost_usd, self.ledger.reserved) == before

    @invariant()
    def what_is_spent_and_reserved_fits_the_total(self) -> None:
        assert self.ledger.spent + self.ledger.reserved <= 2000
        assert self.ledger.reserved >= 0
        assert self.ledger.available is not None
        assert self.ledger.available >= 0

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
