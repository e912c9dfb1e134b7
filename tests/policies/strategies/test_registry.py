"""What holds of every strategy in the registry: ``search.md`` D.3, through the real engine."""

import pytest

from policies.strategies import STRATEGIES
from tests.lab.conduct import Faults
from tests.policies.strategies.watching import hear

NAMES = sorted(STRATEGIES)
DEAF = Faults(ignores=frozenset({"n", "stop", "max_tokens", "thinking", "seed"}))
SLACK = 32


@pytest.mark.parametrize("name", NAMES)
def test_what_is_read_stays_within_the_budget(name: str) -> None:
    """A server that knows no limits is cut off: each of its calls is read a tenth and 32 tokens too far at most."""
    heard = hear(name, DEAF, 1, max_total_tokens=1500)
    calls = heard.backend.counts.calls
    assert heard.ledger.spent <= 1500
    assert heard.ledger.usage.completion <= 1.1 * 1500 + SLACK * calls


@pytest.mark.parametrize("name", NAMES)
def test_the_bill_is_what_the_upstream_has_counted(name: str) -> None:
    for think in (0, 1):
        heard = hear(name, Faults(), think)
        usage, counts = heard.ledger.usage, heard.backend.counts
        if not usage.estimated:
            assert usage.completion == counts.generated
            assert usage.reasoning == counts.thought
            assert usage.prompt == counts.read


@pytest.mark.parametrize("total", [2, 40, 150, 600])
@pytest.mark.parametrize("name", NAMES)
def test_a_tiny_budget_still_brings_an_answer(name: str, total: int) -> None:
    heard = hear(name, Faults(), 0, max_total_tokens=total)
    assert heard.ledger.usage.completion <= total
    assert heard.completion is not None
    assert heard.text


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("timeout_s", [0.5, 2.0])
def test_a_deadline_is_kept_to_the_tick(name: str, timeout_s: float) -> None:
    heard = hear(name, Faults(), 1, timeout_s=timeout_s)
    assert heard.took_s <= timeout_s + 1e-6
    assert heard.backend.counts.open == 0
    assert heard.ledger.reserved == 0


@pytest.mark.parametrize("leaves_s", [0.1, 0.9, 1.7])
@pytest.mark.parametrize("name", NAMES)
def test_a_client_that_leaves_stops_every_call(name: str, leaves_s: float) -> None:
    heard = hear(name, Faults(), 1, leaves_s=leaves_s)
    assert heard.took_s <= leaves_s + 1e-6
    assert heard.backend.counts.open == 0
    assert heard.ledger.reserved == 0
    if heard.completion is None:
        assert heard.ledger.usage.estimated
