"""What keeps a node from bearing more, judged by what was busy when it broke."""

import math
from dataclasses import dataclass
from enum import StrEnum

from loadtest.result import Result
from loadtest.sizing.objective import Objective, Step, Verdict

__all__ = ["CROWDED", "OUTSIDE", "Limit", "Room", "find_limit"]

CROWDED = 0.25  # of the cores, used by others: what is found is not the node
FULL = 0.85  # of the cores; noise and the kernel have the rest
STORE_SHARE = 0.5  # of the time in all stages
FEATURES = "features"  # the stage that waits for the store


class Limit(StrEnum):
    """What a node ran out of."""

    SERVER = "CPU of the server"
    GENERATOR = "CPU of the generator"
    SHARED = "CPU that server and generator share"
    OTHERS = "other processes of the machine"
    STORE = "the store"
    ERRORS = "errors"
    LATENCY = "latency"


OUTSIDE = frozenset({Limit.GENERATOR, Limit.SHARED, Limit.OTHERS})  # alone, a node bears more


@dataclass(frozen=True, slots=True)
class Room:
    """Cores that the server may use, NaN where unknown, and whether the generator shares them."""

    cores: float
    shared: bool


def find_limit(broken: Step, room: Room, objective: Objective) -> tuple[Limit, str]:
    """Return what was full when a load broke the objective, and the figures that say so."""
    result = broken.result
    used, store = result.cores, result.store_cpu_seconds / result.seconds
    busy = _busy(used, room)
    effort = broken.effort
    together = used + store + effort.wanted if room.shared else used
    if effort.others >= CROWDED * room.cores:
        return Limit.OTHERS, f"they kept {effort.others:.2f} cores busy; {busy}: measure it alone"
    if broken.verdict is Verdict.INCONCLUSIVE:
        return Limit.GENERATOR, f"{_generator(broken)}; {busy}, so the node may bear more"
    if used >= FULL * room.cores:
        return Limit.SERVER, busy
    if store >= FULL:
        return Limit.STORE, f"its processes kept {store:.2f} cores busy; {busy}"
    if _stage_share(result) > STORE_SHARE:
        share = f"{_stage_share(result):.0%} of the time in all stages went to {FEATURES}"
        return Limit.STORE, f"{share}; {busy}"
    if together >= FULL * room.cores:
        note = "a generator on another machine would find more"
        return Limit.SHARED, f"{busy}, the generator {effort.cores:.2f}; {note}"
    if broken.verdict is Verdict.ERRORS:
        return Limit.ERRORS, f"{_errors(result)}; {busy}"
    measured = f"{objective.quantile} of {result.latency_ms.get(objective.quantile, 0.0):.1f} ms"
    return Limit.LATENCY, f"{measured} with CPU to spare: {busy}"


def _busy(used: float, room: Room) -> str:
    if math.isnan(used):
        return "the server's CPU can't be seen from here"
    return f"the server kept {used:.2f} of {room.cores:g} cores busy"


def _generator(step: Step) -> str:
    result, effort = step.result, step.effort
    return (
        f"it sent {result.sent_rate:.0f} of {step.rate:.0f} requests a second, ran on "
        f"{effort.cores:.2f} cores and waited for {effort.waited:.2f} more"
    )


def _stage_share(result: Result) -> float:
    total = sum(result.stages_ms.values())
    return result.stages_ms.get(FEATURES, 0.0) / total if total else 0.0


def _errors(result: Result) -> str:
    return ", ".join(f"{count} x {name}" for name, count in result.errors.items())
