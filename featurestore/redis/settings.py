"""What a user sets about Redis, checked once."""

import ssl
from dataclasses import dataclass, field
from typing import Any

from redis.connection import parse_url

from featurestore.redis.layout import check_prefix

__all__ = ["Address", "Endpoint", "RedisSettings"]

# A host and a port, or the path of a socket and 0.
Address = tuple[str, int]

PORT = 6379
VERIFICATIONS = ("full", "ca", "none")
MOST_CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a URL says."""

    address: Address
    tls: bool
    database: int
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """How Redis or Valkey is reached.

    Attributes
    ----------
    url : str
        `redis://`, `rediss://` (TLS) or `unix://`, with user, password and database where there
        are any: `rediss://reader:secret@cache:6380/0`, `unix:///run/redis.sock?db=1`.
    cluster : bool
        The server is one node of a cluster, which tells the others.
    seeds : tuple of str
        `host:port` of more nodes of the cluster to ask for its layout, should the first be down.
    prefix : str
        What every key starts with, without a colon.
    connections : int
        Connections of each process to each node, in [1, 64].
    tls_ca : str
        File of the certificate authorities to trust; the system's when empty.
    tls_cert, tls_key : str
        Files of the client's certificate and its key; none when empty.
    tls_verify : str
        "full", "ca" (the certificate, not the host's name) or "none".
    stall_s : float
        Seconds of silence after which a connection that owes an answer is given up and replaced;
        the most that an attempt to connect takes, too.

    Raises
    ------
    ValueError
        A setting is wrong; the text names all that are.
    """

    url: str = field(default="redis://localhost:6379", repr=False)
    cluster: bool = False
    seeds: tuple[str, ...] = ()
    prefix: str = "bandit"
    connections: int = 2
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    tls_verify: str = "full"
    stall_s: float = 1.0

    def __post_init__(self) -> None:
        problems = [problem for check in CHECKS if (problem := check(self))]
        if problems:
            raise ValueError("; ".join(problems))

    @property
    def endpoint(self) -> Endpoint:
        """The parts of `url`."""
        return _endpoint(self.url)

    @property
    def addresses(self) -> list[Address]:
        """Every server to begin with, that of `url` first."""
        return [self.endpoint.address, *map(_address, self.seeds)]

    def tls(self) -> ssl.SSLContext | None:
        """Make the TLS context, None where the URL asks for none.

        Raises
        ------
        ValueError
            A file can't be read, or holds something else.
        """
        if not self.endpoint.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.tls_ca or None)
            if self.tls_cert:
                context.load_cert_chain(self.tls_cert, self.tls_key or None)
        except OSError as error:
            files = ", ".join(filter(None, (self.tls_ca, self.tls_cert, self.tls_key)))
            raise ValueError(f"tls_ca, tls_cert, tls_key: {error} ({files})") from error
        context.check_hostname = self.tls_verify == "full"
        if self.tls_verify == "none":
            context.verify_mode = ssl.CERT_NONE
        return context


def _endpoint(url: str) -> Endpoint:
    parts: dict[str, Any] = dict(parse_url(url))  # type: ignore[no-untyped-call]
    parts.pop("connection_class", None)
    path = parts.pop("path", None)
    address = (path, 0) if path else (parts.pop("host", "localhost"), parts.pop("port", PORT))
    made = Endpoint(
        address,
        url.startswith("rediss://"),
        parts.pop("db", 0),
        parts.pop("username", "") or "",
        parts.pop("password", "") or "",
    )
    if parts:
        raise ValueError(f"no option of a URL here: {', '.join(sorted(parts))}")
    if url.startswith("unix://") and not path:
        raise ValueError("it names no socket")
    return made


def _address(seed: str) -> Address:
    host, colon, port = seed.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{seed!r} must be host:port")
    return host.strip("[]"), int(port)


def _check_url(settings: RedisSettings) -> str:
    try:
        endpoint = settings.endpoint
    except ValueError as error:
        return f"url: {error}"  # not the URL itself, which may hold a password
    if settings.cluster and (endpoint.database or not endpoint.address[1]):
        return "url: a cluster has database 0 only, and no unix socket"
    return ""


def _check_seeds(settings: RedisSettings) -> str:
    if settings.seeds and not settings.cluster:
        return "seeds: only a cluster has them"
    try:
        list(map(_address, settings.seeds))
    except ValueError as error:
        return f"seeds: {error}"
    return ""


def _check_prefix(settings: RedisSettings) -> str:
    try:
        check_prefix(settings.prefix)
    except ValueError as error:
        return str(error)
    return ""


def _check_numbers(settings: RedisSettings) -> str:
    problems = []
    if not 1 <= settings.connections <= MOST_CONNECTIONS:
        problems.append(f"connections is {settings.connections}, must be in [1, 64]")
    if not 0 < settings.stall_s < float("inf"):
        problems.append(f"stall_s is {settings.stall_s}, must be finite and > 0")
    return "; ".join(problems)


def _check_tls(settings: RedisSettings) -> str:
    problems = []
    if settings.tls_verify not in VERIFICATIONS:
        allowed = ", ".join(VERIFICATIONS)
        problems.append(f"tls_verify is {settings.tls_verify!r}, must be one of {allowed}")
    if settings.tls_key and not settings.tls_cert:
        problems.append("tls_key: is of no use without tls_cert")
    files = settings.tls_ca or settings.tls_cert
    if files and not settings.url.startswith("rediss://"):
        problems.append("tls_ca, tls_cert: the url must start with rediss://")
    return "; ".join(problems)


CHECKS = (_check_url, _check_seeds, _check_prefix, _check_numbers, _check_tls)
