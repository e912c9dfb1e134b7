"""Joins the rooms once, at start-up: settings in, a Pipeline out, everything it opened closed at the end."""

import logging
import secrets
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from hashlib import blake2b

from classifier.scorer import Scorer
from policies.routing import ROUTING_POLICIES, Routing
from policies.strategies import STRATEGIES

from .admission import pass_through_tier
from .allowance import Allowances
from .backends.build import build_backends
from .backends.direct import Connections
from .backends.pool import Pool
from .cache.embedded import EmbeddedServer
from .cache.recall import Recall
from .cache.redis_store import CacheUnavailableError
from .cache.secret import load_secret
from .cache.store import Store, open_store
from .call import World
from .errors import ConfigError
from .identity import Keyring
from .pipeline import Pipeline
from .prices import PriceTable
from .ratios import Ratios
from .settings import Settings
from .trust import Trust

log = logging.getLogger("thinkthrift")

CACHE_VERSION = "1"
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
    """

    pipeline: Pipeline
    keyring: Keyring
    allowances: Allowances
    store: Store
    scorer: Scorer
    settings: Settings


def build_routing(settings: Settings, prices: PriceTable) -> Routing:
    """Return the tiers and the policy over them.

    Raises:
        ConfigError: If the settings name a policy or a strategy that this version cannot run.
    """
    problems = []
    routing = settings.routing
    if routing.policy not in ROUTING_POLICIES:
        known = ", ".join(ROUTING_POLICIES)
        problems.append(f"routing.policy: {routing.policy} is not in this version; it has: {known}")
    for place, tier in enumerate(settings.tiers):
        if tier.search.strategy not in STRATEGIES:
            known = ", ".join(sorted(STRATEGIES))
            problems.append(
                f"tiers[{place}].search.strategy: {tier.search.strategy} is not in this version; "
                f"it has: {known}"
            )
    if problems:
        raise ConfigError(problems)
    return Routing(
        tiers=settings.build_tiers(prices),
        policy=routing.policy,
        dial=routing.dial,
        boundaries=routing.boundaries,
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
    secret = load_secret(settings.cache)
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
        pool = Pool(backends, settings.retries, time.monotonic)
        scorer = scorer or Scorer.load()
        longest_s = max(tier.timeout_s for tier in routing.tiers)
        pipeline = Pipeline(
            routing=routing,
            gauge=scorer,
            recall=Recall(
                store,
                secret,
                versions=(CACHE_VERSION, scorer.version, fingerprint(settings)),
                ttl_s=settings.cache.ttl_s,
                sampled=settings.cache.sampled,
            ),
            world=World(pool, Ratios(), Trust(), time.monotonic, routing.tiers[0]),
            models={
                name: pass_through_tier(name, backend.spec.price, longest_s)
                for name, backend in backends.items()
            },
            on_classifier_error=settings.routing.on_classifier_error,
            new_id=new_decision_id,
        )
        yield Runtime(
            pipeline,
            Keyring(settings.keys, secret),
            Allowances(store, time.time),  # noqa: TID251 - the edge: days and minutes of the calendar
            store,
            scorer,
            settings,
        )


async def _embedded(stack: AsyncExitStack, settings: Settings) -> str | None:
    """Start the embedded server; without one the cache is off, and every request still works."""
    try:
        server = await stack.enter_async_context(EmbeddedServer(settings.cache.state_dir))
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
        settings.routing,
        [
            (entry.model_name, entry.litellm_params.model, entry.litellm_params.api_base)
            for entry in settings.model_list
        ],
    )
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()
