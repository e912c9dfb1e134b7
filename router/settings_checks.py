"""Checks one part of the configuration against another.

`references` reads the raw document, not the models, so that a wrong name in one place is reported
together with a wrong type in another. `warnings` reads valid settings.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations, pairwise
from typing import Any

from classifier.types import RUNGS
from policies.types import Tier, Usage

from .prices import PriceTable
from .settings_problems import suggestion
from .settings_routing import named_tiers
from .settings_schema import Settings

LOCAL_PROVIDERS = ("hosted_vllm", "ollama", "ollama_chat", "lm_studio", "llamafile", "vllm")

TYPICAL_PROMPT_TOKENS = 500
TYPICAL_ANSWER_TOKENS = 400
TYPICAL_THINKING_TOKENS = {"short": 800, "distilled": 2500, "long": 6000}
"""Only for comparing tiers with each other at start; decisions use the classifier's numbers."""


def references(document: Mapping[str, Any]) -> list[str]:
    """Return what is wrong between the parts of a raw document, one line each.

    Names that lead nowhere or are given twice, fallbacks that go in circles, boundaries that do
    not fit the tiers.
    """
    models = _names(document, "model_list", "model_name")
    tiers = _names(document, "tiers", "name")
    return [
        *_twice(document, "tiers", "name"),
        *_twice(document, "keys", "key"),
        *_unknown_models(document, models),
        *_unknown_tiers(document, tiers),
        *_circles(document),
        *_boundaries(document, n_tiers=len(_entries_of(document, "tiers"))),
    ]


def warnings(settings: Settings, prices: PriceTable | None = None) -> list[str]:
    """Return what is allowed and probably not meant, one line each.

    Args:
        settings: The settings to look at.
        prices: The price table; the shipped one if absent.
    """
    table = prices or PriceTable.load()
    tiers = settings.build_tiers(table)
    return [
        *_unpriced(settings, table),
        *_unordered(tiers),
        *_dominated(tiers),
        *_cramped(tiers),
        *_half_lengthened(tiers),
        *_unkept(settings),
    ]  # fmt: skip


def _entries_of(document: Mapping[str, Any], section: str) -> list[tuple[int, dict[str, Any]]]:
    entries = document.get(section)
    if not isinstance(entries, list):
        return []
    return [(place, entry) for place, entry in enumerate(entries) if isinstance(entry, dict)]


def _names(document: Mapping[str, Any], section: str, key: str) -> list[str]:
    found = (entry.get(key) for _, entry in _entries_of(document, section))
    return [name for name in found if isinstance(name, str)]


def _twice(document: Mapping[str, Any], section: str, key: str) -> Iterator[str]:
    first: dict[str, int] = {}
    for place, entry in _entries_of(document, section):
        name = entry.get(key)
        if not isinstance(name, str):
            continue
        if name in first:
            shown = "" if section == "keys" else f' "{name}"'
            where = f"{section}[{first[name]}]"
            yield f"{section}[{place}]: {key}{shown} is already that of {where}"
        first.setdefault(name, place)


def _unknown_models(document: Mapping[str, Any], models: list[str]) -> Iterator[str]:
    for place, tier in _entries_of(document, "tiers"):
        wanted = tier.get("models")
        named = enumerate(wanted) if isinstance(wanted, list) else ()
        asked = [(f"tiers[{place}].models[{i}]", name) for i, name in named]
        search = tier.get("search")
        verifier = search.get("verifier") if isinstance(search, dict) else None
        if isinstance(verifier, dict) and verifier.get("model") is not None:
            asked.append((f"tiers[{place}].search.verifier.model", verifier["model"]))
        for where, name in asked:
            if isinstance(name, str) and name and name not in models:
                yield f'{where}: no model_name "{name}" in model_list{suggestion(name, models)}'


def _unknown_tiers(document: Mapping[str, Any], tiers: list[str]) -> Iterator[str]:
    asked: list[tuple[str, Any]] = [
        (f"tiers[{place}].fallback_tier", tier.get("fallback_tier"))
        for place, tier in _entries_of(document, "tiers")
    ]
    for place, key in _entries_of(document, "keys"):
        allowed = key.get("tiers")
        for i, name in enumerate(allowed if isinstance(allowed, list) else ()):
            asked.append((f"keys[{place}].tiers[{i}]", name))
    routing = document.get("routing")
    on_error = routing.get("on_classifier_error") if isinstance(routing, dict) else None
    if on_error not in ("highest", "lowest", "reject"):
        asked.append(("routing.on_classifier_error", on_error))
    asked += named_tiers(routing if isinstance(routing, dict) else {})
    for where, name in asked:
        if isinstance(name, str) and name not in tiers:
            words = ["highest", "lowest", "reject"] if where.endswith("classifier_error") else []
            yield f'{where}: no tier "{name}"{suggestion(name, [*tiers, *words])}'


