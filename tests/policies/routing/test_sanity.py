from dataclasses import replace

from policies.routing.rules import Rule, Span, When
from policies.routing.sanity import Record, dominated, typical_scores, unreachable
from policies.routing.threshold import Threshold

from .ladder import LADDER, LONG, NAMES


def test_a_ladder_of_every_day_has_a_use_for_every_tier() -> None:
    for policy in ("utility", "threshold", "quality", "cascade"):
        assert unreachable(replace(LADDER, policy=policy, dial=0.7), typical_scores()) == []


def test_a_tier_that_nothing_reaches_is_named() -> None:
    cuts = {"threshold": Threshold((0.5, 0.999999))}
    routing = replace(LADDER, policy="threshold", tuned=cuts)
    (line,) = unreachable(routing, typical_scores())
    assert line.startswith('tier "long" is unreachable: policy threshold at dial 0.5')
    ruled = replace(routing, rules=(Rule("long asks", When(length=Span(9000)), "long"),))
    assert unreachable(ruled, typical_scores()) == []
    pinned = unreachable(replace(LADDER, policy="pinned", dial=0.0), typical_scores())
    assert [line.split('"')[1] for line in pinned] == NAMES[1:]


def test_a_worse_model_on_the_dear_tier_is_never_reached() -> None:
    worse = replace(LADDER, tiers=(*LADDER.tiers[:2], replace(LONG, ability=-3.0)))
    assert [line.split('"')[1] for line in unreachable(worse, typical_scores())] == ["long"]


def test_a_tier_is_dominated_by_one_that_is_cheaper_and_no_worse() -> None:
    cheap, trap, dear = Record("a", 0.7, 0.1), Record("b", 0.7, 0.2), Record("c", 0.9, 0.3)
    assert dominated([cheap, trap, dear]) == [
        'tier "b" is dominated: it is right 70.0 % of the time for $0.20000 a question, '
        '"a" 70.0 % for $0.10000'
    ]
    assert dominated([cheap, dear]) == []
