import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from policies import strategies
from policies.types import Price, SearchPlan, VerifierPlan
from router.errors import ConfigError
from router.prices import PriceTable
from router.settings import (
    DIALECTS,
    POLICIES,
    STRATEGIES,
    VERIFIERS,
    environment,
    load_settings,
    parse_settings,
    schema_text,
)

ROOT = Path(__file__).parents[2]
no_deadline = hypothesis_settings(deadline=None)  # other work may share the machine
PRICES = PriceTable("2026-01-01", "test", {"openai/gpt-5-nano": Price(0.05, 0.4)})

CONTRACT = """
model_list:
  - model_name: small
    litellm_params: {model: openai/gpt-5-nano, api_key: os.environ/OPENAI_API_KEY}
    price: {input: 0.05, output: 0.40}
  - model_name: local-r1
    litellm_params: {model: hosted_vllm/deepseek-r1-distill-qwen-32b, api_base: "http://127.0.0.1:8000/v1"}
    dialect: vllm
  - model_name: big
    litellm_params: {model: anthropic/claude-opus-5, tpm: 1000, aws_secret_access_key: topsecret}
tiers:
  - name: short
    rung: short
    models: [small]
    thinking: off
    max_output_tokens: 1024
  - name: distilled
    models: [local-r1]
    thinking: on
    max_thinking_tokens: 4096
    answer_reserve_tokens: 512
  - name: long
    rung: long
    models: [big]
    thinking: on
    max_thinking_tokens: 16384
    search: {strategy: vote, n: 5, verifier: {kind: judge, model: small}}
    max_total_tokens: 40000
    timeout_s: 600
    fallback_tier: distilled
routing:
  policy: utility
  dial: 0.5
  on_classifier_error: highest
cache: {url: "redis://:hunter2@cache:6379/0", ttl_s: 3600, near_duplicates: off}
limits: {max_body_bytes: 4194304, max_inflight: 512}
retries: 2
keys:
  - {key: os.environ/TEAM_A_KEY, tenant: team-a, tiers: [short, distilled], usd_per_day: 20, requests_per_minute: 600}
"""
ENV = {"OPENAI_API_KEY": "sk-secret", "TEAM_A_KEY": "team-secret", "HOME": "/home/someone"}

MINIMAL = """
model_list:
  - {model_name: a, litellm_params: {model: openai/a}, price: {input: 1, output: 1}}
  - {model_name: b, litellm_params: {model: openai/b}, price: {input: 2, output: 2}}
tiers:
  - {name: cheap, models: [a]}
  - {name: dear, models: [b]}
"""


def problems(text: str, env: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse_settings(text, env or {})
    return caught.value.problems


def test_the_configuration_of_the_contract_is_read_in_full() -> None:
    settings = parse_settings(CONTRACT, ENV)
    assert (small := settings.model("small")) is not None
    assert small.litellm_params.call_params() == {
        "model": "openai/gpt-5-nano",
        "api_key": "sk-secret",
    }
    assert [tier.thinking for tier in settings.tiers] == ["off", "on", "on"]
    assert settings.cache.near_duplicates == "off"
    assert settings.keys is not None
    assert settings.keys[0].key.get_secret_value() == "team-secret"
    assert settings.cache.state_dir == Path("/home/someone/.local/state/thinkthrift")


def test_tiers_are_built_with_rungs_budgets_search_and_price() -> None:
    short, distilled, long = parse_settings(CONTRACT, ENV).build_tiers(PRICES)
    assert (short.rung, distilled.rung, long.rung) == ("short", "distilled", "long")
    assert short.price == Price(0.05, 0.4)
    assert short.max_output_tokens == 1024
    assert distilled.max_thinking_tokens == 4096
    assert distilled.search == SearchPlan("single", 1)
    assert long.search == SearchPlan("vote", 5, VerifierPlan("judge", "small"))
    assert long.max_total_tokens == 40_000
    assert long.fallback_tier == "distilled"


def test_litellm_parameters_that_are_not_ours_are_kept_verbatim() -> None:
    big = parse_settings(CONTRACT, ENV).model("big")
    assert big is not None
    assert big.litellm_params.call_params() == {
        "model": "anthropic/claude-opus-5",
        "tpm": 1000,
        "aws_secret_access_key": "topsecret",
    }


def test_no_secret_shows_when_settings_are_printed() -> None:
    settings = parse_settings(CONTRACT, ENV)
    shown = f"{settings!r} {settings!s} {settings.cache!r}"
    for secret in ("sk-secret", "team-secret", "topsecret", "hunter2"):
        assert secret not in shown


def test_a_rung_that_is_not_given_follows_from_the_place() -> None:
    text = MINIMAL + "  - {name: dearer, models: [b]}\n  - {name: dearest, models: [b]}\n"
    assert parse_settings(text, {}).rungs() == ("short", "distilled", "distilled", "long")


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [("on", "on"), ("off", "off"), ('"on"', "on"), ("true", "on"), ("provider_default",) * 2],
)
def test_thinking_may_be_a_bare_or_a_quoted_word(spelled: str, meant: str) -> None:
    text = MINIMAL.replace("models: [a]", f"models: [a], thinking: {spelled}")
    assert parse_settings(text, {}).tiers[0].thinking == meant


