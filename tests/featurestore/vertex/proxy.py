"""A TCP proxy that can drop what its connections carry, as a network that forgot them does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

__all__ = ["Proxy", "proxy_to"]


class Proxy:
    """Forwards connections to a port, but for those in a black hole."""

    def __init__(self, target: int) -> None:
        self.accepted = 0
        self.port = 0
        self._target = target
        self._lost: set[asyncio.Event] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def swallow(self) -> None:
        """Carry nothing any more over the connections that there are; new ones work."""
        for lost in self._lost:
            lost.set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection in a task."""
        self.accepted += 1
        task = asyncio.create_task(self._forward(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        """Break all connections off."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lost = asyncio.Event()
        self._lost.add(lost)
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            await asyncio.gather(_pump(reader, back, lost), _pump(there, writer, lost))
        finally:
            self._lost.discard(lost)
            for end in (writer, back):
                end.close()
                with suppress(OSError):
                    await end.wait_closed()


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event
) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            if not lost.is_set():
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def proxy_to(target: int) -> AsyncIterator[Proxy]:
    proxy = Proxy(target)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.end()
        await server.wait_closed()
