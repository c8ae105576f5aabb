"""Requests sent at planned times whether or not earlier ones are answered, or in a closed loop."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import uvloop

from loadtest.drivers.connection import NOT_SENT, Connection, Exchange
from loadtest.drivers.driver import DriverError
from loadtest.drivers.timer import PeriodicTimer
from loadtest.pacing import planned

__all__ = ["GRACE_S", "TIMEOUT_S", "send"]

TIMEOUT_S = 10.0  # for an answer
GRACE_S = 0.25  # after its end an open-loop load may send what had to wait for a connection
LEAD_S = 0.05  # from the first connection to the first request
TICK_S = 0.0002  # what is due within so long goes out at once
LOOK_S = 0.05  # for requests without an answer
RETRY_S = 0.1


def send(
    url: str,
    bodies: Sequence[str],
    rate: float | None,
    seconds: float,
    connections: int,
    record: Callable[[Exchange], None],
) -> float:
    """Post the bodies in turn and record each exchange; returns when the load began.

    With a rate, request i is due i / rate after the begin. One that finds no idle connection waits
    for it; one that is still waiting GRACE_S after the end is recorded as NOT_SENT. Without a rate
    a request is due when a connection is idle.

    Raises
    ------
    DriverError
        Nobody listens at the URL.
    ValueError
        The URL is not plain HTTP, or a number is out of range.
    """
    if connections < 1:
        raise ValueError(f"connections is {connections}, must be >= 1")
    planned(rate or 1.0, seconds)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_Pump(url, bodies, rate, seconds, record).run(connections))


class _Pump:
    def __init__(
        self,
        url: str,
        bodies: Sequence[str],
        rate: float | None,
        seconds: float,
        record: Callable[[Exchange], None],
    ) -> None:
        self._host, self._port, path = _parts(url)
        self._requests = [_request(f"{self._host}:{self._port}", path, body) for body in bodies]
        self._rate = rate
        self._times = None if rate is None else planned(rate, seconds)
        self._seconds = seconds
        self._record = record
        self._number = 0
        self._begin = math.inf
        self._ended = self._closed = False
        self._all: set[Connection] = set()
        self._idle: list[Connection] = []
        self._opening: set[asyncio.Task[None]] = set()
        self._bug: BaseException | None = None

    async def run(self, connections: int) -> float:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await asyncio.gather(*(self._open() for _ in range(connections)))
        except OSError as error:
            raise DriverError(f"can't connect to {self._host}:{self._port}: {error}") from error
        self._begin = time.perf_counter() + LEAD_S
        timer = PeriodicTimer(self._begin, self._period())
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._broken)
        loop.add_reader(timer.fileno(), self._tick, timer)
        try:
            await self._finished()
            self._raise_bug()
        finally:
            loop.remove_reader(timer.fileno())
            timer.close()
            self._close()
        self._leave()
        return self._begin

    def _broken(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Make a callback's exception the end of the load."""
        self._bug = self._bug or context.get("exception") or RuntimeError(context["message"])

    def _raise_bug(self) -> None:
        if self._bug:
            raise self._bug

    def _period(self) -> float:
        """Return the timer's: a whole number of requests, so that it ticks when they are due."""
        return math.ceil(self._rate * TICK_S) / self._rate if self._rate else LOOK_S

    def _tick(self, timer: PeriodicTimer) -> None:
        timer.acknowledge()
        self._send()

    def _send(self) -> None:
        """Send all that is due, as far as connections are idle."""
        now = time.perf_counter()
        while self._idle and (due := self._due(now)) is not None:
            connection = self._idle.pop()
            if not connection.is_closing():
                connection.send(self._requests[self._number % len(self._requests)], due)
                self._number += 1

    def _due(self, now: float) -> float | None:
        """Return when the next request is due, None if that is not yet or never."""
        if self._times is None:
            return now if self._begin <= now < self._stop else None
        if self._ended or self._number == len(self._times):
            return None
        due = self._begin + float(self._times[self._number])
        return due if due <= now else None

    @property
    def _stop(self) -> float:
        return self._begin + self._seconds + (0.0 if self._times is None else GRACE_S)

    def _done(self, connection: Connection, exchange: Exchange) -> None:
        self._record(exchange)
        if not connection.is_closing():
            self._idle.append(connection)
            self._send()

    def _lost(self, connection: Connection) -> None:
        self._all.discard(connection)
        if not self._closed and time.perf_counter() < self._stop:
            task = asyncio.get_running_loop().create_task(self._reopen())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self) -> None:
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self._done, self._lost), self._host, self._port
        )
        self._all.add(connection)
        self._idle.append(connection)

    async def _reopen(self) -> None:
        while time.perf_counter() < self._stop:
            try:
                await self._open()
            except OSError:
                await asyncio.sleep(RETRY_S)
            else:
                self._send()
                break

    async def _finished(self) -> None:
        """Wait until all was sent that will be, and each has its answer or its time is over."""
        while not self._over():
            await asyncio.sleep(LOOK_S)
            self._raise_bug()
            now = time.perf_counter()
            for connection in [each for each in self._all if 0 < each.sent < now - TIMEOUT_S]:
                connection.fail("TimeoutError")
            if now >= self._stop:
                self._send()  # what is due, if this process was kept from sending
                self._ended = True

    def _over(self) -> bool:
        sent = self._times is not None and self._number == len(self._times)
        return (sent or self._ended) and not any(each.sent for each in self._all)

    def _leave(self) -> None:
        """Record what was due and could not be sent."""
        for offset in [] if self._times is None else self._times[self._number :].tolist():
            self._record(Exchange(self._begin + offset, self._stop, self._stop, NOT_SENT))

    def _close(self) -> None:
        self._closed = True
        for task in self._opening:
            task.cancel()
        for connection in self._all:
            connection.close()


def _parts(url: str) -> tuple[str, int, str]:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"url is {url!r}, must be http://host:port/path")
    return parts.hostname, parts.port or 80, parts.path or "/"


def _request(host: str, path: str, body: str) -> bytes:
    data = body.encode()
    head = f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(data)}\r\n\r\n".encode() + data
