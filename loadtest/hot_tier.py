"""Microseconds of a look-up of cold ids in the hot tier, in one thread, and its bytes per row.

    python -m loadtest.hot_tier --rows 1000000 10000000 --rounds 5

Every look-up asks for other ids, drawn at random without replacement, so that their rows were not
touched since the table was filled, and are in no cache of the processor but by chance. Timed is
what a request does: take the column's hashes, make the arrays that the table writes, and look up.
Making the ids is not.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from featuretable import FeatureCache, FeatureTable
from idcolumn import IdColumn
from loadtest.markdown import markdown_table

SEED = 1
FEATURES = 2
FILLED = 10_000  # rows of one upsert
WARM_UP = 50  # look-ups
NOW = 0
HOUR_MS = 3_600_000

Store = FeatureTable | FeatureCache


@dataclass(frozen=True, slots=True)
class Result:
    """Look-ups of one table: microseconds of each, round by round, and bytes per row."""

    table: str
    rows: int
    bytes_per_row: float
    fill_s: float
    slowest_upsert_ms: float
    lookup_us: list[list[float]]


@dataclass(frozen=True, slots=True)
class Bound:
    """A cache that was fed more rows than it may hold."""

    max_rows: int
    fed: int
    rows: int
    evicted: int
    nbytes: int
    upsert_us_per_row: float


def main() -> None:
    """Run the benchmark and print Markdown tables; --json writes every look-up."""
    options = _options()
    results = [
        _measure(name, rows, options)
        for rows in options.rows
        for name in ("FeatureTable", "FeatureCache")
    ]
    bound = _overfill(options.bound, 10 * options.bound)
    print(_report(results, bound, options))
    if options.json:
        document = {
            "machine": {"platform": platform.platform(), "python": platform.python_version()},
            "options": {key: str(value) for key, value in vars(options).items()},
            "results": [asdict(result) for result in results],
            "bound": asdict(bound),
        }
        options.json.write_text(json.dumps(document, indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--ids", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lookups", type=int, default=400, help="in a round")
    parser.add_argument("--bound", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _measure(name: str, rows: int, options: argparse.Namespace) -> Result:
    store = FeatureTable(FEATURES, rows) if name == "FeatureTable" else _cache(rows)
    upserts = [_timed(_upsert, store, ids) for ids in _columns(np.arange(rows))]
    lookups = options.rounds * options.lookups + WARM_UP
    if lookups * options.ids > rows:
        raise ValueError(f"{lookups} look-ups of {options.ids} ids are more than {rows} rows")
    order = np.random.default_rng(SEED).permutation(rows)[: lookups * options.ids]
    times = [1e6 * _timed(_look, store, ids) for ids in _columns(order, options.ids)][WARM_UP:]
    return Result(
        name,
        rows,
        store.nbytes / rows,
        sum(upserts),
        1e3 * max(upserts),
        np.reshape(times, (options.rounds, -1)).tolist(),
    )


def _cache(max_rows: int) -> FeatureCache:
    limits = {"ttl_ms": HOUR_MS, "negative_ttl_ms": HOUR_MS, "stale_ms": HOUR_MS}
    return FeatureCache(FEATURES, max_rows, **limits)


def _columns(numbers: NDArray[np.int64], size: int = FILLED) -> Iterator[IdColumn]:
    for start in range(0, len(numbers), size):
        part = numbers[start : start + size].tolist()
        yield IdColumn.from_bytes([b"arm-%d" % number for number in part])


def _timed(work: Callable[[Store, IdColumn], None], store: Store, ids: IdColumn) -> float:
    start = time.perf_counter()
    work(store, ids)
    return time.perf_counter() - start


def _upsert(store: Store, ids: IdColumn) -> None:
    values = np.ones((len(ids), FEATURES))
    if isinstance(store, FeatureTable):
        store.upsert(ids.hashes, ids.fingerprints, values)
    else:
        found = np.ones(len(ids), np.bool_)
        store.upsert(ids.hashes, ids.fingerprints, NOW, values, found)


def _look(store: Store, ids: IdColumn) -> None:
    if isinstance(store, FeatureTable):
        _, _, hits = store.lookup(ids.hashes, ids.fingerprints)
    else:
        values = np.empty((len(ids), FEATURES))
        states = np.empty(len(ids), np.uint8)
        hits = store.lookup(ids.hashes, ids.fingerprints, NOW, values, states).found
    if hits != len(ids):
        raise RuntimeError(f"{len(ids) - hits} of {len(ids)} ids were not found")


def _overfill(max_rows: int, fed: int) -> Bound:
    cache = _cache(max_rows)
    seconds = sum(_timed(_upsert, cache, ids) for ids in _columns(np.arange(fed)))
    return Bound(max_rows, fed, len(cache), cache.evicted, cache.nbytes, 1e6 * seconds / fed)


def _report(results: list[Result], bound: Bound, options: argparse.Namespace) -> str:
    heads = ["table", "rows", "us per look-up, median (of rounds, min..max)"]
    heads += ["5 %..95 % of look-ups", "bytes per row", "fill s", f"slowest upsert of {FILLED}, ms"]
    overfilled = (
        f"A cache of at most {bound.max_rows} rows, fed with {bound.fed}: {bound.rows} rows, "
        f"{bound.evicted} evicted, {bound.nbytes} bytes "
        f"({bound.nbytes / bound.max_rows:.1f} a row), {bound.upsert_us_per_row:.3f} us a row"
    )
    method = f"{options.ids} cold ids a look-up, {options.rounds} rounds of {options.lookups}"
    return "\n\n".join([method, markdown_table(heads, map(_cells, results)), overfilled])


def _cells(result: Result) -> list[str]:
    medians = [statistics.median(times) for times in result.lookup_us]
    low, high = np.percentile(result.lookup_us, [5, 95])
    return [
        *(result.table, f"{result.rows}"),
        f"{np.median(result.lookup_us):.1f} ({min(medians):.1f}..{max(medians):.1f})",
        *(f"{low:.1f}..{high:.1f}", f"{result.bytes_per_row:.1f}"),
        *(f"{result.fill_s:.2f}", f"{result.slowest_upsert_ms:.0f}"),
    ]


if __name__ == "__main__":
    main()
