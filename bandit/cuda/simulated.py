"""What the simulator computes with: Python's floats, rounded to float32 where they stand for one.

The simulator's own fma rounds twice, and NumPy's scalars warn of overflow. A double's sum,
product, quotient or root, rounded again to float32, is as if rounded once: 53 >= 2 * 24 + 2.
"""

import ctypes
import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from bandit.cuda.formats import Format

__all__ = ["simulated_arithmetic"]


def _c_fma(single: bool) -> Callable[[float, float, float], float]:
    """Return the C library's fma, which rounds once wherever it runs."""
    kind = ctypes.c_float if single else ctypes.c_double
    function = ctypes.CDLL("libm.so.6")["fmaf" if single else "fma"]
    function.argtypes, function.restype = [kind] * 3, kind
    made: Callable[[float, float, float], float] = function
    return made


def _single(x: float) -> float:
    return ctypes.c_float(x).value


def simulated_arithmetic(form: Format) -> dict[str, Callable[..., Any]]:
    """Return the functions of an `Arithmetic` for one thread of the simulator."""
    single = form.mantissa == 23
    to_real = _single if single else float
    real, bits = ("<f", "<I") if single else ("<d", "<Q")
    return {
        "add": lambda a, b: to_real(float(a) + float(b)),
        "sub": lambda a, b: to_real(float(a) - float(b)),
        "mul": lambda a, b: to_real(float(a) * float(b)),
        "div": lambda a, b: to_real(float(a) / float(b)),
        "sqrt": lambda a: to_real(math.sqrt(a)),
        "fma": _c_fma(single),
        "bits": lambda a: form.bits(struct.unpack(bits, struct.pack(real, a))[0]),
        "real": lambda a: struct.unpack(real, struct.pack(bits, a))[0],
        "from_unsigned": lambda a: to_real(int(a)),
        "from_signed": lambda a: to_real(int(np.int32(a))),
    }
