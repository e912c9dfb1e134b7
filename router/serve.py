"""Runs the application: one process, or several that share a port and the embedded cache."""

import asyncio
import functools
import logging
import socket

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from .app import create_app
from .cache.embedded import embedded_server
from .cache.redis_store import CacheUnavailableError
from .settings import Settings

log = logging.getLogger("thinkthrift")

BACKLOG = 2048
"""Connections that wait to be accepted."""

KEEP_ALIVE_S = 75
"""Longer than load balancers keep idle connections, so that they close first."""


def run(settings: Settings, host: str, port: int, workers: int) -> None:
    """Serve until interrupted.

    Raises:
        OSError: If the address cannot be bound.
    """
    _set_up_log()
    with _listen(host, port) as listener:
        if workers == 1:
            uvicorn.Server(_config(worker(settings))).run(sockets=[listener])
        else:
            # The parent keeps the embedded server, so that no worker's end takes it from the others.
            asyncio.run(_run_workers(settings, listener, workers))


def worker(settings: Settings) -> FastAPI:
    """Return the application of one process, with its log set up: workers are born without one."""
    _set_up_log()
    return create_app(settings)


def _set_up_log() -> None:
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; uvicorn's own way would end the process without a word to its caller."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"{host}:{port}") from error
    at = listener.getsockname()
    shown = f"[{at[0]}]" if family == socket.AF_INET6 else at[0]
    log.info("listening on http://%s:%d", shown, at[1])
    return listener


async def _run_workers(settings: Settings, listener: socket.socket, workers: int) -> None:
    config = _config(functools.partial(worker, settings), factory=True, workers=workers)
    supervisor = Multiprocess(config, sockets=[listener])
    try:
        if settings.cache.url != "embedded":
            await asyncio.to_thread(supervisor.run)
            return
        async with embedded_server(settings.cache):
            await asyncio.to_thread(supervisor.run)
    except CacheUnavailableError:
        await asyncio.to_thread(supervisor.run)


def _config(
    app: "FastAPI | functools.partial[FastAPI]",
    *,
    factory: bool = False,
    workers: int = 1,
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=factory,
        workers=workers,
        http="httptools",
        ws="none",
        access_log=False,
        proxy_headers=False,  # who the client's address belongs to decides nothing here
        log_config=None,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=10,
    )
