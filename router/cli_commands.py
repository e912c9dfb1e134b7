"""What each command does. Imports of whole rooms are inside: ``score`` needs no server, ``route`` no cache."""

import argparse
import asyncio
import datetime as dt
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from .errors import ConfigError, RouterError
from .settings import Settings, environment, load_settings, warnings

Options = argparse.Namespace

SHOWN_REASONS = 5


def demo(options: Options) -> int:
    """Run the simulated tiers, the cache and the proxy, and route a dozen queries."""
    from .demo import run

    return run(port=options.port, once=options.once)


def serve(options: Options) -> int:
    """Run the proxy until interrupted."""
    from policies.routing.sanity import typical_scores, unreachable

    from .bootstrap import build_routing
    from .decision_log import check
    from .prices import PriceTable
    from .serve import run

    settings = _settings(options.config)
    # What cannot run is said here, not by a server's start.
    routing = build_routing(settings, PriceTable.load())
    check(settings.log)
    for line in (*warnings(settings), *unreachable(routing, typical_scores())):
        print(f"thinkthrift: warning: {line}", file=sys.stderr)
    run(settings, options.host, options.port, options.workers)
    return 0


def validate(options: Options) -> int:
    """Check a configuration: what is wrong, and what is doubtful."""
    from policies.routing.sanity import typical_scores, unreachable

    from .bootstrap import build_routing
    from .prices import PriceTable

    settings = load_settings(options.config)
    routing = build_routing(settings, PriceTable.load())
    for line in (*warnings(settings), *unreachable(routing, typical_scores())):
        print(f"warning: {line}")
    names = ", ".join(tier.name for tier in settings.tiers)
    print(f"{options.config}: ok; tiers, cheap to dear: {names}")
    return 0


def route(options: Options) -> int:
    """Decide where a query would go, and say why."""
    from classifier.scorer import Scorer
    from policies.routing import decide
    from policies.routing.counterfactual import what_if
    from policies.strategies import STRATEGIES

    from .bootstrap import build_routing, new_decision_id
    from .prices import PriceTable
    from .reply import describe
    from .wire.openai_request import parse_chat

    routing = build_routing(_settings_or_demo(options.config), PriceTable.load())
    messages = [{"role": "user", "content": options.text}]
    query = parse_chat({"model": "auto", "messages": messages}, {})
    scorer = Scorer.load()
    decision = decide(routing, scorer.score(query.ask), query)
    why = scorer.explain(query.ask)
    changes = what_if(routing, query, decision)
    shown = describe(new_decision_id(), decision, why, sorted(STRATEGIES), changes)
    if options.json:
        print(json.dumps(shown, ensure_ascii=False, indent=2))
        return 0
    print(f"{decision.tier.name} ({', '.join(decision.tier.models)}), {decision.plan.strategy}")
    print(decision.reason)
    for name, p in decision.p_solve.items():
        spend = decision.expected[name]
        print(
            f"  {name:<12} solves it with p={p:.2f}, ~{spend.tokens} tokens, ~${spend.cost_usd:.5f}"
        )
    for name, effect in why[:SHOWN_REASONS]:
        print(f"  {'harder' if effect > 0 else 'easier'} by {abs(effect):.2f}: {name}")
    for change in changes:
        print(f"  would be {change.tier} with {change.change}")
    return 0


def score(options: Options) -> int:
    """Score JSON lines; a bad line is reported, and the others are scored all the same."""
    from classifier.scorer import Scorer

    scorer = Scorer.load()
    bad = 0
    with options.file.open(encoding="utf-8") if options.file else sys.stdin as lines:
        for number, row in _rows(lines):
            if isinstance(row, str):
                print(f"thinkthrift: line {number}: {row}", file=sys.stderr)
                bad += 1
                continue
            ident, ask = row
            shown = {"id": ident, **scorer.score(ask).as_dict()}
            print(json.dumps(shown, ensure_ascii=False))
    return 1 if bad else 0


def train(options: Options) -> int:
    """Train the classifier and write artefact and model card."""
    from classifier.training import DataError, Recipe, run

    today = dt.datetime.now(dt.UTC).date().isoformat()
    try:
        recipe = Recipe(licences=options.licences)
        run(options.questions, options.outcomes, options.out, date=today, recipe=recipe)
    except DataError as error:
        raise ConfigError([str(error)]) from error
    print(f"wrote the artefact and its model card to {options.out}")
    return 0


