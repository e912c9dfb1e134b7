"""Which tiers can serve a request at all: what it needs against what their models can do. Pure.

A model that is known to lack something is never asked for it. What nobody knows counts as able, with one difference: where
another model that may be asked is known to take images, audio or files, or a prompt of that length, it is preferred.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from policies.tokens import BYTES_PER_TOKEN, prompt_tokens
from policies.types import Query, Tier

SURELY_FITS = 0.8
"""A prompt fits if we estimate it at this share of the window at most: estimates are rough."""

SURELY_OVERFLOWS = 1.6
"""... and does not if we estimate it at this multiple of it or more."""

CONTEXT = "room for its prompt"

WORDS: Mapping[str, str] = {
    "tools": "tools",
    "images": "images",
    "audio": "audio",
    "files": "files",
    "json_schema": "a JSON schema",
    "logprobs": "log probabilities",
    "choices": "n above 1",
}
"""What a request may need, in words."""

_TEXT = frozenset({"tools", "json_schema", "logprobs", "choices"})
"""Features that a model counts as able of until something else is known."""

_PARTS = {"image_url": "images", "input_audio": "audio", "file": "files"}


@dataclass(frozen=True, slots=True)
class Abilities:
    """What one model can do; ``None`` is not known.

    Attributes:
        tools: Calls functions.
        images: Takes them in messages.
        audio: Takes it in messages.
        files: Takes them in messages.
        json_schema: Answers in a given schema.
        logprobs: Tells them.
        choices: Gives more than one answer to a call (OpenAI's ``n``).
        max_input_tokens: The longest prompt it takes.
    """

    tools: bool | None = None
    images: bool | None = None
    audio: bool | None = None
    files: bool | None = None
    json_schema: bool | None = None
    logprobs: bool | None = None
    choices: bool | None = None
    max_input_tokens: int | None = None

    def over(self, other: "Abilities") -> "Abilities":
        """Return these, and the other's where nothing is known."""
        names = (field.name for field in fields(self))
        return Abilities(
            **{
                name: getattr(other, name) if getattr(self, name) is None else getattr(self, name)
                for name in names
            }
        )


UNKNOWN = Abilities()


@dataclass(frozen=True, slots=True)
class Needs:
    """What a request takes to be answered.

    Attributes:
        features: Names out of ``WORDS``.
        tokens: Of the prompt and the tools, estimated.
    """

    features: frozenset[str] = frozenset()
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Fitting:
    """The tiers that can serve a request.

    Attributes:
        tiers: All tiers; those that can serve it with the models that can.
        names: Of those that can and may, cheap to dear; none is a request that nobody can serve.
        lacks: What kept others out, in words.
    """

    tiers: tuple[Tier, ...]
    names: tuple[str, ...]
    lacks: tuple[str, ...]


def needs_of(query: Query) -> Needs:
    """Return what a query needs."""
    body = query.body
    kinds = {
        str(part.get("type"))
        for message in body["messages"]
        if isinstance(message.get("content"), list)
        for part in message["content"]
        if isinstance(part, dict)
    }
    features = {_PARTS[kind] for kind in kinds if kind in _PARTS}
    modalities = body.get("modalities")
    tools = body.get("tools") or body.get("functions")
    wanted = body.get("response_format")
    told = {
        "tools": tools,
        "json_schema": isinstance(wanted, dict) and wanted.get("type") == "json_schema",
        "logprobs": body.get("logprobs"),
        "choices": query.choices > 1,
        "audio": isinstance(modalities, list) and "audio" in modalities,
    }
    features |= {name for name, needed in told.items() if needed}
    tokens = prompt_tokens(body["messages"]) + (_size(tools) // BYTES_PER_TOKEN if tools else 0)
    return Needs(frozenset(features), tokens)


def fit(
    tiers: Sequence[Tier],
    may: Iterable[str],
    abilities: Mapping[str, Abilities],
    needs: Needs,
    *,
    forced: str | None = None,
) -> Fitting | None:
    """Return the tiers that can serve a request; ``None`` if every model of those that may can.

    Args:
        tiers: All of them, cheap to dear.
        may: Names of those the request may go to.
        abilities: By ``model_name``; one that is not in it is unknown.
        needs: Of the request.
        forced: The tier that will be asked if it may be able, whatever is known of others.
    """
    may = {*may, *([forced] if forced else ())}
    open_tiers = [tier for tier in tiers if tier.name in may]
    verdicts = {
        name: _can(abilities.get(name, UNKNOWN), needs)
        for tier in open_tiers
        for name in tier.models
    }
    if all(verdict is True for verdict in verdicts.values()):
        return None
    least = True if True in verdicts.values() else None
    able = {name for name, verdict in verdicts.items() if verdict is least}
    for tier in open_tiers:
        if tier.name == forced and not able.intersection(tier.models):
            able |= {name for name in tier.models if verdicts[name] is not False}
    if len(able) == len(verdicts):
        return None
    narrowed = tuple(
        replace(tier, models=tuple(name for name in tier.models if name in able))
        if tier.name in may and able.intersection(tier.models)
        else tier
        for tier in tiers
    )
    names = tuple(tier.name for tier in open_tiers if able.intersection(tier.models))
    return Fitting(narrowed, names, _lacks(abilities, verdicts, able, needs))


def _can(model: Abilities, needs: Needs) -> bool | None:
    """Return whether a model can serve a request; ``None`` is not known."""
    verdict = _takes(model.max_input_tokens, needs.tokens)
    for feature in needs.features:
        has = _has(model, feature)
        verdict = False if has is False or verdict is False else verdict and has
    return verdict


def _has(model: Abilities, feature: str) -> bool | None:
    known: bool | None = getattr(model, feature)
    return True if known is None and feature in _TEXT else known


def _takes(window: int | None, tokens: int) -> bool | None:
    """Return whether a prompt fits; a window that nobody knows is long enough."""
    if window is None or tokens <= SURELY_FITS * window:
        return True
    return False if tokens >= SURELY_OVERFLOWS * window else None


def _lacks(
    abilities: Mapping[str, Abilities],
    verdicts: Iterable[str],
    able: Iterable[str],
    needs: Needs,
) -> tuple[str, ...]:
    """Return what the models that are left out lack, in words."""
    out = [abilities.get(name, UNKNOWN) for name in verdicts if name not in frozenset(able)]
    lacks = [
        word
        for feature, word in WORDS.items()
        if feature in needs.features and any(_has(model, feature) is not True for model in out)
    ]
    if any(_takes(model.max_input_tokens, needs.tokens) is not True for model in out):
        lacks.append(CONTEXT)
    return tuple(lacks)


def _size(value: Any) -> int:
    """Return the characters that names and texts inside ``value`` take."""
    if isinstance(value, dict):
        return sum(len(str(name)) + _size(inner) for name, inner in value.items())
    if isinstance(value, list | tuple):
        return sum(map(_size, value))
    return len(value) if isinstance(value, str) else 4
