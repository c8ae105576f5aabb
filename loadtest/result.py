"""What a driver measured of a server: the data that sizing, comparisons and reports work on."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Result", "Sample", "Workload", "read_results", "write_results"]

VERSION = 1
CPU = ("cpu_seconds", "store_cpu_seconds")


@dataclass(frozen=True, slots=True)
class Workload:
    """What is asked for; the same seed asks for the same.

    Attributes
    ----------
    candidates : int
        Ids in each request.
    ids : str
        How ids are drawn from the catalogue: "uniform" or "zipf".
    cold_share : float
        Share of the ids that the catalogue doesn't have, from 0 to 1.
    users : int
        Users whom the pairs are asked for; 0: ids of content alone.
    rows : int
        Size of the catalogue.
    """

    candidates: int = 400
    ids: str = "uniform"
    cold_share: float = 0.0
    users: int = 0
    rows: int = 100_000
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Sample:
    """The server's processes, `seconds` after the begin of the load."""

    seconds: float
    cores: float
    resident_bytes: int


@dataclass(frozen=True, slots=True)
class Result:
    """One load on one server, by one driver.

    Attributes
    ----------
    planned_rate : float or None
        Requests a second of an open-loop load; None where connections go as fast as they can.
    sent : int
        Requests that went out in the `seconds` of the load.
    answered : int
        Those answered 200.
    errors : dict of str to int
        Other answers by status ("429"), lost ones by what happened ("TimeoutError"), and those that
        an open-loop load had planned but could not send ("not sent").
    latency_ms : dict of str to float
        "p50", "p90", "p95", "p99", "p99.9", "max" of the answered ones, from the planned send time
        of an open-loop load. Empty where none was answered.
    connections : int
        The most requests in flight.
    error_latency_ms : dict of str to dict of str to float
        The same of each kind of `errors`, where the driver tells them apart.
    sent_late_ms : dict of str to float
        The same of how long after its planned time a request went out, for want of a connection or
        of CPU for the driver; where the driver knows it.
    cpu_seconds, store_cpu_seconds : float
        User + system time of the server's processes, and of its store's where it has one. NaN (null
        in a file) where they can't be seen: a server on another machine.
    stages_ms : dict of str to float
        Mean of each stage by the server's own account (Server-Timing), where the driver reads it.
    """

    server: str
    driver: str
    workload: Workload
    planned_rate: float | None
    seconds: float
    sent: int
    answered: int
    errors: Mapping[str, int]
    latency_ms: Mapping[str, float]
    cpu_seconds: float
    store_cpu_seconds: float = 0.0
    samples: tuple[Sample, ...] = ()
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    round: int = 0
    connections: int = 0
    error_latency_ms: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    sent_late_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def sent_rate(self) -> float:
        """Requests a second that went out."""
        return self.sent / self.seconds

    @property
    def throughput(self) -> float:
        """Requests a second that were answered 200."""
        return self.answered / self.seconds

    @property
    def predictions_per_s(self) -> float:
        """Candidates a second that were scored."""
        return self.throughput * self.workload.candidates

    @property
    def error_share(self) -> float:
        """Share of the requests, sent or planned, that were not answered 200."""
        failed = sum(self.errors.values())
        return failed / (self.answered + failed)

    @property
    def cpu_us(self) -> float:
        """Microseconds of the server's CPU for each request answered, whatever the answer."""
        statuses = sum(count for kind, count in self.errors.items() if kind.isdigit())
        return self.cpu_seconds / (self.answered + statuses) * 1e6

    @property
    def cores(self) -> float:
        """Cores that the server's processes kept busy."""
        return self.cpu_seconds / self.seconds

    @property
    def resident_bytes(self) -> int:
        """Resident memory of the server's processes at its highest."""
        return max((sample.resident_bytes for sample in self.samples), default=0)


def write_results(path: Path, results: Iterable[Result], about: Mapping[str, Any]) -> None:
    """Write results as JSON with what they were measured on: machine, versions, command."""
    document = {"version": VERSION, "about": about, "results": [_fields(r) for r in results]}
    path.write_text(json.dumps(document, indent=1, allow_nan=False))


def read_results(path: Path) -> tuple[list[Result], Mapping[str, Any]]:
    """Return the results of a file and what they were measured on.

    Raises
    ------
    ValueError
        The file is not one of `write_results`.
    """
    document = json.loads(path.read_text())
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise ValueError(f"{path} holds no results of version {VERSION}")
    try:
        return [_result(each) for each in document["results"]], document["about"]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} lacks something of version {VERSION}: {error!r}") from error


def _fields(result: Result) -> dict[str, Any]:
    fields = asdict(result)
    return fields | {name: None for name in CPU if math.isnan(fields[name])}


def _result(fields: dict[str, Any]) -> Result:
    fields |= {name: math.nan for name in CPU if fields[name] is None}
    workload = Workload(**fields.pop("workload"))
    samples = tuple(Sample(**sample) for sample in fields.pop("samples"))
    return Result(workload=workload, samples=samples, **fields)
