"""A cluster: every key is asked of the node that serves its slot."""

import asyncio
import itertools
from collections import defaultdict
from typing import Any

import numpy as np
from hiredis import ReplyError
from numpy.typing import NDArray

from featurestore.errors import StoreError, StoreUnavailable
from featurestore.redis.link import Access
from featurestore.redis.node import Node
from featurestore.redis.protocol import LATE, Outcome, command, head
from featurestore.redis.servers import Part, is_value, outcomes, proven
from featurestore.redis.settings import Address
from featurestore.redis.slotmap import Redirect, redirect
from featurestore.redis.topology import Topology
from featurestore.redis.translation import anew, code, translated
from idcolumn import IdColumn

__all__ = ["Cluster"]

# Keys of different slots can't share an MGET.
GET = head(2) + b"$3\r\nGET\r\n"
ASKING = command(b"ASKING")
CLUSTER_INFO = command(b"CLUSTER", b"INFO")
NO_NODE = StoreUnavailable("no node of the cluster serves the slot")

# Rows, their node, and the answer that it owes; None where no node serves them.
Asked = tuple[NDArray[np.intp], Node | None, "asyncio.Future[Outcome] | None"]
# Where keys have moved, and whether they are still moving: their rows.
Routes = dict[tuple[Address, bool], list[int]]


