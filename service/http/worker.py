"""A worker: an application, a listening socket, and the connections that it answers."""

import asyncio
import logging.config
import signal
from collections.abc import Callable
from typing import cast

import uvloop

from service.app import Service
from service.config import ServerSettings
from service.http.connection import Connection
from service.http.turns import Turns
from service.logs import log_config

__all__ = ["listen", "run_worker"]

LISTENERS = 8  # of each, libuv accepts one connection a turn
BACKLOG = 4096
SWEEP_S = 1.0


def run_worker(load: Callable[[], Service], settings: ServerSettings) -> None:
    """Serve an application until SIGINT, then finish what is in flight."""
    logging.config.dictConfig(log_config(settings.log_level))
    uvloop.run(_serve(load, settings))


async def _serve(load: Callable[[], Service], settings: ServerSettings) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGINT, stop.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # which the launcher had blocked
    app = load()
    connections: set[Connection] = set()
    async with app.router.lifespan_context(app):
        turns = Turns()
        listeners = await listen(
            lambda: Connection(app, connections, turns), settings.host, settings.port
        )
        while not await _within(stop, SWEEP_S):
            for connection in list(connections):
                connection.sweep(loop.time())
        for listener in listeners:
            listener.close()
        await _drain(connections, loop.time() + _patience_s(settings.drain_timeout_s))


async def listen(
    connected: Callable[[], Connection], host: str, port: int
) -> list[asyncio.AbstractServer]:
    """Listen at a port, and accept a burst of connections in a few turns of the event loop."""
    loop, made = asyncio.get_running_loop(), cast(Callable[[], asyncio.Protocol], connected)
    return [
        await loop.create_server(made, host, port, reuse_port=True, backlog=BACKLOG)
        for _ in range(LISTENERS)
    ]


def _patience_s(timeout_s: float) -> float:
    """Return how long to wait for clients, so that the lifespan's end still has its time."""
    return max(timeout_s - 1, timeout_s / 2)


async def _drain(connections: set[Connection], deadline: float) -> None:
    """Let what is in flight finish; at the deadline what is left is closed nevertheless."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(0)  # what was accepted before the socket closed is made now
    while connections and (left := deadline - loop.time()) > 0:
        for connection in list(connections):
            connection.leave()
            connection.sweep(loop.time())
        closed = [connection.closed for connection in connections]
        await asyncio.wait(closed, timeout=min(SWEEP_S, left))
    for connection in list(connections):
        connection.abort()
    await asyncio.gather(*(connection.closed for connection in connections))


async def _within(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
