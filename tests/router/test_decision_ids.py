import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.decision_ids import DecisionIds, secret_of
from router.settings import parse_settings

IDS = DecisionIds(b"a secret of the server's own.....")


@given(st.text(), st.text())
def test_an_id_is_known_to_its_owner_and_to_nobody_else(owner: str, other: str) -> None:
    made = IDS.new(owner)
    assert IDS.owns(owner, made)
    assert IDS.owns(other, made) == (other == owner)


@given(st.text())
def test_no_other_text_is_an_id(text: str) -> None:
    made = IDS.new("o")
    for wrong in (text, text + made, made + text, made[:-1], "d_" + text):
        assert IDS.owns("o", wrong) == (wrong == made)


def test_one_changed_character_breaks_an_id() -> None:
    made = IDS.new("o")
    for place in range(len(made)):
        changed = "0" if made[place] != "0" else "1"
        assert not IDS.owns("o", made[:place] + changed + made[place + 1 :])


def test_another_server_does_not_know_it_and_a_replica_does() -> None:
    made = IDS.new("o")
    assert not DecisionIds(b"another secret....").owns("o", made)
    assert DecisionIds(b"a secret of the server's own.....").owns("o", made)


def test_an_id_fits_a_header_and_says_nothing_of_its_owner() -> None:
    made = {IDS.new("team-a") for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"d_[0-9a-f]{40}", one) for one in made)


CONFIG = """
model_list:
  - {model_name: a, litellm_params: {model: openai/a, api_key: KEY}, price: {input: 1, output: 1}}
  - {model_name: b, litellm_params: {model: openai/b}, price: {input: 2, output: 2}}
tiers: [{name: cheap, models: [a]}, {name: dear, models: [b]}]
"""


@pytest.mark.parametrize(("key", "same"), [("KEY", True), ("OTHER", False)])
def test_without_a_cache_the_keys_a_server_was_given_make_its_secret(key: str, same: bool) -> None:
    one = secret_of(parse_settings(CONFIG, {}))
    other = secret_of(parse_settings(CONFIG.replace("KEY", key), {}))
    assert len(one) == 32
    assert (one == other) == same
