"""Connections to the service: opened on first use, shared evenly, replaced when one goes silent."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, NamedTuple

import google.auth
import google.auth.exceptions
import grpc
import grpc.aio
from google.api_core import grpc_helpers_async
from google.protobuf.message import DecodeError

from featurestore.vertex.failures import CallFailed
from featurestore.vertex.settings import VertexSettings

__all__ = ["Connections", "Method"]

CLOSED = "the store was closed"
HOST = "aiplatform.googleapis.com"  # in whose name service accounts sign their own tokens
# Servers allow 100; of what waits for one of them to end, gRPC loses some as CANCELLED.
CALLS_PER_CONNECTION = 90
SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)

# An attempt to connect is given up after 1 s and the next begins within 0.5 s, so that a connection
# is there within 2 s of a fault's end; the library's own figures are 20 s and 120 s. A ping every
# 30 s while calls are under way is what servers put up with; without its answer in 2 s, or with
# bytes unacknowledged for as long (TCP_USER_TIMEOUT), the connection is dropped.
OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 2_000),
    ("grpc.use_local_subchannel_pool", 1),  # else channels of one target share a connection
    ("grpc.enable_retries", 0),
    ("grpc.max_receive_message_length", -1),
)


class Method(NamedTuple):
    """A method of a service, as `/package.Service/Method`, and whether it answers by a stream."""

    path: str
    streams: bool


class Lane:
    """One connection and what is under way on it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        self.in_flight = 0
        self._stubs: dict[Method, Any] = {}
        self._silent_since = 0.0

    def begin(self) -> None:
        """Count a call that is sent now."""
        self.in_flight += 1
        self._silent_since = self._silent_since or time.monotonic()

    def heard(self) -> None:
        """Note that the service said something."""
        self._silent_since = 0.0

    def stalled(self, after_s: float) -> bool:
        """Whether it is connected and yet a call was answered by nothing for so long."""
        if not self._silent_since or time.monotonic() - self._silent_since < after_s:
            return False
        return bool(self.channel.get_state() is grpc.ChannelConnectivity.READY)

    def start(self, method: Method, request: bytes, **options: Any) -> Any:
        """Begin a call of a method, bytes out and bytes back."""
        stub = self._stubs.get(method)
        if stub is None:
            # One request on a two-way stream is on the wire what it is to a one-way stream.
            make = self.channel.unary_stream if method.streams else self.channel.unary_unary
            stub = self._stubs[method] = make(method.path)
        return stub(request, **options)