class Cluster:
    """The servers of a store where keys are spread over several.

    What a node says of keys that have moved is believed once; what moves again meanwhile is lost.
    """

    def __init__(self, access: Access) -> None:
        self._topology = Topology(access)

    async def read(
        self, prefix: bytes, ids: IdColumn, features: int, deadline: float
    ) -> list[Part]:
        """See `Servers.read`."""
        unknown = await self._topology.known(deadline)
        if unknown is not None:
            return [Part(None, unknown)]
        asked = self._ask(prefix, ids)
        parts = await self._answers(asked, deadline)
        if all(type(part.outcome) is list and _clean(part.outcome) for part in parts):
            return parts
        nodes = [node for _, node, _ in asked]
        return await self._followed(parts, nodes, prefix, ids, deadline)

    async def field(self, key: bytes, name: bytes, deadline: float) -> Outcome:
        """See `Servers.field`."""
        unknown = await self._topology.known(deadline)
        if unknown is not None:
            return unknown
        slots = IdColumn.from_list([""]).key_slots(key)
        node = self._topology.nth(int(self._topology.owners(slots)[0]))
        if node is None:
            return NO_NODE
        outcome = await self._field_of(node, False, key, name, deadline)
        to = redirect(outcome, node.address) if isinstance(outcome, ReplyError) else None
        if to is not None:
            self._note(to)
            node = self._topology.node(to.address)
            outcome = await self._field_of(node, to.asking, key, name, deadline)
        if isinstance(outcome, StoreError):
            self._topology.suspect()
        return _refusal(node, outcome) if isinstance(outcome, ReplyError) else outcome

    async def check(self, deadline: float) -> None:
        """See `Servers.check`; each primary must find the whole cluster well."""
        unknown = await self._topology.known(deadline)
        if isinstance(unknown, StoreError):
            raise anew(unknown)
        primaries = self._topology.primaries
        asked = [node.submit_to_each(CLUSTER_INFO, _is_info) for node in primaries]
        answers = await outcomes(list(itertools.chain.from_iterable(asked)), deadline)
        try:
            _all_well(primaries, answers)
        except StoreError:
            self._topology.suspect()
            raise
        if not self._topology.covered:
            self._topology.suspect()
            raise anew(NO_NODE)

    async def close(self) -> None:
        """See `Servers.close`."""
        await self._topology.close()

    def _ask(self, prefix: bytes, ids: IdColumn) -> "list[Asked]":
        """Send one write to every node that has some of the ids."""
        owners = self._topology.owners(ids.key_slots(prefix))
        asked: list[Asked] = []
        for owner in np.unique(owners):
            rows = np.flatnonzero(owners == owner)
            node = self._topology.nth(int(owner))
            request = ids.take(rows).to_resp(prefix, GET)
            future = None if node is None else node.submit(request, is_value, len(rows))
            asked.append((rows, node, future))
        return asked

    async def _answers(self, asked: "list[Asked]", deadline: float) -> list[Part]:
        came = await outcomes([future for *_, future in asked if future is not None], deadline)
        told = iter(came)
        return [Part(rows, NO_NODE if future is None else next(told)) for rows, _, future in asked]

    async def _followed(
        self,
        parts: list[Part],
        nodes: list[Node | None],
        prefix: bytes,
        ids: IdColumn,
        deadline: float,
    ) -> list[Part]:
        """Ask again, elsewhere, for what has moved."""
        settled: list[Part] = []
        routes: Routes = defaultdict(list)
        for part, node_ in zip(parts, nodes, strict=True):
            settled += self._sorted_out(part, node_, routes)
        asked = []
        for (address, asking), rows in routes.items():
            node, where = self._topology.node(address), np.array(rows, np.int64)
            start = ASKING + GET if asking else GET
            request = ids.take(where).to_resp(prefix, start)
            count = len(rows) * (1 + asking)
            fits = _is_value_or_ok if asking else is_value
            asked.append((where, node, asking, node.submit(request, fits, count)))
        came = await outcomes([future for *_, future in asked], deadline)
        for (where, node, asking, _), outcome in zip(asked, came, strict=True):
            values = outcome[1::2] if asking and isinstance(outcome, list) else outcome
            settled += self._sorted_out(Part(where, values), node, None)
        return settled

    def _sorted_out(self, part: Part, node: Node | None, routes: Routes | None) -> list[Part]:
        """Split off the rows of which a node answered with an error; `routes` get the moved."""
        if node is None or not isinstance(part.outcome, list):
            if part.outcome is not LATE:
                self._topology.suspect()
            return [part]
        if _clean(part.outcome):
            return [part]
        rows: Any = part.rows
        failed, good = [], []
        for position, reply in enumerate(part.outcome):
            if not isinstance(reply, ReplyError):
                good.append(position)
                continue
            to = redirect(reply, node.address)
            if to is not None:
                self._note(to)
            if to is not None and routes is not None:
                routes[to.address, to.asking].append(int(rows[position]))
            else:
                failed.append((position, _refusal(node, reply)))
        kept = [Part(rows[good], [part.outcome[i] for i in good])] if good else []
        return kept + [Part(rows[i : i + 1], error) for i, error in failed]

    def _note(self, to: Redirect) -> None:
        if not to.asking:
            self._topology.moved(to.slot, to.address)

    async def _field_of(
        self, node: Node, asking: bool, key: bytes, name: bytes, deadline: float
    ) -> Outcome:
        request = (ASKING if asking else b"") + command(b"HGET", key, name)
        future = node.submit(request, _is_value_or_ok, 1 + asking)
        (outcome,) = await outcomes([future], deadline)
        return outcome[-1] if isinstance(outcome, list) else outcome


def _refusal(node: Node, error: ReplyError) -> StoreError:
    """Translate an error that is final; a key that moves again has been followed once."""
    if code(error) in ("MOVED", "ASK"):
        return StoreUnavailable(f"{node.name}: the cluster moves the key again ({error})")
    return translated(node.name, error)


def _clean(replies: list[Any]) -> bool:
    return ReplyError not in set(map(type, replies))


def _is_value_or_ok(reply: Any) -> bool:
    return is_value(reply)  # OK is bytes as well


def _is_info(reply: Any) -> bool:
    return isinstance(reply, bytes)


def _all_well(primaries: list[Node], answers: list[Outcome]) -> None:
    """Raise unless of each node one connection says that the cluster is well."""
    each = len(answers) // max(1, len(primaries))
    for i, node in enumerate(primaries):
        mine = answers[i * each : (i + 1) * each]
        proven(node, mine)
        if not any(isinstance(said, bytes) and b"cluster_state:ok" in said for said in mine):
            raise StoreUnavailable(f"{node.name}: it finds the cluster down")
