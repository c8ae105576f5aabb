"""What goes wrong with a device."""

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["GpuUnavailable", "translated"]

OUT_OF_MEMORY = 2  # CUDA_ERROR_OUT_OF_MEMORY


class GpuUnavailable(Exception):
    """The device can't do it; the processor can.

    Attributes
    ----------
    lasting : bool
        False where the next call may succeed, as memory was short.
    """

    def __init__(self, reason: str, *, lasting: bool = True) -> None:
        super().__init__(reason)
        self.lasting = lasting


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raise whatever fails inside, whichever library's error it is, as `GpuUnavailable`."""
    try:
        yield
    except GpuUnavailable:
        raise
    except Exception as error:
        short = isinstance(error, MemoryError) or getattr(error, "code", None) == OUT_OF_MEMORY
        reason = f"{doing}: {type(error).__name__}: {' '.join(str(error).split())}"
        raise GpuUnavailable(reason, lasting=not short) from error
