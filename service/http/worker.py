"""A worker: an application, a listening socket, and the connections that it answers."""

import asyncio
import logging.config
import signal
from collections.abc import Callable

import uvloop
from starlette.applications import Starlette

from service.config import ServerSettings
from service.http.connection import Connection
from service.logs import log_config

__all__ = ["run_worker"]

BACKLOG = 4096
IDLE_S = 30.0  # a client may take so long until it asks, or asks again
SWEEP_S = 1.0


def run_worker(load: Callable[[], Starlette], settings: ServerSettings) -> None:
    """Serve an application until SIGINT, then finish what is in flight."""
    logging.config.dictConfig(log_config(settings.log_level))
    uvloop.run(_serve(load, settings))


async def _serve(load: Callable[[], Starlette], settings: ServerSettings) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGINT, stop.set)
    app = load()
    connections: set[Connection] = set()
    async with app.router.lifespan_context(app):
        server = await loop.create_server(
            lambda: Connection(app, connections),
            settings.host,
            settings.port,
            reuse_port=True,
            backlog=BACKLOG,
        )
        while not await _within(stop, SWEEP_S):
            for connection in list(connections):
                if connection.idle_since < loop.time() - IDLE_S:
                    connection.leave()
        server.close()
        for connection in list(connections):
            connection.leave()
        await asyncio.gather(*(connection.closed for connection in connections))


async def _within(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
