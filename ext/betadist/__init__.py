"""Batched, keyed draws from Beta distributions."""

from betadist._core import STREAM_VERSION, sample, sample_top_k, simd_level

__all__ = ["STREAM_VERSION", "sample", "sample_top_k", "simd_level"]
