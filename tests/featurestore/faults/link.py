"""One client's connection through the proxy, and the one to the server behind it."""

import asyncio
import contextlib
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable

from tests.featurestore.faults.modes import Delay, Drip, Garbage, Mode, Reset, Stall

__all__ = ["Link"]

CHUNK = 65_536
AHEAD = 16  # chunks read before they are delivered, so that a hang-up is seen in a stall too
FLUSH_S = 1.0
NO_LINGER = struct.pack("ii", 1, 0)  # makes a close an RST

Arrivals = asyncio.Queue[tuple[float, bytes]]
Connect = Callable[[], Awaitable[tuple[StreamReader, StreamWriter]]]


class Ended(ConnectionError):
    """One of the sides has gone, or is to be left."""


class Link:
    """Carries bytes both ways, each as the mode of the moment says, until a side closes.

    A client that hangs up ends the link: at once, or in an undisturbed mode after what it sent. So
    the half-closed state of TCP is not carried on.
    """

    def __init__(self, mode: Callable[[], Mode], client: socket.socket) -> None:
        self._mode = mode
        self._client = client
        self._writers: list[StreamWriter] = []
        self._wake = asyncio.Event()
        self._hung_up = False

    def strand(self) -> None:
        """Carry nothing any more."""
        self._mode = Stall
        self.wake()

    def wake(self) -> None:
        """Look at the mode again."""
        self._wake.set()

    def reset(self) -> None:
        """Send an RST to the client, now."""
        if self._client.fileno() >= 0:
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.abort()

    def abort(self) -> None:
        """Give up both connections, also those of a link that was never run."""
        for writer in self._writers:
            writer.transport.abort()
        self._client.close()

    async def run(self, connect: Connect) -> None:
        """Carry until a side closes; both are closed then."""
        try:
            async with asyncio.TaskGroup() as group:
                await self._carry(group, connect)
        except* OSError:
            pass
        finally:
            await asyncio.shield(asyncio.gather(*map(_close, self._writers)))

    async def _carry(self, group: asyncio.TaskGroup, connect: Connect) -> None:
        if self._mode() == Reset():
            self.reset()
            raise Ended
        reader, client = await asyncio.open_connection(sock=self._client)
        self._writers.append(client)
        to_server, to_client = Arrivals(AHEAD), Arrivals(AHEAD)
        group.create_task(self._read_client(reader, to_server))
        while isinstance(self._mode(), Stall):
            await self._pause(None)
        reader, server = await connect()
        self._writers.append(server)
        group.create_task(_read(reader, to_client))
        group.create_task(self._deliver(to_server, server, to_client=False))
        group.create_task(self._deliver(to_client, client, to_client=True))

    async def _read_client(self, reader: StreamReader, arrivals: Arrivals) -> None:
        try:
            await _read(reader, arrivals, self._hang_up)
        except OSError:
            self._hang_up()
            raise

    def _hang_up(self) -> None:
        self._hung_up = True
        self.wake()

    async def _deliver(self, arrivals: Arrivals, sink: StreamWriter, *, to_client: bool) -> None:
        while True:
            arrived, chunk = await arrivals.get()
            while isinstance(self._mode(), Stall):
                await self._pause(None)
            if not chunk:
                raise Ended
            while chunk:
                chunk = await self._step(arrived, chunk, sink, to_client)
                await sink.drain()

    async def _step(
        self, arrived: float, chunk: bytes, sink: StreamWriter, to_client: bool
    ) -> bytes:
        """Write the head of a chunk as the mode of the moment says; what is left of it."""
        match self._mode():
            case Stall():
                await self._pause(None)
                return chunk
            case Delay() as delay:
                due = arrived + (delay.to_client_s if to_client else delay.to_server_s)
                left = due - asyncio.get_running_loop().time()
                if left > 0:
                    await self._pause(left)
                    return chunk
            case Drip(size, interval_s):
                sink.write(chunk[:size])
                await self._pause(interval_s)
                return chunk[size:]
            case Reset(in_reply=True) if to_client:
                sink.write(chunk[: len(chunk) // 2])
                self.reset()
                raise Ended
            case Garbage() as garbage if to_client:
                chunk = garbage.spoil(chunk)
        sink.write(chunk)
        return b""

    async def _pause(self, seconds: float | None) -> None:
        """Wait, but not beyond a change of the mode or a hang-up."""
        if self._hung_up:
            raise Ended
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        if self._hung_up:
            raise Ended


async def _read(
    reader: StreamReader, arrivals: Arrivals, at_end: Callable[[], None] = lambda: None
) -> None:
    now = asyncio.get_running_loop().time
    while chunk := await reader.read(CHUNK):
        await arrivals.put((now(), chunk))
    at_end()
    await arrivals.put((now(), b""))


async def _close(writer: StreamWriter) -> None:
    """Close, and give up what can't be flushed in time."""
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(FLUSH_S):
            await writer.wait_closed()
    writer.transport.abort()
