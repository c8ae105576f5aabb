"""Batched, keyed draws from Beta distributions."""

from betadist._core import (
    STREAM_VERSION,
    cpu_quota,
    kernels,
    part,
    rank,
    sample,
    sample_top_k,
    simd_level,
)
from betadist.golden import self_test

__all__ = [
    "STREAM_VERSION",
    "cpu_quota",
    "kernels",
    "part",
    "rank",
    "sample",
    "sample_top_k",
    "self_test",
    "simd_level",
]
