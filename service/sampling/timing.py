"""Times the same draws by several samplers, alternately."""

from collections.abc import Callable, Iterator

import numpy as np

from bandit.arms import Arms, Eligible
from bandit.crossovers import Draw
from bandit.sampler import Sampler

__all__ = ["Clock", "Timing", "Unsteady"]

Clock = Callable[[], float]

BEST = 100
PATTERN = 1 << 12
REPEATS = (3, 7)
ENOUGH_S = 0.004


class Unsteady(Exception):
    """Something else runs on the machine: nothing can be told from the times."""


class Timing:
    """Draws from arms like those of a catalogue: some thousand impressions, a rate of some percent.

    Parameters
    ----------
    clock : function
        Returns seconds.
    end : float
        When the time is up, by that clock.
    """

    def __init__(self, clock: Clock, end: float) -> None:
        self._clock = clock
        self._end = end

    def fastest(self, draw: Draw, size: int, *samplers: Sampler) -> list[float]:
        """Return the seconds of each sampler's fastest call over so many arms.

        Raises
        ------
        Unsteady
            The time was up before each had its turn three times.
        """
        arms = _arms(size)
        rounds = [
            [self._seconds(draw, sampler, arms) for sampler in samplers] for _ in self._rounds()
        ]
        return [min(times) for times in zip(*rounds, strict=True)]

    def _rounds(self) -> Iterator[None]:
        least, most = REPEATS
        began = self._clock()
        for done in range(most):
            now = self._clock()
            if done >= least and now > min(began + ENOUGH_S, self._end):
                return
            if now > self._end:
                raise Unsteady("there was no time to measure it")
            yield

    def _seconds(self, draw: Draw, sampler: Sampler, arms: Arms) -> float:
        began = self._clock()
        if draw is Draw.TOP_K:
            sampler.top_k(arms, Eligible(), 0, BEST)
        else:
            sampler.sample(arms.alpha, arms.beta, 0, arms.lanes)
        return self._clock() - began


def _arms(size: int) -> Arms:
    """Make arms up, for a millisecond a million."""
    rng = np.random.default_rng(0)
    alpha = rng.uniform(1, 150, PATTERN).astype(np.float32)
    beta = rng.uniform(10, 5000, PATTERN).astype(np.float32)
    return Arms(np.resize(alpha, size), np.resize(beta, size), np.arange(size, dtype=np.uint64))