def test_a_bare_off_turns_the_cache_off() -> None:
    assert parse_settings(MINIMAL + "cache: {url: off}", {}).cache.url == "off"


def test_the_state_directory_is_xdgs_where_there_is_one() -> None:
    settings = parse_settings(MINIMAL, {"XDG_STATE_HOME": "/state", "HOME": "/home/x"})
    assert settings.cache.state_dir == Path("/state/thinkthrift")


def test_settings_cannot_be_changed() -> None:
    settings = parse_settings(MINIMAL, {})
    with pytest.raises(ValueError, match="frozen"):
        settings.retries = 3  # type: ignore[misc]


def test_every_problem_is_reported_at_once_one_readable_line_each() -> None:
    text = """
model_list:
  - model_name: small
    litellm_params: {model: openai/gpt-5-nano, api_key: os.environ/MISSING_KEY}
    price: {inputt: 1}
  - model_name: small
    litellm_params: {api_base: x}
    dialect: vlm
tiers:
  - {name: cheap, models: [smal], max_thinking_token: 4, fallback_tier: dear}
  - {name: dear, models: small, thinking: maybe, fallback_tier: cheap, search: {strategy: vot, n: 0}}
routing: {policy: utilty, dial: 1.5, on_classifier_error: chep, boundaries: [0.5, 0.2]}
cache: {url: "http://user:hunter2@host"}
keys: [{key: k, tenant: t, tiers: [dearr]}]
"""
    found = problems(text)
    for line in (
        "model_list[0].litellm_params.api_key: environment variable MISSING_KEY is not set",
        'unknown key "inputt" in model_list[0].price; did you mean "input"?',
        'model_list[1].litellm_params: required key "model" is missing',
        'model_list[1].dialect: "vlm" is not known; did you mean "vllm"?',
        'unknown key "max_thinking_token" in tiers[0]; did you mean "max_thinking_tokens"?',
        'tiers[0].models[0]: no model_name "smal" in model_list; did you mean "small"?',
        "tiers[1].models: must be a list",
        'tiers[1].thinking: "maybe" is not one of on, off, provider_default',
        'tiers[1].search.strategy: "vot" is not known; did you mean "vote"?',
        "tiers[1].search.n: must be at least 1",
        "tiers[0].fallback_tier: goes in a circle: cheap -> dear -> cheap",
        'routing.policy: "utilty" is not known; did you mean "utility"?',
        "routing.dial: must be at most 1.0",
        'routing.on_classifier_error: no tier "chep"; did you mean "cheap"?',
        "routing.boundaries: has 2; 2 tiers take 1",
        'keys[0].tiers[0]: no tier "dearr"; did you mean "dear"?',
    ):
        assert line in found
    assert len(set(found)) == len(found)
    assert not any("\n" in line or "hunter2" in line or "pydantic" in line for line in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the file is empty"),
        ("- 1", "must be a mapping"),
        ("a: [", "line 1, column 5: not valid YAML"),
        ("a: 1\n b: 2", "line 2"),
        ("x: \0", "not valid YAML"),
        ("a: !!python/object/apply:os.system [id]", "not valid YAML"),
        ("a: &a [*a]", "nested too deeply"),
        ("retries: 1\nretries: 2", 'line 2: key "retries" is given twice'),
        ("model_list: []\ntiers: []", "tiers: needs at least 2 tiers"),
        ("tiers: 3", "tiers: must be a list"),
        (MINIMAL.replace("name: cheap", "name: dear"), 'name "dear" is already that of tiers[0]'),
        (MINIMAL.replace("[a]", "[a], fallback_tier: cheap"), "circle: cheap -> cheap"),
        (MINIMAL.replace("[a]", "[a], fallback_tier: nowhere"), 'no tier "nowhere"'),
        (MINIMAL.replace("[a]", "[a], max_thinking_tokens: 1.5"), "must be a whole number"),
        (MINIMAL.replace("[a]", "[]"), "tiers[0].models: must not be empty"),
        (MINIMAL + "routing: {dial: .nan}", "routing.dial: must be"),
        (MINIMAL + "routing: {dial: on}", "routing.dial: must be a number"),
        (MINIMAL + "routing: {boundaries: [1.0]}", "each more than 0 and less than 1"),
        (MINIMAL + "keys: []", "leave it out for no authentication"),
        (MINIMAL + "keys: [{key: '', tenant: t}]", "keys[0].key: must not be empty"),
        (MINIMAL + "litellm_settings: {}", 'unknown key "litellm_settings" in the file'),
        (MINIMAL + "cache: {url: 'redis://'}", "cache.url: must be embedded, off"),
    ],
)  # fmt: skip
def test_bad_input_is_explained(text: str, expected: str) -> None:
    assert any(expected in line for line in problems(text))


