from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from policies.routing import ROUTING_POLICIES, Routing
from policies.strategies import STRATEGIES
from policies.types import Price, Wishes
from router.admission import admit, pass_through, pass_through_tier
from router.errors import (
    ApiError,
    InvalidRequestError,
    ModelNotFoundError,
    TierNotAllowedError,
    UnauthenticatedError,
)
from router.identity import Keyring
from router.settings_schema import KeySettings
from tests.fakes import query, tier

LADDER = Routing((tier("short", "small", rung="short"), tier("long", "big")))
MODELS = {name: pass_through_tier(name, Price(), 60.0) for name in ("small", "big", "embedder")}


@pytest.mark.parametrize(
    ("model", "wishes"),
    [
        ("auto", Wishes()),
        ("small", Wishes()),
        ("auto:long", Wishes(tier="long")),
        ("router-utility-0.3", Wishes(policy="utility", dial=0.3)),
        ("router-threshold-1", Wishes(policy="threshold", dial=1.0)),
        ("router-utility-0", Wishes(policy="utility", dial=0.0)),
    ],
)
def test_a_model_name_is_read_into_wishes(model: str, wishes: Wishes) -> None:
    assert admit(query(model=model), LADDER, MODELS).wishes == wishes


@pytest.mark.parametrize(
    ("model", "error", "says"),
    [
        ("auto:lnog", InvalidRequestError, "unknown tier 'lnog'; tiers, cheap to dear: short, long"),
        ("auto:", InvalidRequestError, "unknown tier ''"),
        ("router-utility-1.5", ModelNotFoundError, "a dial from 0 to 1"),
        ("router-utility-0.3.4", ModelNotFoundError, "a dial from 0 to 1"),
        ("router-wish-0.5", ModelNotFoundError, ", ".join(ROUTING_POLICIES)),
        ("smal", ModelNotFoundError, "did you mean 'small'? Served: auto, auto:short, auto:long, small"),
        ("gpt-4", ModelNotFoundError, "no model 'gpt-4' here. Served: auto"),
        ("Auto", ModelNotFoundError, "did you mean 'auto'?"),
    ],
)  # fmt: skip
def test_an_unknown_name_is_refused_with_those_that_exist(
    model: str, error: type[ApiError], says: str
) -> None:
    with pytest.raises(error) as caught:
        admit(query(model=model), LADDER, MODELS)
    assert says in str(caught.value)


@pytest.mark.parametrize("field", ["tier", "min_tier", "max_tier"])
def test_an_unknown_tier_is_blamed_on_its_field(field: str) -> None:
    with pytest.raises(InvalidRequestError, match="short, long") as caught:
        admit(query(wishes={field: "huge"}), LADDER, MODELS)
    assert caught.value.param == f"router.{field}"


def test_an_unknown_strategy_is_refused_with_those_that_exist() -> None:
    with pytest.raises(InvalidRequestError, match=", ".join(sorted(STRATEGIES))) as caught:
        admit(query(wishes={"strategy": "pray"}), LADDER, MODELS)
    assert caught.value.param == "router.strategy"


@pytest.mark.parametrize(
    "asked",
    [{"wishes": {"tier": "long"}}, {"model": "auto:long"}, {"model": "big"}, {"model": "embedder"}],
    ids=["by wish", "by name", "by model", "by a model of no tier"],
)
def test_a_key_may_use_its_own_tiers_only(asked: dict[str, Any]) -> None:
    with pytest.raises(TierNotAllowedError, match="short"):
        admit(query(tiers=("short",), **asked), LADDER, MODELS)
    assert admit(query(**asked), LADDER, MODELS).tiers is None


def test_a_key_may_name_a_model_of_its_tiers() -> None:
    assert admit(query(model="small", tiers=("short",)), LADDER, MODELS).model == "small"


def test_a_named_model_is_neither_scored_nor_bounded() -> None:
    decision = pass_through(MODELS["big"], query(model="big"))
    assert (decision.cause, decision.policy, decision.difficulty) == ("pass_through", "none", None)
    assert decision.budget.output is decision.budget.thinking is None
    capped = pass_through(MODELS["big"], query(model="big", ceilings={"max_output_tokens": 900}))
    assert capped.budget.output == 900


def ring(*keys: str) -> Keyring:
    entries = [KeySettings(key=SecretStr(k), tenant=f"team-{k}", tiers=("short",)) for k in keys]
    return Keyring(entries, b"secret")


@pytest.mark.parametrize(
    ("authorization", "api_key", "tenant"),
    [
        (b"Bearer k1", b"", "team-k1"),
        (b"bearer k1", b"", "team-k1"),
        (b"BEARER   k1  ", b"", "team-k1"),
        (b"k1", b"", "team-k1"),
        (b"", b"k2", "team-k2"),
        (b"Bearer ", b"k2", "team-k2"),
        (b"Bearer k1", b"k2", "team-k1"),
    ],
    ids=["usual", "lower", "spaces", "bare", "x-api-key", "empty bearer", "both"],
)
def test_a_key_is_known_however_it_is_sent(
    authorization: bytes, api_key: bytes, tenant: str
) -> None:
    identity = ring("k1", "k2").identify(authorization, api_key)
    assert (identity.tenant, identity.tiers) == (tenant, ("short",))


@pytest.mark.parametrize(
    ("authorization", "api_key"),
    [(b"", b""), (b"Bearer nope", b""), (b"Bearer nope", b"k1"), (b"Basic k1", b""),
     (b"Bearer k1 k2", b""), (b"Bearer \xff\xfe", b""), (b"Bearer", b"")],
)  # fmt: skip
def test_a_wrong_key_is_refused_and_not_repeated(authorization: bytes, api_key: bytes) -> None:
    with pytest.raises(UnauthenticatedError) as caught:
        ring("k1", "k2").identify(authorization, api_key)
    assert "nope" not in str(caught.value)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_without_keys_equal_tokens_and_only_those_share_a_tenant(a: bytes, b: bytes) -> None:
    anybody = Keyring(None, b"secret")
    one = anybody.identify(b"Bearer " + a, b"").tenant
    other = anybody.identify(b"Bearer " + b, b"").tenant
    assert (one == other) == (a.strip() == b.strip())
    assert one != Keyring(None, b"another").identify(b"Bearer " + a, b"").tenant


def test_a_model_name_and_a_wish_that_name_two_tiers_are_refused() -> None:
    both = query(model="auto:long", wishes={"tier": "short"})
    with pytest.raises(InvalidRequestError, match=r"'long' and router\.tier 'short'; name one"):
        admit(both, LADDER, MODELS)
    same = query(model="auto:long", wishes={"tier": "long"})
    assert admit(same, LADDER, MODELS).wishes.tier == "long"
