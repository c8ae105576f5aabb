"""The driver of this project: open or closed loop, latency and stages of every answer."""

import re
from array import array
from collections import Counter, defaultdict

from loadtest.drivers.connection import NOT_SENT, Exchange
from loadtest.drivers.driver import DriverError, Load
from loadtest.drivers.pump import send
from loadtest.pacing import quantiles
from loadtest.result import Result
from loadtest.watch import watching

__all__ = ["PythonDriver"]

TIMING = re.compile(rb"\r\nserver-timing: ([^\r]*)", re.IGNORECASE)
STAGE = re.compile(rb"([\w-]+);dur=([0-9.]+)")
STAGES_EVERY = 10  # answers


class PythonDriver:
    """One process of asyncio on uvloop, paced by a timer of the kernel."""

    name = "python"

    def run(self, load: Load) -> Result:
        """See `Driver.run`."""
        target, tally = load.target, _Tally()
        with watching(target.watched, load.seconds) as usage:
            asked = (target.url, target.bodies.lines(), load.rate, load.seconds)
            send(*asked, load.connections, tally.add)
        if not tally.latencies:
            raise DriverError(f"{target.url} answered no request: {dict(tally.errors)}")
        return Result(
            server=target.watched.server,
            driver=self.name,
            workload=target.bodies.workload,
            planned_rate=load.rate,
            connections=load.connections,
            seconds=load.seconds,
            sent=tally.sent,
            answered=len(tally.latencies),
            errors=dict(tally.errors),
            latency_ms=quantiles(tally.latencies),
            cpu_seconds=usage.cpu_seconds,
            store_cpu_seconds=usage.store_cpu_seconds,
            samples=tuple(usage.samples),
            stages_ms=tally.stages_ms(),
            error_latency_ms={kind: quantiles(ms) for kind, ms in tally.failed.items()},
            sent_late_ms=quantiles(tally.late),
        )


class _Tally:
    """Counts and milliseconds of exchanges."""

    def __init__(self) -> None:
        self.sent = 0
        self.latencies = array("d")
        self.late = array("d")
        self.errors: Counter[str] = Counter()
        self.failed: defaultdict[str, array[float]] = defaultdict(lambda: array("d"))
        self._stages: defaultdict[bytes, float] = defaultdict(float)
        self._timed = 0

    def add(self, exchange: Exchange) -> None:
        latency = (exchange.ended - exchange.due) * 1e3
        if exchange.error:
            self.errors[exchange.error] += 1
            self.failed[exchange.error].append(latency)
        else:
            self.latencies.append(latency)
            if len(self.latencies) % STAGES_EVERY == 1:
                self._add_stages(exchange.head)
        if exchange.error != NOT_SENT:
            self.sent += 1
            self.late.append((exchange.sent - exchange.due) * 1e3)

    def _add_stages(self, head: bytes) -> None:
        if timing := TIMING.search(head):
            self._timed += 1
            for name, ms in STAGE.findall(timing[1]):
                self._stages[name] += float(ms)

    def stages_ms(self) -> dict[str, float]:
        return {name.decode(): total / self._timed for name, total in self._stages.items()}
