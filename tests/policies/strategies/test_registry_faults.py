"""Every strategy over every fault of an upstream: an answer or a typed error, in time, and nothing left open."""

import pytest

from policies.strategies import STRATEGIES
from tests.lab.conduct import Faults
from tests.policies.strategies.watching import TIMEOUT_S, hear

ALL = range(10_000)

FAULTS = {
    "none": Faults(),
    "refuses the first": Faults(refuses={0}),
    "refuses all": Faults(refuses=ALL),
    "breaks off": Faults(breaks={0, 2}),
    "breaks all off": Faults(breaks=ALL),
    "hangs at first": Faults(hangs={0}),
    "hangs": Faults(hangs=ALL),
    "garbles": Faults(garbles=ALL),
    "first is mute": Faults(mute={0}),
    "is mute": Faults(mute=ALL),
    "no usage": Faults(usage="none"),
    "late usage": Faults(usage="late"),
    "ignores stop": Faults(ignores=frozenset({"n", "stop"})),
    "ignores max_tokens": Faults(ignores=frozenset({"n", "max_tokens"})),
    "ignores thinking": Faults(ignores=frozenset({"n", "thinking"})),
    "ignores all": Faults(ignores=frozenset({"n", "stop", "max_tokens", "thinking", "seed"})),
    "keeps generating": Faults(keeps_generating=True),
    "no logprobs": Faults(logprobs=False),
}


@pytest.mark.parametrize("fault", sorted(FAULTS))
@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_whatever_happens_there_is_an_answer_or_an_error(name: str, fault: str) -> None:
    heard = hear(name, FAULTS[fault], think=len(name + fault) % 2)
    search, backend, ledger = heard.search, heard.backend, heard.ledger
    assert backend.counts.open == 0
    assert ledger.reserved == 0
    assert ledger.settled == ledger.usage
    assert heard.took_s <= TIMEOUT_S + 1e-6
    assert search.quality == sorted(search.quality)
    assert search.late == []
    if heard.completion is None:
        assert heard.error is not None
        assert fault not in ("none", "no usage", "late usage", "no logprobs", "keeps generating")
        return
    assert heard.text.strip()
    assert "Error" not in heard.text
    if search.best is not None:
        assert search.best.id in search.offered
        assert search.best.text == heard.text
    if backend.counts.cancelled and "mute" not in fault:
        assert ledger.usage.estimated
