"""One server, reached over a few connections."""

import asyncio
from collections.abc import Callable
from typing import Any

from featurestore.redis.link import Access, Link, server_name
from featurestore.redis.protocol import Outcome
from featurestore.redis.settings import Address
from featuretable import RowReader

__all__ = ["Node"]


class Node:
    """A server; a request goes over the connection that waits for the fewest answers."""

    def __init__(self, address: Address, access: Access, connections: int) -> None:
        self.address = address
        self.name = server_name(address)
        self._links = [Link(address, access) for _ in range(connections)]

    def submit(
        self,
        request: bytes,
        fits: Callable[[Any], bool],
        count: int | None = None,
        rows: RowReader | None = None,
    ) -> "asyncio.Future[Outcome]":
        """Send a request; see `Link.submit`."""
        return min(self._links, key=_burden).submit(request, fits, count, rows)

    def submit_to_each(
        self, request: bytes, fits: Callable[[Any], bool]
    ) -> "list[asyncio.Future[Outcome]]":
        """Send a request over every connection."""
        return [link.submit(request, fits) for link in self._links]

    async def close(self) -> None:
        """Close every connection."""
        for link in self._links:
            await link.close()


def _burden(link: Link) -> tuple[bool, int]:
    return link.refuses, link.load
