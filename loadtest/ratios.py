"""Results of several servers as a Markdown table: medians, spreads, ratios round by round."""

from collections.abc import Callable, Iterable, Sequence
from statistics import median

from loadtest.markdown import markdown_table
from loadtest.result import Result

__all__ = ["comparison_table", "ratios"]

COLUMNS = (
    "server",
    "CPU per request, us (min..max)",
    "ratio (min..max)",
    "requests/s",
    "predictions/s",
    "p50 ms",
    "p99 ms",
    "errors",
    "resident MB",
    "store's CPU, us",
)


def comparison_table(results: Sequence[Result], base: str) -> str:
    """Return a Markdown table of results of one workload, a row for each server.

    Figures are medians over the rounds; a ratio is that of the CPU per request to the base's in the
    same round. The store's CPU is not in the server's.

    Parameters
    ----------
    results : sequence of Result
        Every server has the same rounds.
    base : str
        The server whom the others are compared to.
    """
    servers = dict.fromkeys(result.server for result in results)
    rows = (_cells([r for r in results if r.server == name], results, base) for name in servers)
    return markdown_table(COLUMNS, rows)


def ratios(results: Iterable[Result], server: str, base: str) -> list[float]:
    """Return a server's CPU per request over the base's, round by round."""
    cpu = {(result.server, result.round): result.cpu_us for result in results}
    return [own / cpu[base, number] for (name, number), own in cpu.items() if name == server]


def _cells(mine: Sequence[Result], results: Sequence[Result], base: str) -> list[str]:
    def middle(figure: Callable[[Result], float]) -> float:
        return median(figure(result) for result in mine)

    return [
        mine[0].server,
        _spread([result.cpu_us for result in mine], 0),
        _spread(ratios(results, mine[0].server, base), 2),
        f"{middle(lambda r: r.throughput):,.0f}",
        f"{middle(lambda r: r.predictions_per_s):,.0f}",
        f"{middle(lambda r: r.latency_ms['p50']):.2f}",
        f"{middle(lambda r: r.latency_ms['p99']):.2f}",
        f"{sum(sum(result.errors.values()) for result in mine)}",
        f"{max(result.resident_bytes for result in mine) / 1e6:.0f}",
        f"{middle(lambda r: 1e6 * r.store_cpu_seconds / r.answered):.0f}",
    ]


def _spread(values: Sequence[float], digits: int) -> str:
    low, high = min(values), max(values)
    return f"{median(values):.{digits}f} ({low:.{digits}f}..{high:.{digits}f})"
