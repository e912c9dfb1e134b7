"""Runs the application: one process, or several that share a port and the embedded cache."""

import asyncio
import functools
import logging

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from .app import create_app
from .cache.embedded import EmbeddedServer
from .cache.redis_store import CacheUnavailableError
from .settings import Settings

KEEP_ALIVE_S = 75
"""Longer than load balancers keep idle connections, so that they close first."""


def run(settings: Settings, host: str, port: int, workers: int) -> None:
    """Serve until interrupted.

    Raises:
        OSError: If the address cannot be bound.
    """
    if workers == 1:
        uvicorn.Server(_config(worker(settings), host, port)).run()
        return
    _set_up_log()  # the parent says where it listens
    # The parent keeps the embedded server, so that no worker's end takes it from the others.
    asyncio.run(_run_workers(settings, host, port, workers))


def worker(settings: Settings) -> FastAPI:
    """Return the application of one process, with its log set up: workers are born without one."""
    _set_up_log()
    return create_app(settings)


def _set_up_log() -> None:
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )


async def _run_workers(settings: Settings, host: str, port: int, workers: int) -> None:
    factory = functools.partial(worker, settings)
    config = _config(factory, host, port, factory=True, workers=workers)
    socket = config.bind_socket()
    supervisor = Multiprocess(config, sockets=[socket])
    try:
        if settings.cache.url != "embedded":
            await asyncio.to_thread(supervisor.run)
            return
        async with EmbeddedServer(settings.cache.state_dir):
            await asyncio.to_thread(supervisor.run)
    except CacheUnavailableError:
        await asyncio.to_thread(supervisor.run)
    finally:
        socket.close()


def _config(
    app: "FastAPI | functools.partial[FastAPI]",
    host: str,
    port: int,
    *,
    factory: bool = False,
    workers: int = 1,
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        factory=factory,
        workers=workers,
        http="httptools",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=10,
    )
