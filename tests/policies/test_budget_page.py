import doctest
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "budgets.md"


def test_the_numbers_on_the_page_are_what_the_code_plans() -> None:
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.attempted >= 10
    assert result.failed == 0
