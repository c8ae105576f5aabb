"""What the emulated services have in common."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc
import grpc.aio

from featurestore.vertex.conduct import Conduct
from featurestore.vertex.tablefile import Table, Value

__all__ = ["Service", "Traffic", "fill"]


class Traffic:
    """Calls that came in, and those under way."""

    def __init__(self) -> None:
        self.calls = 0
        self.in_flight = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count a call for as long as the block runs."""
        self.calls += 1
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1


class Service:
    """Tables behind some methods."""

    def __init__(self, tables: Mapping[str, Table], conduct: Conduct) -> None:
        self.tables = tables
        self.conduct = conduct
        self.traffic = Traffic()

    async def suffer(self, context: "grpc.aio.ServicerContext[Any, Any]") -> None:
        """Wait, and fail perhaps, as the conduct says."""
        await asyncio.sleep(self.conduct.delay_s())
        if self.conduct.fails():
            code = grpc.StatusCode[self.conduct.error_code]
            await context.abort(code, "an error made by the emulator")

    async def table(
        self, path: str, pattern: re.Pattern[str], context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> Table:
        """Find the table that a resource's path names."""
        match = pattern.fullmatch(path)
        if match is not None and match[1] in self.tables:
            return self.tables[match[1]]
        if match is None:
            text = f"{path!r} is not the name of such a resource."
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, text)
        await context.abort(grpc.StatusCode.NOT_FOUND, f"`{path}` does not exist.")
        raise AssertionError("an aborted call goes no further")


def fill(target: Any, value: Value) -> None:
    """Write a value into a FeatureValue message; None leaves it without one."""
    match value:
        case None:
            pass
        case bool():
            target.bool_value = value
        case int():
            target.int64_value = value
        case float():
            target.double_value = value
        case str():
            target.string_value = value
