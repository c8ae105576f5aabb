from collections.abc import Coroutine
from typing import Any, Literal, TypeVar

T = TypeVar("T")

def read_request(
    data: bytes, kept: tuple[bytes, ...]
) -> tuple[bytes, dict[bytes, bytes], bytes, int] | None: ...
def answer(
    begin: bytes, headers: list[tuple[bytes, bytes]], body: bytes, alone: bool = False
) -> bytes: ...
def server_timing(durations: list[tuple[str, float]]) -> bytes: ...
def begin(
    coroutine: Coroutine[Any, Any, T],
) -> tuple[Literal[True], T] | tuple[Literal[False], Any]: ...
