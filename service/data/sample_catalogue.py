"""A made-up catalogue of arms that behaves like a real one, for demonstrations and load tests."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["KINDS", "Catalogue", "generate"]

# Kinds of content and their shares: one kind dominates, as on most sites, and the rarest still has
# some thousand arms among 100,000.
KINDS = {"video": 0.45, "article": 0.30, "product": 0.15, "podcast": 0.07, "playlist": 0.03}

# A third of the arms is new or was never given a chance: 0 to 10 impressions, each as likely. These
# are the arms that exploration is for.
COLD_SHARE = 0.35
COLD_IMPRESSIONS = 10

# The others are lognormal, as popularity that multiplies is: a median of 400 impressions; the
# spread puts a few arms of 100,000 beyond a million.
WARM_MEDIAN = 400.0
WARM_SIGMA = 2.2

# Click rates of 6 % on average, from nearly none to a fifth: what recommended content gets.
RATE_ALPHA, RATE_BETA = 2.0, 30.0


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Arms with the outcomes of their trials.

    Attributes
    ----------
    ids
        n different ids such as `video-000123`, numbered within their kind.
    successes, trials
        int64[n], clicks and impressions; 0 <= successes <= trials.
    """

    ids: list[str]
    successes: NDArray[np.int64]
    trials: NDArray[np.int64]


def generate(rows: int, seed: int) -> Catalogue:
    """Draw a catalogue of `rows` arms.

    Impressions are uniform on 0..10 for 35 % of the arms and lognormal (median 400, sigma 2.2) for
    the rest; the rate of an arm is Beta(2, 30) and independent of its impressions; clicks are
    binomial. The same `rows` and `seed` give the same catalogue with the same version of NumPy.

    Raises
    ------
    ValueError
        When `rows` or `seed` is negative.
    """
    for name, value in (("rows", rows), ("seed", seed)):
        if value < 0:
            raise ValueError(f"{name} is {value}, must be >= 0")
    random = np.random.default_rng(seed)
    kinds = random.choice(len(KINDS), size=rows, p=list(KINDS.values()))
    trials = _impressions(random, rows)
    rates = random.beta(RATE_ALPHA, RATE_BETA, rows)
    return Catalogue(_ids(kinds), random.binomial(trials, rates), trials)


def _impressions(random: np.random.Generator, rows: int) -> NDArray[np.int64]:
    cold = random.random(rows) < COLD_SHARE
    few = random.integers(0, COLD_IMPRESSIONS, rows, endpoint=True)
    many = random.lognormal(np.log(WARM_MEDIAN), WARM_SIGMA, rows).astype(np.int64)
    return np.where(cold, few, many)


def _ids(kinds: NDArray[np.int64]) -> list[str]:
    numbers = np.zeros(len(kinds), np.int64)
    for kind in range(len(KINDS)):
        members = np.flatnonzero(kinds == kind)
        numbers[members] = np.arange(len(members))
    names = list(KINDS)
    pairs = zip(kinds.tolist(), numbers.tolist(), strict=True)
    return [f"{names[kind]}-{number:06d}" for kind, number in pairs]
