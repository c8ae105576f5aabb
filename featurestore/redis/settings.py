"""What a user sets about Redis, checked once."""

import ssl
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from redis.connection import parse_url

from featurestore.redaction import without_password
from featurestore.redis.layout import check_prefix

__all__ = ["Address", "Endpoint", "RedisSettings"]

# A host and a port, or the path of a socket and 0.
Address = tuple[str, int]

PORT = 6379
VERIFICATIONS = ("full", "ca", "none")
MOST_CONNECTIONS = 64
URL_FORMS = (
    "like redis://user:password@host:6379/0, rediss:// or unix:///run/redis.sock?db=1, without "
    "other options"
)


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

    def problems(self) -> list[str]:
        """List everything that is wrong, each with the setting's name first; files are read."""
        return [problem for check in CHECKS for problem in check(self)]

    def check(self) -> None:
        """Raise a ValueError that tells all problems, if there are any."""
        if problems := self.problems():
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
        context = _context(self)
        _identify(context, self)
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
        raise ValueError(f"{without_password(seed)!r} must be host:port")
    return host.strip("[]"), int(port)


def _check_url(settings: RedisSettings) -> list[str]:
    try:
        endpoint = settings.endpoint
    except ValueError:  # its text may show a password
        shown = without_password(settings.url)
        return [f"url is {shown!r}, must be {URL_FORMS}"]
    if settings.cluster and (endpoint.database or not endpoint.address[1]):
        return ["cluster is True, must be False: it has database 0 only, and no unix socket"]
    return []


def _check_seeds(settings: RedisSettings) -> list[str]:
    shown = [without_password(seed) for seed in settings.seeds]
    if settings.seeds and not settings.cluster:
        return [f"seeds is {shown}, must be empty: only a cluster has them"]
    try:
        list(map(_address, settings.seeds))
    except ValueError as error:
        return [f"seeds is {shown}, must be servers: {error}"]
    return []


def _check_prefix(settings: RedisSettings) -> list[str]:
    try:
        check_prefix(settings.prefix)
    except ValueError as error:
        return [str(error)]
    return []


def _check_numbers(settings: RedisSettings) -> list[str]:
    problems = []
    if not 1 <= settings.connections <= MOST_CONNECTIONS:
        problems.append(f"connections is {settings.connections}, must be in [1, 64]")
    if not 0 < settings.stall_s < float("inf"):
        problems.append(f"stall_s is {settings.stall_s}, must be finite and > 0")
    return problems


def _check_tls(settings: RedisSettings) -> list[str]:
    problems = []
    if settings.tls_verify not in VERIFICATIONS:
        allowed = ", ".join(VERIFICATIONS)
        problems.append(f"tls_verify is {settings.tls_verify!r}, must be one of {allowed}")
    if settings.tls_key and not settings.tls_cert:
        problems.append(f"tls_key is {settings.tls_key!r}, must be empty without tls_cert")
    if settings.url.startswith("rediss://"):
        return problems + _check_files(settings)
    files = {"tls_ca": settings.tls_ca, "tls_cert": settings.tls_cert}
    return problems + [
        f"{name} is {file!r}, must be empty: the url must start with rediss:// for it"
        for name, file in files.items()
        if file
    ]


def _check_files(settings: RedisSettings) -> list[str]:
    """Read the files of certificates."""
    problems = []
    context = ssl.create_default_context()
    for load in (partial(_context, settings), partial(_identify, context, settings)):
        try:
            load()
        except ValueError as error:
            problems.append(str(error))
    return problems


def _context(settings: RedisSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.tls_ca or None)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"tls_ca is {settings.tls_ca!r}, must be a file of certificates: {error}"
        ) from error


def _identify(context: ssl.SSLContext, settings: RedisSettings) -> None:
    if not settings.tls_cert:
        return
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key or None)
    except (OSError, ValueError) as error:
        key = f" with its key in {settings.tls_key!r}" if settings.tls_key else " and its key"
        raise ValueError(
            f"tls_cert is {settings.tls_cert!r}, must be a file of a certificate{key}: {error}"
        ) from error


CHECKS = (_check_url, _check_seeds, _check_prefix, _check_numbers, _check_tls)
