"""A connection that is opened when it is wanted, and opened again when it was lost."""

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hiredis import ReplyError

from featurestore.errors import StoreError, StoreUnavailable
from featurestore.redis.connection import MOST_UNSENT, Connection
from featurestore.redis.protocol import Outcome, Pending, command
from featurestore.redis.settings import Address, RedisSettings
from featurestore.redis.translation import anew, translated
from featuretable import RowReader

__all__ = ["Access", "Link", "is_ok", "server_name"]

CLIENT_NAME = b"bandit-serve"
# After a failed attempt to connect, its reason answers for this long.
PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Access:
    """How every server is entered: the settings and what is made of them once."""

    settings: RedisSettings
    tls: ssl.SSLContext | None

    @property
    def greeting(self) -> list[bytes]:
        """The first commands of every connection."""
        endpoint = self.settings.endpoint
        user = [endpoint.username.encode()] if endpoint.username else []
        commands = []
        if endpoint.password or user:
            commands.append(command(b"AUTH", *user, endpoint.password.encode()))
        if endpoint.database:
            commands.append(command(b"SELECT", b"%d" % endpoint.database))
        return commands


class Link:
    """Requests to one server over one connection.

    A request that comes while there is no connection starts one attempt to make one, and those that
    come meanwhile wait for the same.
    """

    def __init__(self, address: Address, access: Access) -> None:
        self._address = address
        self._access = access
        self._name = server_name(address)
        self._connection: Connection | None = None
        self._attempt: asyncio.Task[None] | None = None
        self._waiting: list[tuple[bytes, Pending]] = []
        self._unsent = 0
        self._failed_at = -PAUSE_S
        self._failure: StoreError = StoreUnavailable(f"{self._name}: not connected")
        self._closed = False

    @property
    def load(self) -> int:
        """How many answers are waited for."""
        return self._connection.owed if self._connection is not None else len(self._waiting)

    @property
    def refuses(self) -> bool:
        """Whether an attempt to connect failed just now."""
        return self._connection is None and time.monotonic() < self._failed_at + PAUSE_S

    def submit(
        self,
        request: bytes,
        fits: Callable[[Any], bool],
        count: int | None = None,
        rows: RowReader | None = None,
    ) -> "asyncio.Future[Outcome]":
        """Send a request; the future never fails, see `Outcome` and `Pending`."""
        pending = Pending(asyncio.get_running_loop().create_future(), fits, count, rows)
        if self._connection is not None:
            self._connection.send(request, pending)
        else:
            self._queue(request, pending)
        return pending.future

    async def close(self) -> None:
        """Close the connection; whoever waits is told."""
        self._closed = True
        self._failure = StoreUnavailable(f"{self._name}: the store is closed")
        if self._attempt is not None:
            self._attempt.cancel()
            await asyncio.gather(self._attempt, return_exceptions=True)
        self._fail_waiting()
        if self._connection is not None:
            self._connection.abort("the store is closed")

    def _queue(self, request: bytes, pending: Pending) -> None:
        if self._closed or self.refuses:
            pending.settle(self._failure)
        elif self._unsent > MOST_UNSENT:
            pending.settle(StoreUnavailable(f"{self._name} takes no more requests"))
        else:
            self._waiting.append((request, pending))
            self._unsent += len(request)
            if self._attempt is None:
                self._attempt = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(self._access.settings.stall_s):
                self._connection = await self._greeted(await self._open())
        except TimeoutError:
            limit = self._access.settings.stall_s
            self._fail(StoreUnavailable(f"{self._name}: no connection within {limit} s"))
        except (OSError, ValueError) as error:  # a name that is none in DNS is a ValueError
            self._fail(StoreUnavailable(f"{self._name}: {error}"))
        except StoreError as error:
            self._fail(error)
        else:
            self._flush(self._connection)
        finally:
            self._attempt = None

    async def _open(self) -> Connection:
        loop, (host, port) = asyncio.get_running_loop(), self._address
        tls = self._access.tls

        def made() -> Connection:
            return Connection(self._name, self._access.settings.stall_s, self._lost)

        if not port:
            return (await loop.create_unix_connection(made, host))[1]
        return (await loop.create_connection(made, host, port, ssl=tls))[1]

    async def _greeted(self, connection: Connection) -> Connection:
        try:
            for request in self._access.greeting:
                answer = await _answer(connection, request)
                if isinstance(answer, ReplyError):
                    raise translated(self._name, answer)
            # A user may lack the right to; the name only helps whoever looks at CLIENT LIST.
            await _answer(connection, command(b"CLIENT", b"SETNAME", CLIENT_NAME))
            # It may have ended by what came together with the last answer.
            if connection.failure is not None:
                raise anew(connection.failure)
        except BaseException:
            connection.abort("not entered")
            raise
        return connection

    def _flush(self, connection: Connection) -> None:
        waiting, self._waiting, self._unsent = self._waiting, [], 0
        for request, pending in waiting:
            if not pending.future.done():
                connection.send(request, pending)

    def _fail(self, failure: StoreError) -> None:
        self._failure = failure
        self._failed_at = time.monotonic()
        self._fail_waiting()

    def _fail_waiting(self) -> None:
        waiting, self._waiting, self._unsent = self._waiting, [], 0
        for _, pending in waiting:
            pending.settle(self._failure)

    def _lost(self, connection: Connection) -> None:
        if connection is self._connection:
            self._connection = None


def server_name(address: Address) -> str:
    """Name a server in an error."""
    host, port = address
    return f"redis {host}:{port}" if port else f"redis {host}"


def is_ok(reply: Any) -> bool:
    """Whether a reply is a plain OK."""
    return bool(reply == b"OK")


async def _answer(connection: Connection, request: bytes) -> Outcome:
    """Ask, and raise when the connection is lost."""
    future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    connection.send(request, Pending(future, is_ok))
    answer = await future
    if isinstance(answer, StoreError):
        raise anew(answer)
    return answer
