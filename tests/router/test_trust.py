import pytest

from router.backends.capabilities import CAPABILITIES, capabilities_of
from router.backends.port import ModelSpec
from router.trust import PROBATION, Trust


def spec(name: str, dialect: str = "vllm") -> ModelSpec:
    return ModelSpec(name, name, dialect)


def test_a_model_is_watched_until_it_kept_its_budget_a_few_times() -> None:
    trust = Trust()
    for _ in range(PROBATION):
        assert trust.needs_watching(spec("m"))
        trust.observe("m", 100, 100)
    assert not trust.needs_watching(spec("m"))
    assert trust.needs_watching(spec("other"))


@pytest.mark.parametrize(("spent", "watched"), [(142, False), (143, True)])
def test_a_model_that_breaks_its_budget_is_watched_for_good(spent: int, watched: bool) -> None:
    trust = Trust()
    for _ in range(PROBATION):
        trust.observe("m", 90, 100)
    trust.observe("m", spent, 100)
    for _ in range(2 * PROBATION):
        trust.observe("m", 10, 100)
    assert trust.needs_watching(spec("m")) is watched


def test_an_answer_that_had_to_be_cut_earns_no_trust() -> None:
    trust = Trust()
    for _ in range(2 * PROBATION):
        trust.observe("m", 104, 100, cut=True)
    assert trust.needs_watching(spec("m"))


@pytest.mark.parametrize("dialect", sorted(CAPABILITIES))
@pytest.mark.parametrize("thinks", [False, True])
def test_a_model_that_thinks_without_taking_a_budget_is_always_watched(
    dialect: str, thinks: bool
) -> None:
    trust = Trust()
    for _ in range(2 * PROBATION):
        trust.observe("m", 50 if thinks else 0, 100)
    native = CAPABILITIES[dialect].native_budget
    assert trust.needs_watching(spec("m", dialect)) is (thinks and not native)


@pytest.mark.parametrize("native", [False, True])
def test_the_configuration_says_who_takes_a_budget(native: bool) -> None:
    trust = Trust()
    for _ in range(PROBATION):
        trust.observe("m", 50, 100)
    can = capabilities_of("vllm" if not native else "openai", {"native_budget": native})
    assert trust.needs_watching(ModelSpec("m", "m", capabilities=can)) is not native


def test_a_prefill_that_brought_no_answer_is_not_tried_again() -> None:
    trust = Trust()
    assert trust.continues(spec("m"))
    assert not trust.continues(spec("m", "openai"))
    trust.observe_prefill("m", answered=False)
    assert not trust.continues(spec("m"))
    assert trust.continues(spec("other"))
