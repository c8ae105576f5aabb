"""The client package as loaders use it: pipelines, to one server or to each node of a cluster."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import redis
import redis.exceptions as foreign
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.retry import Retry

from featurestore.errors import StoreUnavailable
from featurestore.redis.link import CLIENT_NAME, server_name
from featurestore.redis.settings import RedisSettings
from featurestore.redis.translation import translation

__all__ = ["CLOSED", "Call", "Client", "Clients", "connected"]

T = TypeVar("T")
# A command's parts and the key that it is about.
Call = tuple[bytes, Sequence[Any]]
Client = Any

TIMEOUT_S = 10.0
FOLLOW_S = 10.0  # how long calls are sent after keys that are being moved
PAUSE_S = 0.02
VERIFY = {"full": "required", "ca": "required", "none": "none"}


class Clients(Protocol):
    """The servers, as far as loaders need them."""

    def run(self, calls: Sequence[Call]) -> list[Any]:
        """Send calls together, nothing twice; the replies, in order.

        Raises
        ------
        StoreError
            A call failed; others may have been carried out.
        """
        ...

    def each(self, work: Callable[[Client], Iterator[T]]) -> Iterator[T]:
        """Yield what `work` does of every primary."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


class _One:
    def __init__(self, settings: RedisSettings) -> None:
        self._name = server_name(settings.endpoint.address)
        self._client = redis.Redis(db=settings.endpoint.database, **_options(settings))

    def run(self, calls: Sequence[Call]) -> list[Any]:
        with _translated(self._name):
            return _checked(_pipelined(self._client, [parts for _, parts in calls]))

    def each(self, work: Callable[[Client], Iterator[T]]) -> Iterator[T]:
        with _translated(self._name):
            yield from work(self._client)

    def close(self) -> None:
        self._client.close()


class _Many:
    def __init__(self, settings: RedisSettings) -> None:
        options = _options(settings)
        del options["host"], options["port"]
        addresses = settings.addresses
        nodes = [ClusterNode(*address) for address in addresses]  # type: ignore[no-untyped-call]
        self._name = "redis cluster"
        with _translated(self._name):
            self._cluster: Any = RedisCluster(startup_nodes=nodes, **options)

    def run(self, calls: Sequence[Call]) -> list[Any]:
        replies: list[Any] = [None] * len(calls)
        asking: dict[int, ClusterNode] = {}
        left, end = list(range(len(calls))), time.monotonic() + FOLLOW_S
        while left:
            with self._following():
                for node, numbers in self._by_node(calls, left, asking).items():
                    for i, reply in zip(
                        numbers, self._sent(node, calls, numbers, asking), strict=True
                    ):
                        replies[i] = reply
            left = [
                i for i in left if isinstance(replies[i], foreign.AskError | foreign.TryAgainError)
            ]
            asking = self._asked({i: replies[i] for i in left})
            if left and time.monotonic() > end:
                break
            if left:
                time.sleep(PAUSE_S)
        with self._following():
            return _checked(replies)

    def each(self, work: Callable[[Client], Iterator[T]]) -> Iterator[T]:
        with self._following():
            for node in self._cluster.get_primaries():
                yield from work(self._cluster.get_redis_connection(node))

    def close(self) -> None:
        self._cluster.close()

    def _by_node(
        self, calls: Sequence[Call], numbers: list[int], asking: dict[int, Any]
    ) -> dict[Any, list[int]]:
        groups: dict[Any, list[int]] = defaultdict(list)
        for i in numbers:
            node = asking.get(i) or self._cluster.get_node_from_key(calls[i][0])
            if node is None:
                raise StoreUnavailable("redis cluster: no node serves a slot")
            groups[node.name].append(i)
        return {self._cluster.get_node(node_name=name): group for name, group in groups.items()}

    def _sent(
        self, node: Any, calls: Sequence[Call], numbers: list[int], asking: dict[int, Any]
    ) -> list[Any]:
        parts: list[Sequence[Any]] = []
        for i in numbers:
            parts += [("ASKING",)] * (i in asking) + [calls[i][1]]
        replies = iter(_pipelined(self._cluster.get_redis_connection(node), parts))
        return [(next(replies) if i in asking else None, next(replies))[1] for i in numbers]

    def _asked(self, errors: dict[int, Any]) -> dict[int, Any]:
        """Where the slots of calls are being moved to; the map is read anew if some have moved."""
        moving = {i: e for i, e in errors.items() if type(e) is foreign.AskError}
        if len(moving) < len(errors):
            self._read_map()
        nodes = {i: self._cluster.get_node(e.host, e.port) for i, e in moving.items()}
        return {i: node for i, node in nodes.items() if node is not None}

    def _read_map(self) -> None:
        with _translated(self._name):
            self._cluster.nodes_manager.initialize()

    @contextmanager
    def _following(self) -> Iterator[None]:
        """Translate; after a failed connection other nodes may serve its slots the next time."""
        try:
            with _translated(self._name):
                yield
        except StoreUnavailable:
            with _ignored():
                self._cluster.nodes_manager.initialize()
            raise


class _Closed:
    def run(self, calls: Sequence[Call]) -> list[Any]:
        raise StoreUnavailable("redis: closed")

    def each(self, work: Callable[[Client], Iterator[T]]) -> Iterator[T]:
        raise StoreUnavailable("redis: closed")

    def close(self) -> None:
        pass


CLOSED: Clients = _Closed()


def connected(settings: RedisSettings) -> Clients:
    """Make the clients; a cluster is asked for its nodes."""
    return _Many(settings) if settings.cluster else _One(settings)


def _options(settings: RedisSettings) -> dict[str, Any]:
    endpoint = settings.endpoint
    host, port = endpoint.address
    options: dict[str, Any] = {
        "host": host,
        "port": port,
        "username": endpoint.username or None,
        "password": endpoint.password or None,
        "client_name": CLIENT_NAME.decode(),
        "protocol": 2,
        "socket_timeout": TIMEOUT_S,
        "socket_connect_timeout": TIMEOUT_S,
        # An increment that was sent twice would count twice.
        "retry": Retry(NoBackoff(), 0),
    }
    if not port:
        options["unix_socket_path"] = host
    if endpoint.tls:
        options |= {
            "ssl": True,
            "ssl_ca_certs": settings.tls_ca or None,
            "ssl_certfile": settings.tls_cert or None,
            "ssl_keyfile": settings.tls_key or None,
            "ssl_cert_reqs": VERIFY[settings.tls_verify],
            "ssl_check_hostname": settings.tls_verify == "full",
        }
    return options


def _pipelined(client: Client, calls: Sequence[Sequence[Any]]) -> list[Any]:
    with client.pipeline(transaction=False) as pipe:
        for parts in calls:
            pipe.execute_command(*parts)
        replies: list[Any] = pipe.execute(raise_on_error=False)
    return replies


def _checked(replies: list[Any]) -> list[Any]:
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except (foreign.RedisError, foreign.RedisClusterException, OSError) as error:
        raise translation(name, error) from error


@contextmanager
def _ignored() -> Iterator[None]:
    try:
        yield
    except (foreign.RedisError, foreign.RedisClusterException, OSError):
        return