def evaluate(options: Options) -> int:
    """Measure routing quality on recorded outcomes; fails where routing is no better than chance."""
    from classifier.training import DataError
    from classifier.training import evaluate as measure
    from classifier.training.dataset import normalised_model

    from .prices import PriceTable

    prices = {
        normalised_model(name): (price.input, price.output)
        for name, price in PriceTable.load().prices.items()
    }
    try:
        report: dict[str, Any] = measure(
            options.questions,
            options.outcomes,
            options.report,
            weak=options.weak,
            strong=options.strong,
            scores=options.scores,
            prices=prices,
        )
    except DataError as error:
        raise ConfigError([str(error)]) from error
    low, high = report["shuffled_control"]["ci95"]
    print(f"{report['n']} questions; APGR {report['apgr']:.3f}; report in {options.report}")
    if low is None or low <= 0:
        print(
            "thinkthrift: routing is not shown to beat the same share of strong calls given out "
            f"by chance (95 % interval of the difference: {low} to {high})",
            file=sys.stderr,
        )
        return 1
    return 0


def doctor(options: Options) -> int:
    """Check configuration, classifier and cache; every line says ok or what to do."""
    from classifier.scorer import Scorer

    from .prices import PriceTable

    settings = load_settings(options.config)
    print(f"configuration  ok: {len(settings.tiers)} tiers, {len(settings.model_list)} models")
    scorer = Scorer.load()
    print(f"classifier     ok: {scorer.version} on {scorer.provider}")
    prices = PriceTable.load()
    print(f"prices         ok: {len(prices.prices)} models, {prices.version}")
    stats = asyncio.run(_with_store(settings, "stats", None))
    print(f"cache          ok: {json.dumps(stats, default=str)}")
    return _ask_every_model(settings) if options.live else 0


def _ask_every_model(settings: Settings) -> int:
    from .doctor_live import Report, examine_all

    spent_usd = 0.0

    def show(report: Report) -> None:
        nonlocal spent_usd
        spent_usd += report.cost_usd
        for line in report.lines:
            print(f"{report.model}: {line}", flush=True)

    holds = asyncio.run(examine_all(settings, environment(), show))
    print(f"asking cost {spent_usd:.6f} USD, by the prices of the configuration")
    return 0 if holds else 1


def cache_stats(options: Options) -> int:
    """Print what the cache holds."""
    stats = asyncio.run(_with_store(_settings_or_demo(options.config), "stats", None))
    print(json.dumps(stats, indent=2, default=str))
    return 0


def cache_purge(options: Options) -> int:
    """Remove entries, of one tenant or all."""
    settings = _settings_or_demo(options.config)
    if settings.cache.shared and options.tenant is not None:
        raise ConfigError(
            ["cache.shared is true: no answer is one tenant's; purge without --tenant"]
        )
    removed = asyncio.run(_with_store(settings, "purge", options.tenant))
    print(f"removed {removed} entries")
    return 0


async def _with_store(settings: Settings, action: str, tenant: str | None) -> Any:
    import time
    from contextlib import AsyncExitStack

    from .cache.embedded import embedded_server
    from .cache.secret import load_secret
    from .cache.store import open_store

    async with AsyncExitStack() as stack:
        url = None
        if settings.cache.url == "embedded":
            server = await stack.enter_async_context(embedded_server(settings.cache))
            url = server.url
        secret = load_secret(settings.cache)
        store = open_store(settings.cache, secret=secret, clock=time.monotonic, embedded_url=url)
        stack.push_async_callback(store.close)
        return await (store.purge(tenant) if action == "purge" else store.stats())


def _settings(config: Path | None) -> Settings:
    """Return the configured settings, or those that the provider keys found make up."""
    if config is not None:
        return load_settings(config)
    from .settings_discovery import discover_settings
    from .settings_probe import answers, served_models

    found = discover_settings(environment(), probe=answers, served_models=served_models)
    models = ", ".join(f"{tier.name}: {'/'.join(tier.models)}" for tier in found.settings.tiers)
    print(
        f"thinkthrift: no --config; tiers from {found.found[0]} ({models})"
        f"; keys found: {', '.join(found.found)}",
        file=sys.stderr,
    )
    return found.settings


def _settings_or_demo(config: Path | None) -> Settings:
    """Return the settings, or the demo's: a dry run must not need a key."""
    try:
        return _settings(config)
    except ConfigError:
        if config is not None:
            raise
        from .demo import demo_settings

        print(
            "thinkthrift: no --config and no provider key: using the demo's tiers", file=sys.stderr
        )
        return demo_settings("http://127.0.0.1:1")


def _rows(lines: TextIO) -> Iterator[tuple[int, Any]]:
    """Yield (line number, (id, ask)) or (line number, what is wrong with it)."""
    from classifier.types import Ask

    from .wire.openai_request import parse_chat

    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            yield number, f"not JSON: {error}"
            continue
        if not isinstance(row, dict) or not ({"prompt", "messages"} & row.keys()):
            yield number, 'must be an object with "id" and "prompt" or "messages"'
        elif isinstance(row.get("prompt"), str):
            yield number, (row.get("id"), Ask(row["prompt"]))
        else:
            try:
                query = parse_chat({"model": "auto", "messages": row.get("messages")}, {})
            except RouterError as error:
                yield number, str(error)
            else:
                yield number, (row.get("id"), query.ask)
