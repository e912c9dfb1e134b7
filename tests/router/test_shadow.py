"""A candidate in the shadow: it sees what the live policy sees, is counted, costs little and breaks nothing."""

import timeit
from dataclasses import replace

import pytest

from policies.routing import Routing, decide
from policies.routing.choice import Choice, Situation
from policies.types import Decision, Query
from router.bootstrap import build_routing, fingerprint
from router.errors import ConfigError
from router.prices import PriceTable
from router.records import Records
from router.settings import Settings, parse_settings
from router.settings_routing import ShadowSettings
from router.shadow import Shadow, as_line, open_shadow
from tests.fakes import difficulty, query
from tests.policies.routing.ladder import LADDER
from tests.policies.routing.test_speed import MOST_S, SLOWER
from tests.router.test_settings_routing import BASE

SCORE = difficulty(0.3, 0.9, 0.97)


def shadow_of(policy: str = "pinned", dial: float = 0.0, routing: Routing = LADDER) -> Shadow:
    shadow = open_shadow(ShadowSettings(policy=policy, dial=dial), routing, Records(), None)
    assert shadow is not None
    return shadow


def beside(shadow: Shadow, asked: Query, live: Routing = LADDER) -> Decision | None:
    return shadow.beside(asked, decide(live, SCORE, asked))


def test_it_decides_by_its_own_policy_and_dial_and_is_counted() -> None:
    shadow = shadow_of()
    live = decide(LADDER, SCORE, query())
    found = shadow.beside(query(), live)
    assert found is not None
    assert (found.tier.name, found.policy, found.dial) == ("short", "pinned", 0.0)
    records = shadow.records
    assert records.shadow.get(live.tier.name, "short") == 1
    assert records.shadow_cost.get("live") == live.expected[live.tier.name].cost_usd
    assert records.shadow_cost.get("shadow") == live.expected["short"].cost_usd
    assert as_line(found) == {
        "policy": "pinned",
        "dial": 0.0,
        "tier": "short",
        "strategy": "single",
        "expected": {"tokens": 250, "cost_usd": live.expected["short"].cost_usd},
    }


def test_the_bounds_of_the_request_hold_for_it() -> None:
    found = beside(shadow_of(), query(wishes={"min_tier": "distilled"}))
    assert found is not None
    assert found.tier.name == "distilled"


@pytest.mark.parametrize(
    "asked",
    [query(wishes={"tier": "long"}), query(wishes={"policy": "quality", "dial": 0.5})],
    ids=["a tier", "a policy"],
)
def test_it_has_no_say_where_the_request_decides(asked: Query) -> None:
    shadow = shadow_of()
    assert beside(shadow, asked) is None
    assert list(shadow.records.shadow.lines())[2:] == []
    assert as_line(None) is None


def test_a_lot_is_logged_but_not_held_against_it() -> None:
    lots = replace(LADDER, explore=1.0)
    shadow = shadow_of(routing=lots)
    live = decide(lots, SCORE, query(), draw=0.99)
    assert live.cause == "explore"
    found = shadow.beside(query(), live)
    assert found is not None
    assert found.propensity == 1.0
    assert list(shadow.records.shadow.lines())[2:] == []


def test_a_candidate_that_breaks_is_counted_and_nothing_else() -> None:
    def broken(_: Situation) -> Choice:
        raise ZeroDivisionError

    shadow = shadow_of("quality", routing=replace(LADDER, tuned={"quality": broken}))
    live = decide(LADDER, SCORE, query())
    assert shadow.beside(query(), live) is None
    assert shadow.records.shadow.get(live.tier.name, "failed") == 1


def test_it_adds_less_than_50_microseconds() -> None:
    shadow, asked = shadow_of("utility", 0.3), query()
    live = decide(LADDER, SCORE, asked)

    def once() -> None:
        as_line(shadow.beside(asked, live))

    assert min(timeit.repeat(once, number=200, repeat=5)) / 200 < SLOWER * MOST_S


def settings(section: str) -> Settings:
    return parse_settings(BASE + section, {})


def test_it_needs_what_its_policy_needs() -> None:
    with pytest.raises(ConfigError, match=r"routing\.shadow\.policy: guaranteed needs"):
        build_routing(settings("{shadow: {policy: guaranteed}}"), PriceTable.load())


def test_no_stored_answer_is_lost_when_it_is_switched_on() -> None:
    plain, shadowed = settings("{dial: 0.4}"), settings("{dial: 0.4, shadow: {policy: quality}}")
    assert fingerprint(plain) == fingerprint(shadowed)
    assert fingerprint(plain) != fingerprint(settings("{dial: 0.5}"))
