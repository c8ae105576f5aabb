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
    digits = f"{milliseconds << 80 | 0x7 << 76 | fraction << 64 | bits:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
