"""What errors of a server and of the client package mean here."""

import redis.exceptions as foreign
from hiredis import ReplyError

from featurestore.errors import StoreCorrupt, StoreError, StoreFull, StoreUnavailable

__all__ = ["anew", "code", "translated", "translation"]

# The first word of an error that a server answers with; any other means StoreUnavailable.
CODES: dict[str, tuple[type[StoreError], str]] = {
    "ASK": (StoreUnavailable, "it is a node of a cluster: set cluster = true"),
    "BUSY": (StoreUnavailable, "a script has it"),
    "CLUSTERDOWN": (StoreUnavailable, "the cluster is down"),
    "CROSSSLOT": (StoreUnavailable, "it is a node of a cluster: set cluster = true"),
    "ERR": (StoreUnavailable, "it refuses the command"),
    "EXECABORT": (StoreUnavailable, "it gave the transaction up"),
    "LOADING": (StoreUnavailable, "it reads its data from disk"),
    "MASTERDOWN": (StoreUnavailable, "the replica has lost its primary"),
    "MISCONF": (StoreUnavailable, "it can't write its data to disk"),
    "MOVED": (StoreUnavailable, "it is a node of a cluster: set cluster = true"),
    "NOAUTH": (StoreUnavailable, "it asks for a password: put it into the url"),
    "NOPERM": (StoreUnavailable, "the user's rights do not suffice"),
    "NOPROTO": (StoreUnavailable, "it speaks no protocol that is known here"),
    "NOREPLICAS": (StoreUnavailable, "too few replicas are there to write"),
    "NOSCRIPT": (StoreUnavailable, "the script is not there"),
    "OOM": (StoreFull, "it has reached maxmemory"),
    "READONLY": (StoreUnavailable, "it is a replica, which can't be written"),
    "TRYAGAIN": (StoreUnavailable, "the cluster moves the keys"),
    "UNKILLABLE": (StoreUnavailable, "a script has it"),
    "WRONGPASS": (StoreUnavailable, "the user or the password in the url is wrong"),
    "WRONGTYPE": (StoreCorrupt, "a key of this prefix holds something else than rows"),
}

# Errors of the client package; the first match is it.
TRANSLATIONS: list[tuple[type[Exception], type[StoreError], str]] = [
    (foreign.OutOfMemoryError, StoreFull, "it has reached maxmemory"),
    (foreign.AuthenticationError, StoreUnavailable, "the user or the password is wrong"),
    (foreign.AuthorizationError, StoreUnavailable, "the user's rights do not suffice"),
    (foreign.NoPermissionError, StoreUnavailable, "the user's rights do not suffice"),
    (foreign.BusyLoadingError, StoreUnavailable, "it reads its data from disk"),
    (foreign.ReadOnlyError, StoreUnavailable, "it is a replica, which can't be written"),
    (foreign.MasterDownError, StoreUnavailable, "the replica has lost its primary"),
    (foreign.ClusterDownError, StoreUnavailable, "the cluster is down"),
    (foreign.ClusterCrossSlotError, StoreUnavailable, "set cluster = true"),
    (foreign.AskError, StoreUnavailable, "the cluster moves the keys, or set cluster = true"),
    (foreign.TryAgainError, StoreUnavailable, "the cluster moves the keys"),
    (foreign.RedisClusterException, StoreUnavailable, "no node of the cluster can be asked"),
    (foreign.TimeoutError, StoreUnavailable, "no answer in time"),
    (foreign.ConnectionError, StoreUnavailable, "not connected"),
    (foreign.InvalidResponse, StoreUnavailable, "what came is not the Redis protocol"),
    (foreign.RedisError, StoreUnavailable, "it refuses the command"),
    (OSError, StoreUnavailable, "not connected"),
]


def code(error: ReplyError) -> str:
    """Return the first word of a server's error."""
    return str(error).partition(" ")[0]


def translated(name: str, error: ReplyError) -> StoreError:
    """Make a store's error of what the server `name` answered."""
    kind, text = CODES.get(code(error), (StoreUnavailable, "it answers with an error"))
    return kind(f"{name}: {text} ({error})")


def anew(error: StoreError) -> StoreError:
    """Copy a failure that many wait for, to be raised.

    An exception that is raised again keeps the frames of all times before, with what is in them.
    """
    return type(error)(*error.args)


def translation(name: str, error: Exception) -> StoreError:
    """Make a store's error of what the client package raised."""
    word = code(ReplyError(str(error)))
    kind, text = next(
        (kind, text) for other, kind, text in TRANSLATIONS if isinstance(error, other)
    )
    if isinstance(error, foreign.ResponseError) and word in CODES:
        kind, text = CODES[word]
    return kind(f"{name}: {text} ({error or type(error).__name__})")
