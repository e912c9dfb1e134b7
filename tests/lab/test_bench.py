"""The engine stays cheap; bounds are generous, because other work shares the machine."""

from tests.lab.bench import answer_us, best, lease_us, search_us


def test_a_search_adds_little_to_a_call() -> None:
    assert best(lambda: search_us(12)) - best(lambda: answer_us(100)) < 500


def test_a_thousand_open_leases_cost_no_more_than_ten() -> None:
    few, many = best(lambda: lease_us(10, 500)), best(lambda: lease_us(1_000, 5))
    assert many < 5 * few + 5
