"""``docs/search.md``: its tables are what the code does, its configurations are valid, its strategy runs as it stands."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from loadtest.frontier import ARMS
from policies.strategies import STRATEGIES
from policies.strategies.choose import TABLE
from policies.types import SearchPlan
from router.settings import parse_settings
from tests.lab import exact
from tests.lab.exact import assert_mean, assert_share
from tests.lab.problem import Problem
from tests.lab.solving import law_of, share_right, trials

PAGE = (Path(__file__).parents[2] / "docs" / "search.md").read_text(encoding="utf-8")
WHOLE, *SECTIONS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
INLINE = re.findall(r"`(verifier: \{.*?\})`", PAGE)
(EXAMPLE,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a row of headings."""
    (table,) = re.findall(rf"^{re.escape(heading)}\n\|[-|:]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]


def searching(section: str) -> SearchPlan:
    """Return the plan of a ``search`` section, as a configuration has it."""
    config: dict[str, Any] = yaml.safe_load(WHOLE)
    config["model_list"].append(
        {"model_name": "scores", "litellm_params": {"model": "openai/scores", "api_base": "http://127.0.0.1:1"}}
    )  # fmt: skip
    config["tiers"][0]["search"] = yaml.safe_load(section)
    return parse_settings(yaml.safe_dump(config), {}).tiers[0].search.plan()


def test_the_table_of_strategies_is_the_registry() -> None:
    told = rows("| strategy | use it when | needs | otherwise | n | source |")
    assert [cells[0].strip("`") for cells in told] != []
    assert {cells[0].strip("`") for cells in told} == set(STRATEGIES)
    for name, _, needs, otherwise, n, _ in told:
        strategy = STRATEGIES[name.strip("`")]
        words = {
            "prefill": strategy.needs.prefill, "log-probabilities": strategy.needs.logprobs, "thinking": strategy.needs.thinks,
            "verifier": strategy.needs.verifier, "votes": strategy.needs.votable,
        }  # fmt: skip
        asked = {"votes" if "vote" in need else need for need in needs.split(", ") if need}
        assert asked == {word for word, is_needed in words.items() if is_needed}, name
        assert otherwise.strip("`") == (strategy.otherwise if asked else "")
        assert n in ("", str(strategy.n))


def test_the_table_of_auto_is_the_default() -> None:
    told = rows("| p from | plan | completion tokens at most, thinking budgets aside |")
    for (least_p, plan, tokens), row in zip(told, TABLE, strict=True):
        assert float(least_p) == row.least_p
        assert plan.startswith(f"`{row.plan.strategy}`")
        assert (f"n = {row.plan.n}" in plan) == (row.plan.n > 1)
        assert tokens == (
            "the tier's" if row.plan.max_tokens is None else f"{row.plan.max_tokens:,}"
        )


def test_the_frontier_has_a_row_for_every_arm() -> None:
    (table,) = re.findall(
        r"^\| strategy \| 1 to 3 steps .*\n\|[-|:]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE
    )
    names = [line.split("|")[1].strip().replace("`", "") for line in table.splitlines()]
    assert names == [arm.name for arm in ARMS]


def test_the_configuration_is_valid() -> None:
    settings = parse_settings(WHOLE, {})
    assert [tier.search.strategy for tier in settings.tiers] == ["vote", "cascade"]


@pytest.mark.parametrize("section", [*SECTIONS, *INLINE])
def test_every_search_section_is_valid(section: str) -> None:
    plan = searching(section)
    assert plan.templates or plan.table or plan.epsilon or plan.verifier


def test_the_strategy_on_the_page_is_a_plurality_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, Any] = {}
    exec(compile(EXAMPLE, "docs/search.md", "exec"), names)
    monkeypatch.setitem(STRATEGIES, "tiebreak", names["TIEBREAK"])
    problem, runs = law_of(Problem(id=1, distractors=3, dom=0.5), 0.6), 300
    solved = trials(problem, SearchPlan("tiebreak"), runs)
    assert_share(share_right(solved), runs, exact.plurality(problem.law, 3))
    same = sum(q**2 for q in problem.law)
    assert_mean([each.search.ledger.calls for each in solved], 3 - same)


def test_a_page_is_read_in_one_sitting() -> None:
    assert len(PAGE.splitlines()) <= 250
    assert (Path(__file__).parents[2] / "docs" / "search_frontier.png").stat().st_size < 60_000