def _circles(document: Mapping[str, Any]) -> Iterator[str]:
    entries = _entries_of(document, "tiers")
    following = {str(tier.get("name")): tier.get("fallback_tier") for _, tier in entries}
    for place, tier in entries:
        start = str(tier.get("name"))
        chain, here = [start], following.get(start)
        while isinstance(here, str) and here in following and here not in chain:
            chain.append(here)
            here = following[here]
        # Each circle is reported once, at its first tier.
        if here == start and start == min(chain, key=list(following).index):
            yield f"tiers[{place}].fallback_tier: goes in a circle: {' -> '.join([*chain, start])}"


def _boundaries(document: Mapping[str, Any], *, n_tiers: int) -> Iterator[str]:
    routing = document.get("routing")
    given = routing.get("boundaries") if isinstance(routing, dict) else None
    if not isinstance(given, list) or not all(isinstance(at, int | float) for at in given):
        return
    if len(given) != n_tiers - 1:
        yield f"routing.boundaries: has {len(given)}; {n_tiers} tiers take {n_tiers - 1}"
    if any(low >= high for low, high in pairwise(given)) or not all(0 < at < 1 for at in given):
        yield "routing.boundaries: must ascend, each more than 0 and less than 1"


def _unpriced(settings: Settings, table: PriceTable) -> Iterator[str]:
    for model in settings.model_list:
        provider = model.litellm_params.model.partition("/")[0]
        if model.price_in(table) is None and provider not in LOCAL_PROVIDERS:
            yield f'model "{model.model_name}" has no known price and counts as free; give it one'


def _unordered(tiers: tuple[Tier, ...]) -> Iterator[str]:
    for cheap, dear in pairwise(tiers):
        if _typical_usd(cheap) > _typical_usd(dear):
            yield (
                f'tiers are not ordered cheap to dear: "{cheap.name}" costs more than '
                f'"{dear.name}" for a typical request'
            )


def _dominated(tiers: tuple[Tier, ...]) -> Iterator[str]:
    for one, other in combinations(tiers, 2):
        if _work(one) == _work(other):
            yield f'tiers "{one.name}" and "{other.name}" do the same; one is never needed'
            continue
        for worse, better in ((one, other), (other, one)):
            no_better = (
                RUNGS.index(worse.rung) <= RUNGS.index(better.rung)
                and worse.ability <= better.ability
            )
            if no_better and _typical_usd(worse) > _typical_usd(better):
                yield (
                    f'tier "{worse.name}" is dominated: "{better.name}" costs less and starts '
                    "from the same or a better rung"
                )


def _cramped(tiers: tuple[Tier, ...]) -> Iterator[str]:
    for tier in tiers:
        if tier.thinking == "off" and tier.max_thinking_tokens:
            yield f'tier "{tier.name}" has thinking off; its max_thinking_tokens does nothing'
        room = tier.max_output_tokens or tier.max_total_tokens
        if tier.thinking == "off" or room is None or tier.max_thinking_tokens is None:
            continue
        needed = tier.max_thinking_tokens + tier.answer_reserve_tokens
        if room < needed:
            yield (
                f'tier "{tier.name}" can give out {room} tokens; full thinking and the answer '
                f"reserve take {needed}, so thinking will be cut earlier"
            )


def _half_lengthened(tiers: tuple[Tier, ...]) -> Iterator[str]:
    for tier in tiers:
        if bool(tier.wait) != bool(tier.min_thinking_tokens):
            given, absent = "wait", "min_thinking_tokens"
            if tier.min_thinking_tokens:
                given, absent = absent, given
            yield f'tier "{tier.name}": {given} does nothing without {absent}'


def _work(tier: Tier) -> tuple[object, ...]:
    return (tier.models, tier.thinking, tier.max_thinking_tokens, tier.max_output_tokens,
            tier.max_total_tokens, tier.search)  # fmt: skip


def _typical_usd(tier: Tier) -> float:
    thinking = 0
    if tier.thinking != "off":
        expected = TYPICAL_THINKING_TOKENS[tier.rung]
        thinking = min(tier.max_thinking_tokens or expected, expected)
    one = tier.price.usd(
        Usage(
            prompt=TYPICAL_PROMPT_TOKENS,
            completion=TYPICAL_ANSWER_TOKENS + thinking,
            reasoning=thinking,
        )
    )
    return one * tier.search.n


def _unkept(settings: Settings) -> Iterator[str]:
    log = settings.log
    if log.stream is not None and settings.cache.url == "off":
        yield "log.redis_stream does nothing while cache.url is off: there is no server to write to"
    if log.prompts == "on" and log.file is None and log.stream is None:
        yield "log.prompts does nothing without log.decisions or log.redis_stream"
