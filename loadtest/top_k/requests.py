"""Catalogue requests to live services: with one thread and two, and while it is read anew."""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from loadtest.drivers.connection import Exchange
from loadtest.drivers.pump import send
from loadtest.top_k.arms import Files, Service, make_files, service
from loadtest.top_k.refreshes import refreshing, steady

__all__ = ["Plan", "Window", "measure_refresh", "measure_threads", "window"]

STAGE = re.compile(rb"(\w+);dur=([0-9.]+)")
WARM_UP_S = 1.0  # or a window, if that is shorter
NEVER_S = 604_800.0
AT_ONCE_S = 0.1


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of the services, and for how long.

    Attributes
    ----------
    rate : float
        Requests a second while the catalogue is read anew.
    seconds : float
        Of a window.
    """

    arms: int = 1_000_000
    k: int = 100
    rate: float = 50.0
    seconds: float = 5.0
    rounds: int = 5

    @property
    def warm_up_s(self) -> float:
        """Seconds of a window that doesn't count."""
        return min(WARM_UP_S, self.seconds)

    def body(self) -> str:
        """Return a request for the k best of the catalogue."""
        return json.dumps({"candidates": {"catalog": "content"}, "top_k": self.k})


@dataclass(frozen=True, slots=True)
class Window:
    """The answers of one window.

    Attributes
    ----------
    latency_ms : dict of str to float
        "p50", "p99", "max", from the planned time where there is a rate.
    stages_ms : dict of str to float
        The median of each of the server's stages, by its own account.
    late_ms : float
        p99 of how long after its planned time a request went out.
    versions : int
        Snapshots that answered.
    """

    what: str
    round: int
    answered: int
    errors: Mapping[str, int]
    latency_ms: Mapping[str, float]
    stages_ms: Mapping[str, float]
    late_ms: float
    versions: int


def measure_threads(folder: Path, plan: Plan, gpu: str) -> list[Window]:
    """Ask services of one thread and of two in turn, one request after the other."""
    files = make_files(folder, plan.arms)
    windows = []
    with ExitStack() as stack:
        services = {
            f"{threads} thread{'s' * (threads > 1)}": stack.enter_context(
                service(files, threads, NEVER_S)
            )
            for threads in (1, 2)
        }
        if gpu != "off":
            services["GPU"] = stack.enter_context(service(files, 1, NEVER_S, gpu))
        for each in services.values():
            _window("", 0, each, plan, None, plan.warm_up_s)
        for round_ in range(plan.rounds):
            for name, each in services.items():
                windows.append(_window(name, round_, each, plan, None, plan.seconds))
            print(f"round {round_ + 1} of {plan.rounds} with threads", file=sys.stderr)
    return windows


def measure_refresh(folder: Path, plan: Plan) -> list[Window]:
    """Ask one service at a rate, while its catalogue stays and while it is read without pause."""
    files = make_files(folder, plan.arms)
    windows = []
    with service(files, 1, AT_ONCE_S) as asked:
        _window("", 0, asked, plan, plan.rate, plan.warm_up_s)
        for round_ in range(plan.rounds):
            for name in ("steady", "refreshing"):
                with _state(name, asked, files):
                    windows.append(_window(name, round_, asked, plan, plan.rate, plan.seconds))
            print(f"round {round_ + 1} of {plan.rounds} with refreshes", file=sys.stderr)
    return windows


@contextmanager
def _state(name: str, asked: Service, files: Files) -> Iterator[None]:
    with steady(asked.pid) if name == "steady" else refreshing(asked.pid, files):
        yield


def _window(
    what: str, round_: int, asked: Service, plan: Plan, rate: float | None, seconds: float
) -> Window:
    exchanges: list[Exchange] = []
    connections = 1 if rate is None else 32
    send(asked.url, [plan.body()], rate, seconds, connections, exchanges.append)
    return window(what, round_, exchanges)


def window(what: str, round_: int, exchanges: list[Exchange]) -> Window:
    """Return what the exchanges of a window say.

    Raises
    ------
    RuntimeError
        Nothing was answered.
    """
    good = [each for each in exchanges if not each.error]
    errors: dict[str, int] = {}
    for each in exchanges:
        if each.error:
            errors[each.error] = errors.get(each.error, 0) + 1
    if not good:
        raise RuntimeError(f"{what}: no answer, but {errors}")
    latencies = np.array([(each.ended - each.due) * 1e3 for each in good])
    late = np.array([(each.sent - each.due) * 1e3 for each in good])
    p50, p99, most = np.percentile(latencies, [50, 99, 100]).tolist()
    versions = {json.loads(each.body)["catalog"]["version"] for each in good}
    return Window(
        what,
        round_,
        len(good),
        errors,
        {"p50": p50, "p99": p99, "max": most},
        _stages(good),
        float(np.percentile(late, 99)),
        len(versions),
    )


def _stages(exchanges: list[Exchange]) -> dict[str, float]:
    """Return the median of each stage."""
    stages: dict[str, list[float]] = {}
    for each in exchanges:
        header = each.head.lower().partition(b"server-timing:")[2].partition(b"\r\n")[0]
        for name, ms in STAGE.findall(header):
            stages.setdefault(name.decode(), []).append(float(ms))
    return {name: float(np.median(values)) for name, values in stages.items()}
