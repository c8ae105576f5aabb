"""Columns of arms for the tests of the device."""

import numpy as np
from numpy.typing import NDArray

import betadist
from bandit.arms import Arms, Eligible

KINDS = ("counts", "near 1", "below 1", "all sizes", "alike")


def columns(kind: str, dtype: str, n: int) -> tuple[NDArray, NDArray, NDArray[np.uint64]]:
    """Return alpha, beta and ascending lanes, some of them twice."""
    rng = np.random.default_rng([n, *kind.encode()])
    lanes = np.sort(rng.integers(0, 2**64, n, dtype=np.uint64))
    lanes[1::7] = lanes[: len(lanes[1::7]) * 7 : 7]
    if kind == "counts":
        trials = rng.integers(10, 5000, n)
        alpha = 1.0 + rng.binomial(trials, rng.beta(2, 30, n))
        beta = 2.0 + trials - alpha
    elif kind == "alike":  # draws of 0 and 1
        alpha, beta = np.full(n, 1e-30), np.full(n, 1e-30)
    else:
        low, high = {"near 1": (0.8, 1.3), "below 1": (1e-3, 0.9), "all sizes": (1e-30, 1e30)}[kind]
        alpha, beta = (np.exp(rng.uniform(np.log(low), np.log(high), n)) for _ in range(2))
    return alpha.astype(dtype), beta.astype(dtype), np.sort(lanes)


def arms_of(kind: str, dtype: str, n: int) -> Arms:
    """Return arms that carry up to three tags."""
    tags = np.random.default_rng(n).integers(0, 8, n).astype(np.uint64)
    return Arms(*columns(kind, dtype, n), tags)


def best(arms: Arms, eligible: Eligible, key: int, k: int) -> tuple[NDArray[np.int64], NDArray]:
    """Return what `top_k` must: a stable sort of all draws, the ineligible left out."""
    able = np.ones(len(arms), np.bool_)
    if eligible.include:
        able &= (arms.tags & np.uint64(eligible.include)) != 0
    if eligible.exclude:
        able &= (arms.tags & np.uint64(eligible.exclude)) == 0
    able[eligible.without] = False
    positions = np.flatnonzero(able)
    draws = betadist.sample(arms.alpha, arms.beta, key, arms.lanes)[positions]
    order = np.argsort(-draws, kind="stable")[:k]
    return positions[order], draws[order]
