from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from policies.routing import ROUTING_POLICIES, decide
from policies.types import Decision, Query
from router.admission import Admitted
from router.cache.store import NullStore
from router.sessions import Sessions, not_lower
from tests.fakes import difficulty, query
from tests.policies.routing.ladder import LADDER, NAMES

SESSIONS = Sessions(NullStore(), b"s" * 32, NAMES)

chances = st.floats(0.01, 0.99)
policies = st.sampled_from(sorted(set(ROUTING_POLICIES) - {"paced", "guaranteed"}))
places = st.none() | st.sampled_from(NAMES)


def place(name: str | None, otherwise: int) -> int:
    return otherwise if name is None else NAMES.index(name)


@given(
    st.tuples(chances, chances, chances).map(sorted),
    st.floats(0, 1),
    policies,
    st.sampled_from(NAMES),
    places,
    places,
)
def test_a_conversation_is_lowered_by_its_client_only(
    chance: list[float], dial: float, policy: str, floor: str, least: str | None, most: str | None
) -> None:
    assume(place(least, 0) <= place(most, 2))
    score = difficulty(*chance)
    asked = query(wishes={"min_tier": least, "max_tier": most, "policy": policy, "dial": dial})

    def choose(query: Query) -> Decision:
        return decide(LADDER, score, query)

    free = choose(asked)
    held = not_lower(choose, asked, Admitted(asked, LADDER, floor=floor))
    assert NAMES.index(held.tier.name) >= min(NAMES.index(floor), place(most, 2))
    assert NAMES.index(held.tier.name) >= NAMES.index(free.tier.name) or held.cause == "session"
    if NAMES.index(free.tier.name) >= NAMES.index(floor):
        assert held == free


def test_what_the_client_pays_at_most_comes_before_the_conversation() -> None:
    asked = query(ceilings={"max_cost_usd": 1e-9}, wishes={"dial": 1.0})
    score = difficulty(0.1, 0.5, 0.9)
    held = not_lower(
        lambda query: decide(LADDER, score, query), asked, Admitted(asked, LADDER, floor="long")
    )
    assert (held.tier.name, held.cause) == ("short", "budget")


def test_a_floor_that_its_key_may_not_use_counts_as_the_next_below() -> None:
    asked = query(tiers=("short", "distilled"), wishes={"dial": 0.0})
    admitted = Admitted(asked, LADDER, floor="long")
    held = not_lower(lambda query: decide(LADDER, difficulty(0.99), query), asked, admitted)
    assert (held.tier.name, held.cause) == ("distilled", "session")


def told(*turns: str, **fields: Any) -> Query:
    """Return a query with these turns, human and assistant in turn."""
    roles = ("user", "assistant")
    messages = [{"role": roles[i % 2], "content": text} for i, text in enumerate(turns)]
    return query(body={"messages": messages} | fields.pop("body", {}), **fields)


@pytest.mark.parametrize(
    "other",
    [
        told("b", "r", "c"),
        told("a", "r", "c", tenant="t"),
        told("a", "r", "c", body={"user": "u"}),
        told("a", "r", "c", wishes={"dial": 0.7}),
        told("a", "r", "c", session="s"),
    ],
    ids=["opening", "tenant", "user", "dial", "name"],
)
def test_conversations_have_keys_of_their_own(other: Query) -> None:
    mine = SESSIONS.keys(told("a", "r", "c"))
    assert not set(mine) & set(SESSIONS.keys(other))


def test_all_turns_of_a_conversation_share_a_key() -> None:
    (opening,) = SESSIONS.keys(told("a"))
    second = SESSIONS.keys(told("a", "r", "b"))
    third = SESSIONS.keys(told("a", "r", "b", "q", "c"))
    assert second == third
    assert second[0] == opening
    assert SESSIONS.keys(told("a", "another reply", "b"))[1] != second[1]


@given(st.lists(st.text(min_size=6), min_size=1, max_size=4), st.text(max_size=20))
def test_keys_lie_in_one_slot_and_hold_no_words(turns: list[str], session: str) -> None:
    keys = SESSIONS.keys(told(*turns, session=session))
    assert len({key[key.index("{") : key.index("}")] for key in keys}) == 1
    assert not any(turn in key for turn in turns for key in keys if not turn.isalnum())


async def test_without_a_store_nothing_is_known() -> None:
    asked = told("a", "r", "b")
    await SESSIONS.note(asked, "long", "classifier")
    assert await SESSIONS.floor(asked) is None
