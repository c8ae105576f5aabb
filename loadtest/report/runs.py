"""Results of several files, in groups that one line of a chart may join."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from loadtest.result import Result, read_results
from loadtest.sizing.objective import Verdict
from loadtest.sizing.sizing import Sizing, read_sizing

__all__ = ["File", "Group", "Run", "failed", "groups", "median", "read_file"]

Traits = tuple[tuple[str, str], ...]  # names and values, the server and the kind of load first

BUDGET = 0.001  # share of errors above which a load that nobody judged is drawn as failed


@dataclass(frozen=True, slots=True)
class File:
    """The results of one file and what they were measured on."""

    path: Path
    results: Sequence[Result]
    about: Mapping[str, Any]
    sizing: Sizing | None


@dataclass(frozen=True, slots=True)
class Run:
    """A result and whether it met what was asked of it."""

    result: Result
    met: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Loads of one server with one workload by one driver, all open-loop or all closed-loop.

    Attributes
    ----------
    name : str
        The server, and what else tells the group from the others.
    number : int
        From 0, of the name, which gives the colour.
    """

    name: str
    number: int
    runs: Sequence[Run]

    @property
    def open_loop(self) -> list[Run]:
        """Loads at a planned rate that were answered, by rate."""
        found = [run for run in self.runs if run.result.planned_rate and not failed(run.result)]
        return sorted(found, key=lambda run: run.result.planned_rate or 0.0)

    @property
    def closed_loop(self) -> list[Run]:
        """Loads as fast as they were answered."""
        return [r for r in self.runs if r.result.planned_rate is None and not failed(r.result)]


def failed(result: Result) -> bool:
    """Whether a load has no figures, because nothing was answered."""
    return result.answered == 0 or not result.latency_ms


def read_file(path: Path) -> File:
    """Return the results of a file.

    Raises
    ------
    OSError, ValueError
        The file can't be read, or is not one of `write_results`; the message names it.
    """
    try:
        results, about = read_results(path)
        return File(path, results, about, read_sizing(about))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{path} holds no results: {error}"
        raise ValueError(message) from error


def groups(files: Iterable[File]) -> list[Group]:
    """Return the groups of all files, in the order in which they appear."""
    found: dict[Traits, list[Run]] = {}
    for file in files:
        for run in _runs(file):
            found.setdefault(_traits(run.result), []).append(run)
    varying = _varying(list(found))
    names = [_name(traits, varying) for traits in found]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return [Group(n, numbers[n], runs) for n, runs in zip(names, found.values(), strict=True)]


def _runs(file: File) -> Iterator[Run]:
    for number, result in enumerate(file.results):
        if file.sizing is None:
            yield Run(result, not failed(result) and result.error_share <= BUDGET)
        else:
            yield Run(result, file.sizing.verdicts[number] is Verdict.MET)


def _traits(result: Result) -> Traits:
    workload = {name.replace("_", " "): str(v) for name, v in asdict(result.workload).items()}
    # Of an open loop they are only a bound.
    load = "" if result.planned_rate else str(result.connections)
    kind = {"server": result.server, "open": str(result.planned_rate is not None)}
    return tuple({**kind, "driver": result.driver, "connections": load, **workload}.items())


def _varying(all_traits: Sequence[Traits]) -> set[str]:
    """Return the traits that differ among groups of the same server and kind of load."""
    alike: dict[Traits, list[Traits]] = {}
    for traits in all_traits:
        alike.setdefault(traits[:2], []).append(traits[2:])
    return {
        pairs[0][0]
        for same in alike.values()
        for pairs in zip(*same, strict=True)
        if len(set(pairs)) > 1
    }


def _name(traits: Traits, varying: set[str]) -> str:
    parts = [
        value if name in ("driver", "ids") else f"{value} {name}"
        for name, value in traits[2:]
        if name in varying
    ]
    return ", ".join([traits[0][1], *parts])


def median(values: Sequence[float]) -> float:
    """Return the median of those that are numbers, NaN of none."""
    ordered = sorted(value for value in values if not math.isnan(value))
    if not ordered:
        return math.nan
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
