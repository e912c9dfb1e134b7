"""Writes single values into a YAML text and leaves everything else as it is, comments and spacing too.

The parser says where each value stands, so a value is replaced, or a key put in, at that place alone. The result is read again
and must say what was wanted and nothing else; a text that cannot be changed so (an alias that stands in two places) is refused.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

Path = tuple[str | int, ...]


class CannotWriteError(ValueError):
    """The values cannot be put into this text; the message says why."""


def with_values(text: str, values: Mapping[Path, Any]) -> str:
    """Return the text with each value at its path.

    Args:
        text: A YAML mapping.
        values: By path, for example ``("tiers", 0, "ability")``; all but the last step of a path exists, except
            that a missing section at the top is added.

    Raises:
        CannotWriteError: If the result would not say the same but for these values.
    """
    wanted = _unshared(yaml.safe_load(text))
    changed = text
    for path, value in values.items():
        _set(wanted, path, value)
        changed = _with_value(changed, path, value)
    if yaml.safe_load(changed) != wanted:
        raise CannotWriteError("the file is written in a way that cannot be changed in place")
    return changed


def _unshared(value: Any) -> Any:
    """Return a copy in which nothing stands in two places: an alias would change with its anchor."""
    if isinstance(value, dict):
        return {key: _unshared(inner) for key, inner in value.items()}
    return [_unshared(inner) for inner in value] if isinstance(value, list) else value


def _set(document: Any, path: Path, value: Any) -> None:
    for step in path[:-1]:
        document = document.setdefault(step, {}) if isinstance(document, dict) else document[step]
    document[path[-1]] = value


def _with_value(text: str, path: Path, value: Any) -> str:
    """Return the text with one value at its path."""
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    written = _flow(value)
    for depth, step in enumerate(path):
        found = _child(node, step)
        if found is None:
            rest = path[depth + 1 :]
            for key in reversed(rest):
                written = f"{{{key}: {written}}}"
            return _with_key(text, node, str(step), written)
        node = found
    start, end = node.start_mark.index, node.end_mark.index
    return text[:start] + written + text[end:]


def _child(node: Any, step: str | int) -> Any | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return node.value[step]
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    raise CannotWriteError(f"{step}: is not where it should be")


def _with_key(text: str, node: Any, key: str, written: str) -> str:
    """Return the text with a key more in a mapping: before its last one, where its spacing can be copied."""
    pairs: Sequence[Any] = node.value
    if not pairs:
        start, end = node.start_mark.index, node.end_mark.index
        return f"{text[:start]}{{{key}: {written}}}{text[end:]}"
    mark = pairs[-1][0].start_mark
    gap = ", " if node.flow_style else "\n" + " " * mark.column
    return f"{text[: mark.index]}{key}: {written}{gap}{text[mark.index :]}"


def _flow(value: Any) -> str:
    """Return a value on one line."""
    line = yaml.safe_dump(value, default_flow_style=True, width=10_000)
    return line.removesuffix("\n").removesuffix("\n...")
