"""Pairs of shapes that the sampler's distribution is tested on: all its paths, 1e-3 to 1e9."""

from math import nextafter

from tests.ext.betadist.cells import Pair

EQUAL = [(s, s) for s in (1e-3, 0.01, 0.1, 0.5, 1.0, 2.0, 10.0, 1e3)]
BELOW_1 = [(0.01, 0.02), (0.1, 0.9), (0.9, 0.2), (0.6, 1e-3)]
ONE_BELOW_1 = [(1e-3, 1.0), (1.0, 1e-3), (1e-3, 1e3), (0.05, 5.0), (5.0, 0.05), (0.3, 2.0)]
ONE_BELOW_1 += [(2.0, 0.3), (0.08, 40.0)]
AROUND_1 = [(0.999, 1.001), (1.0, 2.0), (1.2, 1.0), (1.0, 40.0), (40.0, 1.0)]
COUNTS = [(2.0, 31.0), (11.0, 1.0), (31.0, 971.0), (301.0, 9001.0), (1.0, 5001.0)]
UNEQUAL = [(3.0, 1.5), (1e3, 1.0), (2.0, 1e4), (1e5, 3e5), (1e6, 1e6), (2.0, 1e9)]
# float32 has too few values near 1 for some of these, too few near the mean for others
WIDE = [(1e9, 1e9), (1e9, 3e7), (1.0, 1e9), (1e3, 1e9), (0.5, 1e9), (1e-3, 1e9), (1e9, 0.1)]
WIDE += [(5001.0, 1.0), (1e4, 0.5), (1e9, 1.0)]

ANY = EQUAL + BELOW_1 + ONE_BELOW_1 + AROUND_1 + COUNTS + UNEQUAL
EDGES = {"float64": (nextafter(1, 0), nextafter(1, 2)), "float32": (1 - 2.0**-24, 1 + 2.0**-23)}

PAIRS = [
    Pair.of(dtype, *shapes)
    for dtype, more in (("float64", WIDE), ("float32", []))
    for shapes in [*ANY, EDGES[dtype], EDGES[dtype][::-1], *more]
]