class Connections:
    """Calls of the service, spread over some connections of the running loop.

    May be made outside of a loop; connects when it is first used.
    """

    def __init__(self, settings: VertexSettings) -> None:
        self._settings = settings
        self._room = asyncio.Semaphore(CALLS_PER_CONNECTION * settings.channels)
        self._lanes: list[Lane] = []
        self._retired: set[Lane] = set()
        self._next = count()
        self._credentials: asyncio.Future[Any] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    async def call(
        self,
        method: Method,
        request: bytes,
        route: tuple[str, str],
        deadline: float,
        take: Callable[[bytes], None],
    ) -> None:
        """Send one message and hand every message of the answer to `take`.

        Parameters
        ----------
        method : Method
        request : bytes
            Serialised message.
        route : pair of str
            Metadata by which the service finds who answers.
        deadline : float
            Instant of `time.monotonic()`.
        take : function of bytes
            May raise `DecodeError`.

        Raises
        ------
        CallFailed
            The status was not OK, or `take` can't read the answer.
        """
        await self._turn(deadline)
        try:
            await self._call(method, request, route, deadline, take)
        finally:
            self._room.release()

    async def _call(
        self,
        method: Method,
        request: bytes,
        route: tuple[str, str],
        deadline: float,
        take: Callable[[bytes], None],
    ) -> None:
        lane = await self._lane(deadline)
        timeout = max(0.0, deadline - time.monotonic())
        lane.begin()
        call = lane.start(method, request, timeout=timeout, metadata=(route,))
        try:
            if method.streams:
                while (message := await call.read()) is not grpc.aio.EOF:
                    lane.heard()
                    take(message)
            else:
                message = await call
                lane.heard()
                take(message)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED:
                lane.heard()
            raise CallFailed(error.code(), error.details() or "no details") from error
        except DecodeError as error:
            text = f"{self._settings.target} answers, but not as Vertex AI does: {error}"
            raise CallFailed(grpc.StatusCode.DATA_LOSS, text) from error
        except asyncio.CancelledError:
            if _cancelled():
                raise
            # The channel was closed under the call.
            raise CallFailed(grpc.StatusCode.CANCELLED, CLOSED) from None
        finally:
            call.cancel()
            lane.in_flight -= 1
            self._leave(lane)

    async def close(self) -> None:
        """End all calls and connections; a second close does nothing."""
        self._closed = True
        lanes, self._lanes, self._retired = {*self._lanes, *self._retired}, [], set()
        if self._credentials is not None:
            self._credentials.cancel()
        await asyncio.gather(*(lane.channel.close() for lane in lanes), *self._closing)

    async def _turn(self, deadline: float) -> None:
        """Wait until a connection has room for a call."""
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                await self._room.acquire()
        except TimeoutError:
            crowded = f"{self._settings.channels} connections are busy"
            raise CallFailed(grpc.StatusCode.DEADLINE_EXCEEDED, crowded) from None

    async def _lane(self, deadline: float) -> Lane:
        if not (self._lanes or self._closed):
            credentials = None if self._settings.plaintext else await self._account(deadline)
            # Another call, or a close, may have been first while this one waited.
            if not (self._lanes or self._closed):
                self._lanes = [self._open(credentials) for _ in range(self._settings.channels)]
        if self._closed:
            raise CallFailed(grpc.StatusCode.CANCELLED, CLOSED)
        return self._fit(min(self._turned(), key=lambda lane: lane.in_flight))

    def _turned(self) -> list[Lane]:
        """All lanes, from another one each time."""
        first = next(self._next) % len(self._lanes)
        return self._lanes[first:] + self._lanes[:first]

    def _fit(self, lane: Lane) -> Lane:
        """Return the lane, or a fresh one in its place when nothing comes over it any more.

        A connection whose packets are dropped would only notice after the fault's end, by a
        retransmission that backs off to minutes. A service that is slow costs one connection for
        each `stall_s` at most.
        """
        if not lane.stalled(self._settings.stall_s):
            return lane
        credentials = self._credentials.result()[0] if self._credentials else None
        fresh = self._lanes[self._lanes.index(lane)] = self._open(credentials)
        self._retired.add(lane)
        self._leave(lane)
        return fresh

    def _open(self, credentials: Any) -> Lane:
        target = self._settings.target
        if self._settings.plaintext:
            return Lane(grpc.aio.insecure_channel(target, options=OPTIONS))
        channel = grpc_helpers_async.create_channel(
            target,
            credentials=credentials,
            default_scopes=SCOPES,
            default_host=HOST,
            options=OPTIONS,
        )
        return Lane(channel)

    async def _account(self, deadline: float) -> Any:
        """Google's default credentials, looked for in a thread: it may ask a metadata server."""
        if self._credentials is None:
            self._credentials = asyncio.ensure_future(
                asyncio.to_thread(google.auth.default, default_scopes=SCOPES)
            )
        waited = self._credentials
        await asyncio.wait({waited}, timeout=max(0.0, deadline - time.monotonic()))
        if not waited.done():
            raise CallFailed(grpc.StatusCode.DEADLINE_EXCEEDED, "still looking for credentials")
        if waited.cancelled():
            raise CallFailed(grpc.StatusCode.CANCELLED, CLOSED)
        try:
            credentials, _ = waited.result()
        except (google.auth.exceptions.GoogleAuthError, OSError) as error:
            if self._credentials is waited:
                self._credentials = None
            raise CallFailed(grpc.StatusCode.UNAUTHENTICATED, str(error)) from error
        return credentials

    def _leave(self, lane: Lane) -> None:
        """Close a lane that has been replaced when its last call has ended."""
        if lane in self._retired and not lane.in_flight:
            self._retired.discard(lane)
            task = asyncio.get_running_loop().create_task(_close(lane.channel))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


def _cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _close(channel: grpc.aio.Channel) -> None:
    with suppress(grpc.aio.UsageError):
        await channel.close()
