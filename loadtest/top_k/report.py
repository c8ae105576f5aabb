"""The tables."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence

from loadtest.top_k.contenders import CONTENDERS, ONE, REFERENCE, TWO
from loadtest.top_k.measure import Slice
from loadtest.top_k.requests import Window

__all__ = ["draws_tables", "requests_tables"]


def draws_tables(
    slices: Sequence[Slice], versions: Mapping[str, str], left_out: Mapping[str, str], k: int
) -> str:
    """Return times to the k best and draws a second, ratios, stages, and who isn't there."""
    counts = sorted({each.n for each in slices})
    lines = [f"ms to the {k} best, median (min..max) of the rounds; million draws a second", ""]
    lines += _table(
        ["", *(f"{n:,} arms" for n in counts)],
        ([name, *(_cell(slices, name, n) for n in counts)] for name in versions),
    )
    lines += ["", "Times faster, within a round", ""]
    lines += _table(
        ["", *(f"{n:,} arms" for n in counts)],
        (
            [f"{one} over {other}", *(_ratio(slices, one, other, n) for n in counts)]
            for one, other in ((TWO, ONE), (ONE, REFERENCE))
        ),
    )
    lines += ["", *_stages(slices, left_out), ""]
    lines += [f"- {name}: {version}" for name, version in versions.items()]
    lines += [f"- left out: {name}: {reason}" for name, reason in left_out.items()]
    return "\n".join(lines)


def requests_tables(windows: Sequence[Window], arms: int) -> str:
    """Return latencies and stages of catalogue requests, and what reading it anew adds."""
    names = list(dict.fromkeys(each.what for each in windows))
    lines = [f"Requests for the best of a catalogue of {arms:,} arms; ms, median (min..max)", ""]
    heads = ["", "p50", "p99", "draw stage", "handler", "requests", "errors", "snapshots"]
    lines += _table(heads, (_window_cells([w for w in windows if w.what == n]) for n in names))
    late = max(each.late_ms for each in windows)
    lines += ["", f"Sent late by at most {late:.1f} ms at p99: it is part of the latencies."]
    if {"1 thread", "2 threads"} <= {*names}:
        drawn = _over(windows, "1 thread", "2 threads", lambda w: w.stages_ms["draw"])
        lines += ["", f"The draw stage is {drawn} times faster with 2 threads."]
    if {"steady", "refreshing"} <= {*names}:
        p99 = _over(windows, "refreshing", "steady", lambda w: w.latency_ms["p99"])
        lines += ["", f"p99 while refreshing is {p99} times that of the steady state."]
    return "\n".join(lines)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(heads)} |",
        "|---" * len(heads) + "|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def _of(slices: Sequence[Slice], name: str, n: int) -> list[Slice]:
    return [each for each in slices if each.contender == name and each.n == n]


def _cell(slices: Sequence[Slice], name: str, n: int) -> str:
    medians = [each.median for each in _of(slices, name, n)]
    if not medians:
        return "-"
    return (
        f"{_spread([1e3 * each for each in medians])}; {n / statistics.median(medians) / 1e6:.0f}"
    )


def _ratio(slices: Sequence[Slice], one: str, other: str, n: int) -> str:
    pairs = zip(_of(slices, other, n), _of(slices, one, n), strict=False)
    return _spread([slow.median / fast.median for slow, fast in pairs])


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "-"
    return f"{statistics.median(values):.3g} ({min(values):.3g}..{max(values):.3g})"


def _stages(slices: Sequence[Slice], left_out: Mapping[str, str]) -> list[str]:
    """Return a device's stages; where there is none, why."""
    staged = [each for each in slices if each.stages_ms]
    if not staged:
        devices = [each.name for each in CONTENDERS if each.device and each.name in left_out]
        reasons = "; ".join(f"{name}: {left_out[name]}" for name in devices)
        return [f"No CUDA device was measured. {reasons}"]
    rows = []
    for name, n in dict.fromkeys((each.contender, each.n) for each in staged):
        mine = _of(staged, name, n)
        parts = [[each.stages_ms[part] for each in mine] for part in ("transfer", "kernel")]
        rest = [
            1e3 * statistics.fmean(each.seconds) - sum(each.stages_ms.values()) for each in mine
        ]
        rows.append([name, f"{n:,}", *(_spread(each) for each in (rest, *parts))])
    heads = ["ms of a pass", "arms", "launch and host", "transfer", "kernel"]
    return _table(heads, rows)


def _window_cells(windows: Sequence[Window]) -> list[str]:
    latencies = [_spread([w.latency_ms[name] for w in windows]) for name in ("p50", "p99")]
    handler = [sum(w.stages_ms.values()) for w in windows]
    errors = [f"{count} x {kind}" for w in windows for kind, count in w.errors.items()]
    return [
        windows[0].what,
        *latencies,
        _spread([w.stages_ms["draw"] for w in windows]),
        _spread(handler),
        str(sum(w.answered for w in windows)),
        ", ".join(errors) or "0",
        str(sum(w.versions for w in windows)),
    ]


def _over(
    windows: Sequence[Window], one: str, other: str, figure: Callable[[Window], float]
) -> str:
    above = [figure(w) for w in windows if w.what == one]
    below = [figure(w) for w in windows if w.what == other]
    return _spread([a / b for a, b in zip(above, below, strict=True)])
