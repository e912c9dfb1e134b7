"""Turns what pydantic found wrong into one readable line per problem.

No line repeats a value that could be a secret: only keys, and values that were to be one of a
closed list, are quoted.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from .settings_schema import Settings

Location = Sequence[int | str]

MUST_BE = {
    "string_type": "must be text; put it in quotes",
    "string_too_short": "must not be empty",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "model_type": "must be a mapping of keys to values",
    "mapping_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of keys to values",
    "path_type": "must be a path",
}

HINTS = {
    ("tiers", "too_short"): "needs at least 2 tiers, ordered cheap to dear",
    ("model_list", "too_short"): "is empty; list at least one model",
    ("keys", "too_short"): "is empty; leave it out for no authentication",
}


def path(location: Location) -> str:
    """Return ``("tiers", 1, "models", 0)`` as ``tiers[1].models[0]``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """Return ``; did you mean "x"?`` when a known spelling is close, else the known ones."""
    known = list(dict.fromkeys(known))
    by_lower_case = {name.lower(): name for name in known}
    close = get_close_matches(wrong.lower(), by_lower_case, n=1)
    if close:
        return f'; did you mean "{by_lower_case[close[0]]}"?'
    return f"; known: {', '.join(known)}" if known else ""


def readable(errors: Iterable[ErrorDetails]) -> list[str]:
    """Return one line per pydantic error, with the path to it."""
    return [_line(error) for error in errors if not _follows_from_another(error)]


def _follows_from_another(error: ErrorDetails) -> bool:
    # pydantic counts only the valid entries of a list, and then calls a full list too short.
    return error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]


def _line(error: ErrorDetails) -> str:
    location, kind = error["loc"], error["type"]
    parent, last = location[:-1], location[-1] if location else ""
    if kind == "extra_forbidden":
        advice = suggestion(str(last), _known_keys(parent))
        return f'unknown key "{last}" in {path(parent) or "the file"}{advice}'
    if kind == "missing":
        return f'{path(parent) or "the file"}: required key "{last}" is missing'
    return f"{path(location) or 'the file'}: {_complaint(error)}"


def _complaint(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    hint = HINTS.get((path(error["loc"]), kind))
    if hint is not None:
        return hint
    if kind == "literal_error":
        return _not_one_of(error["input"], re.findall(r"'([^']*)'", context["expected"]))
    if kind in MUST_BE:
        return MUST_BE[kind]
    if kind == "value_error":
        return str(context["error"])
    if kind == "too_short":
        return "must not be empty"
    return _out_of_range(context) or error["msg"]


def _not_one_of(value: object, options: list[str]) -> str:
    if not isinstance(value, str):
        return f"must be one of {', '.join(options)}"
    advice = suggestion(value, options)
    if advice.startswith("; known"):
        return f'"{value}" is not one of {", ".join(options)}'
    return f'"{value}" is not known{advice}'


def _out_of_range(context: Mapping[str, Any]) -> str | None:
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    for bound, word in words.items():
        if bound in context:
            return f"must be {word} {context[bound]}"
    return None


def _known_keys(location: Location) -> list[str]:
    model: type[BaseModel] = Settings
    for part in location:
        if isinstance(part, str):
            inner = _model_in(model.model_fields[part].annotation)
            if inner is None:
                return []
            model = inner
    return list(model.model_fields)


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
