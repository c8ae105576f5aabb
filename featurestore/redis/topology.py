"""The nodes of a cluster, found out and kept up to date."""

import asyncio
import random
import time

import numpy as np
from numpy.typing import NDArray

from featurestore.errors import StoreError, StoreUnavailable
from featurestore.redis.link import Access
from featurestore.redis.node import Node
from featurestore.redis.protocol import LATE, Late, command
from featurestore.redis.servers import outcomes, told
from featurestore.redis.settings import Address
from featurestore.redis.slotmap import NOBODY, SlotMap, is_slot_list

__all__ = ["Topology"]

CLUSTER_SLOTS = command(b"CLUSTER", b"SLOTS")
ASKED_TOGETHER = 3
PAUSE_S = 0.25  # between look-ups of the map while nodes fail


class Topology:
    """The primaries of a cluster and the slots of each."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._map = SlotMap.empty()
        self._nodes: dict[Address, Node] = {}
        self._lookup: asyncio.Task[StoreError | None] | None = None
        self._looked_at = -PAUSE_S
        self._failure: StoreError = StoreUnavailable("no node of the cluster is known")

    @property
    def primaries(self) -> list[Node]:
        """Every node that serves slots."""
        served = np.unique(self._map.owners)
        return [self.node(self._map.addresses[i]) for i in served if i != NOBODY]

    @property
    def covered(self) -> bool:
        """Whether every slot is served."""
        return bool((self._map.owners != NOBODY).all())

    def node(self, address: Address) -> Node:
        """Return the node at an address."""
        node = self._nodes.get(address)
        if node is None:
            count = self._access.settings.connections
            node = self._nodes[address] = Node(address, self._access, count)
        return node

    def owners(self, slots: NDArray[np.uint16]) -> NDArray[np.int64]:
        """Index of the node of each slot, -1 where it has none, as int64[n]."""
        return self._map.owners[slots]

    def nth(self, index: int) -> Node | None:
        """Return the node of an index that `owners` gave."""
        return None if index == NOBODY else self.node(self._map.addresses[index])

    def moved(self, slot: int, address: Address) -> None:
        """Note what a node says about a slot, and look the rest up."""
        if 0 <= slot < len(self._map.owners):
            self._map.owners[slot] = self._map.index(address)
        self.suspect()

    def suspect(self) -> None:
        """Look the map up again, unless that was just done; nobody waits for it."""
        if time.monotonic() >= self._looked_at + PAUSE_S:
            self._ask()

    async def known(self, deadline: float) -> Late | StoreError | None:
        """Wait for the first map; LATE or the failure, perhaps of just now, when there is none."""
        if self._map.addresses:
            return None
        if self._lookup is None and time.monotonic() < self._looked_at + PAUSE_S:
            return self._failure
        task = self._ask()
        await asyncio.wait((task,), timeout=deadline - time.monotonic())
        return task.result() if task.done() else LATE

    async def close(self) -> None:
        """Close every connection."""
        if self._lookup is not None:
            self._lookup.cancel()
            await asyncio.gather(self._lookup, return_exceptions=True)
        for node in self._nodes.values():
            await node.close()

    def _ask(self) -> "asyncio.Task[StoreError | None]":
        if self._lookup is None:
            self._lookup = asyncio.create_task(self._look_up())
        return self._lookup

    async def _look_up(self) -> StoreError | None:
        """Ask nodes, a few together, until one tells; the failure is the answer."""
        try:
            candidates = self._candidates()
            for start in range(0, len(candidates), ASKED_TOGETHER):
                told_ = await self._told(candidates[start : start + ASKED_TOGETHER])
                if isinstance(told_, SlotMap):
                    await self._adopt(told_)
                    return None
                self._failure = told_
            return self._failure
        finally:
            self._looked_at = time.monotonic()
            self._lookup = None

    def _candidates(self) -> list[Address]:
        known = list(self._map.addresses)
        random.shuffle(known)
        seeds = [seed for seed in self._access.settings.addresses if seed not in known]
        return known + seeds

    async def _told(self, candidates: list[Address]) -> SlotMap | StoreError:
        """Ask together; the first map, or the last failure."""
        asked = {asyncio.create_task(self._map_of(address)) for address in candidates}
        failure: StoreError = StoreUnavailable("no node of the cluster was asked")
        try:
            for ended in asyncio.as_completed(asked):
                answer = await ended
                if isinstance(answer, SlotMap):
                    return answer
                failure = answer
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        return failure

    async def _map_of(self, address: Address) -> SlotMap | StoreError:
        known = self._nodes.get(address)
        node = known or Node(address, self._access, 1)
        try:
            deadline = time.monotonic() + 2 * self._access.settings.stall_s
            (answer,) = await outcomes([node.submit(CLUSTER_SLOTS, is_slot_list)], deadline)
            return _read(node, told(node, answer), address)
        finally:
            if known is None:
                await node.close()

    async def _adopt(self, found: SlotMap) -> None:
        self._map = found
        gone = [address for address in self._nodes if address not in found.addresses]
        for address in gone:
            await self._nodes.pop(address).close()


def _read(node: Node, answer: object, address: Address) -> SlotMap | StoreError:
    if isinstance(answer, StoreError):
        return answer
    if not isinstance(answer, list):
        return StoreUnavailable(f"{node.name}: no answer in time")
    try:
        found = SlotMap.read(answer, address)
    except ValueError as error:
        return StoreUnavailable(f"{node.name}: {error}")
    if not found.addresses:
        return StoreUnavailable(f"{node.name}: it knows no node that serves slots")
    return found
