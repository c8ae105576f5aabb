"""Measures from how many arms several CPU threads, and the GPU, are faster on this machine."""

import time
from dataclasses import dataclass

from bandit.crossovers import UNMEASURED, Backend, Crossover, Crossovers, Draw
from bandit.sampler import Sampler
from service.sampling.timing import Clock, Timing, Unsteady

__all__ = ["Calibration", "calibrate"]

SIZES = tuple(1 << power for power in range(12, 23))  # 4,096 to 4,194,304
SEARCH_S = 0.05
FASTER = 0.9  # of the other's time, or it isn't worth a second processor
IN_A_ROW = 3
INLINE_S = 0.25e-3  # a longer call keeps an event loop from its other requests
INLINE_SIZE = 1 << 15


@dataclass(frozen=True, slots=True)
class Calibration:
    """The crossovers of a machine.

    Attributes
    ----------
    notes : tuple of str
        What could not be measured, and what stands in for it.
    seconds : float
        How long it took.
    """

    crossovers: Crossovers
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def lines(self) -> list[str]:
        """Return it for people to read."""
        kinds = [_described(draw, self.crossovers.of(draw)) for draw in Draw]
        return [*kinds, *self.notes, f"measured in {self.seconds * 1000:.0f} ms"]


def calibrate(
    one: Sampler,
    several: Sampler | None,
    gpu: Sampler | None,
    clock: Clock = time.perf_counter,
) -> Calibration:
    """Measure, for some 0.2 s at most.

    Each size counts with the fastest of 3 to 7 calls, made by one back end and the other in turn.
    A back end pays from the first of three sizes in a row at which it is faster by a tenth. Where
    it loses a size after one that it won, or where the time doesn't suffice, something else runs on
    the machine, and what is safe on any stands in.

    Parameters
    ----------
    one, several : Sampler
        One CPU thread; several, None where there is but one.
    gpu : Sampler or None
        What draws on the GPU; what fails there is never used, and a note says so.
    clock : function
        Returns seconds.
    """
    started = clock()
    calibrator = Calibrator(one, several, gpu, clock)
    top_k, lists = calibrator.crossover(Draw.TOP_K), calibrator.crossover(Draw.LIST)
    notes = tuple(calibrator.notes)
    return Calibration(Crossovers(top_k, lists, measured=not notes), notes, clock() - started)


class Calibrator:
    """Compares back ends; `notes` has what could not be measured."""

    def __init__(
        self, one: Sampler, several: Sampler | None, gpu: Sampler | None, clock: Clock
    ) -> None:
        self.notes: list[str] = []
        self._one = one
        self._several = several
        self._gpu = gpu
        self._clock = clock

    def crossover(self, draw: Draw) -> Crossover:
        """Measure the sizes for one kind of draw."""
        safe = UNMEASURED.of(draw)
        return Crossover(
            self._least(Backend.THREADS, draw, self._one, self._several, safe.threads),
            self._least(Backend.GPU, draw, self._several or self._one, self._gpu, safe.gpu),
            self._aside(draw, safe.aside),
        )

    def _least(
        self, backend: Backend, draw: Draw, slow: Sampler, fast: Sampler | None, safe: int | None
    ) -> int | None:
        if fast is None:
            return None
        try:
            return _first_won(draw, slow, fast, self._timing())
        except Unsteady as error:
            taken = "never" if safe is None else f"{safe:,} arms"
            self.notes.append(f"{backend} for {draw}: {error}; {taken} is assumed")
            return safe
        except Exception as error:  # of the GPU's
            said = f"{type(error).__name__}: {error}"
            self.notes.append(f"{backend} for {draw}: {said}; it is not used")
            return None

    def _aside(self, draw: Draw, safe: int) -> int:
        try:
            (seconds,) = self._timing().fastest(draw, INLINE_SIZE, self._one)
        except Unsteady as error:
            self.notes.append(f"one thread for {draw}: {error}; {safe:,} arms is assumed")
            return safe
        return max(1, round(INLINE_SIZE * INLINE_S / seconds))

    def _timing(self) -> Timing:
        return Timing(self._clock, self._clock() + SEARCH_S)


def _first_won(draw: Draw, slow: Sampler, fast: Sampler, timing: Timing) -> int | None:
    """Return the first of the sizes from which `fast` is faster, None when it isn't at the last."""
    won: list[int] = []
    for size in SIZES:
        before, after = timing.fastest(draw, size, slow, fast)
        if after < FASTER * before:
            won.append(size)
        elif won:
            raise Unsteady(f"it is faster with {won[-1]:,} arms and not with {size:,}")
        if len(won) == IN_A_ROW:
            break
    return won[0] if won else None


def _described(draw: Draw, crossover: Crossover) -> str:
    threads, gpu = (_from(arms) for arms in (crossover.threads, crossover.gpu))
    aside = f"beside the event loop from {crossover.aside:,} arms"
    return f"{draw}: CPU threads {threads}, GPU {gpu}, {aside}"


def _from(arms: int | None) -> str:
    return "never" if arms is None else f"from {arms:,} arms"
