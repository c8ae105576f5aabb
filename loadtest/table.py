"""Results as a Markdown table."""

import math
from collections.abc import Iterable, Sequence

from loadtest.markdown import markdown_table
from loadtest.result import Result

__all__ = ["results_table"]

COLUMNS: tuple[str, ...] = (
    *("server", "driver", "planned/s", "sent/s", "answered/s", "predictions/s"),
    *("p50 ms", "p90", "p95", "p99", "p99.9", "max"),
    *("CPU us", "cores", "MB", "late p99 ms", "errors"),
)


def results_table(results: Iterable[Result]) -> str:
    """Return one row for each result; "-" is what the driver, or this machine, can't see."""
    return markdown_table(COLUMNS, map(_cells, results))


def _cells(result: Result) -> Sequence[str]:
    planned = "as many as go" if result.planned_rate is None else f"{result.planned_rate:g}"
    rates = (result.sent_rate, result.throughput, result.predictions_per_s)
    latencies = [_figure(ms, 2) for ms in result.latency_ms.values()]
    memory = result.resident_bytes / 1e6 if result.samples else math.nan
    return [
        *(result.server, result.driver, planned),
        *(f"{rate:,.0f}" for rate in rates),
        *latencies,
        *(_figure(result.cpu_us, 0), _figure(result.cores, 2), _figure(memory, 0)),
        _figure(result.sent_late_ms.get("p99", math.nan), 2),
        ", ".join(f"{count:,} x {kind}" for kind, count in result.errors.items()) or "0",
    ]


def _figure(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
