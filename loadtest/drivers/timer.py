"""A timer of the kernel that an event loop waits for, finer than the loop's milliseconds."""

import ctypes
import os
import time

__all__ = ["PeriodicTimer"]

NANOSECONDS = 10**9
ABSOLUTE = 1  # TFD_TIMER_ABSTIME

LIBC = ctypes.CDLL(None, use_errno=True)


class PeriodicTimer:
    """A timerfd: readable each `period` seconds from `begin`, a time of time.perf_counter().

    Its own schedule doesn't drift, and ticks that nobody read in time become one.
    """

    def __init__(self, begin: float, period: float) -> None:
        flags = os.O_NONBLOCK | os.O_CLOEXEC
        self._fd = _checked(LIBC.timerfd_create(time.CLOCK_MONOTONIC, flags))
        fields = [*_split(period), *_split(begin)]
        spec = (ctypes.c_long * len(fields))(*fields)
        _checked(LIBC.timerfd_settime(self._fd, ABSOLUTE, spec, None))

    def fileno(self) -> int:
        """Return what an event loop waits for."""
        return self._fd

    def acknowledge(self) -> None:
        """Make it unreadable until the next tick."""
        os.read(self._fd, 8)

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._fd)


def _split(seconds: float) -> tuple[int, int]:
    return divmod(round(seconds * NANOSECONDS), NANOSECONDS)


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result
