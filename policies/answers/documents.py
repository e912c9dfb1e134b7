"""Answers that are JSON documents: one spelling per value, and the majority of several, field by field."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NoReturn

_FENCE = re.compile(r"```[\w-]*[ \t]*\n(.*?)```", re.DOTALL)
_LONGEST = 200_000


def document(text: str) -> str | None:
    """Return the JSON document in ``text`` in canonical spelling: keys sorted, 1.50 as 1.5, no spaces.

    The whole text, else the last fenced block, else the outermost braces or brackets. No document is ``None``.
    """
    if len(text) > _LONGEST:
        return None
    fenced = _FENCE.findall(text)
    begin = min((at for at in (text.find("{"), text.find("[")) if at >= 0), default=0)
    end = max(text.rfind("}"), text.rfind("]")) + 1
    for part in (text, *fenced[-1:], text[begin:end]):
        try:
            return spell(_parsed(part))
        except (ValueError, ArithmeticError, RecursionError):
            continue
    return None


def merge_fields(documents: Sequence[str]) -> str | None:
    """Return the field-wise majority of JSON documents, in canonical spelling.

    Objects are merged field by field: a field stays if at least half of the objects have it, with the value most
    of those agree on. Anything else goes by majority as a whole; ties go to the value seen first. Texts without a
    document abstain; ``None`` if all do.
    """
    values = [json.loads(found, parse_float=Decimal) for found in map(document, documents) if found]
    return spell(_merged(values)) if values else None


def spell(value: Any) -> str:
    """Return the canonical JSON text of a parsed value; True is not 1, and 1.0 is."""
    if isinstance(value, dict):
        items = sorted(value.items())
        return "{" + ",".join(f"{_quoted(key)}:{spell(item)}" for key, item in items) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(spell, value)) + "]"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return _number(Decimal(value))
    return json.dumps(value)


def _merged(values: list[Any]) -> Any:
    votes = Counter(spell(value) if not isinstance(value, dict) else "{" for value in values)
    winner = votes.most_common(1)[0][0]
    if winner != "{":
        return next(
            value for value in values if not isinstance(value, dict) and spell(value) == winner
        )
    objects = [value for value in values if isinstance(value, dict)]
    fields = dict.fromkeys(key for value in objects for key in value)
    kept = {key: [value[key] for value in objects if key in value] for key in fields}
    return {key: _merged(seen) for key, seen in kept.items() if 2 * len(seen) >= len(objects)}


def _number(value: Decimal) -> str:
    if not value:
        return "0"
    _, digits, exponent = value.as_tuple()
    shown = "".join(map(str, digits)).rstrip("0")
    assert isinstance(exponent, int), "no NaN: it does not parse"
    exponent += len(digits) - len(shown)
    sign = "-" if value < 0 else ""
    # Never written out: 1e999999999 is a short text.
    return sign + (shown + "0" * exponent if 0 <= exponent <= 20 else f"{shown}e{exponent}")  # noqa: PLR2004


def _parsed(text: str) -> Any:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
