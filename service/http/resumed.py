"""Going on with a coroutine that was begun outside a task."""

from collections.abc import Coroutine, Generator
from functools import partial
from types import coroutine
from typing import Any, TypeVar

__all__ = ["resumed"]

T = TypeVar("T")


@coroutine
def resumed(begun: Coroutine[Any, Any, T], waited: object) -> Generator[Any, Any, T]:
    """Return what the coroutine returns, which waits for `waited`; to be awaited by a task."""
    while True:
        try:
            yield waited
            step = partial(begun.send, None)
        except BaseException as error:
            step = partial(begun.throw, error)
        try:
            waited = step()
        except StopIteration as done:
            result: T = done.value
            return result
