"""From how many arms it pays to draw on another back end, as measured on a machine."""

from dataclasses import dataclass, replace
from enum import StrEnum

__all__ = ["UNMEASURED", "Backend", "Crossover", "Crossovers", "Draw", "assumed"]


class Backend(StrEnum):
    """What draws."""

    CPU = "cpu"
    THREADS = "cpu_threads"
    GPU = "gpu"


class Draw(StrEnum):
    """What is asked for: the best of arms that are held in memory, or all draws of a list."""

    TOP_K = "top_k"
    LIST = "list"


# To ask an enumeration for a member takes 0.1 us each time.
CPU, THREADS, GPU = Backend
LIST = Draw.LIST


@dataclass(frozen=True)
class Crossover:
    """How many arms each back end is for; None: it never pays.

    Attributes
    ----------
    threads, gpu : int or None
        From how many arms several CPU threads, or the GPU, are the fastest.
    aside : int
        From how many arms one call takes too long for the thread of an event loop.
    """

    threads: int | None
    gpu: int | None
    aside: int

    def backend(self, arms: int) -> Backend:
        """Return what is fastest for so many arms."""
        if self.gpu is not None and arms >= self.gpu:
            return GPU
        return self.on_cpu(arms)

    def on_cpu(self, arms: int) -> Backend:
        """Return what is fastest where there is no GPU."""
        several = self.threads is not None and arms >= self.threads
        return THREADS if several else CPU


@dataclass(frozen=True)
class Crossovers:
    """Those of a machine.

    Attributes
    ----------
    top_k, lists : Crossover
        For each kind of draw.
    measured : bool
        Whether they are; else they are what is safe on any machine.
    """

    top_k: Crossover
    lists: Crossover
    measured: bool = True

    def of(self, draw: Draw) -> Crossover:
        """Return the crossover of one kind of draw."""
        return self.lists if draw is LIST else self.top_k


# A second thread breaks even at some 32 us of work, a million draws take milliseconds on one, and
# 16,384 a quarter of one even in scalar code. A list would have to cross to the GPU first.
UNMEASURED = Crossovers(
    top_k=Crossover(threads=65_536, gpu=1_048_576, aside=16_384),
    lists=Crossover(threads=65_536, gpu=None, aside=16_384),
    measured=False,
)


def assumed(threads: int) -> Crossovers:
    """Return what is safe on any machine where so many CPU threads may be used."""
    if threads > 1:
        return UNMEASURED
    top_k, lists = (replace(one, threads=None) for one in (UNMEASURED.top_k, UNMEASURED.lists))
    return Crossovers(top_k, lists, measured=False)