def test_a_valid_list_with_one_bad_entry_is_not_called_empty() -> None:
    assert problems(MINIMAL.replace("{model: openai/a}", "{}")) == (
        'model_list[0].litellm_params: required key "model" is missing',
    )


def test_an_empty_environment_variable_counts_as_missing() -> None:
    found = problems(CONTRACT, {**ENV, "OPENAI_API_KEY": ""})
    assert found == (
        "model_list[0].litellm_params.api_key: environment variable OPENAI_API_KEY is not set",
    )


def test_a_missing_file_is_one_plain_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_settings(tmp_path / "absent.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path)


def test_a_file_is_filled_in_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(CONTRACT, encoding="utf-8")
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    assert load_settings(file) == parse_settings(CONTRACT, {**environment(), **ENV})


def test_a_file_that_is_not_text_is_one_plain_line(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_settings(file)


yaml_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["model_list", "tiers", "name", "models", "routing", "keys", "cache",
                         "search", "verifier", "fallback_tier", "boundaries", "model_name", "x"]),
        inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(yaml_like)
@no_deadline
def test_whatever_the_file_holds_only_settings_or_a_config_error_come_out(document: object) -> None:
    try:
        found = [repr(parse_settings(json.dumps(document), {}))]
    except ConfigError as error:
        found = list(error.problems)
    assert found
    assert all(line and "\n" not in line for line in found)


def test_the_shipped_json_schema_is_current() -> None:
    shipped = (ROOT / "router" / "data" / "config.schema.json").read_text(encoding="utf-8")
    assert shipped == schema_text(), (
        "run: python -m router.settings > router/data/config.schema.json"
    )


def test_the_names_of_the_contract_are_all_known() -> None:
    assert (len(POLICIES), len(STRATEGIES), len(DIALECTS), len(VERIFIERS)) == (7, 16, 20, 5)


def test_every_strategy_that_a_configuration_may_name_is_there() -> None:
    assert set(STRATEGIES) == set(strategies.STRATEGIES)
