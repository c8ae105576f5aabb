"""What a sizing found, as data that a file of results carries beside its loads."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from loadtest.result import Result
from loadtest.sizing.fleet import Estimate, Fleet, estimate
from loadtest.sizing.knee import Search
from loadtest.sizing.limit import OUTSIDE, Room, find_limit
from loadtest.sizing.objective import Effort, Objective, Step, Verdict

__all__ = ["KEY", "Sizing", "conclude", "knee_of", "read_sizing", "sizing_data"]

KEY = "sizing"  # in a file's `about`


@dataclass(frozen=True, slots=True)
class Sizing:
    """The knee of a server, its fleet, and the verdict and effort of each load of the file.

    Where it is not `conclusive`, something else than the node gave in, and the knee is the least
    that a node bears. The file's results are the loads of all searches, numbered by `round` from 1,
    then the run that verifies, of round 0, at the rate that the fleet gives a node.
    """

    objective: Objective
    knee: Estimate
    conclusive: bool
    limit: str
    words: str
    fleet: Fleet
    verdicts: tuple[Verdict, ...]
    efforts: tuple[Effort, ...]

    @property
    def verified(self) -> bool:
        """Whether the last load, at the rate that a node is given, met the objective."""
        return self.verdicts[-1] is Verdict.MET

    @property
    def nodes_between(self) -> tuple[int, int] | None:
        """Nodes at the upper and at the lower end of the knee's interval."""
        if self.knee.low is None or self.knee.high is None:
            return None
        fewest, most = (replace(self.fleet, knee_rps=k) for k in (self.knee.high, self.knee.low))
        return fewest.nodes, most.nodes


def conclude(
    searches: Sequence[Search], verification: Step, objective: Objective, fleet: Fleet, room: Room
) -> tuple[Sizing, list[Result]]:
    """Return what searches found for a fleet, and their loads in the order of the file."""
    steps = [*(step for search in searches for step in search.steps), verification]
    limit, words = find_limit(_decisive(searches), room, objective)
    sizing = Sizing(
        objective=objective,
        knee=knee_of(searches),
        conclusive=limit not in OUTSIDE and all(search.conclusive for search in searches),
        limit=limit.value,
        words=words,
        fleet=fleet,
        verdicts=tuple(step.verdict for step in steps),
        efforts=tuple(step.effort for step in steps),
    )
    rounds = [i for i, search in enumerate(searches, 1) for _ in search.steps]
    numbered = zip(steps, [*rounds, 0], strict=True)
    return sizing, [replace(step.result, round=number) for step, number in numbered]


def knee_of(searches: Sequence[Search]) -> Estimate:
    """Return the knee that searches found together."""
    return estimate([s.passed.rate for s in searches], [s.broken.rate for s in searches])


def sizing_data(sizing: Sizing) -> dict[str, Any]:
    """Return what a file's `about` says of a sizing."""
    return {KEY: asdict(sizing)}


def read_sizing(about: Mapping[str, Any]) -> Sizing | None:
    """Return what a file's `about` says of a sizing, None if it is not of one."""
    if KEY not in about:
        return None
    data = about[KEY]
    return Sizing(
        objective=Objective(**data["objective"]),
        knee=Estimate(**data["knee"]),
        conclusive=data["conclusive"],
        limit=data["limit"],
        words=data["words"],
        fleet=Fleet(**data["fleet"]),
        verdicts=tuple(map(Verdict, data["verdicts"])),
        efforts=tuple(Effort(**effort) for effort in data["efforts"]),
    )


def _decisive(searches: Sequence[Search]) -> Step:
    """Return the broken step of the search whose knee is the median."""
    return sorted(searches, key=lambda search: search.passed.rate)[len(searches) // 2].broken
