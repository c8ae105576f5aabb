"""A TCP proxy that makes faults between a client and a real server."""

import asyncio
import contextlib
import socket
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Coroutine, Sequence
from typing import Any, Self, TypeVar

from tests.featurestore.faults.link import Link
from tests.featurestore.faults.modes import Cut, Mode, Pass, Reset, Strand

__all__ = ["Proxy"]

HOST = "127.0.0.1"
BACKLOG = 1024
CALL_S = 10.0

T = TypeVar("T")


class Proxy:
    """Listens on a port of its own, in a thread of its own, and is closed by its `with` block.

    So it serves tests that block, tests with an event loop, and clients in other processes.

    Parameters
    ----------
    host, port : str and int or None
        The server; without a port, `host` is the path of its Unix socket.

    Attributes
    ----------
    port : int
        Where it listens, on 127.0.0.1; the port stays its own while it is cut.
    opened, open : int
        Connections of clients accepted so far, and those there are now.
    """

    def __init__(self, host: str, port: int | None = None) -> None:
        self.opened = 0
        self._target = host, port
        self._mode: Mode = Pass()
        self._links: dict[asyncio.Task[None], Link] = {}
        self._listener: socket.socket | None = None
        # Bound and never listening: while the proxy is cut nobody else is given the port, and a
        # client that tries to connect can't meet itself there.
        self._holder = _bound(0)
        self.port: int = self._holder.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.set(Pass())
        return self

    def __exit__(self, *_: object) -> None:
        self.set(Cut())
        self._call(_turns())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_S)
        self._loop.close()
        self._holder.close()

    @property
    def open(self) -> int:
        """Connections of clients that there are now."""
        return len(self._links)

    @property
    def closed(self) -> int:
        """Connections of clients that there were."""
        return self.opened - self.open

    @property
    def mode(self) -> Mode:
        """What happens to the bytes now."""
        return self._mode

    def set(self, mode: Mode) -> None:
        """Change the mode, for the connections there are too; done when this returns."""
        self._call(self._set(mode))

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_S)

    async def _set(self, mode: Mode) -> None:
        self._mode = mode
        self._listen(not isinstance(mode, Cut))
        if mode == Reset():
            for link in self._links.values():
                link.reset()
        for link in self._links.values():
            link.strand() if mode == Strand() else link.wake()
        if isinstance(mode, Cut) or mode == Reset():
            await _end(list(self._links))

    def _listen(self, wanted: bool) -> None:
        if wanted and self._listener is None:
            self._listener = _bound(self.port)
            self._listener.listen(BACKLOG)
            self._loop.add_reader(self._listener, self._accept, self._listener)
        elif not wanted and self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            client, _ = listener.accept()
            link = Link(lambda: self._mode, client)
            task = self._loop.create_task(link.run(self._connect))
            self.opened += 1
            self._links[task] = link
            task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._links.pop(task).abort()
        with contextlib.suppress(asyncio.CancelledError):
            task.result()

    async def _connect(self) -> tuple[StreamReader, StreamWriter]:
        host, port = self._target
        if port is None:
            return await asyncio.open_unix_connection(host)
        return await asyncio.open_connection(host, port)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _turns() -> None:
    """Let the loop close what was aborted, which it does in a later turn."""
    for _ in range(3):
        await asyncio.sleep(0)


def _bound(port: int) -> socket.socket:
    own = socket.socket()
    own.setblocking(False)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    own.bind((HOST, port))
    return own
