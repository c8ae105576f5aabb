"""Which node of a cluster serves which slot."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from hiredis import ReplyError
from numpy.typing import NDArray

from featurestore.redis.settings import Address

__all__ = ["SLOTS", "Redirect", "SlotMap", "is_slot_list", "redirect"]

SLOTS = 16384
NOBODY = -1


@dataclass(slots=True)
class SlotMap:
    """Primaries of a cluster, and for every slot the index of its own, int64[16384], or -1."""

    addresses: list[Address]
    owners: NDArray[np.int64]

    @classmethod
    def empty(cls) -> "SlotMap":
        """Make the map of no nodes."""
        return cls([], np.full(SLOTS, NOBODY, np.int64))

    @classmethod
    def read(cls, listed: list[Any], told_by: Address) -> "SlotMap":
        """Make the map of an answer to CLUSTER SLOTS.

        Raises
        ------
        ValueError
            The answer has another form.
        """
        found = cls.empty()
        try:
            for first, last, (host, port, *_), *_ in listed:
                owner = found.index((_host((host or b"").decode(), told_by), port))
                found.owners[first : last + 1] = owner
        except (TypeError, ValueError, AttributeError) as error:
            raise ValueError("CLUSTER SLOTS was answered in another form") from error
        return found

    def index(self, address: Address) -> int:
        """Index of an address, made if it is new."""
        if address not in self.addresses:
            self.addresses.append(address)
        return self.addresses.index(address)


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where a node says that a key lies; `asking` while its slot is being moved there."""

    slot: int
    address: Address
    asking: bool


def redirect(error: ReplyError, told_by: Address) -> Redirect | None:
    """Read a redirection; None when it is another error, or names nobody."""
    kind, _, where = str(error).partition(" ")
    slot, _, address = where.partition(" ")
    host, _, port = address.rpartition(":")
    if kind not in ("MOVED", "ASK") or not (slot.isdigit() and port.isdigit()):
        return None
    return Redirect(int(slot), (_host(host.strip("[]"), told_by), int(port)), kind == "ASK")


def is_slot_list(reply: Any) -> bool:
    """Whether a reply is a list of slots."""
    return isinstance(reply, list) and all(isinstance(item, list) for item in reply)


def _host(name: str, told_by: Address) -> str:
    """Return a node's host; one that does not know its name means the one it was reached by."""
    return name if name not in ("", "?") else told_by[0]
