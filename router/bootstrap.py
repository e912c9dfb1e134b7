"""Joins the rooms once, at start-up: settings in, a Pipeline out, everything it opened closed at the end."""

import logging
import random
import secrets
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from hashlib import blake2b

from classifier.scorer import Scorer
from policies.routing import Routing

from .abilities import AbilityTable, abilities_of
from .admission import pass_through_tier
from .algebra import AlgebraPool
from .allowance import Allowances
from .backends.build import build_backends, build_rewards, build_twins
from .backends.direct import Connections
from .backends.pool import Pool
from .cache.embedded import embedded_server
from .cache.recall import open_recall
from .cache.redis_store import CacheUnavailableError
from .cache.secret import load_secret
from .cache.store import NullStore, Store, open_store
from .call import World
from .decision_ids import DecisionIds, secret_of
from .decision_log import open_decision_log
from .errors import ConfigError
from .feedback import Feedback
from .identity import Keyring
from .pacing import Pacing
from .pipeline import Pipeline
from .prices import PriceTable
from .ratios import Ratios
from .records import Records
from .sessions import Sessions
from .settings import RoutingSettings, Settings
from .shadow import open_shadow
from .trust import Trust

log = logging.getLogger("thinkthrift")

CACHE_VERSION = "2"
"""Form of a stored answer; raise it when the form changes, and old entries are misses."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a running server holds.

    Attributes:
        pipeline: The way of a request.
        keyring: Tells clients apart.
        allowances: What their keys may still use.
        store: The cache.
        scorer: The classifier.
        settings: What it was built from.
        ids: Makes decision ids.
        feedback: Takes verdicts.
    """

    pipeline: Pipeline
    keyring: Keyring
    allowances: Allowances
    store: Store
    scorer: Scorer
    settings: Settings
    ids: DecisionIds
    feedback: Feedback


def build_routing(settings: Settings, prices: PriceTable) -> Routing:
    """Return the tiers and the policy over them.

    Raises:
        ConfigError: If the settings name a policy that cannot run as they are.
    """
    routing = settings.routing
    problems = routing.missing()
    if problems:
        raise ConfigError(problems)
    return routing_of(settings, prices)


def routing_of(settings: Settings, prices: PriceTable) -> Routing:
    """Return the tiers and the policy as far as the settings tell them; what they lack is not looked at."""
    routing = settings.routing
    return Routing(
        tiers=settings.build_tiers(prices),
        policy=routing.policy,
        dial=routing.dial,
        tuned=routing.tuned(),
        rules=tuple(rule.build(place) for place, rule in enumerate(routing.rules)),
        explore=routing.explore,
    )


@asynccontextmanager
async def open_runtime(
    settings: Settings, env: Mapping[str, str], *, scorer: Scorer | None = None
) -> AsyncGenerator[Runtime, None]:
    """Yield a running pipeline; close what it opened afterwards.

    Args:
        settings: The configuration.
        env: Where providers' usual key variables are found.
        scorer: A loaded classifier; ``None`` loads the shipped one.

    Raises:
        ConfigError: If this version cannot run the settings.
    """
    prices = PriceTable.load()
    routing = build_routing(settings, prices)
    alone = settings.cache.url == "off" and settings.cache.secret is None
    secret = secret_of(settings) if alone else load_secret(settings.cache)
    wall = time.time  # noqa: TID251 - the edge: calendar time, the same on every replica
    async with AsyncExitStack() as stack:
        embedded_url = None
        if settings.cache.url == "embedded":
            embedded_url = await _embedded(stack, settings)
        store = open_store(
            settings.cache,
            secret=secret,
            clock=time.monotonic,
            embedded_url=embedded_url,
        )
        stack.push_async_callback(store.close)
        await store.ready()
        connections = Connections()
        stack.push_async_callback(connections.close)
        backends = build_backends(settings, prices, connections, env)
        algebra = AlgebraPool()
        stack.push_async_callback(algebra.close)
        twins = build_twins(settings, prices, connections, env)
        pool = Pool(backends, settings.retries, time.monotonic, twins)
        scorer = scorer or Scorer.load()
        longest_s = max(tier.timeout_s for tier in routing.tiers)
        recall = open_recall(
            settings.cache,
            store,
            secret,
            versions=(CACHE_VERSION, scorer.version, fingerprint(settings)),
            routing=routing,
            wall=wall,
        )
        stack.push_async_callback(recall.close)
        ids, records = DecisionIds(secret), Records()
        rungs = {tier.name: tier.rung for tier in routing.tiers}
        written = await stack.enter_async_context(
            open_decision_log(settings.log, store, wall, rungs=rungs, lost=records.log_lost.add)
        )
        pacing = open_pacing(settings.routing, store)
        pipeline = Pipeline(
            routing=routing,
            gauge=scorer,
            recall=recall,
            world=World(
                pool,
                Ratios(),
                Trust(),
                time.monotonic,
                routing.tiers[0],
                equal=algebra.equal,
                rewards=build_rewards(settings, connections),
            ),
            models={
                name: pass_through_tier(name, backend.spec.price, longest_s)
                for name, backend in backends.items()
            },
            on_classifier_error=settings.routing.on_classifier_error,
            new_id=new_decision_id,
            records=records,
            pacing=pacing,
            draw=random.random if routing.explore else None,
            shadow=open_shadow(settings.routing.shadow, routing, records, pacing),
            abilities={
                entry.model_name: abilities_of(entry, AbilityTable.load())
                for entry in settings.model_list
            },
            sessions=open_sessions(settings.routing, store, secret, routing),
            log=None if written is None else written.request,
            keep_alive_s=settings.limits.keep_alive_s,
        )
        yield Runtime(
            pipeline,
            Keyring(settings.keys, secret),
            Allowances(store, wall),
            store,
            scorer,
            settings,
            ids,
            Feedback(ids, secret, store, records, written, recall.votes),
        )


def open_sessions(
    settings: RoutingSettings, store: Store, secret: bytes, routing: Routing
) -> Sessions | None:
    """Return what remembers how far conversations have come, if anything does."""
    if settings.sessions.sticky == "off" or isinstance(store, NullStore):
        return None
    names = [tier.name for tier in routing.tiers]
    return Sessions(store, secret, names, settings.sessions.ttl_s)


def open_pacing(routing: RoutingSettings, store: Store) -> Pacing | None:
    """Return the keeper of the server's allowance, if it has one."""
    pace = routing.pace
    if pace is None:
        return None
    wall = time.time  # noqa: TID251 - the edge: hours and days of the calendar
    return Pacing(store, wall, pace.build(), pace.replicas)


async def _embedded(stack: AsyncExitStack, settings: Settings) -> str | None:
    """Start the embedded server; without one the cache is off, and every request still works."""
    try:
        server = await stack.enter_async_context(embedded_server(settings.cache))
    except CacheUnavailableError as error:
        log.warning("%s; the cache is off", error)
        return None
    return server.url


def new_decision_id() -> str:
    """Return an id that cannot be guessed and names nobody."""
    return "d_" + secrets.token_hex(12)


def fingerprint(settings: Settings) -> str:
    """Return a hash of what answers depend on: tiers, routing and which model each name stands for."""
    parts: Sequence[object] = (
        settings.tiers,
        settings.routing.model_copy(update={"shadow": None}),  # no answer depends on it
        [
            (entry.model_name, entry.litellm_params.model, entry.litellm_params.api_base)
            for entry in settings.model_list
        ],
    )
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()
