"""Time-ordered unique ids for decisions that come without one."""

import random
import time

__all__ = ["new_decision_id"]

# Seeded by the system in each process. Ids must differ, not be secret: a system call takes longer
# than the rest of an id.
_random = random.Random()  # noqa: S311


def new_decision_id() -> str:
    """Return a UUID of version 7 (RFC 9562), ordered to 0.25 us by its method 3.

    48 bits of milliseconds, 12 bits of the millisecond's fraction, 62 random bits.
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    fraction = (nanoseconds << 12) // 1_000_000
    bits = 0x2 << 62 | _random.getrandbits(62)
    time_part = f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}-7{fraction:03x}"
    return f"{time_part}-{bits >> 48:04x}-{bits & 0xFFFF_FFFF_FFFF:012x}"
