import doctest
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "routing.md"


def test_the_numbers_on_the_page_are_what_the_code_decides() -> None:
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.attempted >= 8
    assert result.failed == 0
