"""Loads the configuration: the only reader of the environment and of the config file.

A file is parsed, values of the form ``os.environ/NAME`` are filled in, and everything that is wrong
is collected; either frozen `Settings` come out or one `ConfigError` with every problem.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import yaml
from pydantic import ValidationError
from typing_extensions import override

from policies.strategies import STRATEGIES

from .errors import ConfigError
from .settings_cache import CacheSettings
from .settings_checks import references, warnings
from .settings_problems import path, readable
from .settings_routing import POLICIES, RoutingSettings
from .settings_schema import (
    DIALECTS,
    KeySettings,
    LimitsSettings,
    LiteLLMParams,
    ModelSettings,
    PriceSettings,
    Settings,
    TierSettings,
)
from .settings_search import VERIFIERS, SearchSettings, VerifierSettings

__all__ = [
    "DIALECTS",
    "POLICIES",
    "STRATEGIES",
    "VERIFIERS",
    "CacheSettings",
    "KeySettings",
    "LimitsSettings",
    "LiteLLMParams",
    "ModelSettings",
    "PriceSettings",
    "RoutingSettings",
    "SearchSettings",
    "Settings",
    "TierSettings",
    "VerifierSettings",
    "environment",
    "keep_litellm_offline",
    "load_settings",
    "parse_settings",
    "schema_text",
    "settings_from",
    "state_directory",
    "warnings",
]

FROM_ENVIRONMENT = "os.environ/"
MAX_FILE_BYTES = 4 * 1024 * 1024


def environment() -> Mapping[str, str]:
    """Return a copy of the process's environment."""
    return dict(os.environ)


def keep_litellm_offline() -> None:
    """Make litellm use the price map it was installed with; call this before it is imported.

    Its import otherwise fetches a newer one from the network, and prices change between two starts.
    """
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_LOCAL_BLOG_POSTS", "True")


def load_settings(file: Path) -> Settings:
    """Return the settings in ``file``, filled in from the environment.

    Raises:
        ConfigError: With every problem found, one line each.
    """
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError([f"{file}: is larger than {MAX_FILE_BYTES} bytes"])
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError([f"{file}: no such file"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{file}: is not UTF-8 text"]) from error
    except OSError as error:
        raise ConfigError([f"{file}: cannot be read: {error.strerror}"]) from error
    return parse_settings(text, environment())


def parse_settings(text: str, env: Mapping[str, str]) -> Settings:
    """Return the settings in a YAML text.

    Args:
        text: The file's content.
        env: Where ``os.environ/NAME`` and the state directory come from.

    Raises:
        ConfigError: With every problem found, one line each.
    """
    try:
        loader = _Loader(text)
        document = loader.get_single_data()
        if document is None:
            raise ConfigError(["the file is empty; it needs model_list and tiers"])
        if not isinstance(document, dict):
            raise ConfigError(["the file must be a mapping with model_list and tiers"])
        return settings_from(document, env, problems=loader.twice)
    except yaml.YAMLError as error:
        raise ConfigError([_syntax(error)]) from error
    except RecursionError as error:
        raise ConfigError(["the file is nested too deeply"]) from error


def settings_from(
    document: Mapping[str, Any], env: Mapping[str, str], *, problems: list[str] | None = None
) -> Settings:
    """Return the settings in a document that is parsed already.

    Args:
        document: The mapping a YAML or JSON text came to.
        env: Where ``os.environ/NAME`` and the state directory come from.
        problems: What is known to be wrong before.

    Raises:
        ConfigError: With every problem found, one line each.
    """
    found = list(problems or ())
    filled = _fill(document, env, (), found)
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(filled)
    except ValidationError as error:
        found += readable(error.errors())
    found += references(filled)
    if found or settings is None:
        raise ConfigError(list(dict.fromkeys(found)))
    if settings.cache.state_dir is None:
        cache = settings.cache.model_copy(update={"state_dir": state_directory(env)})
        settings = settings.model_copy(update={"cache": cache})
    return settings


def state_directory(env: Mapping[str, str]) -> Path | None:
    """Return where this user's state lives; ``None`` when there is no home."""
    state = env.get("XDG_STATE_HOME", "")
    if Path(state).is_absolute():
        return Path(state) / "thinkthrift"
    home = env.get("HOME", "")
    return Path(home) / ".local" / "state" / "thinkthrift" if Path(home).is_absolute() else None


def schema_text() -> str:
    """Return the JSON Schema of the configuration, as in ``data/config.schema.json``."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Settings.model_json_schema(),
        "title": "ThinkThrift configuration",
    }
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode() + "\n"


class _Loader(yaml.SafeLoader):
    """Safe YAML that also notices a key given twice, of which YAML keeps the last in silence."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.twice: list[str] = []

    @override
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = getattr(key, "value", None)
            if isinstance(name, str) and name != "<<":
                if name in seen:
                    line = key.start_mark.line + 1
                    self.twice.append(f'line {line}: key "{name}" is given twice')
                seen.add(name)
        return super().construct_mapping(node, deep=deep)


def _syntax(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: not valid YAML: {error.problem}"
    return f"not valid YAML: {str(error).splitlines()[0]}"


def _fill(
    value: Any, env: Mapping[str, str], location: tuple[int | str, ...], problems: list[str]
) -> Any:
    """Return ``value`` with every ``os.environ/NAME`` in it replaced."""
    if isinstance(value, dict):
        return {
            str(key): _fill(inner, env, (*location, str(key)), problems)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_fill(inner, env, (*location, i), problems) for i, inner in enumerate(value)]
    if not isinstance(value, str) or not value.startswith(FROM_ENVIRONMENT):
        return value
    name = value.removeprefix(FROM_ENVIRONMENT)
    if env.get(name):
        return env[name]
    problems.append(f"{path(location)}: environment variable {name} is not set")
    # Unique, so that two missing keys are not also reported as the same key.
    return f"<{path(location)}>"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
